"""The LinkedIn search, and Connectra itself, against PostgreSQL: who a URL leads to, and all that belongs to them.

A search costs a credit: where none may be spent, only what costs nothing is asked.
"""

import pytest

from fixtures.checks.latency import LatencyBlock
from fixtures.checks.linkedin.catalogue import CATALOGUE, FREE, LATENCY_CREDITS, PAID, REFUSALS, LinkedInChecks
from fixtures.checks.linkedin.client import affords, forbidden
from fixtures.checks.linkedin.index_only import IndexOnlyLinkedIn
from fixtures.checks.phase import Phase

# A few first: a search that ignores the URL gives long answers, and few of them are enough.
FEW = pytest.mark.parametrize("part", [slice(8), slice(8, None)], ids=["few", "rest"])
EXECUTIONS = 32  # texts asked alone and at once
CONTACTS, LATENCY = "linkedin-contacts", "linkedin-latency"  # latency pairs ask for contacts, and are compared as well


@pytest.fixture(scope="module")
def linkedin(phase: Phase) -> LinkedInChecks:
    return LinkedInChecks(phase.target, flag_on=phase.flag_on, count=phase.drawn, seed=phase.seed)


@pytest.fixture(scope="module")
def index_only(phase: Phase) -> IndexOnlyLinkedIn:
    return IndexOnlyLinkedIn(phase.target, flag_on=phase.flag_on, count=phase.few, seed=phase.seed)


def _require_paid(phase: Phase, check: str, samples: int) -> None:
    """Leave the check where the budget does not cover it: then its criteria say how to allow it."""
    needed = samples * (LATENCY_CREDITS if check == LATENCY else CATALOGUE[check].credits)
    why = forbidden(phase.target)
    if not why and not affords(phase.target, needed):
        why = f"the next {samples} samples cost {needed} credits, more than --allow-cost leaves"
    if why:
        phase.leave([check], why)


def test_invalid_search_is_refused(phase: Phase, linkedin: LinkedInChecks) -> None:
    """A backend that does not refuse them may take a credit for them: they too are asked by leave only."""
    if why := forbidden(phase.target):
        phase.leave([f"linkedin-{name}" for name in REFUSALS], why)

    for fact in linkedin.refusals(phase.gate.phase):
        phase.record(fact)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", FREE)
def test_connectra_finds_the_record_of_a_url(phase: Phase, linkedin: LinkedInChecks, look: slice, check: str) -> None:
    phase.require_equal(linkedin.check_of(check), linkedin.drawn(check), look)


@pytest.mark.asks("linkedin-nobody")
@FEW
def test_unknown_url_finds_nothing(phase: Phase, linkedin: LinkedInChecks, part: slice) -> None:
    draw = linkedin.drawn("linkedin-nobody")
    _require_paid(phase, "linkedin-nobody", len(draw.samples[part]))

    phase.require_equal(linkedin.check_of("linkedin-nobody"), draw, part)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", PAID)
def test_url_finds_the_records_of_the_database(phase: Phase, linkedin: LinkedInChecks, look: slice, check: str) -> None:
    draw = linkedin.drawn(check)
    timed = phase.timed(draw.samples, LATENCY) if check == CONTACTS else ()
    _require_paid(phase, check, sum(sample.key not in timed for sample in draw.samples[look]))

    phase.require_equal(linkedin.check_of(check), draw, look, timed)


@pytest.mark.asks("linkedin-ghost-{service}{record}")
@pytest.mark.parametrize("record", ["contact", "company"])
@pytest.mark.parametrize("service", ["", "connectra-"], ids=["endpoint", "connectra"])
def test_url_of_an_index_only_record_finds_nothing(
    phase: Phase, index_only: IndexOnlyLinkedIn, look: slice, record: str, service: str
) -> None:
    check = f"linkedin-ghost-{service}{record}"
    draw = phase.drawn_or_left(check, index_only.drawn)
    if not service:
        why = forbidden(phase.target)
        if why:
            phase.leave([check], why)

    phase.require_equal(index_only.check_of(check), draw, look)


@pytest.mark.asks("linkedin-execution")
@FEW
def test_concurrent_searches_find_the_same(phase: Phase, linkedin: LinkedInChecks, part: slice) -> None:
    draw, part = linkedin.drawn("linkedin-execution"), slice(part.start, part.stop or EXECUTIONS)
    _require_paid(phase, "linkedin-execution", len(draw.samples[part]))

    phase.require_equal(linkedin.check_of("linkedin-execution"), draw, part)


@pytest.mark.asks(LATENCY)
def test_vql_is_not_slower_than_direct(phase: Phase, linkedin: LinkedInChecks, block: int) -> None:
    drawn = linkedin.drawn(CONTACTS).samples
    samples = phase.of_block(drawn, block)
    _require_paid(phase, LATENCY, len(samples))
    timed = LatencyBlock(
        check=LATENCY,
        number=block,
        samples=samples,
        calls=linkedin.calls(phase.direct_path()),
        ask_connectra=linkedin.ask_connectra,
        compared=linkedin.check_of(CONTACTS),
    )

    phase.measure_latency(timed)


@pytest.mark.usefixtures("at_end")
@pytest.mark.parametrize("check", [*PAID, *FREE])
def test_uncounted_answers_are_replaced(phase: Phase, linkedin: LinkedInChecks, check: str) -> None:
    linkedin_check, draw = linkedin.check_of(check), linkedin.drawn(check)
    spares = phase.spares(linkedin_check, draw)
    if linkedin_check.through_backend and spares:
        _require_paid(phase, check, len(spares))

    phase.replace_lost(linkedin_check, draw)
