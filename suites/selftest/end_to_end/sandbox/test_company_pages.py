"""The twins' phase 2: pages and their links, refusals, and who says that VQL answered, over real HTTP."""

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from fixtures.sandbox.contact360.company.vql import VqlContacts
from fixtures.sandbox.contact360.paths import VqlFailed
from fixtures.sandbox.faults.injector import FaultInjector
from suites.selftest.support.both_sides import BASE, LargestCompany, Sides, uuids_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("limit", [3, 5, 13])
def test_a_walk_by_links_meets_every_contact_once(sides: Sides, company: LargestCompany, limit: int) -> None:
    uuids, url = [], f"{BASE}/{company.uuid}/contacts/?limit={limit}&ordering=-email,first_name"
    while url:
        page = sides.vql.get(url)
        uuids += uuids_of(page)
        url = page.json()["next"]

    assert Counter(uuids) == Counter(person["uuid"] for person in company.people)


def test_a_full_last_page_has_an_empty_next_one(sides: Sides, company: LargestCompany) -> None:
    for page in sides.ask(company.uuid, limit=13, offset=13):
        assert page.json()["next"].endswith("?limit=13&offset=26")
        assert page.json()["previous"].endswith("?limit=13&offset=0")
    for page in sides.ask(company.uuid, limit=13, offset=26):
        assert (page.json()["results"], page.json()["next"]) == ([], None)


def test_a_cursor_link_loses_the_limit(sides: Sides, company: LargestCompany) -> None:
    for side, page in zip((sides.vql, sides.sql), sides.ask(company.uuid, cursor="0", limit=5), strict=True):
        assert page.json()["next"].endswith("/contacts/?cursor=bz01")

        next_page = side.get(page.json()["next"]).json()

        assert (len(next_page["results"]), next_page["next"]) == (21, None)


def test_the_previous_link_of_page_two_is_page_two(sides: Sides, company: LargestCompany) -> None:
    for side, page in zip((sides.vql, sides.sql), sides.ask(company.uuid, page=2, page_size=5), strict=True):
        assert page.json()["previous"].endswith("?page=2&page_size=5&limit=5&offset=0")
        assert uuids_of(side.get(page.json()["previous"])) == uuids_of(page)


@pytest.mark.parametrize("token", ["bz03", base64.urlsafe_b64encode(b"7").decode(), "7"], ids=["token", "base64", "7"])
def test_a_cursor_wins_over_offset_and_page(sides: Sides, company: LargestCompany, token: str) -> None:
    for page, plain in zip(
        sides.ask(company.uuid, cursor=token, offset=3, page=4, limit=2),
        sides.ask(company.uuid, offset=7, limit=2),
        strict=True,
    ):
        assert uuids_of(page) == uuids_of(plain)


def test_a_limit_wins_over_the_page_size(sides: Sides, company: LargestCompany) -> None:
    for page in sides.ask(company.uuid, limit=3, page_size=7):
        assert len(uuids_of(page)) == 3


REFUSED = {
    "limit-0": ({"limit": 0}, 422, "Input should be greater than or equal to 1"),
    "limit-word": ({"limit": "all"}, 422, "Input should be a valid integer, unable to parse string as an integer"),
    "offset-negative": ({"offset": -1}, 422, "Input should be greater than or equal to 0"),
    "cursor-json": ({"cursor": "eyJvIjogNX0="}, 400, "Invalid cursor value"),
    "cursor-negative": ({"cursor": "-5"}, 400, "Invalid cursor value"),
    "page-size-0": ({"page_size": 0}, 400, "Input should be greater than or equal to 1"),
    "time": ({"created_at_after": "soon"}, 400, "Input should be a valid datetime or date"),
    "ordering": ({"ordering": "shoe_size"}, 500, "Internal server error"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_on_both_paths(sides: Sides, company: LargestCompany, name: str) -> None:
    params, status, detail = REFUSED[name]

    for side in (sides.vql, sides.sql):
        # Its own connection: after an error that nobody caught the server closes it.
        with httpx.Client(base_url=side.base_url, headers=side.headers) as client:
            answer = client.get(f"{BASE}/{company.uuid}/contacts/", params=params)

        body = answer.json()["detail"]
        assert answer.status_code == status
        assert (body[0]["msg"] if status == 422 else body).startswith(detail)


NOT_THERE = {
    "": "Company not found",
    "count/": "Company not found",
    "title/": "Company not found",
    "city/": "Not found",
    "count": "Not found",
}


@pytest.mark.parametrize("path", NOT_THERE)
def test_an_unknown_company_is_404_with_the_detail_of_its_endpoint(sides: Sides, path: str) -> None:
    for answer in sides.ask(UNKNOWN, path):
        assert (answer.status_code, answer.json()) == (404, {"detail": NOT_THERE[path]})


def test_only_vql_says_so(sides: Sides, company: LargestCompany) -> None:
    paths = ("", "count/", "seniority/")

    used = [answer.headers.get("X-VQL-Used") for answer in sides.ask(company.uuid, *paths)]

    assert used == ["true", None] * 3


def test_nothing_is_readable_without_a_login(calm: Mapping[str, str], company: LargestCompany) -> None:
    answer = httpx.get(f"{calm['CONTACT360_BASE_URL']}{BASE}/{company.uuid}/contacts/?limit=0")

    assert answer.status_code == 401


class _Connectra:
    """Gives a set number of rows, and keeps its requests."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.requests: list[tuple[int, int]] = []

    def ask(self, _path: str, query: Mapping[str, Any], _part: str) -> list[int]:
        self.requests.append((query["limit"], query["offset"]))
        return list(range(self.size))[query["offset"] : query["offset"] + query["limit"]]


@pytest.mark.parametrize(
    ("limit", "requests"), [(None, [(100, 0), (100, 100), (100, 200)]), (150, [(100, 0), (50, 100)]), (100, [(100, 0)])]
)
def test_large_pages_take_several_requests(limit: int | None, requests: list[tuple[int, int]]) -> None:
    connectra = _Connectra(250)

    rows = list(VqlContacts(connectra, FaultInjector())._rows({}, limit, 0))  # type: ignore[arg-type]

    assert rows == list(range(250))[:limit]
    assert connectra.requests == requests


def test_a_walk_ends_where_the_service_ignores_paging() -> None:
    connectra = _Connectra(250)
    connectra.ask = lambda *_: list(range(100))  # type: ignore[method-assign]

    with pytest.raises(VqlFailed, match="ignores paging at offset 100"):
        list(VqlContacts(connectra, FaultInjector())._rows({}, None, 0))  # type: ignore[arg-type]
