"""After flags went off: the endpoints they belong to answer from SQL, the others still by VQL, and rightly.

Which flags should be on is what `--expect-flags` says, else what the settings say; who serves is what answers show.
"""

import pytest

from fixtures.checks.linkedin.client import affords, forbidden
from fixtures.checks.phase import Phase, require_match
from fixtures.checks.preflight import rollback
from fixtures.checks.preflight.rollback import ENDPOINTS, ProvenanceRecorder, RollbackFacts
from fixtures.checks.preflight.rollback_checks import RollbackChecks
from reports.judge.rules.dispatch import NOT_ASKED
from reports.records.records import Comparison

SEARCHES = 32  # of those that cost a credit each


@pytest.fixture(scope="module")
def checks(phase: Phase) -> RollbackChecks:
    return RollbackChecks(phase.target, count=phase.count, seed=phase.seed)


@pytest.fixture(scope="module")
def flags(phase: Phase, pytestconfig: pytest.Config) -> dict[str, bool | None]:
    if phase.target.contract.mandatory:
        name = phase.target.contract.name
        phase.leave([NOT_ASKED], f"absent: by the contract {name!r} VQL is mandatory: there is no flag to take back")
    return rollback.expected_flags(pytestconfig.option.expect_flags, phase.flag)


def test_at_least_one_flag_is_off(phase: Phase, flags: dict[str, bool | None]) -> None:
    for fact in rollback.of_flags(phase.gate.phase, flags):
        phase.record(fact)


@pytest.mark.asks("rollback-{endpoint}")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoint_is_served_as_its_flag_says(
    phase: Phase, checks: RollbackChecks, flags: dict[str, bool | None], endpoint: str
) -> None:
    should_be_on = flags[ENDPOINTS[endpoint]]
    judgement = RollbackFacts(phase.gate.phase, endpoint, should_be_on)
    _require_askable(phase, checks, endpoint, should_be_on)
    recorder, comparisons = ProvenanceRecorder(checks.check_of(endpoint)), list[Comparison]()
    draw, part = checks.drawn(endpoint), slice(SEARCHES if endpoint == "linkedin" else None)
    indices = sorted({record.index for record in phase.target.contract.records.values()})

    counted = rollback.searches(
        phase.target.index, indices, lambda: comparisons.extend(phase.put(recorder, draw, part, always=True))
    )

    facts = [judgement.served(comparisons)]
    if should_be_on is False:
        facts += [judgement.in_log(phase.target.log, recorder.request_ids), judgement.idle(counted)]
    phase.record_all(facts)
    require_match(comparisons)


def _require_askable(phase: Phase, checks: RollbackChecks, endpoint: str, should_be_on: bool | None) -> None:
    """Leave an endpoint that is not there, or whose price is not allowed."""
    why = checks.absent(endpoint)
    if endpoint == "linkedin" and not why:
        why = forbidden(phase.target)
        if not why and not affords(phase.target, SEARCHES):
            why = f"{SEARCHES} LinkedIn searches cost as many credits, more than --allow-cost leaves"
    if why:
        kinds = ["vql"] if should_be_on else ["direct", "log"]
        phase.leave([f"{kind}-{endpoint}" for kind in kinds], f"{endpoint}: {why}")
