"""The endpoints of phase 2, and Connectra itself, against PostgreSQL: who is listed, counted, filtered, paged."""

import pytest

from fixtures.checks.company_contacts.catalogue import Companies
from fixtures.checks.latency import Block
from fixtures.checks.phase import Phase
from reports.judge.rules.dispatch import NOT_ASKED

LOOKED_AT = ("filters", "count", "listing", "attributes", "connectra")
AT_ONCE = ("unknown", "pagination", "consistency")
ATTRIBUTES = "company-contacts-attributes"
TIMED = ("listing", "count")


@pytest.fixture(scope="module")
def companies(phase: Phase) -> Companies:
    absent = phase.target.absences.why("company_contacts")
    if absent:
        phase.leave([NOT_ASKED], absent)
    return Companies(phase.target, flag_on=phase.flag_on, count=phase.count, seed=phase.seed)


@pytest.mark.parametrize("check", [f"company-contacts-{name}" for name in AT_ONCE])
def test_answers_are_what_they_have_to_be(phase: Phase, companies: Companies, check: str) -> None:
    phase.require_equal(companies.asked(check), companies.drawn(check))


@pytest.mark.parametrize("check", [f"company-contacts-{name}" for name in LOOKED_AT])
def test_company_contacts_equal_the_database(phase: Phase, companies: Companies, look: slice, check: str) -> None:
    absent = phase.target.absences.why("company_contacts.attribute") if check == ATTRIBUTES else ""
    if absent:
        phase.leave([check], absent)

    phase.require_equal(companies.asked(check), companies.drawn(check), look)


def test_the_filter_matrix_is_asked(phase: Phase, companies: Companies) -> None:
    for fact in companies.coverage(phase.gate.phase):
        phase.record(fact)


@pytest.mark.parametrize("check", [f"company-contacts-{name}-latency" for name in TIMED])
def test_vql_is_not_slower_than_direct(phase: Phase, companies: Companies, block: int, check: str) -> None:
    calls = companies.calls(check, phase.direct_path())
    questions = phase.of_block(companies.timed(), block)

    phase.measure_latency(
        Block(check=check, number=block, questions=questions, calls=calls, itself=companies.itself(check))
    )
