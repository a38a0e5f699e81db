"""A LinkedIn answer against what is held: strangers first, then who is missing, then what is said of those there."""

from collections.abc import Sequence
from typing import Any

import pytest

from fixtures.checks.linkedin.answer_diff import MOST_NAMED, EntryFields, HitDifference, found_of, partings
from fixtures.checks.linkedin.oracle import CompanyHit, ExpectedHits
from reports.comparison.record_diff import Field
from reports.records.records import DifferenceKind

KNOWN = {"stranger"}  # in the database, but not of this URL
SHAPES = EntryFields(
    person=(
        Field(path="contact.uuid", columns=("contacts.uuid",), rules=()),
        Field(path="contact.title", columns=("contacts.title",), rules=("text",)),
        Field(path="metadata.city", columns=("contacts_metadata.city",), rules=("text",)),
    ),
    company=(
        Field(path="company.uuid", columns=("companies.uuid",), rules=()),
        Field(path="company.name", columns=("companies.name",), rules=("text",)),
    ),
)


def _held(*people: str, companies: dict[str, Sequence[str]] | None = None) -> ExpectedHits:
    firms = {
        uuid: CompanyHit(tables={"companies": {"uuid": uuid, "name": f"Firm {uuid}"}}, people=_rows(staff))
        for uuid, staff in (companies or {}).items()
    }
    return ExpectedHits(people=_rows(people), companies=firms)


def _rows(people: Sequence[str]) -> dict[str, Any]:
    parts = {"contacts_metadata": {"city": "Rome"}}
    return {uuid: {"contacts": {"uuid": uuid, "title": "CTO"}, **parts} for uuid in people}


def _person(uuid: str, title: str = "CTO", city: str | None = "Rome") -> dict[str, Any]:
    return {"contact": {"uuid": uuid, "title": title}, "metadata": {"city": city}}


def _company(uuid: str, *people: str) -> dict[str, Any]:
    return {"company": {"uuid": uuid, "name": f"Firm {uuid}"}, "contacts": [_person(each) for each in people]}


def _answer(people: Sequence[Any] = (), companies: Sequence[Any] = (), **totals: Any) -> dict[str, Any]:
    return {
        "contacts": list(people),
        "companies": list(companies),
        "total_contacts": len(people),
        "total_companies": len(companies),
        **totals,
    }


def _parted(held: ExpectedHits, answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.difference.path, str(each.difference.kind)) for each in _partings(held, answer)]


def _partings(held: ExpectedHits, answer: dict[str, Any]) -> Sequence[HitDifference]:
    found = found_of(answer)
    assert found is not None
    return partings(held, found, SHAPES, lambda _, keys: [key for key in keys if key not in KNOWN])


def test_the_same_people_and_companies_in_any_order_differ_in_nothing() -> None:
    held = _held("a", "b", companies={"f": ["a", "c"], "g": []})

    answer = _answer([_person("b"), _person("a")], [_company("g"), _company("f", "c", "a")])

    assert _parted(held, answer) == []


@pytest.mark.parametrize(
    ("people", "wanted"),
    [
        ([], [("contacts.a", "missing")]),
        (["a", "stranger"], [("contacts.stranger", "identity")]),
        (["a", "nobody"], [("contacts.nobody", "ghost")]),
        (["a", "a"], [("contacts.a", "duplicate")]),
        (["stranger"], [("contacts.stranger", "identity"), ("contacts.a", "missing")]),
    ],
    ids=["missing", "stranger", "ghost", "twice", "stranger-before-missing"],
)
def test_who_is_there_and_who_is_not(people: list[str], wanted: list[tuple[str, str]]) -> None:
    assert _parted(_held("a"), _answer([_person(each) for each in people])) == wanted


def test_what_is_said_of_a_person_is_told_once_for_all() -> None:
    held = _held("a", "b", "c")

    answer = _answer([_person(each, title="CEO", city=None) for each in "abc"])

    assert _parted(held, answer) == [("contacts.metadata", "missing"), ("contacts.contact.title", "value")]


def test_a_companys_people_are_held_against_its_own() -> None:
    held = _held(companies={"f": ["a", "b"]})

    assert _parted(held, _answer([], [_company("f", "a")])) == [("companies.contacts.b", "missing")]
    assert _parted(held, _answer([], [_company("f", "a", "b", "stranger")])) == [
        ("companies.contacts.stranger", "identity")
    ]


@pytest.mark.parametrize("total", [0, 2, None, "1", True], ids=str)
def test_a_total_that_is_not_the_length_is_a_difference(total: Any) -> None:
    assert _parted(_held("a"), _answer([_person("a")], total_contacts=total)) == [("total_contacts", "value")]


def test_only_the_first_of_many_are_named() -> None:
    many = [f"p{number}" for number in range(3 * MOST_NAMED)]

    assert len(_parted(_held(*many), _answer())) == MOST_NAMED


def test_an_entry_without_a_uuid_is_somebody_who_does_not_belong() -> None:
    (parted,) = _partings(_held(), _answer([{"contact": None}]))

    assert parted.difference.kind in (DifferenceKind.IDENTITY, DifferenceKind.GHOST)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"contacts": {}},
        {"contacts": [], "companies": None},
        {"contacts": ["x"], "companies": []},
        {"contacts": [], "companies": [{"contacts": "x"}]},
    ],
    ids=repr,
)
def test_what_is_no_answer_of_this_shape_is_none(body: Any) -> None:
    assert found_of(body) is None
