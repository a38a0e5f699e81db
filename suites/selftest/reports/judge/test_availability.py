"""Availability by moments: how many it takes, what counts as an outage, and that requests of one moment are one."""

from datetime import UTC, datetime, timedelta

import pytest

from reports.judge.criteria import Bake, Criterion
from reports.judge.findings import Finding
from reports.judge.rules.dispatch import evidence_of, finding_of
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun
from suites.selftest.support.phase_builders import gate_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MOMENT = Criterion(
    id="m", guide="g", rule="share", reason="r", checks=("x",), of="connectra-errors", target=0.001, alert=0.01
)
POOLED = Criterion(
    id="c",
    guide="g",
    rule="pooled-availability",
    reason="r",
    checks=("*",),
    of="connectra-errors",
    target=0.001,
    alert=0.01,
)


def _judged(counts: list[tuple[int, int]]) -> Finding:
    """(failures, count) of each run, five minutes apart."""
    runs = [
        EarlierRun(
            phase="p",
            run=f"r{number}",
            of="a",
            started=(NOW - timedelta(minutes=5 * number + 1)).isoformat(),
            finished=(NOW - timedelta(minutes=5 * number)).isoformat(),
            verdict="GO",
            counts=(EarlierCount(criterion="m", failures=failures, count=count),),
        )
        for number, (failures, count) in enumerate(counts)
    ]
    gate = gate_of(POOLED, bake=(Bake(phase="a", hours=54, longest=72),))
    return finding_of(POOLED, gate, evidence_of(runs, "p", True, now=NOW.isoformat(), gates={"a": gate_of(MOMENT)}))


@pytest.mark.parametrize(
    ("counts", "outcome", "needed"),
    [
        ([(0, 1)] * 647, "met", 0),
        ([(0, 1)] * 646, "unmeasured", 1),
        ([(0, 128)] * 97, "unmeasured", 550),
        ([(1, 1), *[(0, 1)] * 32] * 20, "missed", 0),
        ([(1, 1)] * 20 + [(0, 1)] * 640, "unmeasured", 19_340),
        ([(100, 128)] * 10 + [(0, 128)] * 90, "missed", 0),
        ([(1, 128)] * 97, "unmeasured", 550),
        ([], "unmeasured", 647),
    ],
    ids=[
        "enough",
        "one-short",
        "runs-are-moments",
        "outages",
        "one-long-outage",
        "outages-of-runs",
        "single-errors",
        "none",
    ],
)
def test_availability_counts_moments(counts: list[tuple[int, int]], outcome: str, needed: int) -> None:
    finding = _judged(counts)

    assert (finding.outcome, finding.needed) == (outcome, needed), finding.sentence


def test_missing_moments_are_named() -> None:
    sentence = _judged([(0, 128)] * 97).sentence

    assert "no answer in 0 of 97 probes (at most 3.04 % at 95 %)" in sentence
    assert "need 647 probes, have 97" in sentence
