"""Company contacts: walks against a backend that pages in every way, lists held against each other, causes of lists."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.company_contacts.client import CompanyContactsClient, ListingRequest, cursor_of
from fixtures.checks.company_contacts.listing import ExpectedListing, ListingCheck, keys_of, told_of
from fixtures.checks.company_contacts.oracle import AttributeValues, ContactSelection, ListedCompany
from fixtures.contracts.contract import Contract, load
from fixtures.transport.http import Reply
from reports.comparison.record_diff import RawDifference
from reports.records.records import DifferenceKind, Observation, Provenance

COMPANY = "8c7e"
LISTING = f"/api/v1/companies/company/{COMPANY}/contacts/"
WAYS = ("offset", "page", "links", "cursor")


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@dataclass
class _Backend:
    """A listing of `contacts` people that pages as the contract says, link bugs included. `spoil` changes a page."""

    contacts: int
    spoil: Callable[[dict[str, Any], int], None] | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"X-VQL-Used": "true"})
    asked: list[dict[str, str]] = field(default_factory=list)
    body: Any = None
    status: int = 200

    def get(self, target: str, request_id: str | None = None) -> Reply:
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        self.asked.append(query)
        if self.body is not None:
            return self._reply(self.body)
        assert path == LISTING
        size = int(query.get("limit") or query.get("page_size") or 0) or None
        start = self._start(query, size)
        stop = self.contacts if size is None else min(self.contacts, start + size)
        rows = [{"uuid": f"u{number}", "created_at": "2026-01-01T00:00:00Z"} for number in range(start, stop)]
        page = {"results": rows, "next": self._next(query, size, stop, len(rows)), "previous": None, "meta": None}
        if self.spoil:
            self.spoil(page, len(self.asked))
        return self._reply(page)

    def _start(self, query: dict[str, str], size: int | None) -> int:
        if "cursor" in query:
            return int(base64.urlsafe_b64decode(query["cursor"]).decode().removeprefix("o="))
        if int(query.get("offset", "0")) == 0 and "page" in query and size:
            return (int(query["page"]) - 1) * size
        return int(query.get("offset", "0"))

    def _next(self, query: dict[str, str], size: int | None, stop: int, count: int) -> str | None:
        if size is None or count < size:
            return None
        kept = {name: value for name, value in query.items() if name not in ("limit", "offset", "cursor")}
        on = {"cursor": cursor_of(stop)} if "cursor" in query else {"limit": str(size), "offset": str(stop)}
        return f"https://elsewhere.example{LISTING}?{urlencode(kept | on)}"

    def _reply(self, body: Any) -> Reply:
        return Reply(answer=Observation(side="backend", status=self.status), body=body, headers=self.headers)


def _walk(way: str, size: int | None = 5, most: int = 20, **filters: str) -> ListingRequest:
    return ListingRequest(selection=ContactSelection(company=COMPANY, filters=filters), way=way, size=size, most=most)


def _contacts(backend: _Backend, contract: Contract, flag_on: bool | None = True) -> CompanyContactsClient:
    return CompanyContactsClient(backend, contract, flag_on)  # type: ignore[arg-type]


def _found(contract: Contract, backend: _Backend, walk: ListingRequest) -> tuple[RawDifference, ...]:
    """What the listing's check finds in a walk over a company of so many contacts."""
    expected = ExpectedListing(
        company=ListedCompany(uuid=COMPANY, contacts=backend.contacts),
        uuids=tuple(f"u{number}" for number in range(backend.contacts)),
    )
    told = told_of(_contacts(backend, contract).walk(walk))
    return ListingCheck(_Access(contract), "company-contacts-pagination").differences(  # type: ignore[arg-type]
        Sample(key="k", stratum="s", subject=walk), expected, told
    )


class _Access:
    """Knows the contract, and no known difference."""

    def __init__(self, contract: Contract) -> None:
        self.endpoints = contract.company_contacts

    def readings(self, *_: Any) -> Sequence[Any]:
        return ()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("contacts", [0, 1, 4, 5, 6, 10, 23])
