"""The twins' phase 2: in a calm sandbox VQL and SQL find the same, but for the warts SQL is known to have."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from fixtures.sandbox.search.ilike import ilike
from suites.selftest.support.both_sides import LargestCompany, Sides, largest_company, uuids_of

TEXTS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "title": "title",
    "seniority": "seniority",
    "email": "email",
    "email_status": "email_status",
    "contact_location": "text_search",
    "text_search": "text_search",
    "mobile_phone": "mobile_phone",
    "work_direct_phone": "work_direct_phone",
    "home_phone": "home_phone",
    "other_phone": "other_phone",
    "city": "city",
    "state": "state",
    "country": "country",
    "person_linkedin_url": "linkedin_url",
    "website": "website",
    "stage": "stage",
    "facebook_url": "facebook_url",
    "twitter_url": "twitter_url",
    "exclude_contact_locations": "text_search",
    "exclude_seniorities": "seniority",
    "exclude_departments": "departments",
}
QUERIES: dict[str, Callable[[LargestCompany], dict[str, Any]]] = {
    **{key: lambda company, key=key, column=column: {key: company.part(column)} for key, column in TEXTS.items()},
    "either-of-two-titles": lambda company: {"title": f" {company.part('title')},{company.texts('title')[-1][:5]}"},
    "part-with-wildcards": lambda company: {"last_name": "_a%e"},
    "underscore-matches-any-letter": lambda company: {"first_name": f"{company.part('first_name')[:2]}_"},
    "backslash": lambda company: {"email": f"{company.part('email')}\\"},
    "question-mark": lambda company: {"person_linkedin_url": "?trk"},
    "excluded-titles": lambda company: {
        "exclude_titles": [" ".join(sorted(text.lower().split())) for text in company.texts("title")[:3]]
    },
    "excluded-titles-as-written": lambda company: {"exclude_titles": company.texts("title")[:3]},
    "excluded-as-json": lambda company: {"exclude_seniorities": '["VP", "entry", "vp"]'},
    **{
        f"{column}-{side}": lambda company, column=column, side=side: {f"{column}_{side}": company.moment(column)}
        for column in ("created_at", "updated_at")
        for side in ("after", "before")
    },
    "created-in-a-zone": lambda company: {"created_at_after": f"{company.moment('created_at')}+02:00"},
    "title-and-city": lambda company: {"title": company.part("title", 2), "city": company.part("city", 1)},
    "seniority-and-stage": lambda company: {"seniority": "senior,vp", "stage": "re", "exclude_departments": "hr"},
    "email-and-time": lambda company: {
        "email": company.part("email", 2),
        "updated_at_before": company.moment("updated_at"),
    },
    "unknown-key": lambda company: {"department": "nobody's", "titel": "x"},
}
UNDIVIDED = ("unknown-key", "backslash", "question-mark", "excluded-titles-as-written")
ATTRIBUTES = ("first_name", "last_name", "title", "seniority", "department", "email_status")


@pytest.mark.parametrize("name", QUERIES)
def test_both_paths_find_the_same(sides: Sides, company: LargestCompany, name: str) -> None:
    paths = ("", "count/", "title/")

    listed, direct, count, direct_count, titles, direct_titles = sides.ask(
        company.uuid, *paths, **QUERIES[name](company)
    )

    assert listed.headers["X-VQL-Used"] == "true"
    assert 0 < len(uuids_of(listed)) < len(company.people) or name in UNDIVIDED
    assert Counter(uuids_of(listed)) == Counter(uuids_of(direct))
    assert count.json() == direct_count.json() == {"count": len(uuids_of(direct))}
    assert titles.json() == direct_titles.json()


@pytest.mark.parametrize("column", ["first_name", "email", "title", "seniority", "text_search"])
def test_search_looks_into_the_contact(sides: Sides, company: LargestCompany, column: str) -> None:
    paths = ("", "count/")

    listed, direct, count, direct_count = sides.ask(company.uuid, *paths, search=company.part(column))

    assert 0 < len(uuids_of(listed)) < len(company.people)
    assert sorted(uuids_of(listed)) == sorted(uuids_of(direct))
    assert count.json() == direct_count.json() == {"count": len(uuids_of(listed))}


def test_search_for_a_phone_wants_another_filter_of_metadata(sides: Sides, company: LargestCompany) -> None:
    phone = next(text for text in company.texts("work_direct_phone") if len(text) > 2)

    alone, direct_alone = sides.ask(company.uuid, search=phone)
    beside, direct_beside = sides.ask(company.uuid, search=phone, country="%")

    assert uuids_of(alone) == uuids_of(direct_alone) == []
    assert len(uuids_of(beside)) == 1
    assert uuids_of(beside) == uuids_of(direct_beside)


def test_an_exclusion_keeps_contacts_without_a_value(sides: Sides, database: psycopg.Connection[Any]) -> None:
    company = largest_company(database, "c.seniority IS NULL")
    nobody = {person["uuid"] for person in company.people if person["seniority"] is None}

    for page in sides.ask(company.uuid, exclude_seniorities="a,e,i,o,u"):
        assert set(uuids_of(page)) >= nobody


def test_the_direct_listing_loses_departments(sides: Sides, company: LargestCompany) -> None:
    paths = ("", "count/", "department/")

    listed, direct, count, direct_count, *attributes = sides.ask(
        company.uuid, *paths, departments=company.part("departments")
    )

    assert 0 < len(uuids_of(listed)) < len(uuids_of(direct)) == len(company.people)
    assert count.json() == direct_count.json() == {"count": len(uuids_of(listed))}
    assert attributes[0].json() == attributes[1].json()


def test_the_direct_path_does_not_apply_status(sides: Sides, company: LargestCompany) -> None:
    paths = ("", "count/")
    active = [person["uuid"] for person in company.people if (person["status"] or "").lower() == "active"]

    listed, direct, count, direct_count = sides.ask(company.uuid, *paths, status="ACTIVE")

    assert sorted(uuids_of(listed)) == sorted(active)
    assert (count.json()["count"], direct_count.json()["count"]) == (len(active), len(company.people))
    assert len(uuids_of(direct)) == len(company.people)


def test_the_direct_count_does_not_search_the_company(sides: Sides, company: LargestCompany) -> None:
    paths = ("", "count/")

    listed, direct, count, direct_count = sides.ask(company.uuid, *paths, search=company.row["name"])

    assert len(uuids_of(listed)) == len(uuids_of(direct)) == len(company.people)
    assert (count.json()["count"], direct_count.json()["count"]) == (len(company.people), 0)


def test_a_social_url_empties_the_direct_listing_of_an_undescribed_company(
    sides: Sides, database: psycopg.Connection[Any]
) -> None:
    company = largest_company(database, "n.uuid IS NULL")
    paths = ("", "count/")

    listed, direct, count, direct_count = sides.ask(company.uuid, *paths, facebook_url="facebook")

    assert uuids_of(direct) == []
    assert count.json() == direct_count.json() == {"count": len(uuids_of(listed))}
    assert uuids_of(listed)


@pytest.mark.parametrize("key", ["last_name", "-title", "created_at", "-updated_at", "city", "-email_status"])
def test_both_paths_sort_alike(sides: Sides, company: LargestCompany, key: str) -> None:
    stored = {person["uuid"]: person[key.lstrip("-")] for person in company.people}

    orders = [[stored[uuid] for uuid in uuids_of(page)] for page in sides.ask(company.uuid, ordering=key)]

    filled = sorted((value for value in stored.values() if value is not None), reverse=key.startswith("-"))
    unknown = [None] * (len(stored) - len(filled))
    assert orders == [[*unknown, *filled] if key.startswith("-") else [*filled, *unknown]] * 2


def test_several_keys_sort_one_after_the_other(sides: Sides, company: LargestCompany) -> None:
    stored = {person["uuid"]: (person["seniority"], person["email"]) for person in company.people}

    vql, sql = sides.ask(company.uuid, ordering="company,-seniority,email")

    assert [stored[uuid] for uuid in uuids_of(vql)] == [stored[uuid] for uuid in uuids_of(sql)]
    assert len({seniority for seniority, _ in stored.values()}) < len(stored)


def test_an_item_has_the_keys_of_a_single_record(sides: Sides, company: LargestCompany) -> None:
    for side, page in zip((sides.vql, sides.sql), sides.ask(company.uuid, limit=1), strict=True):
        (item,) = page.json()["results"]
        single = side.get(f"/api/v1/contacts/{item['uuid']}/").json()

        assert item == {name: single[name] for name in single if name not in ("company_detail", "metadata")}
        assert list(page.json()) == ["next", "previous", "results", "meta"]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_values_of_an_attribute(sides: Sides, company: LargestCompany, attribute: str) -> None:
    column = "departments" if attribute == "department" else attribute
    stored = [value for person in company.people for value in _listed(person[column]) if value]

    vql, sql = sides.ask(company.uuid, f"{attribute}/")
    cut = sides.ask(company.uuid, f"{attribute}/", distinct="true", ordering="-x", limit=4, offset=1)

    assert vql.json() == sql.json() == sorted(stored)
    assert [page.json() for page in cut] == [sorted(set(stored), reverse=True)[1:5]] * 2
    assert vql.headers["X-VQL-Used"] == "true"


def test_search_narrows_contacts_and_values(sides: Sides, company: LargestCompany) -> None:
    vql, sql = sides.ask(company.uuid, "title/", search=company.part("title"))

    assert vql.json() == sql.json()
    assert 0 < len(vql.json()) < len(company.people)


LIKENESSES = [
    ("İpek", "ipek"),
    ("ß", "ss"),
    ("ẞ", "ß"),
    ("ΣΑΣ", "σας"),
    ("ı", "i"),
    ("Éa", "éA"),
    ("a*b", "a*"),
    ("ab", "a*"),
    ("a.b", "a.b"),
    ("axb", "a.b"),
    ("50%", "0\\%"),
    ("50x", "0\\%"),
    ("a\nb", "a_b"),
    ("[x]", "[X]"),
    ("a^-\\]", "^-\\\\]"),
    ("back\\slash", "k\\s"),
    ("tail%", "tail\\"),
    ('<a&b>#@~"{2}', '<A&B>#@~"{2}'),
    ("👩‍💻 Dev", "_ dev"),
    ("", "%"),
]


@pytest.mark.parametrize(("value", "text"), LIKENESSES)
def test_ilike_is_postgresqls(database: psycopg.Connection[Any], value: str, text: str) -> None:
    body = database.execute("SELECT %s::text ILIKE %s AS alike", (value, f"%{text}%")).fetchone()

    assert body is not None
    assert ilike(value, text) is body["alike"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
