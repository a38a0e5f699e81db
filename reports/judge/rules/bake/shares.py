"""Shares, availability and exactness over the runs of a bake's window, and alerts on its newest runs. Pure.

A run is the unit, for its probes fail together; where neighbouring runs are alike, four of them are. Each rule
mirrors the criteria of the phases that were asked, and its finding is the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from reports.judge import statistics
from reports.judge.criteria import Criterion, Gate
from reports.judge.findings import Finding, PhaseEvidence, by_limits, limit_of
from reports.judge.policy import POLICY
from reports.judge.rules.bake.missing import doubted
from reports.judge.rules.bake.pooling import PooledCriterion, worst_part
from reports.judge.rules.bake.window import RunWindow
from reports.judge.statistics import Measurement
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun
from reports.records.wording import counted, percent

_BURN_SPANS = (timedelta(seconds=POLICY.burn_long_s), timedelta(seconds=POLICY.burn_short_s))
Counted = Sequence[tuple[EarlierRun, EarlierCount]]


def pooled_share(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """By Korn and Graubard's effective size; a change for the worse within the window is a NO-GO by itself."""

    def judged(counts: Counted) -> tuple[str, str, Measurement]:
        measurement = _share(counts)
        outcome, sentence = by_limits(criterion, measurement), f"{_share_sentence(measurement)} in {len(counts)} runs"
        if (
            outcome == "met"
            and measurement.count - round((measurement.value or 0) * measurement.count) < criterion.least
        ):
            outcome = "unmeasured"
        changed = _changed(criterion, counts) if outcome != "missed" else ""
        return ("missed", f"{changed}; all: {sentence}", measurement) if changed else (outcome, sentence, measurement)

    return worst_part(
        criterion,
        gate,
        evidence,
        lambda window, gate_of_phase: _shares(criterion, window, gate_of_phase, judged),
        "share",
    )


