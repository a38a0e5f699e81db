"""Monitoring before any flag is on: the signals that distinguish VQL from SQL, and the guide's own queries."""

import pytest

from fixtures.checks import cases
from fixtures.checks.phase import Phase
from fixtures.checks.preflight.monitoring import Monitoring

FLAG = "VQL_SINGLE_RECORD_RETRIEVAL"  # of the endpoint whose answer is looked at


@pytest.fixture(scope="module")
def monitoring(phase: Phase) -> Monitoring:
    return Monitoring(phase.target, phase.gate.phase, flag_on=phase.flag(FLAG))


def test_monitoring_distinguishes_vql_from_sql(phase: Phase, monitoring: Monitoring) -> None:
    contract, database = phase.target.contract, phase.target.database
    record = contract.records["contact"]
    (sample,) = cases.of_records(database, contract, record, count=1, seed=phase.seed).samples

    for fact in monitoring.facts(monitoring.signals(record, sample.key)):
        phase.record(fact)


@pytest.mark.parametrize("number", [0, 1], ids=["success", "fallback"])
def test_log_query_of_the_guide_works(phase: Phase, monitoring: Monitoring, number: int) -> None:
    phase.record(monitoring.queries()[number])
