"""Answers made to do harm: they cost bounded memory and time, take no token along, and stay what they are: text."""

import gzip
import io
import json
import re
import tracemalloc
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.checks.exports.jobs import own_path
from fixtures.transport import http
from fixtures.transport.http import HttpClient
from fixtures.transport.json_limits import DEEPEST, is_unfit
from fixtures.transport.rate_limiter import RateLimiter
from reports.comparison.csv_reader import CsvFile
from reports.records import run_ledger
from reports.records.records import Comparison, Observation, Outcome
from suites.selftest.strangers import JSON, Said, stranger

MUCH = 4 * http.MAX_BODY  # bytes, some hundred thousand when packed
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example","x")', "\t=1")


@pytest.fixture(scope="module")
def bombs() -> Mapping[str, Said]:
    """What each says is small, and unfolds to more than anybody should hold; or to nothing that can be unfolded."""
    plain = b"0" * MUCH
    once = gzip.compress(plain, 1)
    return {
        "gzip": _packed(once, "gzip"),
        "gzip-in-gzip": _packed(gzip.compress(once), "gzip, gzip"),
        "deflate": _packed(zlib.compress(plain, 1), "deflate"),
        "brotli": _packed(b"\x00" * 100, "br"),
        "cut": _packed(gzip.compress(b'{"a": 1}')[:-4], "gzip"),
    }


@pytest.fixture
def pace(tmp_path: Path) -> RateLimiter:
    return RateLimiter(tmp_path, None)


def _packed(body: bytes, encoding: str) -> Said:
    return 200, {**JSON, "Content-Encoding": encoding}, body


def _error(pace: RateLimiter, said: Said) -> str | None:
    with (
        stranger(lambda number, path: said) as service,
        closing(HttpClient(service.url, side="backend", pace=pace, timeout_s=20, trust_env=False)) as asking,
    ):
        return asking.ask("GET", "/x").answer.error


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("gzip", "oversize"),
        ("gzip-in-gzip", "malformed"),
        ("deflate", "oversize"),
        ("brotli", "malformed"),
        ("cut", "malformed"),
    ],
)
def test_what_unfolds_without_end_is_given_up_before_it_is_there(
    pace: RateLimiter, bombs: Mapping[str, Said], name: str, error: str
) -> None:
    tracemalloc.start()
    found = _error(pace, bombs[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == error
    assert peak < MUCH / 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", ""])
def test_an_honest_encoding_is_read(pace: RateLimiter, encoding: str) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)

    assert _error(pace, _packed(packed(b'{"a": 1}'), encoding)) is None


def test_a_file_is_unpacked_on_its_way_and_bounded_too(
    pace: RateLimiter, bombs: Mapping[str, Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_FILE", 2**20)
    sheet, file = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}, io.BytesIO()

    with (
        stranger(
            lambda number, path: (200, sheet, gzip.compress(b"a,b\n") if number == 1 else bombs["gzip"][2])
        ) as service,
        closing(HttpClient(service.url, side="backend", pace=pace, trust_env=False)) as asking,
    ):
        first = asking.fetch("/x", file, content_type="text/csv").answer.error
        second = asking.fetch("/x", io.BytesIO(), content_type="text/csv").answer.error

    assert (first, file.getvalue(), second) == (None, b"a,b\n", "oversize")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 900 + "]" * 900,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 70 + "1" + "}" * 70,
        '{"a": 1e999}',
        '{"a": -1e999}',
        '{"a": Infinity}',
        '{"a": ' + "9" * 5000 + "}",
    ],
    ids=["deep", "deeper", "objects", "huge", "hugely-negative", "constant", "digits"],
)
def test_json_that_would_break_us_later_is_malformed(pace: RateLimiter, text: str) -> None:
    assert _error(pace, (200, JSON, text.encode())) == "malformed"


def test_half_a_character_is_a_difference_that_can_be_written_down(tmp_path: Path) -> None:
    """No encoding has a lone surrogate, PostgreSQL neither: it arrives, differs, and must not end the record."""
    answer = Observation(side="backend", status=200)
    writer = run_ledger.Writer(tmp_path, "w")

    writer.append(
        Comparison(phase="phase1", check="c", key="a\ud800", stratum="s", outcome=Outcome.DIFFERENT, answers=(answer,))
    )
    writer.close()

    (line,) = (tmp_path / "observations" / "w.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["key"] == "a?"


@pytest.mark.parametrize("body", [None, 1, 1.5, "ü😀", {"a": [{"b": ["c"]}]}, [[]] * 1000])
def test_what_is_meant_is_fit(body: object) -> None:
    assert not is_unfit(body)
    assert not is_unfit(json.loads("[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_never_travels_to_another_host(pace: RateLimiter, status: int) -> None:
    with stranger() as elsewhere:
        away = (status, {"Location": f"{elsewhere.url}/steal"}, b"")
        with (
            stranger(lambda number, path: away) as service,
            closing(HttpClient(service.url, side="backend", pace=pace, trust_env=False)) as asking,
        ):
            secret = {"Authorization": "Bearer token-4711"}
            told = asking.ask("POST", "/x", json_body={"a": 1}, headers=secret)
            fetched = asking.fetch("/x", io.BytesIO(), content_type="text/csv", headers=secret)

        assert (told.answer.error, fetched.answer.error) == ("redirect", "redirect")
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "https://contact360.example@evil.example/x",
        "https://contact360.example.evil.example/x",
        "http://contact360.example/x",
        "https://contact360.example:8443/x",
        "https://user@contact360.example/x",
        "file:///etc/passwd",
        "https://[::1/x",
        "javascript:alert(1)",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    assert own_path(link, "https://contact360.example") is None


def test_a_formula_is_a_cell_like_any_other() -> None:
    cells = "".join('"' + cell.replace('"', '""') + '"\r\n' for cell in FORMULAS)
    sheet = CsvFile([f"name\r\n{cells}".encode()], ["name"])

    assert [row[0] for row in sheet.rows()] == list(FORMULAS)
    assert sheet.troubles == ()


def test_nothing_is_written_that_a_spreadsheet_would_run(checkout: Path) -> None:
    """The run folder holds JSON, Markdown, HTML and XML; a table of values would carry people's formulas along."""
    ours = {
        path: path.read_text()
        for part in ("fixtures", "reports")
        for path in (checkout / part).rglob("*.py")
        if "sandbox" not in path.parts
    }

    assert [path.name for path, text in ours.items() if re.search(r"csv\.(?:Dict)?[wW]riter|openpyxl|xlsx", text)] == []


def test_a_header_without_end_is_given_up(pace: RateLimiter) -> None:
    assert _error(pace, (200, {**JSON, "X-Long": "x" * 2**20}, b"{}")) == "reset"
