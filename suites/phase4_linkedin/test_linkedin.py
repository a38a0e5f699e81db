"""The LinkedIn search, and Connectra itself, against PostgreSQL: who a URL leads to, and all that belongs to them.

A search costs a credit: where none may be spent, only what costs nothing is asked.
"""

import pytest

from fixtures.checks.latency import Block
from fixtures.checks.linkedin.catalogue import REFUSALS, SEARCHES, LinkedIn
from fixtures.checks.linkedin.client import affords, forbidden
from fixtures.checks.phase import Phase

# A few first: a search that ignores the URL gives long answers, and few of them are enough.
FEW = pytest.mark.parametrize("part", [slice(8), slice(8, None)], ids=["few", "rest"])
EXECUTIONS = 32  # texts asked alone and at once


@pytest.fixture(scope="module")
def linkedin(phase: Phase) -> LinkedIn:
    return LinkedIn(phase.target, flag_on=phase.flag_on, count=phase.count, seed=phase.seed)


def _require_paid(phase: Phase, linkedin: LinkedIn, check: str, questions: int) -> None:
    """Leave the check where the budget does not cover it: then its criteria say how to allow it."""
    needed = questions * linkedin.price(check)
    why = forbidden(phase.target)
    if not why and not affords(phase.target, needed):
        why = f"the next {questions} questions take {needed} credits: more than --allow-cost leaves"
    if why:
        phase.leave([check], why)


def test_what_is_no_search_is_refused(phase: Phase, linkedin: LinkedIn) -> None:
    if phase.target.contract.linkedin is None:
        phase.leave([f"linkedin-{name}" for name in REFUSALS], forbidden(phase.target))

    for fact in linkedin.refusals(phase.gate.phase):
        phase.record(fact)


@pytest.mark.parametrize("record", ["contact", "company"])
def test_connectra_finds_whoever_has_the_url(phase: Phase, linkedin: LinkedIn, look: slice, record: str) -> None:
    check = f"linkedin-connectra-{record}"

    phase.require_equal(linkedin.asked(check), linkedin.drawn(check), look)


@FEW
def test_the_url_of_nobody_finds_nobody(phase: Phase, linkedin: LinkedIn, part: slice) -> None:
    draw = linkedin.drawn("linkedin-nobody")
    _require_paid(phase, linkedin, "linkedin-nobody", len(draw.questions[part]))

    phase.require_equal(linkedin.asked("linkedin-nobody"), draw, part)


@pytest.mark.parametrize("check", SEARCHES[:2])
def test_a_url_finds_whom_the_database_has(phase: Phase, linkedin: LinkedIn, look: slice, check: str) -> None:
    draw = linkedin.drawn(check)
    _require_paid(phase, linkedin, check, len(draw.questions[look]))

    phase.require_equal(linkedin.asked(check), draw, look)


@FEW
def test_searches_at_once_find_the_same(phase: Phase, linkedin: LinkedIn, part: slice) -> None:
    draw, part = linkedin.drawn("linkedin-execution"), slice(part.start, part.stop or EXECUTIONS)
    _require_paid(phase, linkedin, "linkedin-execution", len(draw.questions[part]))

    phase.require_equal(linkedin.asked("linkedin-execution"), draw, part)


def test_vql_is_not_slower_than_direct(phase: Phase, linkedin: LinkedIn, block: int) -> None:
    questions = phase.of_block(linkedin.drawn("linkedin-contacts").questions, block)
    _require_paid(phase, linkedin, "linkedin-latency", len(questions) + 1)

    calls = linkedin.calls(phase.direct_path())
    phase.measure_latency(
        Block(check="linkedin-latency", number=block, questions=questions, calls=calls, itself=linkedin.itself)
    )
