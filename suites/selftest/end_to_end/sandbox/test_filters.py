"""Filters: what each meaning lets pass, in a real PostgreSQL; values that split; every pair of them asked together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from psycopg import sql

from fixtures.checks.company_contacts.cases import filter_values, pairwise
from fixtures.checks.company_contacts.cases.filter_values import CLASSES, SHAPES, FilterSubject, FilterValue, cells
from fixtures.checks.company_contacts.cases.pairwise import MOST_FILTERS, PairwiseCover
from fixtures.checks.company_contacts.filter_sql import condition, tokens
from fixtures.checks.company_contacts.oracle import AttributeValues, CompanyContactsOracle, ContactSelection
from fixtures.clients.postgres import Database
from fixtures.contracts.company_filters import Parameter, ParameterMeaning, ParameterReading
from fixtures.contracts.contract import Contract, load
from suites.selftest.support.filter_subjects import made_up_subject


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@pytest.fixture(scope="module")
def database(calm: Mapping[str, str]) -> Iterator[Database]:
    connected = Database(calm["DATABASE_URL"])
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def oracle(database: Database, contract: Contract) -> CompanyContactsOracle:
    assert contract.company_contacts is not None
    return CompanyContactsOracle(database, contract.company_contacts, contract.records["contact"])


@pytest.fixture(scope="module")
def matrix(contract: Contract) -> dict[str, Parameter]:
    assert contract.company_contacts is not None
    return dict(contract.company_contacts.filters)


@pytest.fixture(scope="module")
def subject(oracle: CompanyContactsOracle, matrix: dict[str, Parameter]) -> FilterSubject:
    """The company of 26."""
    company = next(company for company in oracle.by_size(seed=7, most=50)[1] if company.contacts == 26)
    return filter_values.filter_subject(oracle, matrix, company.uuid, 7)


def _passes(database: Database, parameter: Parameter, value: Any, **columns: Any) -> bool:
    """Whether a contact with these columns passes; the company's metadata row is there if `n` is given."""
    condition_ = condition(parameter, value, columns.pop("reading", None))
    kind = {"departments": "text[]", "created_at": "timestamp"}
    cells_ = [sql.SQL("%s::{} AS {}").format(sql.SQL(kind.get(name, "text")), sql.Identifier(name)) for name in columns]
    query = sql.SQL("SELECT {} AS passes FROM (SELECT {}) c, (SELECT NULL::text AS uuid) n").format(
        condition_.text, sql.SQL(", ").join(cells_)
    )
    return bool(database.select(query, (*condition_.values, *columns.values()))[0]["passes"])


@pytest.mark.parametrize(
    ("name", "value", "stored", "passes"),
    [
        ("title", "engineer", "Senior Engineer", True),
        ("title", "ngine", "Senior Engineer", True),
        ("title", "vp", "SVP Sales", True),
        ("title", "engineer senior", "Senior Engineer", False),
        ("title", "ceo, cto", "CTO", True),
        ("title", "ceo, ,cto,", "Nurse", False),
        ("title", "en_ineer", "Engineer", True),
        ("title", "e%r", "Engineer", True),
        ("title", "_", "x", True),
        ("title", "_", None, False),
        ("title", "_", "", False),
        ("title", "c++", "C++ Developer", True),
        ("title", "王", "王 伟", True),
        ("email_status", "ver, un", "verified", False),
        ("email_status", "ver, un", "ver, unsure", True),
        ("status", "ACTIVE", "active", True),
        ("status", "activ", "active", False),
        ("status", "_", "active", False),
        ("departments", "oper", ["Sales Operations"], True),
        ("departments", "hr, legal", ["legal"], True),
        ("departments", "hr", [], False),
        ("departments", "hr", None, False),
        ("exclude_seniorities", ("vp",), "svp", False),
        ("exclude_seniorities", ("vp",), None, True),
        ("exclude_seniorities", ("vp", "owner"), "Owner", False),
        ("exclude_seniorities", ("vp", "owner"), "entry", True),
        ("exclude_departments", ("sales",), ["hr", "Sales Operations"], False),
        ("exclude_departments", ("sales",), [], True),
        ("exclude_departments", ("sales",), None, True),
        ("exclude_titles", ("engineer senior",), "Senior  Engineer", False),
        ("exclude_titles", ("Senior Engineer",), "Senior Engineer", True),
        ("exclude_titles", ("engineer",), "Senior Engineer", True),
        ("exclude_titles", ("engineer",), None, True),
        ("exclude_titles", ("engineer",), "  ", True),
        ("created_at_after", "2026-01-01T12:00:00", "2026-01-01T12:00:00", True),
        ("created_at_after", "2026-01-01T12:00:00.000001", "2026-01-01T12:00:00", False),
        ("created_at_after", "2026-01-01T14:00:00+02:00", "2026-01-01T12:00:00", True),
        ("created_at_before", "2026-01-01T12:00:00", "2026-01-01T12:00:00", True),
        ("created_at_before", "2026-01-01T12:00:00Z", "2026-01-01T12:00:01", False),
        ("created_at_after", "1970-01-01T00:00:00", None, False),
    ],
)
def test_a_filter_means_what_the_matrix_says(
    database: Database, matrix: dict[str, Parameter], name: str, value: Any, stored: Any, passes: bool
) -> None:
    column = matrix[name].columns[0].removeprefix("c.").removesuffix("[]")

    assert _passes(database, matrix[name], value, **{column: stored}) is passes


