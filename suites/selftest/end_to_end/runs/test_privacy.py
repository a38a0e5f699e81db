"""Planted secrets and personal values: nothing a run writes or prints holds any of them."""

import json
from pathlib import Path

import pytest

from reports import publish
from reports.output import evidence
from reports.records.records import Comparison, Observation, Provenance, from_json
from reports.records.redaction import Scrubber, replayable, shown_url
from suites.selftest.support.gate_runs import Rehearsal, rehearse

EMAIL, SECRET, PROFILE = "planted.person@personal.example", "s3cr3t-planted-key", "linkedin.com/in/planted-person"
PLANTED = ("planted.person", "s3cr3t", "planted-person", "planted%40", "jwtplanted")
HOSTILE = f"""
import logging, warnings
import httpx
EMAIL, SECRET, PROFILE = {EMAIL!r}, {SECRET!r}, "https://www.{PROFILE}?x=1"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqd3RwbGFudGVkIn0.c2lnbmF0dXJl"

def test_values_in_every_place(recorder):
    token = recorder.redactor.token(EMAIL)
    difference = Difference(path="email", kind=DifferenceKind.VALUE, expected=token, actual=f"raw {{EMAIL}}")
    for number in range(3):
        recorder.writer.append(sample(number, Outcome.DIFFERENT, differences=(difference,), cause="index-stale"))
    recorder.writer.append(sample(9, Outcome.DIFFERENT, key=PROFILE, stratum=f"mail {{EMAIL}}"))
    recorder.writer.append(sample(10, Outcome.FAILED, again=f"pytest -k {{EMAIL}}", answers=(Observation(side="backend",
        error=f"http-500 {{SECRET}} {{EMAIL}}", request=f"GET /x?email={{EMAIL}}"),)))
    recorder.writer.append(Fact(phase="phase1", name="health", ok=False, sentence=f"said {{EMAIL}} with {{SECRET}}"))
    recorder.writer.append(Event(name="test-error", detail=f"{{EMAIL}} {{SECRET}}", phases=("phase1",)))
    print(f"out {{EMAIL}} {{SECRET}}")
    logging.getLogger("x").error("log %s %s", EMAIL, JWT)
    raise Mismatch(f"1 of 3 answers differ: {{EMAIL}} {{SECRET}}")

def test_a_client_error(recorder):
    person = {{"email": EMAIL, "key": SECRET, "page": PROFILE}}
    request = httpx.Request("GET", f"https://user:{{SECRET}}@host/x?email=planted.person%40personal.example",
                            headers={{"Authorization": f"Bearer {{JWT}}", "X-API-Key": "unlisted-s3cr3t"}})
    try:
        assert person["email"] == "nobody", f"{{dict(request.headers)}} {{request.headers!r}} x-api-key: more-s3cr3t"
    except AssertionError as error:
        error.add_note(f"note {{EMAIL}} password=other-s3cr3t")
        raise httpx.ConnectError(f"can't reach {{request.url}} with Bearer {{JWT}}", request=request) from error

@pytest.fixture
def broken():
    raise RuntimeError(f"set-up of {{EMAIL}} with {{SECRET}}")

def test_a_broken_set_up(broken):
    pass

@pytest.fixture
def leaving():
    yield
    raise RuntimeError(f"tear-down of {{EMAIL}}")

def test_a_broken_tear_down(leaving):
    pass
"""


def _leaks(run: Rehearsal) -> list[str]:
    """Every place of a run in which something planted stands."""
    places = {
        str(path.relative_to(run.folder)): path.read_bytes().decode(errors="replace")
        for path in run.folder.rglob("*")
        if path.is_file()
    }
    places["printed"] = run.printed
    return [f"{place}: {planted}" for place, text in places.items() for planted in PLANTED if planted in text.lower()]


