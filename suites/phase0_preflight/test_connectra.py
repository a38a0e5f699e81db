"""Connectra before any flag is on: healthy, asked only with the key, and answering what it was asked."""

import pytest

from fixtures.checks.phase import Phase
from fixtures.checks.preflight.services import KEYS, Preflight
from fixtures.checks.records.counts import ConnectraUuidCountCheck
from fixtures.checks.records.records import RecordChecks

RECORDS = ("contact", "company")


@pytest.fixture(scope="module")
def preflight(phase: Phase) -> Preflight:
    return Preflight(phase.target, phase.gate.phase)


@pytest.fixture(scope="module")
def records(phase: Phase) -> RecordChecks:
    return RecordChecks(phase.target, flag_on=None, count=phase.drawn, seed=phase.seed)


def test_connectra_reports_healthy(phase: Phase, preflight: Preflight) -> None:
    phase.record(preflight.connectra_health())


@pytest.mark.parametrize("key_kind", KEYS)
def test_connectra_accepts_only_the_right_key(phase: Phase, preflight: Preflight, key_kind: str) -> None:
    phase.record(preflight.connectra_key(key_kind))


@pytest.mark.parametrize("record", RECORDS)
def test_path_without_trailing_slash_is_served(phase: Phase, preflight: Preflight, record: str) -> None:
    phase.record(preflight.slashless(phase.target.contract.records[record]))


def test_backend_reports_healthy(phase: Phase, preflight: Preflight) -> None:
    phase.record(preflight.backend_health())


def test_backend_reports_connectra_healthy(phase: Phase, preflight: Preflight) -> None:
    phase.record(preflight.connectra_as_seen())


@pytest.mark.asks("{record}-unknown-connectra")
@pytest.mark.parametrize("record", RECORDS)
def test_unknown_uuid_is_not_found(phase: Phase, records: RecordChecks, record: str) -> None:
    check = f"{record}-unknown-connectra"

    phase.require_equal(records.check_of(check), records.drawn(check))


@pytest.mark.asks("{record}-count")
@pytest.mark.parametrize("record", RECORDS)
def test_uuid_count_is_one_or_zero(phase: Phase, record: str) -> None:
    check = ConnectraUuidCountCheck(phase.target, phase.target.contract.records[record])

    phase.require_equal(check, check.drawn(count=phase.count, seed=phase.seed))


@pytest.mark.asks("{record}-connectra")
@pytest.mark.parametrize("record", RECORDS)
def test_uuid_returns_its_record(phase: Phase, records: RecordChecks, look: slice, record: str) -> None:
    check = f"{record}-connectra"

    phase.require_equal(records.check_of(check), records.drawn(check), phase.few_of(look))


@pytest.mark.usefixtures("at_end")
@pytest.mark.parametrize("record", RECORDS)
def test_uncounted_answers_are_replaced(phase: Phase, records: RecordChecks, record: str) -> None:
    check = f"{record}-connectra"

    phase.replace_lost(records.check_of(check), records.drawn(check))
