"""When a check is asked no further, beyond latency: what other checks lack, and shares that a GO does not need."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from reports.judge.criteria import Criterion
from reports.judge.verdict import decided
from reports.records.records import Outcome, Provenance, Record
from reports.records.run_ledger import RunRecords
from suites.selftest.support.phase_builders import criterion_of, gate_of, plan_of, sampled, samples
from suites.selftest.support.verdict_builders import run

TOGETHER = criterion_of("exact", "x", "y", least=20)


def _samples(check: str, counts: Mapping[str, int]) -> list[Record]:
    """A check whose population has two strata, and so many equal answers of each."""
    equal = (
        sampled(f"{stratum}{number}", check=check, stratum=stratum)
        for stratum, count in counts.items()
        for number in range(count)
    )
    return [plan_of(1000, check, s=500, t=500), *equal]


def _decided(records: Sequence[Record], *criteria: Criterion, flag: str = "", flag_on: bool = True) -> str | None:
    recorded = RunRecords(run=run(flags={"CONNECTRA_ENABLED": True, flag: flag_on}), records=tuple(records))
    finding = decided(recorded, gate_of(*criteria, flag=flag), "x")
    return finding.outcome if finding else None


@pytest.mark.parametrize(
    ("of_x", "of_y", "outcome"),
    [
        ({"s": 10, "t": 10}, {"s": 20}, "met"),
        ({"s": 20}, {"s": 20}, None),
        ({"s": 2, "t": 2}, {"s": 4}, None),
        ({"s": 5, "t": 5}, {"s": 10}, "met"),
    ],
    ids=["only-the-other-lacks-strata", "its-own-strata-are-lacking", "not-enough-together", "just-enough-together"],
)
def test_a_check_is_not_asked_for_what_only_another_one_lacks(
    of_x: Mapping[str, int], of_y: Mapping[str, int], outcome: str | None
) -> None:
    assert _decided([*_samples("x", of_x), *_samples("y", of_y)], TOGETHER) == outcome


@pytest.mark.parametrize(("kind", "outcome"), [("blocking", None), ("veto", "met"), ("advisory", "met")])
def test_a_share_that_a_go_does_not_need_keeps_no_check_going(kind: str, outcome: str | None) -> None:
    parity = criterion_of("exact", "x", least=20)
    errors = criterion_of("share", of="errors", target=0.001, alert=0.01, kind=kind, id="errors")

    assert _decided(list(samples(20)), parity, errors) == outcome


PARITY = criterion_of("exact", "x", least=20)
LATENCY = criterion_of("latency", "x", id="latency", target=1.2, alert=1.5, least=128)
WRONG = samples(20, Outcome.DIFFERENT)


@pytest.mark.parametrize("other", [LATENCY, replace(PARITY, id="more", least=40)], ids=["latency", "parity"])
def test_a_missed_criterion_ends_no_questions_that_another_open_one_needs(other: Criterion) -> None:
    wrong = [*WRONG, *samples(20, at=20)]

    assert _decided(wrong, PARITY) == "missed"
    assert _decided(wrong, PARITY, LATENCY) is None
    assert _decided(samples(20), PARITY, other) is None


def test_two_missed_criteria_end_the_questions() -> None:
    assert _decided(WRONG, PARITY, replace(PARITY, id="more", least=40)) == "missed"


def test_a_mismatch_of_another_check_ends_the_questions_of_all_that_share_its_criterion() -> None:
    assert _decided([*samples(20), *samples(1, Outcome.DIFFERENT, check="y")], TOGETHER) == "missed"


@pytest.mark.parametrize(("served_by", "outcome"), [("vql", "missed"), ("any", None)])
def test_a_wrong_answer_of_either_path_leaves_vql_to_be_asked(served_by: str, outcome: str | None) -> None:
    assert _decided(WRONG, criterion_of("exact", "x", least=20, served_by=served_by)) == outcome


@pytest.mark.parametrize(("flag_on", "outcome"), [(True, None), (False, "met")])
def test_a_criterion_that_needs_the_flag_is_no_reason_to_ask_while_it_is_off(
    flag_on: bool, outcome: str | None
) -> None:
    served = Provenance.VQL if flag_on else Provenance.DIRECT
    wanted = replace(LATENCY, needs_flag=True)

    assert _decided(samples(20, served=served), PARITY, wanted, flag="F", flag_on=flag_on) == outcome
    assert _decided(samples(20, served=served), PARITY, flag="F", flag_on=flag_on) == "met"


def test_a_criterion_over_many_runs_is_no_reason_to_ask() -> None:
    assert _decided(samples(20), PARITY, criterion_of("pooled-exact", "x", id="pooled", least=1000)) == "met"
