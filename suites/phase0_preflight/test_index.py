"""Elasticsearch against PostgreSQL: the indices as the contract has them, and the same records on both sides."""

import pytest

from fixtures.checks.phase import Phase, require_match
from fixtures.checks.preflight.index_status import IndexFacts
from fixtures.checks.records.index_keys import IndexKeyChecks
from fixtures.clients.elasticsearch import IndexUnreachable
from reports.records.cause_codes import CauseCode
from reports.records.records import Fact

RECORDS = ("contact", "company")


@pytest.fixture(scope="module")
def facts(phase: Phase) -> IndexFacts:
    return IndexFacts(phase.target, phase.gate.phase, pauses=phase.pauses, fresh_s=phase.gate.recheck.fresh_s)


@pytest.fixture
def keysets(phase: Phase) -> IndexKeyChecks:
    if phase.target.index is None:
        silent = phase.target.settings.index_silent
        pytest.skip(silent or "ELASTICSEARCH_HOST is not set: there is no index to ask")
    return IndexKeyChecks(phase.target, phase.target.index, count=phase.count, seed=phase.seed)


def test_elasticsearch_answers(phase: Phase, facts: IndexFacts) -> None:
    phase.record(facts.reachable())


def test_cluster_is_healthy(phase: Phase, facts: IndexFacts) -> None:
    phase.record(facts.health())


@pytest.mark.parametrize("record", RECORDS)
def test_index_mapping_matches_the_contract(phase: Phase, facts: IndexFacts, record: str) -> None:
    phase.record(facts.mapping(phase.target.contract.records[record]))


@pytest.mark.parametrize("record", RECORDS)
def test_index_and_database_counts_are_equal(phase: Phase, facts: IndexFacts, record: str) -> None:
    phase.record(facts.count(phase.target.contract.records[record]))


@pytest.mark.asks("{record}-{kind}")
@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("kind", ["index", "ghosts"])
def test_index_and_database_have_the_same_keys(phase: Phase, keysets: IndexKeyChecks, kind: str, record: str) -> None:
    check = f"{record}-{kind}"
    try:
        draw = keysets.drawn(check)
    except IndexUnreachable as error:
        phase.leave([check], str(error))

    phase.require_equal(keysets.check_of(check), draw)


@pytest.mark.asks("{record}-newest")
@pytest.mark.parametrize("record", RECORDS)
def test_index_is_up_to_date(phase: Phase, keysets: IndexKeyChecks, record: str) -> None:
    check = f"{record}-newest"

    comparisons = phase.put(keysets.check_of(check), keysets.drawn(check))

    seconds, sentence = keysets.behind(phase.target.contract.records[record], comparisons)
    phase.record(
        Fact(
            phase=phase.gate.phase,
            name=f"{record}-behind",
            ok=None,
            value=seconds,
            unit="s",
            sentence=sentence,
            cause=CauseCode.INDEX_STALE if seconds else None,
        )
    )
    require_match(comparisons)
