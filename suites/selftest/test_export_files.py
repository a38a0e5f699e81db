"""Export files as the backend twin writes them, by both paths, and what each fault does to them."""

import json

import pytest

from fixtures.sandbox.contact360.exports.bundles import ContactBundle, person
from fixtures.sandbox.contact360.exports.csv import DIRECT, VQL, cells, header, written
from fixtures.sandbox.contact360.exports.faults import encoded, spoilt
from fixtures.sandbox.faults.catalogue import CATALOGUE
from fixtures.sandbox.faults.injector import FaultInjector

KINDS = ("contacts", "companies")


def _rows(kind: str, count: int = 20) -> list[list[str]]:
    return [[f"{name}-{number},é" for name in header(kind)] for number in range(count)]


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch):
    def mischief(*faults: str) -> FaultInjector:
        monkeypatch.setenv("SANDBOX_FAULTS", json.dumps(faults))
        return FaultInjector()

    return mischief


@pytest.mark.parametrize("kind", KINDS)
def test_calm_changes_nothing(playing, kind: str) -> None:
    rows = _rows(kind)

    assert spoilt(playing(), kind, rows) == rows
    assert encoded(playing(), "é") == "é".encode()


@pytest.mark.parametrize(
    ("fault", "count"), [("export-truncated", 18), ("export-header-only", 0), ("export-doubled", 40)]
)
def test_rows_go_missing_or_come_twice(playing, fault: str, count: int) -> None:
    rows = spoilt(playing(fault), "contacts", _rows("contacts"))

    assert len(rows) == count
    assert rows[:1] == _rows("contacts")[: min(count, 1)]


def test_the_last_row_of_a_single_one_is_truncated(playing) -> None:
    assert spoilt(playing("export-truncated"), "contacts", _rows("contacts", 1)) == []


@pytest.mark.parametrize(
    ("fault", "kind", "changed"),
    [
        ("export-blank-columns", "contacts", 26),
        ("export-blank-columns", "companies", 10),
        ("export-cut-lists", "contacts", 2),
        ("export-cut-lists", "companies", 1),
        ("export-wrong-columns", "contacts", 3),
        ("export-wrong-columns", "companies", 0),
        ("export-shuffled", "contacts", 1),
        ("export-shuffled", "companies", 1),
    ],
)
def test_columns_change_and_rows_stay(playing, fault: str, kind: str, changed: int) -> None:
    before = _rows(kind)

    after = spoilt(playing(fault), kind, before)

    pairs = zip(zip(*before, strict=True), zip(*after, strict=True), strict=True)
    assert sum(old != new for old, new in pairs) == changed
    assert [row[0] for row in after] == [row[0] for row in before]


def test_a_fault_hits_its_share_of_exports(playing) -> None:
    mischief = playing("export-header-only:0.5")

    hit = sum(spoilt(mischief, "contacts", _rows("contacts", 1)) == [] for _ in range(200))

    assert 60 < hit < 140


def test_bytes_are_spoilt(playing) -> None:
    assert encoded(playing("export-latin1"), "é") == b"\xe9"
    assert encoded(playing("export-latin1"), "伟") == b"?"
    assert encoded(playing("export-bom"), "é") == b"\xef\xbb\xbf" + "é".encode()


def test_every_fault_of_these_phases_names_a_criterion() -> None:
    faults = [fault for fault in CATALOGUE if fault.phase in ("phase3", "phase4")]

    assert len(faults) > 20
    assert [fault.name for fault in faults if not fault.criteria] == []


LACKING = {
    "uuid": "k",
    "name": None,
    "employees_count": 0,
    "industries": ["a", "", "b"],
    "keywords": None,
    "created_at": "2026-01-01T00:00:00.5",
}
BUNDLE = ContactBundle(
    contact={"uuid": "c", "seniority": "_", "departments": ["x", "y"], "created_at": "2026-01-01T00:00:00"},
    metadata={"city": "_"},
    company=LACKING,
    company_metadata={"city": "_", "latest_funding": None},
)
SHOWN = (
    "contact_seniority",
    "contact_departments",
    "contact_created_at",
    "contact_metadata_city",
    "company_name",
    "company_employees_count",
    "company_industries",
    "company_keywords",
    "company_created_at",
    "company_metadata_latest_funding",
    "company_metadata_city",
)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (
            DIRECT,
            ["_", "x,y", "2026-01-01T00:00:00", "", "None", "", "a,b", "", "2026-01-01T00:00:00.500000", "None", "_"],
        ),
        (VQL, ["", "x, y", "2026-01-01T00:00:00", "", "", "", "a, b", "", "2026-01-01T00:00:00.500000", "", ""]),
    ],
    ids=["direct", "vql"],
)
def test_each_path_writes_cells_in_its_own_style(style, expected: list[str]) -> None:
    row = dict(zip(header("contacts"), cells("contacts", BUNDLE, style["contacts"]), strict=True))

    assert [row[name] for name in SHOWN] == expected


def test_a_company_that_is_not_there_has_blank_cells() -> None:
    row = cells("contacts", person({"uuid": "c"}), DIRECT["contacts"])

    assert row == ["c"] + [""] * 47


def test_contacts_are_quoted_only_where_they_must() -> None:
    assert written("contacts", [["a,b", 'c"d', "e\nf", "g\rh", " i "]]) == '"a,b","c""d","e\nf",g\rh, i \n'
    assert written("companies", [["a,b", "c"]]) == '"a,b",c\r\n'


CONTACT_HEADER = (
    "contact_uuid,contact_first_name,contact_last_name,contact_company_id,contact_email,contact_title,"
    "contact_departments,contact_mobile_phone,contact_email_status,contact_text_search,contact_seniority,"
    "contact_created_at,contact_updated_at,contact_metadata_linkedin_url,contact_metadata_facebook_url,"
    "contact_metadata_twitter_url,contact_metadata_website,contact_metadata_work_direct_phone,"
    "contact_metadata_home_phone,contact_metadata_city,contact_metadata_state,contact_metadata_country,"
    "contact_metadata_other_phone,contact_metadata_stage,"
)
COMPANY_HEADER = (
    "company_uuid,company_name,company_employees_count,company_industries,company_keywords,company_address,"
    "company_annual_revenue,company_total_funding,company_technologies,company_text_search,company_created_at,"
    "company_updated_at,company_metadata_linkedin_url,company_metadata_facebook_url,company_metadata_twitter_url,"
    "company_metadata_website,company_metadata_company_name_for_emails,company_metadata_phone_number,"
    "company_metadata_latest_funding,company_metadata_latest_funding_amount,company_metadata_last_raised_at,"
    "company_metadata_city,company_metadata_state,company_metadata_country"
)


def test_the_columns_are_those_of_the_contract() -> None:
    assert ",".join(header("contacts")) == CONTACT_HEADER + COMPANY_HEADER
    assert ",".join(header("companies")) == COMPANY_HEADER
