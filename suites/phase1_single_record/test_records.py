"""The endpoints of phase 1, and Connectra itself, against PostgreSQL: field by field, the right record or none."""

import pytest

from fixtures.checks.latency import LatencyBlock
from fixtures.checks.phase import Phase
from fixtures.checks.records.index_only import IndexOnlyRecords
from fixtures.checks.records.records import RecordChecks

RECORDS = ("contact", "company")
SERVICES = ("endpoint", "connectra")


@pytest.fixture(scope="module")
def records(phase: Phase) -> RecordChecks:
    return RecordChecks(phase.target, flag_on=phase.flag_on, count=phase.drawn, seed=phase.seed)


@pytest.fixture(scope="module")
def index_only(phase: Phase) -> IndexOnlyRecords:
    return IndexOnlyRecords(phase.target, flag_on=phase.flag_on, count=phase.few, seed=phase.seed)


@pytest.mark.asks("{record}-unknown-{service}")
@pytest.mark.canary
@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("service", SERVICES)
def test_unknown_record_is_not_found(phase: Phase, records: RecordChecks, record: str, service: str) -> None:
    check = f"{record}-unknown-{service}"

    phase.require_equal(records.check_of(check), records.drawn(check), phase.few_of(slice(None)))


@pytest.mark.asks("{record}-{service}")
@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("service", SERVICES)
def test_records_equal_the_database(
    phase: Phase, records: RecordChecks, look: slice, record: str, service: str
) -> None:
    check = f"{record}-{service}"
    timed = phase.timed(records.drawn(check).samples, f"{record}-latency") if service == "endpoint" else ()

    phase.require_equal(records.check_of(check), records.drawn(check), look, timed)


@pytest.mark.asks("{record}-ghost-{service}")
@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("service", SERVICES)
def test_index_only_record_is_not_found(
    phase: Phase, index_only: IndexOnlyRecords, look: slice, record: str, service: str
) -> None:
    check = f"{record}-ghost-{service}"
    draw = phase.drawn_or_left(check, index_only.drawn)

    phase.require_equal(index_only.check_of(check), draw, look)


@pytest.mark.asks("{record}-latency")
@pytest.mark.parametrize("record", RECORDS)
def test_vql_is_not_slower_than_direct(phase: Phase, records: RecordChecks, block: int, record: str) -> None:
    check = f"{record}-latency"
    calls = records.calls(check, phase.direct_path())
    drawn = records.drawn(check).samples
    timed = LatencyBlock(
        check=check,
        number=block,
        samples=phase.of_block(drawn, block),
        calls=calls,
        ask_connectra=records.ask_connectra(check),
        compared=records.check_of(f"{record}-endpoint"),
    )

    phase.measure_latency(timed, spare=drawn)


@pytest.mark.usefixtures("at_end")
@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("service", SERVICES)
def test_uncounted_answers_are_replaced(phase: Phase, records: RecordChecks, record: str, service: str) -> None:
    check = f"{record}-{service}"

    phase.replace_lost(records.check_of(check), records.drawn(check))
