"""One cheap request to each service, for a schedule of every five minutes: whether it answers at this moment."""

import pytest

from fixtures.checks.phase import Phase
from fixtures.checks.preflight import availability


@pytest.mark.parametrize("service", availability.SERVICES)
def test_service_answers(phase: Phase, service: str) -> None:
    moment = availability.of_now(phase.target, service, phase=phase.gate.phase)

    phase.keep(moment.comparison)
    phase.record(moment.fact)
