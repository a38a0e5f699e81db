"""The faults of company contacts: each changes the answer to a question that a calm sandbox answers rightly."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import psycopg
import pytest
from starlette.datastructures import QueryParams

from fixtures.sandbox.connectra.filters import ConnectraFilters
from fixtures.sandbox.contact360.company.filters import attribute_query_of, filters_of
from fixtures.sandbox.contact360.company.pages import PageWindow
from fixtures.sandbox.contact360.company.vql import VqlContacts
from fixtures.sandbox.faults.injector import FaultInjector
from suites.selftest.support.both_sides import LargestCompany, Sides, largest_company, uuids_of

Shown = Callable[[httpx.Response], Any]
NOBODY = LargestCompany(uuid="00000000-0000-4000-8000-000000000000", row={}, people=())


def _exact(company: LargestCompany, column: str, length: int = 3) -> str:
    """As `LargestCompany.part`, as it is written in a value."""
    part = company.part(column, length)
    return next(text[at : at + length] for text in company.texts(column) if (at := text.upper().find(part)) >= 0)


def _who(page: httpx.Response) -> Any:
    return sorted(uuids_of(page))


# By fault: (path, query, what to look at).
SHOWN: dict[str, tuple[str, Callable[[LargestCompany], dict[str, Any]], Shown]] = {
    "filter-ignored": ("", lambda company: {"title": _exact(company, "title")}, _who),
    "filter-search-ignored": ("", lambda company: {"search": _exact(company, "first_name")}, _who),
    "filter-dates-ignored": ("", lambda company: {"created_at_after": company.moment("created_at")}, _who),
    "filter-ordering-ignored": ("", lambda _: {"ordering": "email", "limit": 100}, uuids_of),
    "filter-comma-literal": ("", lambda company: {"first_name": ",".join(company.texts("first_name")[:2])}, _who),
    "filter-case-sensitive": ("", lambda company: {"last_name": company.part("last_name")}, _who),
    "filter-wrong-field": ("", lambda company: {"city": _exact(company, "city")}, _who),
    "filter-array-exact": ("", lambda company: {"departments": _exact(company, "departments")}, _who),
    "exclusion-exact": ("", lambda _: {"exclude_seniorities": "enio"}, _who),
    "exclusion-drops-null": ("", lambda _: {"exclude_seniorities": "nobody's"}, _who),
    "status-ignored": ("", lambda _: {"status": "active"}, _who),
    "page-drop": ("", lambda _: {"limit": 5, "offset": 5, "ordering": "email"}, _who),
    "endless-next": ("", lambda _: {"limit": 100}, lambda page: page.json()["next"] is None),
    "unstable-order": ("", lambda _: {"limit": 100}, uuids_of),
    "default-page": ("", lambda _: {}, lambda page: len(uuids_of(page))),
    "total-capped": ("count/", lambda _: {}, httpx.Response.json),
    "count-no-company-check": ("count/", lambda _: {}, lambda answer: answer.status_code),
    "attribute-capped": ("department/", lambda _: {}, httpx.Response.json),
}


@pytest.fixture
def asked_of(name: str, company: LargestCompany, database: psycopg.Connection[Any]) -> LargestCompany:
    """The company for which the fault shows."""
    if name == "exclusion-drops-null":
        return largest_company(database, "c.seniority IS NULL")
    return NOBODY if name == "count-no-company-check" else company


@pytest.mark.parametrize("name", SHOWN)
def test_a_fault_changes_the_answer(
    sides: Sides, playing: Callable[..., None], asked_of: LargestCompany, name: str
) -> None:
    path, params, shown = SHOWN[name]

    right, _ = sides.ask(asked_of.uuid, path, **params(asked_of))
    playing(name)
    wrong, _ = sides.ask(asked_of.uuid, path, **params(asked_of))

    assert shown(right) != shown(wrong)


class _Connectra:
    """Knows one company and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Mapping[str, Any]] = []

    def company(self, key: str) -> dict[str, Any]:
        return {"uuid": key, "metadata": None}

    def ask(self, _path: str, query: Mapping[str, Any], part: str) -> Any:
        self.requests.append(query)
        return 0 if part == "count" else []


@pytest.fixture
def connectra() -> _Connectra:
    return _Connectra()


@pytest.fixture
def injecting(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], FaultInjector]:
    def play(name: str) -> FaultInjector:
        monkeypatch.setenv("SANDBOX_FAULTS", json.dumps([name]))
        return FaultInjector()

    return play


NO_QUERY = QueryParams("")


def test_overlapping_pages_begin_a_row_early(connectra: _Connectra, injecting: Callable[[str], FaultInjector]) -> None:
    contacts = VqlContacts(connectra, injecting("page-overlap"))

    contacts.page("k", filters_of(NO_QUERY), PageWindow(limit=5, offset=10))

    assert (connectra.requests[0]["offset"], connectra.requests[0]["limit"]) == (9, 5)


def test_a_constant_count_counts_every_contact(
    connectra: _Connectra, injecting: Callable[[str], FaultInjector]
) -> None:
    VqlContacts(connectra, injecting("count-constant")).count("k", filters_of(NO_QUERY))

    assert connectra.requests == [{"filters": {}}]


def test_global_values_are_those_of_all_companies(
    connectra: _Connectra, injecting: Callable[[str], FaultInjector]
) -> None:
    contacts = VqlContacts(connectra, injecting("attribute-global"))

    contacts.values("k", "title", filters_of(NO_QUERY), attribute_query_of(NO_QUERY))

    assert connectra.requests[0]["filters"] == {}


@pytest.mark.parametrize("text", ["vp", "sales"])
def test_short_grams_and_words_miss_parts(injecting: Callable[[str], FaultInjector], text: str) -> None:
    group = {"and": [{"field": "title", "operator": "contains", "value": text}]}
    nobody = {"bool": {"must_not": [{"match_all": {}}]}}

    (grams,) = ConnectraFilters("contacts", injecting("filter-short-grams")).query(group)["bool"]["filter"]
    (clause,) = ConnectraFilters("contacts", injecting("filter-analysed")).query(group)["bool"]["filter"]

    assert (grams == nobody) is (text == "vp")
    assert clause == {"match": {"title": {"query": text, "operator": "and"}}}
