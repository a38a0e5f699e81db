"""What a bake pools: shares, latency and exactness over the runs of a window, and the alerts on its newest. Pure.

A run is the unit, for its probes fail together; where neighbouring runs are alike, four of them are. Each rule
mirrors the criteria of the phases that were asked, and its finding is the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from reports.judge import statistics
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence, by_limits, finding, limit_of, percent
from reports.judge.rules.latency import LEAST_BLOCKS, latency_outcome, slowdown, too_fast, unfit
from reports.judge.rules.window import RunWindow, left_out, windows_of
from reports.judge.statistics import Measurement
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun
from reports.records.records import Pair

LAST = 8  # runs judged on their own too: a regression in the middle of a window is diluted by the good half
LEAST_TO_BURN = 2  # failures: a single one in a short run is no rate
WORST_FIRST = ("missed", "unmeasured", "met")
HOUR, FIVE_MINUTES = timedelta(hours=1), timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCriterion:
    """What one criterion of one phase comes to over its window."""

    name: str
    outcome: str
    sentence: str
    found: Measurement


def pooled_share(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """By Korn and Graubard's effective size; the last eight runs may not be beyond target by themselves."""

    def judged(counts: Sequence[tuple[EarlierRun, EarlierCount]]) -> tuple[str, str, Measurement]:
        found = _share(counts)
        outcome = by_limits(criterion, found)
        if outcome == "met" and found.count - round((found.value or 0) * found.count) < criterion.least:
            outcome = "unmeasured"
        recent = _share(counts[-LAST:])
        if outcome != "missed" and by_limits(criterion, recent) == "missed":
            return "missed", f"the last {LAST} runs: {_said(recent)}; all: {_said(found)}", found
        return outcome, f"{_said(found)} in {len(counts)} runs", found

    return _worst(criterion, gate, seen, lambda window, own: _shares(criterion, window, own, judged), "share")


