"""The backend twin's LinkedIn search over real HTTP: who is found by a URL, the same by both paths."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

SEARCH = "/api/v2/linkedin/"
PERSON, COMPANY = "https://www.linkedin.com/in/", "https://www.linkedin.com/company/"


@pytest.fixture(scope="module")
def slug(own_database: psycopg.Connection) -> str:
    """Of one person, in no other's URL."""
    query = "SELECT linkedin_url FROM contacts_metadata WHERE linkedin_url ~ '/in/[a-z-]+-[0-9a-f]{6}$' ORDER BY uuid"
    urls = [url for (url,) in own_database.execute(query)]
    (everyone,) = own_database.execute("SELECT string_agg(lower(linkedin_url), ' ') FROM contacts_metadata").fetchone()
    return next(url.rpartition("/")[2] for url in urls if everyone.count(url.rpartition("/")[2]) == 1)


def _search(client: httpx.Client, url: str) -> dict[str, Any]:
    response = client.post(SEARCH, json={"url": url})
    assert response.status_code == 200, response.text
    return response.json()


def _plain(value: Any) -> Any:
    """Without what is declared to differ: order, the Z of times, zero and empty texts, which Connectra leaves out."""
    if isinstance(value, dict):
        return {name: _time(entry) if name.endswith("_at") else _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return sorted(map(_plain, value), key=json.dumps)
    return None if value in (0, "") else value


def _time(text: str | None) -> str | None:
    """To the second and with all six digits, whichever path wrote it."""
    return (text or None) and (text.removesuffix("Z") + ("" if "." in text else ".")).ljust(26, "0")


def _by_both(vql: httpx.Client, direct: httpx.Client, url: str) -> dict[str, Any]:
    """What both paths find, which must be the same."""
    by_vql, by_sql = _search(vql, url), _search(direct, url)

    assert _plain(by_vql) == _plain(by_sql)
    return by_vql


def _uuids(answer: dict[str, Any]) -> list[str]:
    return sorted(entry["contact"]["uuid"] for entry in answer["contacts"])


def test_a_person_is_found_with_everything_that_belongs_to_him(
    vql: httpx.Client, direct: httpx.Client, slug: str
) -> None:
    answer = _by_both(vql, direct, PERSON + slug)

    assert list(answer) == ["contacts", "companies", "total_contacts", "total_companies"]
    assert (answer["total_contacts"], answer["total_companies"], answer["companies"]) == (1, 0, [])
    (entry,) = answer["contacts"]
    assert list(entry) == ["contact", "metadata", "company", "company_metadata"]
    assert entry["metadata"]["linkedin_url"] == PERSON + slug
    assert entry["contact"]["created_at"].endswith("Z")


@pytest.mark.parametrize(
    "variant",
    [
        lambda slug: f"  {PERSON}{slug}/ ",
        lambda slug: f"http://linkedin.com/in/{slug}?trk=people",
        lambda slug: f"{PERSON}{slug.upper()}",
        lambda slug: f"{PERSON}{slug}".upper(),
        lambda slug: f"{PERSON}{slug}/details/?a=b",
        lambda slug: f"/in/x/in/{slug}",
        lambda slug: slug,
    ],
    ids=["slash", "http-and-query", "upper-slug", "upper-all", "path-and-query", "last-in-counts", "bare-slug"],
)
def test_a_variant_of_the_url_finds_the_same_person(
    vql: httpx.Client, direct: httpx.Client, slug: str, variant: Callable[[str], str]
) -> None:
    assert _uuids(_by_both(vql, direct, variant(slug))) == _uuids(_search(direct, PERSON + slug))


@pytest.mark.parametrize(
    "stored",
    [
        "LIKE 'http://%'",
        "LIKE 'HTTPS%'",
        "LIKE 'https://linkedin%'",
        "LIKE '%-jr'",
        r"LIKE '%\_%\_%'",
        "IN (SELECT linkedin_url FROM contacts_metadata GROUP BY 1 HAVING count(*) BETWEEN 2 AND 4)",
    ],
    ids=["http", "capitals", "no-www", "within-another", "underscores", "of-two-people"],
)
def test_a_stored_url_finds_its_owners_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection, stored: str
) -> None:
    where = f"FROM contacts_metadata WHERE linkedin_url {stored} AND linkedin_url <> '_'"
    ((url,),) = own_database.execute(f"SELECT linkedin_url {where} ORDER BY uuid LIMIT 1".encode()).fetchall()
    owners = own_database.execute("SELECT uuid FROM contacts_metadata WHERE linkedin_url = %s", (url,)).fetchall()

    urls = _uuids(_by_both(vql, direct, url))

    assert {key for (key,) in owners} <= set(urls)


