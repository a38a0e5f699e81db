"""When a check is asked no further, beyond latency: what other checks lack, and shares that a GO does not need."""

from collections.abc import Mapping

import pytest

from reports.judge.criteria import Criterion
from reports.judge.verdict import decided
from reports.records.records import Record
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


def _decided(records: list[Record], *criteria: Criterion) -> str | None:
    finding = decided(RunRecords(run=run(), records=tuple(records)), gate_of(*criteria), "x")
    return finding.outcome if finding else None


@pytest.mark.parametrize(
    ("of_x", "of_y", "outcome"),
    [
        ({"s": 10, "t": 10}, {"s": 20}, "met"),
        ({"s": 20}, {"s": 20}, None),
        ({"s": 2, "t": 2}, {"s": 4}, None),
    ],
    ids=["only-the-other-lacks-strata", "its-own-strata-are-lacking", "not-enough-together"],
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
