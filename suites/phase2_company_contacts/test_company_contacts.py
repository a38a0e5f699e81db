"""The endpoints of phase 2, and Connectra itself, against PostgreSQL: who is listed, counted, filtered, paged."""

import pytest

from fixtures.checks.company_contacts.catalogue import CompanyContactChecks
from fixtures.checks.latency import LatencyBlock
from fixtures.checks.phase import Phase
from reports.judge.rules.dispatch import NOT_ASKED

LOOKED_AT = ("filters", "count", "listing", "attributes", "connectra")
AT_ONCE = ("unknown", "pagination", "consistency")
ATTRIBUTES = "company-contacts-attributes"
TIMED = ("listing", "count")


@pytest.fixture(scope="module")
def companies(phase: Phase) -> CompanyContactChecks:
    absent = phase.target.absences.why("company_contacts")
    if absent:
        phase.leave([NOT_ASKED], absent)
    return CompanyContactChecks(phase.target, flag_on=phase.flag_on, count=phase.count, seed=phase.seed)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", [f"company-contacts-{name}" for name in AT_ONCE])
def test_answers_are_what_they_have_to_be(phase: Phase, companies: CompanyContactChecks, check: str) -> None:
    phase.require_equal(companies.asked(check), companies.drawn(check))


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", [f"company-contacts-{name}" for name in LOOKED_AT])
def test_company_contacts_equal_the_database(
    phase: Phase, companies: CompanyContactChecks, look: slice, check: str
) -> None:
    absent = phase.target.absences.why("company_contacts.attribute") if check == ATTRIBUTES else ""
    if absent:
        phase.leave([check], absent)

    phase.require_equal(companies.asked(check), companies.drawn(check), look)


def test_the_filter_matrix_is_asked(phase: Phase, companies: CompanyContactChecks) -> None:
    for fact in companies.coverage(phase.gate.phase):
        phase.record(fact)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", [f"company-contacts-{name}-latency" for name in TIMED])
def test_vql_is_not_slower_than_direct(phase: Phase, companies: CompanyContactChecks, block: int, check: str) -> None:
    calls = companies.calls(check, phase.direct_path())
    drawn = companies.timed()
    samples = phase.of_block(drawn, block)

    phase.measure_latency(
        LatencyBlock(check=check, number=block, samples=samples, calls=calls, itself=companies.itself(check)),
        spare=drawn,
    )
