"""What phase 2 sets out to ask of a small sandbox: every stratum early, no value in a key, and what is not covered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fixtures.checks.cases import SampleSet
from fixtures.checks.company_contacts.cases.companies import CompanyPool
from fixtures.checks.company_contacts.cases.filters import FilterCases
from fixtures.checks.company_contacts.cases.paging import PagingCases
from fixtures.checks.company_contacts.cases.relations import RelationCases
from fixtures.checks.company_contacts.clients.backend import ListingRequest
from fixtures.checks.company_contacts.clients.connectra import CompanyConnectraClient
from fixtures.checks.company_contacts.oracle import CompanyContactsOracle
from fixtures.clients.postgres import Database
from fixtures.contracts.contract import Contract, load

WARTS = ("departments", "status", "search", "facebook_url", "twitter_url")
PLENTY = 2_000


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@pytest.fixture(scope="module")
def oracle(calm: Mapping[str, str], contract: Contract) -> Iterator[CompanyContactsOracle]:
    database = Database(calm["DATABASE_URL"])
    assert contract.company_contacts is not None
    yield CompanyContactsOracle(database, contract.company_contacts, contract.records["contact"])
    database.close()


def _pool(oracle: CompanyContactsOracle, contract: Contract, count: int = PLENTY, seed: int = 7) -> CompanyPool:
    assert contract.company_contacts is not None
    return CompanyPool(oracle, contract.company_contacts, misread=WARTS, count=count, seed=seed)


def _filters(pool: CompanyPool, contract: Contract, flag_on: bool | None = True) -> FilterCases:
    return FilterCases(pool, CompanyConnectraClient(None, contract), flag_on=flag_on)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pool(oracle: CompanyContactsOracle, contract: Contract) -> CompanyPool:
    return _pool(oracle, contract)


@pytest.fixture(scope="module")
def filters(pool: CompanyPool, contract: Contract) -> FilterCases:
    """With the flag on; its pairs are found once."""
    return _filters(pool, contract)


@pytest.fixture(scope="module")
def draws(pool: CompanyPool, filters: FilterCases) -> dict[str, SampleSet]:
    walks, relations = PagingCases(pool), RelationCases(pool)
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
def test_keys_are_distinct(draws: dict[str, SampleSet], check: str) -> None:
    keys = [sample.key for sample in draws[check].samples]

    assert len(set(keys)) == len(keys) > 0


@pytest.mark.parametrize("check", CHECKS)
def test_a_key_is_made_of_our_own_words(draws: dict[str, SampleSet], contract: Contract, check: str) -> None:
    """Of parameters, classes, orderings, attributes, numbers and uuids: never of a value."""
    assert contract.company_contacts is not None
    ours = {
        *contract.company_contacts.filters,
        *contract.company_contacts.orderings,
        *contract.company_contacts.attributes,
    }
    words = {
        word
        for sample in draws[check].samples
        for word in re.split(r"[\s,:]+", sample.key)
        if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f-]{36}|\d*", word) and word.removeprefix("-") not in ours
    }

    assert all(re.fullmatch(r"[a-z][a-z-]*", word) for word in words), words
    assert len(words) < 60


@pytest.mark.parametrize("check", CHECKS)
def test_a_plan_promises_no_stratum_that_it_does_not_ask(draws: dict[str, SampleSet], check: str) -> None:
    parameters = {sample.stratum for sample in draws[check].samples}

    assert {stratum for stratum, members in draws[check].members.items() if members} == parameters


@pytest.mark.parametrize("check", ["listing", "pagination", "attributes", "consistency", "unknown"])
def test_every_beginning_covers_the_strata(draws: dict[str, SampleSet], check: str) -> None:
    strata = {sample.stratum for sample in draws[check].samples}

    assert {sample.stratum for sample in draws[check].samples[: len(strata)]} == strata


def test_the_filters_asked_are_enough_to_judge_by(draws: dict[str, SampleSet]) -> None:
    assert len(draws["filters"].samples) >= 299
    assert len(draws["count"].samples) >= 299
    assert len(draws["connectra"].samples) >= 149


def _parameters(draw: SampleSet, stratum: str) -> list[set[str]]:
    return [set(sample.subject.selection.filters) for sample in draw.samples if sample.stratum == stratum]


def test_warts_stay_out_of_pairs_while_the_flag_is_off(
    pool: CompanyPool, filters: FilterCases, contract: Contract
) -> None:
    on, off = filters.filters, _filters(pool, contract, flag_on=False).filters

    assert any(parameters & {*WARTS} for parameters in _parameters(on, "pair"))
    assert not any(parameters & {*WARTS} for parameters in _parameters(off, "pair"))
    assert any("departments" in parameters for parameters in _parameters(off, "word"))


def test_relations_avoid_filters_with_known_deviations(draws: dict[str, SampleSet]) -> None:
    parameters = [{*sample.subject.first, *sample.subject.second} for sample in draws["consistency"].samples]

    assert not any(group & {*WARTS} for group in parameters)
    assert {sample.subject.name for sample in draws["consistency"].samples} == {
        "count-is-listing",
        "whole-is-pages",
        "filter-narrows",
        "exclusion-partitions",
        "order-permutes",
        "attribute-is-listing",
        "twice-the-same",
    }


def _shares(filters: FilterCases, asked_count: int | None = None) -> dict[str, Any]:
    """Of the first `asked` questions of listing and count, and of the rest where all of theirs are asked."""
    keys = {sample.key for draw in (filters.filters, filters.count) for sample in draw.samples[:asked_count]}
    keys |= {sample.key for sample in filters.unasked(keys).samples} if asked_count is None else set()
    return {fact.name: fact.value for fact in filters.coverage("phase2", keys)}


def test_filters_that_are_not_asked_are_reported(
    filters: FilterCases, oracle: CompanyContactsOracle, contract: Contract
) -> None:
    everything, few = _shares(filters), _shares(_filters(_pool(oracle, contract, 64), contract))

    assert (everything["filter-matrix-cells"], everything["filter-matrix-pairs"]) == (0, 0)
    assert 0.5 < few["filter-matrix-cells"] < 1
    assert 0.5 < few["filter-matrix-pairs"] < 1
    assert 0 < everything["filter-matrix-data"] == few["filter-matrix-data"] < 1


def test_a_question_that_was_not_asked_covers_nothing(filters: FilterCases) -> None:
    shares = _shares(filters, asked_count=0)

    assert (shares["filter-matrix-cells"], shares["filter-matrix-pairs"]) == (1, 1)


def test_classes_without_a_value_are_named(filters: FilterCases) -> None:
    sentences = {fact.name: fact.sentence for fact in filters.coverage("phase2", ())}

    assert re.search(r"not coverable: \w+:[\w-]+", sentences["filter-matrix-data"])


def test_the_same_seed_asks_the_same(
    oracle: CompanyContactsOracle, contract: Contract, draws: dict[str, SampleSet]
) -> None:
    again, other = (PagingCases(_pool(oracle, contract, seed=seed)).pagination for seed in (7, 8))

    assert again == draws["pagination"]
    assert other.samples != again.samples


def test_walks_are_bounded_by_what_the_company_has(draws: dict[str, SampleSet]) -> None:
    walks = [sample.subject for sample in draws["pagination"].samples if isinstance(sample.subject, ListingRequest)]

    assert walks
    assert all(walk.size and walk.most * walk.size <= 26 + 3 * walk.size for walk in walks)
    assert {walk.style for walk in walks} == {"offset", "page", "links", "cursor"}
