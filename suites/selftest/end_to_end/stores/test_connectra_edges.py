"""The Connectra twin over its stores: order, cursors, choices of columns, limits, slashes and methods, as recorded."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="module")
def connectra(calm: Mapping[str, str]) -> Iterator[httpx.Client]:
    key = {"X-API-Key": calm["CONNECTRA_API_KEY"]}
    with httpx.Client(base_url=calm["CONNECTRA_BASE_URL"], headers=key, trust_env=False) as client:
        yield client


def _rows(client: httpx.Client, body: dict[str, Any], table: str = "contacts") -> list[dict[str, Any]]:
    answer = client.post(f"/{table}/", json=body)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


BY_UUID = [{"order_by": "uuid"}]


def test_rows_come_in_the_order_that_is_asked_for(connectra: httpx.Client) -> None:
    up = _rows(connectra, {"limit": 100, "order_by": [{"order_by": "uuid", "order_direction": "sideways"}]})
    down = _rows(connectra, {"limit": 100, "order_by": [{"order_by": "uuid", "order_direction": "desc"}]})

    assert [row["uuid"] for row in up] == sorted(row["uuid"] for row in up)
    assert [row["uuid"] for row in down] == sorted((row["uuid"] for row in down), reverse=True)


def test_an_ordered_row_has_its_cursor_and_no_other_has(connectra: httpx.Client) -> None:
    assert all(row["cursor"] == [row["uuid"]] for row in _rows(connectra, {"limit": 5, "order_by": BY_UUID}))
    assert not any("cursor" in row for row in _rows(connectra, {"limit": 5}))


def test_a_cursor_goes_on_where_the_last_page_ended(connectra: httpx.Client) -> None:
    first = _rows(connectra, {"limit": 5, "order_by": BY_UUID})
    after = _rows(connectra, {"limit": 5, "order_by": BY_UUID, "cursor": first[-1]["cursor"]})
    page = _rows(connectra, {"limit": 5, "order_by": BY_UUID, "page": 2})

    assert after == page


def test_the_second_page_without_a_limit_begins_at_the_first_row(connectra: httpx.Client) -> None:
    assert _rows(connectra, {"page": 2, "order_by": BY_UUID}) == _rows(connectra, {"order_by": BY_UUID})


@pytest.mark.parametrize(
    "body",
    [
        {"cursor": ["x"]},
        {"order_by": BY_UUID, "cursor": ["8"], "page": 2, "limit": 5},
        {"order_by": [{"order_by": "first_name"}]},
        {"order_by": [{"order_by": "nofield"}]},
        {"order_by": [{}]},
    ],
    ids=["cursor-alone", "cursor-and-page", "analysed-text", "no-such-field", "nameless-field"],
)
def test_a_query_that_elasticsearch_refuses_is_a_failure(connectra: httpx.Client, body: dict[str, Any]) -> None:
    answer = connectra.post("/contacts/", json=body)

    assert answer.status_code == 500
    assert answer.json()["error"].startswith("ERR_ELASTICSEARCH_FAILURE: search engine returned status 400; details: {")


@pytest.mark.parametrize(("table", "field"), [("contacts", "created_at"), ("companies", "employees_count")])
def test_an_order_by_number_can_not_be_read(connectra: httpx.Client, table: str, field: str) -> None:
    answer = connectra.post(f"/{table}/", json={"order_by": [{"order_by": field}]})

    assert answer.status_code == 500
    assert "cannot unmarshal number into Go struct field" in answer.json()["error"]


def test_a_choice_of_columns_holds_these_and_a_contacts_company(connectra: httpx.Client) -> None:
    body = {"limit": 50, "order_by": BY_UUID, "select_columns": ["uuid", "email"]}

    assert {name for row in _rows(connectra, body) for name in row} == {"uuid", "company_id", "email", "cursor"}
    assert _rows(connectra, {**body, "select_columns": []}) == _rows(connectra, {"limit": 50, "order_by": BY_UUID})


@pytest.mark.parametrize(("table", "column"), [("contacts", "email"), ("companies", "name")])
def test_a_choice_of_columns_without_the_key_finds_no_row(connectra: httpx.Client, table: str, column: str) -> None:
    assert _rows(connectra, {"select_columns": [column]}, table) == []


def test_an_unknown_column_is_a_failure(connectra: httpx.Client) -> None:
    contacts = connectra.post("/contacts/", json={"select_columns": ["uuid", "nofield"]})
    companies = connectra.post("/companies/", json={"select_columns": ["uuid", "nofield"]})

    assert (contacts.status_code, companies.status_code) == (500, 500)
    assert contacts.json()["error"].startswith("ERR_DATA_FETCH_FAILED: ")
    assert companies.json()["error"] == 'ERROR: column "nofield" does not exist (SQLSTATE 42703)'


def test_a_company_without_its_key_is_attached_to_no_contact(connectra: httpx.Client) -> None:
    with_companies = _rows(connectra, {"limit": 100, "company_config": {"populate": True}})
    chosen = {"populate": True, "select_columns": ["uuid", "name"]}
    keyless = {"populate": True, "select_columns": ["name"]}

    assert any("company" in row for row in with_companies)
    named = [row["company"] for row in _rows(connectra, {"limit": 100, "company_config": chosen}) if "company" in row]
    assert {name for company in named for name in company} <= {"uuid", "name"}
    assert not any("company" in row for row in _rows(connectra, {"limit": 100, "company_config": keyless}))


def test_keys_fit_in_any_letter_case(connectra: httpx.Client) -> None:
    body = {"LIMIT": 3, "Where": {"Keyword_Match": {"must": {"uuid": "x"}}}}

    assert _rows(connectra, body) == []
    assert connectra.post("/contacts/count", json=body).json() == {"count": 0, "success": True}


@pytest.mark.parametrize("path", ["/contacts/", "/contacts/count", "/companies/", "/companies/count"])
@pytest.mark.parametrize(
    ("body", "sentence"), [({"limit": 101}, "ERR_PAGE_SIZE_EXCEEDED: "), ({"page": 11}, "ERR_PAGE_OUT_OF_RANGE: ")]
)
def test_more_than_a_page_holds_is_refused(connectra: httpx.Client, path: str, body: dict, sentence: str) -> None:
    answer = connectra.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/contacts/", 404),
        ("GET", "/contacts", 404),
        ("GET", "/contacts/count", 404),
        ("POST", "/health", 404),
        ("OPTIONS", "/contacts/", 404),
        ("HEAD", "/health", 404),
        ("GET", "/nowhere", 404),
        ("POST", "/contacts/filters/data", 404),
        ("POST", "/contacts", 307),
        ("POST", "/contacts//", 307),
        ("POST", "/contacts/count/", 307),
        ("GET", "/health/", 301),
        ("GET", "/health", 200),
        ("GET", "/common/contact/filters", 200),
    ],
)
def test_methods_and_slashes(connectra: httpx.Client, method: str, path: str, status: int) -> None:
    answer = connectra.request(method, path)

    assert answer.status_code == status
    assert answer.text == "404 page not found" or status != 404 or method == "HEAD"


def test_times_are_rfc_3339_in_utc(connectra: httpx.Client) -> None:
    rows = _rows(connectra, {"limit": 100})
    times = [row[name] for row in rows for name in ("created_at", "updated_at") if name in row]

    assert times
    assert [text for text in times if not re.fullmatch(r"[\d-]{10}T[\d:]{8}(\.\d*[1-9])?Z", text)] == []