def test_an_underscore_is_a_wildcard_unless_escaped(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    ((url, other),) = own_database.execute(
        r"SELECT a.linkedin_url, b.linkedin_url FROM contacts_metadata a JOIN contacts_metadata b ON b.linkedin_url "
        r"LIKE a.linkedin_url AND b.uuid <> a.uuid WHERE a.linkedin_url LIKE '%\_%\_%' ORDER BY a.uuid LIMIT 1"
    ).fetchall()

    wild, escaped = (_by_both(vql, direct, text) for text in (url, url.replace("_", r"\_")))

    assert {entry["metadata"]["linkedin_url"] for entry in wild["contacts"]} == {url, other}
    assert {entry["metadata"]["linkedin_url"] for entry in escaped["contacts"]} == {url}


def test_a_slug_within_others_finds_them_all(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    (url,) = own_database.execute(
        "SELECT linkedin_url FROM contacts_metadata WHERE linkedin_url LIKE '%-jr'"
    ).fetchone()

    answer = _by_both(vql, direct, url.removesuffix("-jr"))

    urls = {entry["metadata"]["linkedin_url"] for entry in answer["contacts"]}
    assert {url, url.removesuffix("-jr")} <= urls


def test_more_than_a_page_is_found_whole(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    (everybody,) = own_database.execute(
        "SELECT count(*) FROM contacts_metadata WHERE linkedin_url ILIKE '%linkedin%'"
    ).fetchone()

    assert _by_both(vql, direct, "LinkedIn.com")["total_contacts"] == everybody > 200


def test_companies_come_with_all_their_people(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    """Also the one of 26 people, more than Connectra's default page, and one without people."""
    rows = own_database.execute(
        "SELECT n.linkedin_url, (SELECT count(*) FROM contacts c WHERE c.company_id = n.uuid) AS people "
        "FROM companies_metadata n WHERE n.linkedin_url LIKE 'https://%' ORDER BY people"
    ).fetchall()

    for url, size in (rows[0], rows[len(rows) // 2], *((url, people) for url, people in rows if people == 26)):
        answer = _by_both(vql, direct, f"{url}/about/")

        (hit,) = answer["companies"]
        assert (answer["total_companies"], answer["total_contacts"], len(hit["contacts"])) == (1, 0, size)
        assert hit["metadata"]["linkedin_url"] == url
        assert all(entry["company"] == hit["company"] for entry in hit["contacts"])


@pytest.mark.parametrize("url", [f"{PERSON}nobody-of-this-name", f"{COMPANY}no-such-company", "*", "?????"])
def test_an_unknown_url_finds_no_person(vql: httpx.Client, direct: httpx.Client, url: str) -> None:
    answer = _by_both(vql, direct, url)

    assert answer == {"contacts": [], "companies": [], "total_contacts": 0, "total_companies": 0}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [({"url": "  "}, 400, "LinkedIn URL cannot be empty"), ({}, 422, None), ({"url": 7}, 422, None)],
)
def test_a_search_for_nothing_is_refused(
    vql: httpx.Client, body: dict[str, Any], status: int, detail: str | None
) -> None:
    answer = vql.post(SEARCH, json=body)

    assert answer.status_code == status
    assert detail is None or answer.json() == {"detail": detail}


def test_the_path_needs_its_slash_and_the_search_a_login(vql: httpx.Client) -> None:
    assert vql.post(SEARCH.rstrip("/"), json={"url": "x"}).status_code == 405
    assert vql.post(SEARCH, json={"url": "x"}, headers={"Authorization": ""}).status_code == 401


def test_headers_show_which_path_served(vql: httpx.Client, direct: httpx.Client, slug: str) -> None:
    by_vql, by_sql = (
        client.post(SEARCH, json={"url": slug}, headers={"X-Request-Id": "l-1"}) for client in (vql, direct)
    )

    assert by_vql.headers["X-VQL-Used"] == "true"
    assert not any(name.startswith("x-vql") for name in by_sql.headers)
    assert by_vql.headers["X-Request-Id"] == "l-1"
    assert float(by_vql.headers["X-Process-Time"]) > 0


def test_a_search_costs_the_free_user_one_credit_and_is_noted(
    vql: httpx.Client, free: httpx.Client, own_database: psycopg.Connection, slug: str
) -> None:
    def credits_left() -> dict[str, int]:
        return dict(own_database.execute("SELECT role, credits FROM user_profiles").fetchall())

    def activities() -> list[tuple[Any, ...]]:
        return own_database.execute(
            "SELECT service_type, action_type, status, request_params, result_count FROM user_activities "
            "JOIN user_profiles USING (user_id) WHERE role = 'FreeUser'"
        ).fetchall()

    before, earlier = credits_left(), activities()
    _search(free, PERSON + slug)
    free.post(SEARCH, json={"url": ""})
    _search(vql, PERSON + slug)

    noted = activities()
    for activity in earlier:
        noted.remove(activity)
    assert credits_left() == {**before, "FreeUser": before["FreeUser"] - 1}
    assert noted == [("linkedin", "search", "success", {"url": PERSON + slug}, 1)]
