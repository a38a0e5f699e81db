"""Availability over a window, by moments: its unit is an outage, not a request. Pure.

A thousand requests of one minute fail or succeed together. What counts is the number of moments, minutes apart, and in
how many of them the service was out; while there are too few moments, the finding says how many are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reports.judge import statistics
from reports.judge.criteria import Criterion, Gate
from reports.judge.findings import Finding, PhaseEvidence, by_limits, limit_of, measured
from reports.judge.policy import POLICY
from reports.judge.rules.bake.missing import is_missing
from reports.judge.rules.bake.window import left_out, windows_of
from reports.records.inputs.earlier_runs import EarlierCount
from reports.records.wording import percent


def pooled_availability(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """Of the moments that were looked at, in how many the service was out."""
    windows = windows_of(criterion, gate, evidence)
    moments: dict[str, tuple[datetime, bool]] = {}
    unseen: set[str] = set()  # runs that are no evidence of a moment without an outage
    for window in windows:
        gate_of_phase = evidence.gates.get(window.phase)
        shares = (
            [
                own_criterion.id
                for own_criterion in gate_of_phase.criteria
                if own_criterion.rule == "share" and own_criterion.of == criterion.of
            ]
            if gate_of_phase
            else []
        )
        for run in window.runs:
            counts = [count for name in shares if (count := run.counted(name)) and count.count]
            out = any(_is_out(count, criterion) for count in counts)
            is_decided = out or (bool(counts) and not any(is_missing(run, count.criterion) for count in counts))
            if is_decided:
                moments[run.run] = run.ended_at, out or moments.get(run.run, (run.ended_at, False))[1]
            elif shares:
                unseen.add(run.run)
    outages = [out for _, out in sorted(moments.values())]
    lacking = len(unseen - moments.keys())
    return _judged(criterion, outages, lacking, left_out(windows))


def _is_out(count: EarlierCount, criterion: Criterion) -> bool:
    """Whether the run met an outage: more than the alert share of its requests failed; one of many is no outage."""
    if count.count == 1:
        return count.failures == 1
    return count.failures >= POLICY.least_to_burn and count.failures > limit_of(criterion.alert) * count.count


def _judged(criterion: Criterion, outages: Sequence[bool], unseen: int, excluded: str) -> Finding:
    measurement = statistics.share_in_time(outages)
    failed, count = sum(outages), len(outages)
    target, alert = limit_of(criterion.target), limit_of(criterion.alert)
    needed = statistics.moments_needed(failed, count, target, alert)
    outcome = by_limits(criterion, measurement)
    if measurement.interval is None:
        sentence = "no availability probe ran (schedule `pytest -m availability` every five minutes)"
        return measured(criterion, "unmeasured", sentence + excluded, measurement, needed)
    at_most = f"at most {percent(statistics.share_bound(failed, count))} at 95 %"
    sentence = f"no answer in {failed} of {count:,} probes ({at_most})"
    if outcome == "met" and unseen > POLICY.most_missing * (count + unseen):
        outcome, sentence = (
            "unmeasured",
            f"{sentence}; {unseen} of {count + unseen:,} probes cannot be used as evidence",
        )
    elif outcome == "unmeasured":
        sentence += f"; need {count + needed:,} probes, have {count:,} (-m availability, every five minutes)"
    return measured(
        criterion, outcome, sentence + excluded, measurement, max(needed, 1) if outcome == "unmeasured" else 0
    )
