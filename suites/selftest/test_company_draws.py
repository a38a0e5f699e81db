"""What phase 2 sets out to ask of a small sandbox: every stratum early, no value in a key, and what is not covered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fixtures.checks.cases import Draw
from fixtures.checks.company_contacts.cases.companies import Pool
from fixtures.checks.company_contacts.cases.filters import FilterDraws
from fixtures.checks.company_contacts.cases.paging import WalkDraws
from fixtures.checks.company_contacts.cases.relations import RelationDraws
from fixtures.checks.company_contacts.client import Walk
from fixtures.checks.company_contacts.connectra_client import CompanyQueries
from fixtures.checks.company_contacts.oracle import Staff
from fixtures.clients.postgres import Database
from fixtures.contracts.contract import Contract, load

WARTS = ("departments", "status", "search", "facebook_url", "twitter_url")
PLENTY = 2_000


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@pytest.fixture(scope="module")
def staff(calm: Mapping[str, str], contract: Contract) -> Iterator[Staff]:
    database = Database(calm["DATABASE_URL"])
    assert contract.company_contacts is not None
    yield Staff(database, contract.company_contacts, contract.records["contact"])
    database.close()


def _pool(staff: Staff, contract: Contract, count: int = PLENTY, seed: int = 7) -> Pool:
    assert contract.company_contacts is not None
    return Pool(staff, contract.company_contacts, warts=WARTS, count=count, seed=seed)


def _filters(pool: Pool, contract: Contract, flag_on: bool | None = True) -> FilterDraws:
    return FilterDraws(pool, CompanyQueries(None, contract), flag_on=flag_on)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pool(staff: Staff, contract: Contract) -> Pool:
    return _pool(staff, contract)


@pytest.fixture(scope="module")
def draws(pool: Pool, contract: Contract) -> dict[str, Draw]:
    filters, walks, relations = _filters(pool, contract), WalkDraws(pool), RelationDraws(pool)
    return {
        "filters": filters.filters,
        "count": filters.count,
        "connectra": filters.connectra,
        "listing": walks.listing,
        "pagination": walks.pagination,
        "attributes": relations.attributes,
        "consistency": relations.consistency,
        "unknown": relations.unknown,
    }


CHECKS = ("filters", "count", "connectra", "listing", "pagination", "attributes", "consistency", "unknown")


@pytest.mark.parametrize("check", CHECKS)
def test_keys_are_told_apart(draws: dict[str, Draw], check: str) -> None:
    keys = [question.key for question in draws[check].questions]

    assert len(set(keys)) == len(keys) > 0


@pytest.mark.parametrize("check", CHECKS)
def test_a_key_is_made_of_our_own_words(draws: dict[str, Draw], contract: Contract, check: str) -> None:
    """Of parameters, classes, orderings, attributes, numbers and uuids: never of a value."""
    assert contract.company_contacts is not None
    ours = {
        *contract.company_contacts.filters,
        *contract.company_contacts.orderings,
        *contract.company_contacts.attributes,
    }
    words = {
        word
        for question in draws[check].questions
        for word in re.split(r"[\s,:]+", question.key)
        if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f-]{36}|\d*", word) and word.removeprefix("-") not in ours
    }

    assert all(re.fullmatch(r"[a-z][a-z-]*", word) for word in words), words
    assert len(words) < 60


@pytest.mark.parametrize("check", CHECKS)
def test_a_plan_promises_no_stratum_that_it_does_not_ask(draws: dict[str, Draw], check: str) -> None:
    asked = {question.stratum for question in draws[check].questions}

    assert {stratum for stratum, members in draws[check].members.items() if members} == asked


@pytest.mark.parametrize("check", ["listing", "pagination", "attributes", "consistency", "unknown"])
def test_every_beginning_covers_the_strata(draws: dict[str, Draw], check: str) -> None:
    strata = {question.stratum for question in draws[check].questions}

    assert {question.stratum for question in draws[check].questions[: len(strata)]} == strata


def test_the_filters_asked_are_enough_to_judge_by(draws: dict[str, Draw]) -> None:
    assert len(draws["filters"].questions) >= 299
    assert len(draws["count"].questions) >= 299
    assert len(draws["connectra"].questions) >= 149


def _parameters(draw: Draw, stratum: str) -> list[set[str]]:
    return [set(question.subject.selection.filters) for question in draw.questions if question.stratum == stratum]


def test_warts_stay_out_of_pairs_while_the_flag_is_off(pool: Pool, contract: Contract) -> None:
    on, off = (_filters(pool, contract, flag_on=flag_on).filters for flag_on in (True, False))

    assert any(asked & {*WARTS} for asked in _parameters(on, "pair"))
    assert not any(asked & {*WARTS} for asked in _parameters(off, "pair"))
    assert any("departments" in asked for asked in _parameters(off, "word"))


def test_relations_leave_warts_alone(draws: dict[str, Draw]) -> None:
    asked = [{*question.subject.one, *question.subject.other} for question in draws["consistency"].questions]

    assert not any(each & {*WARTS} for each in asked)
    assert {question.subject.name for question in draws["consistency"].questions} == {
        "count-is-listing",
        "whole-is-pages",
        "filter-narrows",
        "exclusion-partitions",
        "order-permutes",
        "attribute-is-listing",
        "twice-the-same",
    }


def _shares(pool: Pool, contract: Contract) -> dict[str, Any]:
    return {fact.name: fact.value for fact in _filters(pool, contract).coverage("phase2")}


def test_what_is_not_asked_of_the_matrix_is_told(pool: Pool, staff: Staff, contract: Contract) -> None:
    everything, few = (_shares(each, contract) for each in (pool, _pool(staff, contract, 64)))

    assert (everything["filter-matrix-cells"], everything["filter-matrix-pairs"]) == (0, 0)
    assert 0.5 < few["filter-matrix-cells"] < 1
    assert 0.5 < few["filter-matrix-pairs"] < 1
    assert 0 < everything["filter-matrix-data"] == few["filter-matrix-data"] < 1


def test_classes_without_a_value_are_named(pool: Pool, contract: Contract) -> None:
    told = {fact.name: fact.sentence for fact in _filters(pool, contract).coverage("phase2")}

    assert re.search(r"not coverable: \w+:[\w-]+", told["filter-matrix-data"])


def test_the_same_seed_asks_the_same(staff: Staff, contract: Contract, draws: dict[str, Draw]) -> None:
    again, other = (WalkDraws(_pool(staff, contract, seed=seed)).pagination for seed in (7, 8))

    assert again == draws["pagination"]
    assert other.questions != again.questions


def test_walks_are_bounded_by_what_the_company_has(draws: dict[str, Draw]) -> None:
    walks = [each.subject for each in draws["pagination"].questions if isinstance(each.subject, Walk)]

    assert walks
    assert all(walk.size and walk.most * walk.size <= 26 + 3 * walk.size for walk in walks)
    assert {walk.way for walk in walks} == {"offset", "page", "links", "cursor"}
