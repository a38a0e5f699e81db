"""Every criterion has a fault that must break it, or a reason why not; faults name criteria and causes that exist."""

import tomllib
from pathlib import Path

import pytest

from fixtures.sandbox import __main__ as sandbox_command
from fixtures.sandbox.faults import history_faults
from fixtures.sandbox.faults.catalogue import CATALOGUE, parse
from fixtures.sandbox.faults.fault import Fault
from reports.judge import causes
from reports.judge.criteria import Criterion, Gate, read_gate
from reports.records.records import is_of

FAULTS = [*CATALOGUE, *(past.fault for past in history_faults.CATALOGUE)]
BY_HAND = ("veto", "advisory")  # kinds that may go without a fault, for a reason
RULES_BY_HAND = ("attested", "lag", "p95")
ABOUT_OURSELVES = ("phase2/filter-matrix",)  # what was asked, not what was answered


@pytest.fixture(scope="module")
def gates(checkout: Path) -> dict[str, Gate]:
    read = [read_gate(path.read_text(encoding="utf-8"), str(path)) for path in checkout.glob("suites/*/gate.toml")]
    return {gate.phase: gate for gate in read}


@pytest.fixture(scope="module")
def reasons(checkout: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((checkout / "suites/drills/undrilled.toml").read_text(encoding="utf-8"))


def _drilled(phase: str) -> set[str]:
    return {criterion for fault in FAULTS for criterion in fault.breaks(phase)}


def _criteria(gates: dict[str, Gate]) -> dict[str, Criterion]:
    return {f"{gate.phase}/{criterion.id}": criterion for gate in gates.values() for criterion in gate.criteria}


def test_every_criterion_has_a_fault_that_must_break_it_or_a_reason_why_not(
    gates: dict[str, Gate], reasons: dict[str, dict[str, str]]
) -> None:
    undrilled = [
        name
        for name in _criteria(gates)
        for phase, criterion in [name.split("/")]
        if criterion not in _drilled(phase) and criterion not in reasons.get(phase, {})
    ]

    assert undrilled == []


def test_a_reason_stands_only_where_nothing_is_drilled_and_something_is_there(
    gates: dict[str, Gate], reasons: dict[str, dict[str, str]]
) -> None:
    existing = _criteria(gates)
    astray = [
        f"{phase}/{criterion}"
        for phase, entries in reasons.items()
        for criterion in entries
        if criterion in _drilled(phase) or f"{phase}/{criterion}" not in existing
    ]

    assert astray == []


def test_what_blocks_by_itself_is_drilled(gates: dict[str, Gate], reasons: dict[str, dict[str, str]]) -> None:
    """Only what advises, vetoes, or is asked of people or of time may go without a fault."""
    by_hand = {
        name: criterion
        for name, criterion in _criteria(gates).items()
        if criterion.id in reasons.get(name.split("/")[0], {})
    }
    unfit = [
        name
        for name, criterion in by_hand.items()
        if criterion.kind not in BY_HAND and criterion.rule not in RULES_BY_HAND and name not in ABOUT_OURSELVES
    ]

    assert unfit == []
    assert all(text.strip() for entries in reasons.values() for text in entries.values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_names_criteria_and_a_cause_that_exist(gates: dict[str, Gate], fault: Fault) -> None:
    existing = {phase: {criterion.id for criterion in gate.criteria} for phase, gate in gates.items()}
    named = {phase: fault.breaks(phase) for phase in fault.phases if phase in gates}
    astray = {
        phase: sorted(set(criteria) - existing[phase])
        for phase, criteria in named.items()
        if set(criteria) - existing[phase]
    }
    idle = [
        name
        for phase in named
        for name in fault.may_break(phase)
        if "/" not in name and not any(is_of(text, name) for phase in named for text in existing[phase])
    ]

    assert (astray, idle) == ({}, [])
    assert fault.cause is None or fault.cause in causes.codes() or fault.phase not in gates


def test_a_fault_that_must_break_nothing_says_go() -> None:
    assert [fault.name for fault in FAULTS if not fault.criteria and fault.verdict != "GO"] == []


def test_faults_have_names_of_their_own() -> None:
    names = [fault.name for fault in FAULTS]

    assert len(set(names)) == len(names)
    assert len(CATALOGUE) >= 45
    assert [parse(fault.name) for fault in CATALOGUE] == list(CATALOGUE)


def test_the_list_of_faults_has_each_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert sandbox_command.main(["--fault", "list"]) == 0

    printed = capsys.readouterr().out
    assert all(fault.name in printed and fault.sentence in printed for fault in CATALOGUE)
