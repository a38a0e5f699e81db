"""The endpoints of phase 2, and Connectra itself, against PostgreSQL: who is listed, counted, filtered, paged."""

import pytest

from fixtures.checks.company_contacts.catalogue import ALL_SAMPLES, FEW_SAMPLES, CompanyContactChecks
from fixtures.checks.company_contacts.index_only import IndexOnlyContacts
from fixtures.checks.latency import LatencyBlock
from fixtures.checks.phase import Phase, require_match
from reports.judge.rules.dispatch import NOT_ASKED

FILTERS = "company-contacts-filters"
ATTRIBUTES = "company-contacts-attributes"
TIMED = ("listing", "count")
COUNT = "company-contacts-count"  # its latency pairs are compared as well, so that no other test has to ask the same


@pytest.fixture(scope="module")
def companies(phase: Phase) -> CompanyContactChecks:
    absent = phase.target.absences.why("company_contacts")
    if absent:
        phase.leave([NOT_ASKED], absent)
    return CompanyContactChecks(phase.target, flag_on=phase.flag_on, count=phase.count, seed=phase.seed)


@pytest.fixture(scope="module")
def index_only(phase: Phase, companies: CompanyContactChecks) -> IndexOnlyContacts:
    del companies  # without the endpoints its fixture leaves the phase
    return IndexOnlyContacts(phase.target, flag_on=phase.flag_on, count=phase.few, seed=phase.seed)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", ALL_SAMPLES)
def test_company_contacts_equal_the_database(
    phase: Phase, companies: CompanyContactChecks, look: slice, check: str
) -> None:
    if check == ATTRIBUTES:
        confirmed, absent = phase.target.absences.attributes_confirmed()
        if absent:
            phase.leave([check], absent, not_deployed=confirmed)

    draw = companies.drawn(check)
    timed = phase.timed(draw.samples, f"{check}-latency") if check == COUNT else ()

    phase.require_equal(companies.check_of(check), draw, look, timed)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", FEW_SAMPLES)
def test_company_contacts_are_consistent(
    phase: Phase, companies: CompanyContactChecks, look: slice, check: str
) -> None:
    phase.require_equal(companies.check_of(check), companies.drawn(check), phase.few_of(look))


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", [f"company-contacts-ghost-{name}" for name in TIMED])
def test_index_only_record_is_not_listed(phase: Phase, index_only: IndexOnlyContacts, look: slice, check: str) -> None:
    draw = phase.drawn_or_left(check, index_only.drawn)

    phase.require_equal(index_only.check_of(check), draw, look)


def test_filter_matrix_is_covered(phase: Phase, companies: CompanyContactChecks) -> None:
    draw = companies.rest_of_matrix(phase.asked_keys(FILTERS, COUNT))
    comparisons = phase.put(companies.check_of(FILTERS), draw, always=True) if draw.samples else ()

    for fact in companies.coverage(phase.gate.phase, phase.asked_keys(FILTERS, COUNT)):
        phase.record(fact)
    require_match(comparisons)


@pytest.mark.asks("{check}")
@pytest.mark.parametrize("check", [f"company-contacts-{name}-latency" for name in TIMED])
def test_vql_is_not_slower_than_direct(phase: Phase, companies: CompanyContactChecks, block: int, check: str) -> None:
    counts = check == f"{COUNT}-latency"
    drawn = companies.drawn(COUNT).samples if counts else companies.timed()
    timed = LatencyBlock(
        check=check,
        number=block,
        samples=phase.of_block(drawn, block),
        calls=companies.calls(check, phase.direct_path()),
        ask_connectra=companies.ask_connectra(check),
        compared=companies.check_of(COUNT) if counts else None,
    )

    phase.measure_latency(timed, spare=drawn)


@pytest.mark.usefixtures("at_end")
def test_uncounted_answers_are_replaced(phase: Phase, companies: CompanyContactChecks) -> None:
    """Latency blocks that are not asked, because latency is decided, leave counts that nothing has asked for yet."""
    phase.replace_lost(companies.check_of(COUNT), companies.drawn(COUNT))