@pytest.mark.parametrize("options", [("-n", "1"), ("--showlocals", "-v", "-rA")], ids=["a-worker", "talkative"])
def test_nothing_planted_gets_out(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = rehearse(
        tmp_path,
        HOSTILE,
        "--history",
        str(tmp_path / "reports" / "out" / "latest" / "kept"),
        *options,
        secrets=(SECRET,),
        fingerprint={"backend": {"contact": EMAIL, "key": f"password={SECRET}"}},
        backend=f"https://u:{SECRET}@contact360.example",
    )

    assert run.verdict["verdict"] == "NO-GO"
    assert "[e-mail]" in run.printed, "the tests did plant"
    written = {path.name for path in run.folder.iterdir()}
    assert {"summary.html", "summary.md", "junit.xml", "metrics.prom", "evidence", "allure-results"} <= written
    assert (run.folder / "kept").is_dir()
    assert _leaks(run) == []


def test_a_collection_error_is_looked_over_too(tmp_path: Path) -> None:
    run = rehearse(tmp_path, f"raise RuntimeError('while collecting {EMAIL} {SECRET}')", secrets=(SECRET,))

    assert run.code == 2
    assert "while collecting [e-mail] ***" in run.printed
    assert _leaks(run) == []


def test_equal_values_share_a_token_in_the_evidence(tmp_path: Path) -> None:
    run = rehearse(tmp_path, HOSTILE, secrets=(SECRET,))

    path = run.folder / "evidence" / "contact-endpoint-parity.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    tokens = {entry["expected"] for line in lines for entry in line["differences"]}
    assert len(lines) == 5, "every mismatching key, the failed one too"
    assert len(tokens) == 1
    assert tokens.pop().startswith("<str:")


def test_evidence_shows_how_to_ask_again() -> None:
    body = {"filters": {"and": [{"field": "title", "operator": "eq", "value": "CTO'; rm"}]}, "limit": 2}
    get = Observation(side="backend", request=replayable("GET", "/api/v1/contacts/x/?title=CTO&limit=10"))
    post = Observation(side="connectra", request=replayable("POST", "/contacts/", body))

    assert evidence.request(get) == (
        'curl -sS -X GET -H "Authorization: Bearer $CONTACT360_TOKEN" '
        "\"$CONTACT360_BASE_URL\"'/api/v1/contacts/x/?title=***&limit=10'"
    )
    assert '"field": "title", "operator": "eq", "value": "***"' in evidence.request(post)
    assert evidence.request(Observation(side="database")) == ""


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("ask a.b+c@x.example.com now", "ask [e-mail] now"),
        ("?email=a%40x.example&y", "?email=[e-mail]&y"),
        ("postgresql://u:p%40w@db:5432/x", "postgresql://***@db:5432/x"),
        ("{'X-API-Key': 'abcdef'}", "{'X-API-Key': '***'}"),
        ('{"password": "hunter22"}', '{"password": "***"}'),
        ("Authorization: Bearer abcdefgh123", "Authorization: Bearer ***"),
        ("see https://de.linkedin.com/in/jane-doe?x=1 there", "see [linkedin] there"),
        ("call +49 (30) 1234567", "call [phone]"),
    ],
)
def test_values_are_known_by_their_looks(text: str, clean: str) -> None:
    assert Scrubber()(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T15:29:11+00:00",
        "the backend refused the token: is CONTACT360_TOKEN still valid?",
        'curl -H "X-API-Key: $CONNECTRA_API_KEY" -H "Authorization: Bearer $CONTACT360_TOKEN"',
        "00000000-0000-4000-8000-000000000001",
        "<str:9f1c3d5e7a>",
        "0 of 613 (0.00 %; 99.7 %: 0.00 % to 1.06 %)",
    ],
)
def test_what_must_be_read_stays_readable(text: str) -> None:
    assert Scrubber()(text) == text


@pytest.mark.timeout(120)  # in which it would not come to an end if it took time by the square of the length
@pytest.mark.parametrize("word", ["a", "a.", "a%", "linkedin.", "eyJaaaaa-", "+1", "bearer"])
def test_a_long_text_of_one_word_is_cleaned_too(word: str) -> None:
    text = word * (150_000 // len(word))

    assert Scrubber()(f"{text} a@b.example").endswith(" [e-mail]")


def test_values_may_be_shown_but_secrets_never() -> None:
    clean = Scrubber(secrets=("hush-hush",), personal=False)

    assert clean("a@b.example hush-hush") == "a@b.example ***"


@pytest.mark.parametrize("url", ["https://u:p@hooks.example/services/T0/B0/xyz?token=1", "https://hooks.example/a"])
def test_a_url_is_shown_without_what_could_be_a_secret(url: str) -> None:
    assert shown_url(url) == "https://hooks.example"


def test_a_record_of_an_older_writer_has_no_request() -> None:
    entry = {
        "type": "sample",
        "phase": "p",
        "check": "c",
        "key": "k",
        "stratum": "s",
        "outcome": "equal",
        "answers": [{"side": "backend", "provenance": "vql"}],
    }
    sample = from_json(entry)

    assert isinstance(sample, Comparison)
    assert sample.answers == (Observation(side="backend", provenance=Provenance.VQL),)


def test_a_page_that_fails_costs_a_note_and_nothing_else(tmp_path: Path) -> None:
    run = rehearse(tmp_path)
    verdict = {**run.verdict, "provenance": None}

    from reports.records import run_ledger

    notes = publish.write_all(run.folder, run_ledger.read(run.folder), verdict)

    assert any(note.startswith("summary.html could not be written") for note in notes)
