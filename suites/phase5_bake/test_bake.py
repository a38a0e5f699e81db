"""What the bake asks of the deployment itself: the history is judged from what was recorded at the run's start."""

import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.phase import Phase
from fixtures.checks.preflight.monitoring import Monitoring
from fixtures.checks.records.fallback import FAILING, NoProxy, probe
from fixtures.checks.records.records import RecordChecks
from reports.records.records import Fact


@pytest.fixture(scope="module")
def people(phase: Phase) -> tuple[Sample, ...]:
    return (
        RecordChecks(phase.target, flag_on=True, count=phase.count, seed=phase.seed).drawn("contact-endpoint").samples
    )


@pytest.mark.parametrize("mode", FAILING)
def test_fallback_works(phase: Phase, people: tuple[Sample, ...], mode: str) -> None:
    if phase.target.contract.mandatory:
        name = phase.target.contract.name
        phase.leave([f"fallback-{mode}"], f"absent: by the contract {name!r} VQL is mandatory, and nothing falls back")
    try:
        fact = probe(phase.target, mode, people, phase=phase.gate.phase)
    except NoProxy as reason:
        fact = Fact(phase=phase.gate.phase, name=f"fallback-{mode}", ok=None, sentence=str(reason))
    phase.record(fact)


def test_log_queries_of_the_guide_are_compared(phase: Phase) -> None:
    for fact in Monitoring(phase.target, phase.gate.phase, flag_on=True).queries():
        phase.note(fact)
