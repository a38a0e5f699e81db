"""Latency over the runs of a window: the typical slowdown, a change within the window, busy hours, the tail. Pure.

A run is the unit. Besides the whole window a CUSUM over run means finds a change that the good part would dilute, and
each part of the day is judged on its own, so that busy hours are not averaged away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from statistics import fmean

from reports.judge import statistics
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence, limit_of
from reports.judge.policy import POLICY
from reports.judge.rules.bake.missing import doubted
from reports.judge.rules.bake.pooling import PooledCriterion, worst_part
from reports.judge.rules.bake.window import RunWindow
from reports.judge.rules.latency import latency_outcome, slowdown, tail_outcome, tail_too_fast, too_fast, unfit
from reports.judge.statistics import Measurement
from reports.records.inputs.earlier_runs import EarlierRun
from reports.records.records import Pair
from reports.records.wording import counted

_NOTHING = Measurement(value=None, unit="ratio", count=0)
_DAY_PART = 4  # hours: short enough for a busy time, long enough for eight runs in two days of half-hourly ones


@dataclass(frozen=True, kw_only=True)  # no slots: a cached property is kept in the instance
class TimedRun:
    """One run's pairs of the checks that are judged, each with both direct calls."""

    run: EarlierRun
    pairs: tuple[Pair, ...]

    @cached_property
    def mean(self) -> float:
        """Mean log of the slowdown."""
        return statistics.block_means(self.pairs)[0]

    @cached_property
    def noise(self) -> float:
        """Mean log of old against old."""
        return fmean(math.log((pair.again_ms or pair.direct_ms) / pair.direct_ms) for pair in self.pairs)