def burn(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The budget (target) burns `alert` times too fast over the last hour and the last five minutes' worth of runs.

    A newest run that alone exceeds the phase's alert level is an alert, and no NO-GO: it is stated.
    """

    def judged(counts: Counted) -> tuple[str, str, Measurement]:
        newest = counts[-1][0].ended_at
        recent = [[count for run, count in counts if newest - run.ended_at <= span] for span in _BURN_SPANS]
        rates = [sum(count.failures for count in part) / max(sum(count.count for count in part), 1) for part in recent]
        speeds = [rate / limit_of(criterion.target) for rate in rates]
        hour, minutes = speeds
        sentence = (
            f"error budget burn rate: {hour:.1f} in the last hour, {minutes:.1f} in the last five minutes "
            "(1 is the rate that the target allows)"
        )
        measurement = Measurement(
            value=min(speeds), unit="times the budget", count=sum(count.count for count in recent[0])
        )
        alone = sum(count.failures for count in recent[0]) < POLICY.least_to_burn
        return ("missed" if min(speeds) > limit_of(criterion.alert) and not alone else "met"), sentence, measurement

    def parts(window: RunWindow, gate_of_phase: Gate) -> Iterator[PooledCriterion]:
        for share in _shares(criterion, window, gate_of_phase, judged):
            alarm = _alarm(criterion, window, gate_of_phase)
            sentence = f"{share.sentence}; alert: {alarm}" if alarm else share.sentence
            yield PooledCriterion(name=share.name, outcome=share.outcome, sentence=sentence, measured=share.measured)

    return worst_part(criterion, gate, evidence, parts, "times the budget")


def pooled_exact(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """No mismatch in the window; runs with the same seed asked the same questions, which count once."""

    def parts(window: RunWindow, gate_of_phase: Gate) -> Iterator[PooledCriterion]:
        for own_criterion in gate_of_phase.criteria:
            if own_criterion.rule != "exact" or own_criterion.kind != "blocking":
                continue
            yield doubted(window, own_criterion.id, partial(_exact_part, criterion, own_criterion.id))

    return worst_part(criterion, gate, evidence, parts, "mismatches")


def _exact_part(criterion: Criterion, name: str, window: RunWindow) -> PooledCriterion:
    counts = _counts(window, name)
    wrong = sum(count.failures for _, count in counts)
    by_seed = {run.seed: count.count for run, count in sorted(counts, key=lambda pair: pair[1].count)}
    count, census = sum(by_seed.values()), any(count.whole for _, count in counts)
    measurement = Measurement(value=float(wrong), unit="mismatches", count=count)
    outcome = "missed" if wrong else ("met" if census or count >= criterion.least else "unmeasured")
    sentence = f"{wrong} mismatches in {count} answers" + (", a census" if census else "")
    more = f"; need {criterion.least}" if outcome == "unmeasured" else ""
    return PooledCriterion(
        name=f"{window.phase} {name}", outcome=outcome, sentence=sentence + more, measured=measurement
    )


def _shares(
    criterion: Criterion,
    window: RunWindow,
    gate_of_phase: Gate,
    judged: Callable[[Counted], tuple[str, str, Measurement]],
) -> Iterator[PooledCriterion]:
    """One part per share of that kind in the phase's gate."""
    for own_criterion in gate_of_phase.criteria:
        if own_criterion.rule != "share" or own_criterion.of != criterion.of:
            continue
        yield doubted(window, own_criterion.id, partial(_share_part, own_criterion.id, judged))


def _share_part(
    name: str, judged: Callable[[Counted], tuple[str, str, Measurement]], window: RunWindow
) -> PooledCriterion:
    counts = _counts(window, name)
    if counts:
        outcome, sentence, measurement = judged(counts)
    else:
        outcome, sentence, measurement = (
            "unmeasured",
            "no run counted it",
            Measurement(value=None, unit="share", count=0),
        )
    return PooledCriterion(name=f"{window.phase} {name}", outcome=outcome, sentence=sentence, measured=measurement)


def _share(counts: Counted) -> Measurement:
    return statistics.pooled_share([count.failures for _, count in counts], [count.count for _, count in counts])


def _changed(criterion: Criterion, counts: Counted) -> str:
    """The sentence about a change for the worse within the window; '' when there was none."""
    failures, sizes = [count.failures for _, count in counts], [count.count for _, count in counts]
    change = statistics.share_change(failures, sizes, limit_of(criterion.target), limit_of(criterion.alert))
    if change is None:
        return ""
    first, last = change
    recent = _share(counts[first : last + 1])
    runs = counted(last + 1 - first, "run")
    since = counts[first][0]
    return f"worse from {since.started[:16]} on: {_share_sentence(recent)} over {runs} (first {since.run})"


def _counts(window: RunWindow, criterion: str) -> list[tuple[EarlierRun, EarlierCount]]:
    counts = [(run, run.counted(criterion)) for run in window.runs]
    return [(run, count) for run, count in counts if count is not None and count.count]


def _alarm(criterion: Criterion, window: RunWindow, gate_of_phase: Gate) -> str:
    """What to say when the newest run alone proves the phase's alert level exceeded; '' when it does not."""
    for own_criterion in gate_of_phase.criteria:
        count = (
            window.runs[-1].counted(own_criterion.id)
            if own_criterion.rule == "share" and own_criterion.of == criterion.of
            else None
        )
        if count and count.failures >= statistics.alarm_count(count.count, limit_of(own_criterion.alert)):
            newest = window.runs[-1].run
            return f"{count.failures} of {count.count} failed in the newest run, {newest}: above the alert level"
    return ""


def _share_sentence(measurement: Measurement) -> str:
    if measurement.value is None or measurement.interval is None:
        return "nothing was counted"
    low, high = measurement.interval
    failures = round(measurement.value * measurement.count)
    return (
        f"{failures} of {measurement.count} ({percent(measurement.value)}; 99.7 %: {percent(low)} to {percent(high)})"
    )
