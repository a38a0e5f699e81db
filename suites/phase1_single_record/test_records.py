"""The endpoints of phase 1, and Connectra itself, against PostgreSQL: field by field, the right person or nobody."""

import pytest

from fixtures.phase import Phase, gate_of, looks

RECORDS = ("contact", "company")
WAYS = ("endpoint", "connectra")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "look" in metafunc.fixturenames:
        metafunc.parametrize("look", looks(metafunc.config, "phase1"), ids=lambda look: f"to-{look.stop}")
    if "block" in metafunc.fixturenames:
        blocks = gate_of(metafunc.config, "phase1").latency.blocks
        metafunc.parametrize("block", range(1, blocks + 1), ids=lambda block: f"block-{block}")


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_record_is_nobody(phase: Phase, record: str, way: str) -> None:
    phase.require_absent(f"{record}-unknown-{way}")


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("way", WAYS)
def test_records_equal_the_database(phase: Phase, look: slice, record: str, way: str) -> None:
    phase.require_equal(f"{record}-{way}", look)


@pytest.mark.parametrize("record", RECORDS)
def test_vql_is_not_slower_than_direct(phase: Phase, block: int, record: str) -> None:
    phase.measure_latency(f"{record}-latency", block)