def test_every_way_of_walking_meets_everybody_once(contract: Contract, way: str, contacts: int) -> None:
    walked = _contacts(_Backend(contacts), contract).walk(_walk(way))

    assert keys_of(walked) == tuple(f"u{number}" for number in range(contacts))
    assert not walked.endless
    assert len(walked.pages) == contacts // 5 + 1
    assert _found(contract, _Backend(contacts), _walk(way)) == ()


def test_the_first_page_of_a_way_is_asked_as_its_users_ask(contract: Contract) -> None:
    firsts = {}
    for way in (*WAYS, "whole"):
        backend = _Backend(3)
        _contacts(backend, contract).walk(_walk(way, None if way == "whole" else 5, title="cto"))
        firsts[way] = backend.asked[0]

    assert firsts == {
        "offset": {"title": "cto", "limit": "5", "offset": "0"},
        "page": {"title": "cto", "page": "1", "page_size": "5"},
        "links": {"title": "cto", "limit": "5"},
        "cursor": {"title": "cto", "cursor": "bz0w", "limit": "5"},
        "whole": {"title": "cto"},
    }


def test_links_are_followed_for_what_they_say(contract: Contract) -> None:
    backend = _Backend(12)

    _contacts(backend, contract).walk(_walk("links", title="cto"))

    assert backend.asked[1:] == [{"title": "cto", "limit": "5", "offset": str(offset)} for offset in (5, 10)]


def test_a_cursor_link_that_loses_the_limit_is_stepped_around(contract: Contract) -> None:
    backend = _Backend(12)

    _contacts(backend, contract).walk(_walk("cursor"))

    assert [each["limit"] for each in backend.asked] == ["5", "5", "5"]


def test_a_list_of_values_is_asked_one_by_one(contract: Contract) -> None:
    backend = _Backend(3, body={"count": 3})
    selection = ContactSelection(company="a/b c", filters={"exclude_titles": ("x", "R&D, y")})
    targets: list[str] = []
    asked = backend.get
    backend.get = lambda target, request_id=None: targets.append(target) or asked(target)  # type: ignore[func-returns-value,method-assign]

    _contacts(backend, contract).count(selection)

    assert targets == ["/api/v1/companies/company/a%2Fb%20c/contacts/count/?exclude_titles=x&exclude_titles=R%26D%2C+y"]


def _endless(page: dict[str, Any], number: int) -> None:
    page["next"] = f"https://backend{LISTING}?limit=5&offset=0"


def _overlapping(page: dict[str, Any], number: int) -> None:
    if number > 1:
        page["results"] = [{"uuid": "u4"}, *page["results"][:4]]


def _losing(page: dict[str, Any], number: int) -> None:
    if number == 2:
        page["results"] = page["results"][1:]


def _too_long(page: dict[str, Any], number: int) -> None:
    if number == 3:
        page["results"] = [*page["results"], *page["results"]]


def _one_more(page: dict[str, Any], number: int) -> None:
    if number == 3:
        page["next"] = f"https://backend{LISTING}?limit=5&offset=15"


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        (_endless, {DifferenceKind.DUPLICATE, DifferenceKind.MISSING, DifferenceKind.VALUE}),
        (_overlapping, {DifferenceKind.DUPLICATE, DifferenceKind.MISSING}),
        (_losing, {DifferenceKind.MISSING}),
        (_too_long, {DifferenceKind.DUPLICATE, DifferenceKind.VALUE}),
        (_one_more, {DifferenceKind.VALUE}),
    ],
    ids=["endless-next", "overlap", "lost-row", "long-page", "next-after-the-end"],
)
def test_pages_that_go_wrong_are_found(contract: Contract, spoil: Any, kinds: set[DifferenceKind]) -> None:
    found = _found(contract, _Backend(13, spoil), _walk("links"))

    assert {each.kind for each in found} == kinds