@pytest.mark.parametrize("value", ["'; DROP TABLE contacts; --", "%s", "%(seed)s", "{}", '"', "\\", "a\\"])
def test_a_value_stays_a_value(database: Database, matrix: dict[str, Parameter], value: str) -> None:
    assert _passes(database, matrix["status"], value, status=value)
    assert not _passes(database, matrix["title"], f"{value}x", title="Nurse")


def test_readings_are_what_a_path_makes_of_a_filter(database: Database, matrix: dict[str, Parameter]) -> None:
    title = matrix["title"]

    assert _passes(database, title, "cto", title="Nurse", reading=ParameterReading.DROPPED)
    assert _passes(database, title, "nurse", title="Nurse")
    assert not _passes(database, title, "nurse", title="Nurse", reading=ParameterReading.NEEDS_COMPANY_METADATA)


def _like(text: str, pattern: str) -> bool:
    """ILIKE, written a second time: `%` is anything, `_` one character, letter case ignored."""
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return re.fullmatch(f".*{''.join(parts)}.*", text, re.IGNORECASE | re.DOTALL) is not None


def _passes_as_documented(parameter: Parameter, value: Any, stored: list[Any]) -> bool:
    texts = [text for text in stored if isinstance(text, str)]
    joined = [",".join(texts)] if texts and parameter.columns[0].endswith("[]") else texts
    if parameter.meaning in (ParameterMeaning.ANY_SUBSTRING, ParameterMeaning.ARRAY_SUBSTRING):
        return any(_like(text, part) for text in joined for part in tokens(value))
    if parameter.meaning in (ParameterMeaning.SUBSTRING, ParameterMeaning.SEARCH):
        return any(_like(text, value) for text in joined)
    if parameter.meaning is ParameterMeaning.EQUALS:
        return any(text.lower() == value.lower() for text in texts)
    if parameter.meaning is ParameterMeaning.NONE_SUBSTRING:
        return not any(_like(text, part) for text in joined for part in value)
    return not any(" ".join(sorted(text.lower().split())) in value for text in texts)


def test_every_filter_value_of_the_data_keeps_the_contacts_it_means(
    oracle: CompanyContactsOracle, matrix: dict[str, Parameter], subject: FilterSubject
) -> None:
    """The SQL against a second way of saying the same, over all values that were drawn from 26 people."""
    rows = [
        entry for _, entry in sorted(oracle.tables(oracle.uuids(ContactSelection(company=subject.company))).items())
    ]
    choices = [choice for choice in subject.choices if matrix[choice.parameter].type != "time"]
    astray = [
        (choice.parameter, choice.value_class, choice.value)
        for choice in choices
        for bit, row in enumerate(rows)
        if _passes_as_documented(
            matrix[choice.parameter], choice.value, filter_values.stored_values(matrix[choice.parameter], [row])
        )
        is not bool(choice.mask >> bit & 1)
    ]

    assert len(choices) > 300
    assert astray == []


def test_values_split_the_company(subject: FilterSubject) -> None:
    assert all(0 < choice.mask.bit_count() < subject.contacts for choice in subject.choices)


def test_values_stand_for_their_class(subject: FilterSubject) -> None:
    def texts(value_class: str) -> list[str]:
        return [
            choice.value if isinstance(choice.value, str) else choice.value[0]
            for choice in subject.choices
            if choice.value_class == value_class
        ]

    assert all(len(text) <= 4 for text in texts("short"))
    assert all(len(tokens(text)) == 2 for text in texts("comma"))
    assert all(re.search("[%_]", text) for text in texts("wildcard"))
    assert not any(re.search(r"[%_,\\]", text) for text in texts("word") + texts("symbols"))
    assert all(re.search(r"[^\w\s]", text) for text in texts("symbols"))
    assert {"word", "part", "case", "short", "comma", "wildcard", "symbols", "nulls"} <= {
        choice.value_class for choice in subject.choices
    }