def pooled_latency(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The typical slowdown over run means, check by check; a change within the window, or busy hours, are a NO-GO."""

    def parts(window: RunWindow, gate_of_phase: Gate) -> Iterator[PooledCriterion]:
        for pooled_criterion in gate_of_phase.criteria:
            if pooled_criterion.rule == "latency":
                for check in _checks(window, pooled_criterion) or [pooled_criterion.id]:
                    yield doubted(window, pooled_criterion.id, partial(_slowdown_part, criterion, gate_of_phase, check))

    return worst_part(criterion, gate, evidence, parts, "ratio")


def pooled_p95(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The tail over all pairs of the phase: the sign test can veto, a GO wants p95's interval and the least pairs."""

    def parts(window: RunWindow, gate_of_phase: Gate) -> Iterator[PooledCriterion]:
        for pooled_criterion in gate_of_phase.criteria:
            if pooled_criterion.rule == "p95":
                yield doubted(
                    window, pooled_criterion.id, partial(_tail_part, criterion, gate_of_phase, pooled_criterion)
                )

    return worst_part(criterion, gate, evidence, parts, "ratio")


def change_of(timed: Sequence[TimedRun], criterion: Criterion) -> tuple[int, int] | None:
    """(first run, run that proved it) of a change for the worse, by position; None when there was none.

    A CUSUM of log-likelihood ratios, alert against target, of run means that vary as these runs do.
    """
    if len(timed) < POLICY.least_blocks:
        return None
    midpoint = (math.log(limit_of(criterion.target)) + math.log(limit_of(criterion.alert))) / 2
    step = math.log(limit_of(criterion.alert)) - math.log(limit_of(criterion.target))
    variance = run_variance([run.mean for run in timed], [run.noise for run in timed])
    return statistics.cusum([(run.mean - midpoint) * step / variance for run in timed], POLICY.cusum_limit)


def run_variance(means: Sequence[float], noises: Sequence[float]) -> float:
    """Of a run's mean log slowdown: by old against old, by neighbouring runs, or the least that is assumed.

    Old against old differs by two calls, a slowdown by one and the mean of two: three quarters of that variance.
    """
    by_noise = 0.75 * statistics.deviation(noises) ** 2
    return max(by_noise, statistics.typical_variance(means), POLICY.run_deviation**2)


def _slowdown_part(criterion: Criterion, gate_of_phase: Gate, check: str, window: RunWindow) -> PooledCriterion:
    name, timed = f"{window.phase} {check}", _timed(window, [check])
    pairs = _of_units(timed)
    if not pairs:
        return PooledCriterion(name=name, outcome="unmeasured", sentence="no pair was taken", measured=_NOTHING)
    measurement, units = statistics.latency_ratio(pairs), _units(pairs)
    outcome = latency_outcome(criterion, measurement, blocks=units)
    sentence = f"{slowdown(measurement)}; {len(pairs):,} pairs in {units} groups of runs"
    why, enough = unfit(statistics.old_against_old(pairs)), len(pairs) >= criterion.least
    if why:
        outcome, sentence = "unmeasured", f"measurement too noisy: {why}"
    elif too_fast(pairs, gate_of_phase.latency.floor_ms):
        outcome = "met" if enough and units >= POLICY.least_blocks else "unmeasured"
        sentence = f"too fast to matter: both medians under {gate_of_phase.latency.floor_ms:g} ms; {sentence}"
    elif changed := _changed(criterion, timed) or _busy(criterion, timed):
        outcome, sentence = "missed", f"{changed}; all: {sentence}"
    if outcome == "unmeasured" and not enough:
        sentence += f"; need {criterion.least:,} pairs, have {len(pairs):,}"
    return PooledCriterion(name=name, outcome=outcome, sentence=sentence, measured=measurement)


def _tail_part(criterion: Criterion, gate_of_phase: Gate, tail: Criterion, window: RunWindow) -> PooledCriterion:
    checks = _checks(window, tail)
    name = f"{window.phase} {', '.join(checks) or tail.id}"
    pairs, floor = _of_units(_timed(window, checks)), gate_of_phase.latency.floor_ms
    if not pairs:
        return PooledCriterion(name=name, outcome="unmeasured", sentence="no pair was taken", measured=_NOTHING)
    outcome, measurement = tail_outcome(criterion, pairs, units=_units(pairs), floor_ms=floor)
    sentence = f"p95 {slowdown(measurement)}; {len(pairs):,} pairs in {_units(pairs)} groups of runs"
    why = unfit(statistics.old_against_old(pairs))
    if why:
        outcome, sentence = "unmeasured", f"measurement too noisy: {why}"
    elif tail_too_fast(pairs, floor):
        outcome = "met" if len(pairs) >= criterion.least else "unmeasured"
        sentence = f"too fast to matter: p95 of VQL is under {floor:g} ms; {sentence}"
    if outcome == "unmeasured" and len(pairs) < criterion.least:
        sentence += f"; need {criterion.least:,} pairs, have {len(pairs):,}"
    return PooledCriterion(name=name, outcome=outcome, sentence=sentence, measured=measurement)


def _changed(criterion: Criterion, timed: Sequence[TimedRun]) -> str:
    """The sentence about a change for the worse within the window; '' when there was none."""
    change = change_of(timed, criterion)
    if change is None:
        return ""
    first, last = change
    slow = timed[first : last + 1]
    ratio = math.exp(fmean(run.mean for run in slow))
    runs = counted(len(slow), "run")
    return f"slower from {slow[0].run.started[:16]} on: {ratio:.2f} times direct over {runs} (first {slow[0].run.run})"


def _busy(criterion: Criterion, timed: Sequence[TimedRun]) -> str:
    """The sentence about the worst part of the day that is beyond the target by itself; '' when none is."""
    parts: dict[int, list[TimedRun]] = {}
    for run in timed:
        parts.setdefault(run.run.begun_at.hour // _DAY_PART, []).append(run)
    slow = []
    for part, runs in parts.items():
        pairs = _of_units(runs)
        measurement = statistics.latency_ratio(pairs)
        if len(parts) > 1 and latency_outcome(criterion, measurement, blocks=_units(pairs)) == "missed":
            slow.append((measurement.value or 0.0, part, measurement))
    if not slow:
        return ""
    _, part, measurement = max(slow, key=lambda pair: pair[:2])
    hours = f"from {part * _DAY_PART:02}:00 to {(part + 1) * _DAY_PART:02}:00 UTC"
    return f"{hours} it is {slowdown(measurement)}"


def _checks(window: RunWindow, criterion: Criterion) -> list[str]:
    return sorted({times.check for run in window.runs for times in run.times if covers(criterion, times.check)})


def _timed(window: RunWindow, checks: Sequence[str]) -> list[TimedRun]:
    """Runs with pairs of these checks, the oldest first; times without the second direct call are left out."""
    runs = [
        TimedRun(
            run=run,
            pairs=tuple(
                Pair(
                    phase=run.of,
                    check=times.check,
                    key=f"{run.run} {index}",
                    block=number,
                    vql_ms=vql,
                    direct_ms=direct,
                    again_ms=again,
                )
                for times in run.times
                if times.check in checks and times.again_ms
                for index, (vql, direct, again) in enumerate(
                    zip(times.vql_ms, times.direct_ms, times.again_ms, strict=True)
                )
            ),
        )
        for number, run in enumerate(window.runs)
    ]
    return [run for run in runs if run.pairs]


def _of_units(timed: Sequence[TimedRun]) -> list[Pair]:
    """All pairs; a block is a run, or four runs where neighbours are alike: it has the number of the first of them."""
    groups = statistics.units([run.mean for run in timed])
    blocks = {index: timed[group[0]].pairs[0].block for group in groups for index in group}
    return [
        pair if pair.block == block else replace(pair, block=block)
        for index, block in blocks.items()
        for pair in timed[index].pairs
    ]


def _units(pairs: Sequence[Pair]) -> int:
    return len({pair.block for pair in pairs})
