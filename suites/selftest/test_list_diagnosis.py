"""Why a list is wrong, question by question; what a known difference excuses, and what answers owe each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.check import Response
from fixtures.checks.company_contacts.client import ListingPage, ListingRequest, ValueResponse
from fixtures.checks.company_contacts.diagnosis import ListDiagnosis, WrongListing
from fixtures.checks.company_contacts.listing import ExpectedListing, ListingCheck, PagedListing, told_of
from fixtures.checks.company_contacts.metamorphic import MetamorphicCheck, MetamorphicRelation
from fixtures.checks.company_contacts.oracle import ContactSelection, ListedCompany
from fixtures.clients.connectra import SearchReply
from fixtures.contracts.company_filters import ParameterReading
from fixtures.contracts.contract import Contract, load
from fixtures.transport.http import Reply
from reports.comparison.list_diff import compared
from reports.judge.causes import codes
from reports.records.records import Observation, Provenance

THEN, LATER = datetime(2026, 1, 1), datetime(2026, 1, 2)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@dataclass
class _World:
    """Connectra, the index and PostgreSQL, by key: what a diagnosis may look up."""

    contract: Contract
    held: Mapping[str, datetime] = field(default_factory=dict)  # PostgreSQL: key -> last write
    served: Mapping[str, datetime] = field(default_factory=dict)  # Connectra
    indexed: Sequence[str] = ()
    match_all: bool = False
    error: str | None = None
    elsewhere: Sequence[str] = ()  # keys that Connectra has at another company

    @property
    def connectra(self) -> _World:
        return self

    @property
    def index(self) -> _World:
        return self

    @property
    def diagnosis(self) -> _World:
        return self

    def record(self, record: Any, key: str) -> SearchReply:
        rows = (
            [
                {
                    "uuid": key,
                    "company_id": "other" if key in self.elsewhere else "k",
                    "updated_at": f"{self.served[key].isoformat()}Z",
                }
            ]
            if key in self.served
            else []
        )
        return SearchReply(
            reply=Reply(answer=Observation(side="connectra", error=self.error), headers={}), rows=tuple(rows)
        )

    def document(self, index: str, key: str) -> dict[str, Any] | None:
        return {} if key in self.indexed else None

    def matches_all(self, record: Any) -> bool:
        return self.match_all

    def of_record(self, *_: Any, **__: Any) -> str:
        return "field-mapping"

    def tables(self, keys: Sequence[str]) -> dict[str, Any]:
        return {
            key: {"contacts": {"company_id": "k", "updated_at": self.held[key]}} for key in keys if key in self.held
        }


EVERYBODY = {"a": THEN, "b": THEN, "c": THEN}


def _cause(
    world: _World,
    actual: str,
    expected: str = "abc",
    again: str | None = None,
    pages: int = 1,
    provenance: Provenance = Provenance.VQL,
    filters: Mapping[str, str] | None = None,
    cut_at: tuple[int, ...] = (),
) -> str:
    case = WrongListing(
        selection=ContactSelection(company="k", filters=filters or {}),
        expected=list(expected),
        actual=list(actual),
        found=compared(list(expected), list(actual), cut_at=cut_at),
        provenance=provenance,
        through_backend=True,
        again=lambda: list(actual if again is None else again),
        pages=pages,
    )
    cause = ListDiagnosis(world, world).of_list(case)  # type: ignore[arg-type]
    assert cause in codes()
    return cause


@pytest.mark.parametrize(
    ("world", "asked", "cause"),
    [
        ({"match_all": True}, {"actual": "xyz"}, "match-all"),
        ({}, {"actual": "ab", "provenance": Provenance.FALLBACK}, "direct-path-wrong"),
        ({}, {"actual": "ab", "again": "bc"}, "unstable-answers"),
        ({}, {"actual": "ab", "cut_at": (2,)}, "page-limit"),
        ({}, {"actual": "abb", "pages": 2}, "paging"),
        ({"served": EVERYBODY, "indexed": "ab"}, {"actual": "ab"}, "missing-in-index"),
        ({"served": {"a": THEN}, "indexed": "ab"}, {"actual": "ab"}, "missing-in-index"),
        ({"served": EVERYBODY, "indexed": "abc"}, {"actual": "ab"}, "filter-conversion"),
        ({"served": EVERYBODY, "indexed": "abc"}, {"actual": "ab", "pages": 2}, "paging"),
        ({"served": EVERYBODY, "indexed": "abc", "held": EVERYBODY | {"c": LATER}}, {"actual": "ab"}, "index-stale"),
        ({"served": EVERYBODY, "indexed": "abc", "elsewhere": "c"}, {"actual": "ab"}, "index-stale"),
        ({"served": EVERYBODY | {"x": THEN}}, {"actual": "abcx"}, "ghost-in-index"),
        ({"served": EVERYBODY | {"x": THEN}, "held": EVERYBODY | {"x": THEN}}, {"actual": "abcx"}, "filter-conversion"),
        ({"served": EVERYBODY | {"x": THEN}, "held": EVERYBODY | {"x": LATER}}, {"actual": "abcx"}, "index-stale"),
        ({"error": "http-500"}, {"actual": "ab"}, "upstream-errors"),
    ],
)
def test_a_list_that_is_wrong_has_a_cause(contract: Contract, world: Any, asked: Any, cause: str) -> None:
    assert _cause(_World(contract, **{"held": EVERYBODY, **world}), **asked) == cause


@pytest.mark.parametrize(
    ("world", "cause"),
    [
        ({"served": {"k": THEN}}, "company-lookup"),
        ({}, "missing-in-index"),
        ({"error": "refused"}, "connectra-down"),
        ({"match_all": True}, "match-all"),
    ],
)
def test_a_company_that_is_not_found_has_a_cause(contract: Contract, world: Any, cause: str) -> None:
    assert ListDiagnosis(_World(contract, **world), None).of_absence("k") == cause  # type: ignore[arg-type]


class _Access:
    """A listing that holds `everybody` for PostgreSQL; readings of a filter by what they let pass."""

    def __init__(self, contract: Contract, passing: Mapping[str, Sequence[str]]) -> None:
        from fixtures.checks.company_contacts.listing import CompanyContext

        self.endpoints = contract.company_contacts
        self.target = self
        self.contract = contract
        self.readings = lambda *args: CompanyContext.readings(self, *args)  # type: ignore[arg-type]
        self.staff = self
        self._passing = passing

    def uuids(
        self, selection: ContactSelection, readings: Mapping[str, ParameterReading] | None = None
    ) -> tuple[str, ...]:
        return tuple(self._passing[" ".join(sorted(readings or {}))])


def _told(keys: str, provenance: Provenance) -> Response:
    page = ListingPage(
        answer=Observation(side="backend", provenance=provenance),
        rows=tuple({"uuid": key} for key in keys),
        onward=None,
        request_id="r",
    )
    return told_of(PagedListing(pages=(page,)))


@pytest.mark.parametrize(
    ("keys", "provenance", "excused"),
    [
        ("abcd", Provenance.DIRECT, {"direct-listing-drops-departments"}),
        ("abcd", Provenance.FALLBACK, {"direct-listing-drops-departments"}),
        ("abcd", Provenance.VQL, {None}),
        ("abc", Provenance.DIRECT, {None}),
        ("abcdef", Provenance.DIRECT, {"direct-listing-drops-departments", "direct-ignores-status"}),
        ("abce", Provenance.DIRECT, {"direct-ignores-status"}),
        ("ab", Provenance.DIRECT, set()),
    ],
    ids=["as-declared", "by-the-fallback", "by-vql", "not-exactly", "two-at-once", "the-other", "right"],
)
def test_a_wart_is_excused_only_if_the_answer_is_exactly_what_it_makes(
    contract: Contract, keys: str, provenance: Provenance, excused: set[str | None]
) -> None:
    access = _Access(contract, {"": "ab", "departments": "abcd", "status": "abce", "departments status": "abcdef"})
    selection = ContactSelection(company="k", filters={"departments": "hr", "status": "active", "title": "cto"})
    roster = ExpectedListing(company=ListedCompany(uuid="k", contacts=6), uuids=("a", "b"))
    sample = Sample(key="q", stratum="s", subject=ListingRequest(selection=selection))

    found = ListingCheck(access, "company-contacts-filters").differences(sample, roster, _told(keys, provenance))  # type: ignore[arg-type]

    assert {each.excused_by for each in found} == excused


class _Contacts:
    """Answers for relations: rows by the filters asked, all of them without; a count and values of its own."""

    def __init__(self, listed: Mapping[str, str], count: int = 4, values: Sequence[str] = ()) -> None:
        self._listed = listed
        self._count = count
        self._values = values

    def walk(self, walk: ListingRequest) -> PagedListing:
        keys = self._listed[" ".join((*walk.selection.filters, walk.ordering)).strip()]
        rows = tuple({"uuid": key, "title": f"t{key}" if key != "_" else "_"} for key in keys)
        page = ListingPage(
            answer=Observation(side="backend", provenance=Provenance.VQL), rows=rows, onward=None, request_id="r"
        )
        return PagedListing(pages=(page,))

    def count(self, selection: ContactSelection) -> ValueResponse:
        return ValueResponse(answer=Observation(side="backend"), value=self._count, request_id="c")

    def attribute(self, selection: ContactSelection, values: Any) -> ValueResponse:
        return ValueResponse(answer=Observation(side="backend"), value=tuple(self._values), request_id="v")


@pytest.mark.parametrize(
    ("name", "contacts", "kinds"),
    [
        ("count-is-listing", _Contacts({"": "abcd"}), []),
        ("count-is-listing", _Contacts({"": "abc"}), ["value"]),
        ("count-is-listing", _Contacts({"": "abcc"}), ["value"]),
        ("filter-narrows", _Contacts({"": "abcd", "one other": "ab"}), []),
        ("filter-narrows", _Contacts({"": "abcd", "one other": "abx"}), ["ghost"]),
        ("exclusion-partitions", _Contacts({"": "abcd", "other": "d"}), []),
        ("exclusion-partitions", _Contacts({"": "abcd", "other": "cd"}), ["duplicate"]),
        ("exclusion-partitions", _Contacts({"": "abcde", "other": "d"}), ["missing"]),
        ("order-permutes", _Contacts({"": "abcd", "-title": "dcba"}), []),
        ("order-permutes", _Contacts({"": "abcd", "-title": "dcb"}), ["missing"]),
        ("attribute-is-listing", _Contacts({"": "ab_"}, values=("tb", "_", "ta")), []),
        ("attribute-is-listing", _Contacts({"": "ab"}, values=("ta", "ta", "tb")), ["duplicate"]),
        ("twice-the-same", _Contacts({"": "abcd"}), []),
    ],
)
def test_a_relation_holds_or_tells_what_does_not(
    contract: Contract, name: str, contacts: _Contacts, kinds: list[str]
) -> None:
    filtered = name in ("filter-narrows", "exclusion-partitions")
    contacts._listed = {**contacts._listed, "one": contacts._listed[""] if name == "filter-narrows" else "abc"}
    relation = MetamorphicRelation(
        name=name,
        selection=ContactSelection(company="k"),
        contacts=4,
        one={"one": "x"} if filtered else {},
        other={"other": "x"} if filtered else {},
        by={"order-permutes": "-title", "attribute-is-listing": "title"}.get(name, ""),
    )
    access = _Access(contract, {})
    access.contacts = contacts  # type: ignore[attr-defined]

    told = MetamorphicCheck(access, "company-contacts-consistency").ask(Sample(key="q", stratum="s", subject=relation))  # type: ignore[arg-type]

    assert [str(each.kind) for each in told.value] == kinds
