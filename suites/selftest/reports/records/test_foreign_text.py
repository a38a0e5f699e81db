"""Foreign text in structure's place becomes a token wherever it is recorded; what the software itself says stays."""

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from reports.comparison.job_status import Lifecycle, StatusSample, complaints
from reports.comparison.list_diff import compared
from reports.comparison.record_diff import Field, RawDifference, record_differences
from reports.records.foreign_text import foreign, foreign_request, is_plain_key, technical
from reports.records.records import DifferenceKind
from reports.records.redaction import Pseudonymizer, Scrubber, replayable
from suites.selftest.support.hostile_corpus import HOSTILE

NAMES = ("Zqfjanet", "zqfjanet", "Zqf Janet", "zqf.janet@private.example", "+49 30 5550142", "4930555014212", "張偉")
KEY = "0b5f3b9e-3c88-4b6e-9f4a-0d7c3c8b1a55"
every_name = pytest.mark.parametrize("name", NAMES)
REDACTOR = Pseudonymizer(b"key")
CLEAN = Scrubber(pseudonymizer=REDACTOR)


@every_name
def test_a_name_is_a_token_in_every_record_and_on_every_output(name: str) -> None:
    sentence = f"the state is {foreign(name)}, which is unknown"

    assert name not in REDACTOR.named(sentence)
    assert name not in Scrubber(pseudonymizer=REDACTOR)(sentence)
    assert name not in Scrubber()(sentence)
    assert REDACTOR.named(sentence) == f"the state is {REDACTOR.token(name)}, which is unknown"


@pytest.mark.parametrize(
    "text", [KEY, KEY.upper(), "5f0c1d2e3a4b5c6d7e8f9a0b", "keyword", "17", "", "parsing_exception"]
)
def test_a_key_a_number_and_a_word_of_software_stay(text: str) -> None:
    assert Scrubber()(foreign(text)) == text


@every_name
def test_what_is_known_beforehand_stays(name: str) -> None:
    assert foreign(name, {name}) == name


@pytest.mark.parametrize(
    "text", ["deadbeef", "1234567890123456", "acefacefacefaceface", "2026-01-15", "0049-30-5550142"]
)
def test_a_short_or_one_sided_hexadecimal_is_no_key(text: str) -> None:
    assert not is_plain_key(text)


@pytest.mark.parametrize("text", HOSTILE, indirect=True)
def test_no_text_breaks_out_of_its_mark(text: str) -> None:
    marked = f"a {foreign(f'{text}{chr(0xE001)}Zqf{chr(0xE000)}')} b"

    assert "Zqf" not in Scrubber()(marked)
    assert Scrubber()(marked).startswith("a ")


def _undeclared(tables: Any, body: Any, fields: Sequence[Field]) -> list[RawDifference]:
    return [
        record_difference
        for record_difference in record_differences(tables, body, fields)
        if record_difference.kind is DifferenceKind.UNDECLARED
    ]


@every_name
@pytest.mark.parametrize("body", [{"?": 1}, {"company": {"?": 1}}, {"company": {"a.?": 1}}], ids=str)
def test_a_key_of_an_answer_is_a_token(name: str, body: dict[str, object]) -> None:
    def named(value: object) -> object:
        return (
            {key.replace("?", name): named(inner) for key, inner in value.items()} if isinstance(value, dict) else value
        )

    fields = [Field(path="company.name", columns=("companies.name",), rules=())]
    differences = _undeclared({"companies": {"name": None, "internal_score": 1}}, named(body), fields)

    assert len(differences) == 1
    assert name not in str([difference.recorded(REDACTOR) for difference in differences])


def test_a_key_that_is_a_column_or_a_part_of_the_contract_is_shown() -> None:
    fields = [Field(path="company.name", columns=("companies.name",), rules=())]
    differences = _undeclared({"companies": {"name": None, "internal_score": 1}}, {"internal_score": 3}, fields)

    assert [difference.recorded(REDACTOR).path for difference in differences] == ["internal_score"]


def test_two_hundred_thousand_undeclared_keys_are_twenty_differences() -> None:
    differences = _undeclared({}, {f"Zqf{number}": 1 for number in range(200_000)}, [])

    assert len(differences) == 20


@every_name
def test_an_unexpected_row_is_shown_as_a_token(name: str) -> None:
    paths = [difference.recorded(REDACTOR).path for difference in compared([KEY], [name, str(uuid.UUID(int=2**100))])]

    assert set(paths) == {f"rows.{KEY}", f"rows.{uuid.UUID(int=2**100)}", f"rows.{REDACTOR.token(name)}"}


@every_name
def test_a_job_in_a_foreign_state_names_a_token(name: str) -> None:
    lifecycle = Lifecycle(states=("pending", "completed"), ended=("failed",))
    sentence = complaints([StatusSample(state=name, progress=1, after_s=1.0)], lifecycle)[0]

    assert (
        REDACTOR.named(sentence) == f"status is '{REDACTOR.token(name)}', which is none of pending, completed, failed"
    )


@pytest.mark.parametrize("text", ["2.14.1", "v3", "sandbox", "release-2026.1+abc", "4F0c1d2", "contacts_v2", 7, None])
def test_what_names_a_build_is_shown(text: object) -> None:
    assert technical(text) == text


@pytest.mark.parametrize("text", ["Zqf Janet", "Zqfjanet", "張偉", "2.14 ::add-mask::x", "a\nb"])
def test_what_does_not_look_like_a_build_is_the_same_digest_in_every_run(text: str) -> None:
    assert technical(text) == technical(text)
    assert str(technical(text)).startswith("<text:")


@every_name
def test_a_link_that_a_service_gave_is_recorded_without_names(name: str) -> None:
    link = f"/media/{quote(name)}/{quote(name, safe='')}.csv?{quote(name)}=1&a%26b%3D{quote(name)}=2&token=t&{name}"
    recorded = replayable("GET", f"/api/v2/exports/{KEY}/e17{link}")

    shown = CLEAN(foreign_request(recorded, ("token",), ("api", "v2", "exports", "media")))

    assert name not in shown
    assert quote(name) not in shown
    assert shown.startswith(f"GET /api/v2/exports/{KEY}/e17/media/<str:")
    assert "&token=***" in shown


def test_a_request_of_our_own_is_recorded_as_it_is() -> None:
    recorded = replayable("GET", f"/api/v1/companies/company/{KEY}/contacts/?title=x&limit=25")

    assert foreign_request(recorded, ("title", "limit")) == recorded
    assert foreign_request("", ()) == ""


@every_name
def test_a_cursor_or_an_order_that_a_service_gave_is_recorded_without_names(name: str) -> None:
    link = urlencode({"cursor": f"bz0y {name}&limit={name}", "ordering": name, "limit": name, "order_by": name})

    shown = CLEAN(foreign_request(replayable("GET", f"/contacts/?{link}"), ("cursor", "ordering", "limit", "order_by")))

    assert name not in shown


@pytest.mark.parametrize("value", ["bz0y", "bz0xMjM0NTY=", "25", "MjU="])
def test_a_cursor_that_is_a_place_is_shown(value: str) -> None:
    recorded = replayable("GET", f"/contacts/?cursor={value}&ordering=-created_at,title")

    assert foreign_request(recorded, ("cursor", "ordering", "created_at", "title")) == recorded
    assert f"cursor={value}" in recorded