def test_the_same_seed_draws_the_same_values(
    oracle: CompanyContactsOracle, matrix: dict[str, Parameter], subject: FilterSubject
) -> None:
    again = filter_values.filter_subject(oracle, matrix, subject.company, 7)
    other = filter_values.filter_subject(oracle, matrix, subject.company, 8)

    assert again == subject
    assert other != subject


def test_every_class_has_a_shape_and_every_meaning_its_classes() -> None:
    assert set(CLASSES) == set(ParameterMeaning)
    assert {text for classes in CLASSES.values() for text in classes} == set(SHAPES)


def _bites(combination: pairwise.Combination, all_contacts: int) -> bool:
    for left_out in combination.choices:
        without, all_of_them = all_contacts, all_contacts
        for choice in combination.choices:
            all_of_them &= choice.mask
            without &= all_contacts if choice is left_out else choice.mask
        if all_of_them == 0 or without == all_of_them:
            return False
    return True


def test_every_filter_of_a_combination_leaves_contacts_out(subject: FilterSubject) -> None:
    cover = pairwise.pairs([subject], seed=3)

    all_contacts = (1 << subject.contacts) - 1
    assert len(cover.combinations) > 50
    assert all(_bites(combination, all_contacts) for combination in cover.combinations)
    assert all(2 <= len(combination.choices) <= MOST_FILTERS for combination in cover.combinations)
    assert all(
        len({choice.parameter for choice in combination.choices}) == len(combination.choices)
        for combination in cover.combinations
    )


def test_what_is_neither_met_nor_impossible_does_not_exist(subject: FilterSubject) -> None:
    cover: PairwiseCover = pairwise.pairs([subject, made_up_subject()], seed=3)
    met = set().union(*(pairwise.met(combination) for combination in cover.combinations))

    assert met | cover.impossible >= cover.wanted
    assert not met & cover.impossible


def test_singles_ask_each_class_once(subject: FilterSubject, matrix: dict[str, Parameter]) -> None:
    combinations = pairwise.singles([subject], matrix)
    counts = Counter(
        (combination.choices[0].parameter, combination.choices[0].value_class) for combination in combinations
    )

    assert set(counts.values()) == {1}
    assert set(counts) <= set(cells(matrix))
    assert len(counts) > len(cells(matrix)) / 2


def test_a_broad_filter_is_asked_beside_a_narrow_one(matrix: dict[str, Parameter]) -> None:
    all_contacts = (1 << 1000) - 1
    broad = FilterValue(parameter="title", value_class="placeholder", value="_", mask=all_contacts & ~0b1)
    narrow = FilterValue(parameter="city", value_class="word", value="x", mask=0b1111)
    blunt = FilterValue(parameter="state", value_class="word", value="x", mask=0b1110)

    combinations = pairwise.singles([FilterSubject(company="k", contacts=1000, choices=(broad, narrow, blunt))], matrix)

    assert [combination.choices for combination in combinations] == [(broad, narrow), (narrow,), (blunt,)]
    assert [combination.passing for combination in combinations] == [3, 4, 3]


def test_companies_are_counted_by_size(oracle: CompanyContactsOracle) -> None:
    members, drawn = oracle.by_size(seed=7, most=3)

    assert members["no-contact"] >= 1
    assert members["one-contact"] >= 1
    assert members["to-100"] == 1
    assert max(Counter(company.stratum for company in drawn).values()) <= 3


def test_attribute_values_come_one_by_one_and_in_order(oracle: CompanyContactsOracle, subject: FilterSubject) -> None:
    selection = ContactSelection(company=subject.company)
    everything = oracle.values(selection, AttributeValues(attribute="department"))
    distinct = oracle.values(
        selection, AttributeValues(attribute="department", distinct=True, descending=True, limit=3)
    )

    assert list(everything) == sorted(everything)
    assert list(distinct) == sorted(set(everything), reverse=True)[:3]


def test_large_tables_are_not_counted_through(oracle: CompanyContactsOracle, monkeypatch: pytest.MonkeyPatch) -> None:
    all_contacts = {company.uuid: company.contacts for company in oracle.by_size(seed=7, most=100)[1]}
    monkeypatch.setattr("fixtures.checks.company_contacts.oracle.LARGE_TABLE", 200)

    members, drawn = oracle.by_size(seed=7, most=100)

    assert sum(members.values()) <= len(all_contacts)
    assert all(all_contacts[company.uuid] == company.contacts for company in drawn)