def burn(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """The budget (target) burns `alert` times too fast over the last hour and the last five minutes' worth of runs.

    So does a newest run that alone proves the phase's alert level exceeded (one in 10,000 by chance).
    """

    def judged(counts: Sequence[tuple[EarlierRun, EarlierCount]]) -> tuple[str, str, Measurement]:
        newest = counts[-1][0].ended_at
        recent = [[count for run, count in counts if newest - run.ended_at <= span] for span in (HOUR, FIVE_MINUTES)]
        rates = [sum(each.failures for each in part) / max(sum(each.count for each in part), 1) for part in recent]
        speeds = [rate / limit_of(criterion.target) for rate in rates]
        said = f"burns {speeds[0]:.1f} times in the last hour, {speeds[1]:.1f} times in the last five minutes"
        found = Measurement(value=min(speeds), unit="times the budget", count=sum(each.count for each in recent[0]))
        alone = sum(each.failures for each in recent[0]) < LEAST_TO_BURN
        return ("missed" if min(speeds) > limit_of(criterion.alert) and not alone else "met"), said, found

    def parts(window: RunWindow, own: Gate) -> Iterator[PooledCriterion]:
        for each in _shares(criterion, window, own, judged):
            alarm = _alarm(criterion, window, own)
            yield PooledCriterion(name=each.name, outcome="missed", sentence=alarm, found=each.found) if alarm else each

    return _worst(criterion, gate, seen, parts, "times the budget")


def pooled_latency(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """The typical slowdown over run means, check by check, by the rule of a single run."""

    def judged(pairs: Sequence[Pair]) -> tuple[str, Measurement]:
        found = statistics.latency_ratio(pairs)
        return latency_outcome(criterion, found, blocks=_units(pairs)), found

    return _worst(
        criterion, gate, seen, lambda window, own: _ratios(criterion, window, own, "latency", judged), "ratio"
    )


def pooled_p95(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """The tail over all pairs of the phase, bootstrapped over runs, from the least number of pairs on."""

    def judged(pairs: Sequence[Pair]) -> tuple[str, Measurement]:
        if len(pairs) < criterion.least or _units(pairs) < LEAST_BLOCKS:
            return "unmeasured", Measurement(value=None, unit="ratio", count=len(pairs))
        found = statistics.p95_ratio(pairs)
        return by_limits(criterion, found), found

    return _worst(criterion, gate, seen, lambda window, own: _ratios(criterion, window, own, "p95", judged), "ratio")


def pooled_exact(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """No mismatch in the window; runs with the same seed asked the same questions, which count once."""

    def parts(window: RunWindow, own: Gate) -> Iterator[PooledCriterion]:
        for each in own.criteria:
            if each.rule != "exact" or each.kind != "blocking":
                continue
            counts = _counts(window, each.id)
            wrong = sum(count.failures for _, count in counts)
            by_seed = {run.seed: count.count for run, count in sorted(counts, key=lambda pair: pair[1].count)}
            count, whole = sum(by_seed.values()), any(count.whole for _, count in counts)
            found = Measurement(value=float(wrong), unit="mismatches", count=count)
            outcome = "missed" if wrong else ("met" if whole or count >= criterion.least else "unmeasured")
            said = f"{wrong} mismatches in {count} answers" + (", a census" if whole else "")
            more = f"; need {criterion.least}" if outcome == "unmeasured" else ""
            yield PooledCriterion(name=f"{window.phase} {each.id}", outcome=outcome, sentence=said + more, found=found)

    return _worst(criterion, gate, seen, parts, "mismatches")


def _worst(
    criterion: Criterion,
    gate: Gate,
    seen: PhaseEvidence,
    parts: Callable[[RunWindow, Gate], Iterator[PooledCriterion]],
    unit: str,
) -> Finding:
    """The finding of all phases: the worst of their parts speaks. A phase without gate or runs is unmeasured."""
    found: list[PooledCriterion] = []
    windows = windows_of(criterion, gate, seen)
    nothing = Measurement(value=None, unit=unit, count=0)
    for window in windows:
        own = seen.gates.get(window.phase)
        if own is None or not window.runs:
            why = "it has no gate" if own is None else "no run to pool"
            found.append(PooledCriterion(name=window.phase, outcome="unmeasured", sentence=why, found=nothing))
        else:
            found += parts(window, own)
    if not found:
        return finding(criterion, "unmeasured", "no phase counts it", unit=unit)
    ranked = sorted(found, key=lambda each: (WORST_FIRST.index(each.outcome), -(each.found.value or 0), each.name))
    first = ranked[0]
    told = [each for each in ranked if each.outcome == first.outcome][:3] if first.outcome != "met" else [first]
    said = "; ".join(f"{each.name}: {each.sentence}" for each in told)
    more = f"; {len(found) - 1} more like it" if first.outcome == "met" and found[1:] else ""
    return finding(
        criterion,
        first.outcome,
        said + more + left_out(windows),
        value=first.found.value,
        interval=first.found.interval,
        unit=unit,
        count=first.found.count,
        needed=1 if first.outcome == "unmeasured" else 0,
    )


def _shares(
    criterion: Criterion,
    window: RunWindow,
    own: Gate,
    judged: Callable[[Sequence[tuple[EarlierRun, EarlierCount]]], tuple[str, str, Measurement]],
) -> Iterator[PooledCriterion]:
    """One part per share of that kind in the phase's gate."""
    for each in own.criteria:
        if each.rule != "share" or each.of != criterion.of:
            continue
        counts = _counts(window, each.id)
        if counts:
            outcome, said, found = judged(counts)
        else:
            outcome, said, found = "unmeasured", "no run counted it", Measurement(value=None, unit="share", count=0)
        yield PooledCriterion(name=f"{window.phase} {each.id}", outcome=outcome, sentence=said, found=found)


def _share(counts: Sequence[tuple[EarlierRun, EarlierCount]]) -> Measurement:
    return statistics.pooled_share([each.failures for _, each in counts], [each.count for _, each in counts])


def _counts(window: RunWindow, criterion: str) -> list[tuple[EarlierRun, EarlierCount]]:
    found = [(run, run.counted(criterion)) for run in window.runs]
    return [(run, count) for run, count in found if count is not None and count.count]


def _alarm(criterion: Criterion, window: RunWindow, own: Gate) -> str:
    """What to say when the newest run alone proves the phase's alert level exceeded; '' when it does not."""
    for each in own.criteria:
        count = window.runs[-1].counted(each.id) if each.rule == "share" and each.of == criterion.of else None
        if count and count.failures >= statistics.alarm_count(count.count, limit_of(each.alert)):
            return f"{count.failures} of {count.count} in the newest run, {window.runs[-1].run}: an outage by itself"
    return ""


def _ratios(
    criterion: Criterion,
    window: RunWindow,
    own: Gate,
    rule: str,
    judged: Callable[[Sequence[Pair]], tuple[str, Measurement]],
) -> Iterator[PooledCriterion]:
    """Per latency criterion of the phase: one part for each of its checks, or for the tail of all of them."""
    for each in own.criteria:
        if each.rule != rule:
            continue
        checks = sorted({times.check for run in window.runs for times in run.times if covers(each, times.check)})
        for some in [[check] for check in checks] if rule == "latency" else [checks]:
            pairs, name = _pairs(window, some), f"{window.phase} {', '.join(some) or each.id}"
            yield _ratio(criterion, own, name, pairs, judged)
        if not checks and rule == "latency":
            yield _ratio(criterion, own, f"{window.phase} {each.id}", (), judged)


def _ratio(
    criterion: Criterion,
    own: Gate,
    name: str,
    pairs: Sequence[Pair],
    judged: Callable[[Sequence[Pair]], tuple[str, Measurement]],
) -> PooledCriterion:
    nothing = Measurement(value=None, unit="ratio", count=0)
    if not pairs:
        return PooledCriterion(name=name, outcome="unmeasured", sentence="no pair was taken", found=nothing)
    outcome, found = judged(pairs)
    if too_fast(pairs, own.latency.floor_ms) and _units(pairs) >= LEAST_BLOCKS:
        said = f"too fast to matter: both medians under {own.latency.floor_ms:g} ms"
        return PooledCriterion(name=name, outcome="met", sentence=said, found=found)
    why = unfit(criterion, statistics.old_against_old(pairs))
    if why:
        return PooledCriterion(name=name, outcome="unmeasured", sentence=f"instrument unfit: {why}", found=found)
    told = "too few to tell" if found.value is None else slowdown(found)
    units = f"{len(pairs):,} pairs in {_units(pairs)} units of runs"
    return PooledCriterion(name=name, outcome=outcome, sentence=f"{told}; {units}", found=found)


def _pairs(window: RunWindow, checks: Sequence[str]) -> list[Pair]:
    """The window's pairs of these checks: a block is a run, or four runs where their means are alike."""
    runs = [(run, [times for times in run.times if times.check in checks]) for run in window.runs]
    timed = [
        [
            Pair(
                phase=run.of,
                check=times.check,
                key=f"{run.run} {index}",
                block=number,
                vql_ms=vql,
                direct_ms=direct,
                again_ms=times.again_ms[index] if times.again_ms else None,
            )
            for times in some
            for index, (vql, direct) in enumerate(zip(times.vql_ms, times.direct_ms, strict=True))
        ]
        for number, (run, some) in enumerate(runs)
    ]
    timed = [pairs for pairs in timed if pairs]
    groups = statistics.units([statistics.block_means(pairs)[0] for pairs in timed])
    return [_of_unit(pair, unit) for unit, group in enumerate(groups) for index in group for pair in timed[index]]


def _of_unit(pair: Pair, unit: int) -> Pair:
    return Pair(
        phase=pair.phase,
        check=pair.check,
        key=pair.key,
        block=unit,
        vql_ms=pair.vql_ms,
        direct_ms=pair.direct_ms,
        again_ms=pair.again_ms,
    )


def _units(pairs: Sequence[Pair]) -> int:
    return len({pair.block for pair in pairs})


def _said(found: Measurement) -> str:
    if found.value is None or found.interval is None:
        return "nothing was counted"
    low, high = found.interval
    failures = round(found.value * found.count)
    return f"{failures} of {found.count} ({percent(found.value)}; 99.7 %: {percent(low)} to {percent(high)})"