@pytest.mark.parametrize("way", ["links", "cursor"])
def test_an_endless_walk_is_given_up(contract: Contract, way: str) -> None:
    backend = _Backend(13, _endless)

    walked = _contacts(backend, contract).walk(_walk(way, most=6))

    assert walked.endless
    assert len(backend.asked) == 6


def test_a_walk_that_ignores_the_offset_is_given_up_too(contract: Contract) -> None:
    def first_page(page: dict[str, Any], number: int) -> None:
        page["results"] = [{"uuid": f"u{number}"} for number in range(5)]

    backend = _Backend(13, first_page)
    found = _found(contract, backend, _walk("offset", most=6))

    assert len(backend.asked) == 6
    assert "pages.end" in {each.path for each in found}


@pytest.mark.parametrize(
    ("status", "body", "error", "found"),
    [
        (404, {"detail": "Company not found"}, None, None),
        (404, {"detail": "Not found"}, "route-missing", None),
        (404, ["x"], "route-missing", None),
        (200, {"count": 3}, None, 3),
        (200, {"count": "3"}, "malformed", None),
        (200, {"count": True}, "malformed", None),
        (200, [], "malformed", None),
        (200, {}, "malformed", None),
    ],
)
def test_a_count_is_a_number_or_not_found(
    contract: Contract, status: int, body: Any, error: str | None, found: int | None
) -> None:
    told = _contacts(_Backend(0, body=body, status=status), contract).count(ContactSelection(company=COMPANY))

    assert (told.answer.error, told.value) == (error, found)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"results": [{"uuid": "a"}], "next": None}, None),
        ({"results": [1], "next": None}, "malformed"),
        ({"results": None}, "malformed"),
        ({"results": [], "next": 3}, "malformed"),
        ([], "malformed"),
        ({"count": 1}, "malformed"),
    ],
    ids=str,
)
def test_a_page_that_is_none_is_an_error(contract: Contract, body: Any, error: str | None) -> None:
    told = told_of(_contacts(_Backend(0, body=body), contract).walk(_walk("offset")))

    assert told.answer.error == error


@pytest.mark.parametrize(
    ("body", "value"), [(["a", "a"], ("a", "a")), ([], ()), ([1], None), ({"a": 1}, None)], ids=str
)
def test_an_attribute_is_a_list_of_texts(contract: Contract, body: Any, value: Any) -> None:
    told = _contacts(_Backend(0, body=body), contract).attribute(
        ContactSelection(company=COMPANY), AttributeValues(attribute="title")
    )

    assert told.value == value
    assert (told.answer.error is None) is (value is not None)


@pytest.mark.parametrize(
    ("times", "headers", "provenance"),
    [
        (["2026-01-01T00:00:00Z", None], {}, Provenance.VQL),
        ([None, "2026-01-01T00:00:00Z"], {}, Provenance.VQL),
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00"], {}, Provenance.DIRECT),
        (["2026-01-01T00:00:00"], {"X-VQL-Used": "true"}, Provenance.FALLBACK),
        ([None], {}, Provenance.UNKNOWN),
        ([], {}, Provenance.UNKNOWN),
        ([], {"X-VQL-Used": "true"}, Provenance.VQL),
    ],
)
def test_rows_tell_who_served_a_page(
    contract: Contract, times: list[str | None], headers: dict[str, str], provenance: Provenance
) -> None:
    body = {"results": [{"uuid": "a", "created_at": each} for each in times], "next": None}

    told = told_of(_contacts(_Backend(0, body=body, headers=headers), contract).walk(_walk("whole", None)))

    assert told.answer.provenance is provenance


def test_one_page_by_sql_makes_the_walk_one_by_sql(contract: Contract) -> None:
    def second_by_sql(page: dict[str, Any], number: int) -> None:
        if number == 2:
            page["results"] = [{**row, "created_at": "2026-01-01T00:00:00"} for row in page["results"]]

    told = told_of(_contacts(_Backend(13, second_by_sql), contract).walk(_walk("links")))

    assert told.answer.provenance is Provenance.FALLBACK
    assert len(told.request_ids) == 3
