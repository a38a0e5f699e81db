"""How a bake's rule goes through phases and criteria: parts in, the worst of them out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reports.judge.criteria import Criterion, Gate
from reports.judge.findings import Finding, PhaseEvidence, finding
from reports.judge.rules.bake.window import RunWindow, left_out, windows_of
from reports.judge.statistics import Measurement

WORST_FIRST = ("missed", "unmeasured", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCriterion:
    """What one criterion of one phase comes to over its window."""

    name: str
    outcome: str
    sentence: str
    measured: Measurement
    needed: int = 1  # what is missing while it is unmeasured


def worst_part(
    criterion: Criterion,
    gate: Gate,
    evidence: PhaseEvidence,
    parts: Callable[[RunWindow, Gate], Iterator[PooledCriterion]],
    unit: str,
) -> Finding:
    """The finding of all phases: the worst of their parts speaks. A phase without gate or runs is unmeasured."""
    pooleds: list[PooledCriterion] = []
    windows = windows_of(criterion, gate, evidence)
    nothing = Measurement(value=None, unit=unit, count=0)
    for window in windows:
        gate_of_phase = evidence.gates.get(window.phase)
        if gate_of_phase is None or not window.runs:
            why = "it has no gate" if gate_of_phase is None else "no run to pool"
            pooleds.append(PooledCriterion(name=window.phase, outcome="unmeasured", sentence=why, measured=nothing))
        else:
            pooleds += parts(window, gate_of_phase)
    if not pooleds:
        return finding(criterion, "unmeasured", "no phase counts it", unit=unit)
    ranked = sorted(
        pooleds, key=lambda pooled: (WORST_FIRST.index(pooled.outcome), -(pooled.measured.value or 0), pooled.name)
    )
    first = ranked[0]
    shown = [pooled for pooled in ranked if pooled.outcome == first.outcome][:3] if first.outcome != "met" else [first]
    sentence = "; ".join(f"{pooled.name}: {pooled.sentence}" for pooled in shown)
    more = f"; and {len(pooleds) - 1} similar" if first.outcome == "met" and pooleds[1:] else ""
    return finding(
        criterion,
        first.outcome,
        sentence + more + left_out(windows),
        value=first.measured.value,
        interval=first.measured.interval,
        unit=unit,
        count=first.measured.count,
        needed=first.needed if first.outcome == "unmeasured" else 0,
    )
