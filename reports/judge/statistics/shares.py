"""Shares: exact intervals, effective sizes of failures that come together, changes, and how many more are needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.judge.policy import POLICY
from reports.judge.statistics.distributions import (
    beta_quantile,
    binomial_limit,
    chi2_tail,
    normal_quantile,
    t_quantile,
)
from reports.judge.statistics.measurement import Interval, Measurement
from reports.judge.statistics.runs import cusum, lasting, steady_variance, without_step


def exact_share(failures: float, count: float, confidence: float = POLICY.confidence) -> Interval:
    """Clopper-Pearson interval of failures/count; also for the effective sizes of `share_by_run`."""
    alpha = (1 - confidence) / 2
    low = 0.0 if failures <= 0 else beta_quantile(alpha, failures, count - failures + 1)
    high = 1.0 if failures >= count else beta_quantile(1 - alpha, failures + 1, count - failures)
    return low, high


def share(failures: int, count: int) -> Measurement:
    """failures of count; without observations there is no value."""
    if count == 0:
        return Measurement(value=None, unit="share", count=0)
    return Measurement(value=failures / count, unit="share", count=count, interval=exact_share(failures, count))


def share_in_time(failed: Sequence[bool]) -> Measurement:
    """The share of failed answers of one session, in order of time: failures come in bursts.

    Consecutive chunks are the units of Korn and Graubard's effective size, where the failures cluster more than chance
    explains; independent answers keep their exact interval, and so do answers of too few chunks.
    """
    size = POLICY.chunk
    chunks = (
        [failed[at : at + size] for at in range(0, len(failed) - size // 2, size)] if len(failed) > size else [failed]
    )
    chunks[-1] = failed[size * (len(chunks) - 1) :]
    failures, counts = [sum(chunk) for chunk in chunks], [len(chunk) for chunk in chunks]
    if not failed or len(chunks) < POLICY.least_blocks or not clustered(failures, counts):
        return share(sum(failures), len(failed))
    return share_by_run(failures, counts)


def clustered(failures: Sequence[int], counts: Sequence[int]) -> bool:
    """Whether the failures vary between the units more than chance explains (chi-squared, 5 %)."""
    value = sum(failures) / sum(counts)
    if value in (0, 1):
        return False
    excess = sum((k - value * n) ** 2 / (n * value * (1 - value)) for k, n in zip(failures, counts, strict=True))
    return bool(chi2_tail(excess, len(counts) - 1) < POLICY.burst_chance)


def widening(measurement: Measurement) -> float:
    """How many answers are worth one independent answer, by the width of the interval; at least 1."""
    if measurement.value is None or measurement.interval is None or not measurement.count:
        return 1.0
    low, high = exact_share(round(measurement.value * measurement.count), measurement.count)
    return max(1.0, ((measurement.interval[1] - measurement.interval[0]) / (high - low)) ** 2)


def share_by_run(failures: Sequence[int], counts: Sequence[int], *, worth: float = 1.0) -> Measurement:
    """A share pooled over scheduled runs, by Korn and Graubard's effective size: a run's probes fail together.

    `worth`: so many runs are worth one that stands alone.
    """
    total, failed, runs = sum(counts), sum(failures), len(counts)
    if total == 0:
        return Measurement(value=None, unit="share", count=0)
    effective = effective_count(failures, counts, worth=worth) if runs > 1 else float(total)
    value = failed / total
    interval = exact_share(value * effective, effective)
    return Measurement(value=value, unit="share", count=total, interval=interval)


def pooled_share(failures: Sequence[int], counts: Sequence[int]) -> Measurement:
    """`share_by_run` over the runs in order of time, worth less where each run is like the one before."""
    rates = [failed / count for failed, count in zip(failures, counts, strict=True)]
    return share_by_run(failures, counts, worth=lasting(rates))


def design_effect(failures: Sequence[int], counts: Sequence[int]) -> float:
    """How much wider the share of these runs varies than that of as many independent probes; at least 1."""
    total, failed, runs = sum(counts), sum(failures), len(counts)
    value = failed / total
    if failed in (0, total):
        return 1.0
    spread = sum((k - value * m) ** 2 for k, m in zip(failures, counts, strict=True))
    variance = runs / (runs - 1) * spread / total**2
    return max(1.0, variance / (value * (1 - value) / total))


def effective_count(failures: Sequence[int], counts: Sequence[int], *, worth: float = 1.0) -> float:
    """How many independent probes the runs are worth."""
    total, failed = sum(counts), sum(failures)
    if failed in (0, total):
        return float(total)
    tail = (1 + POLICY.confidence) / 2
    freedom = len(counts) - 1 if worth == 1 else max(len(counts) / worth - 1, 2)
    shrunk = (normal_quantile(tail) / t_quantile(tail, freedom)) ** 2
    return float(min(total, total / (worth * design_effect(failures, counts)) * shrunk))


def share_change(failures: Sequence[int], counts: Sequence[int], target: float, alert: float) -> tuple[int, int] | None:
    """(first, last) run of a change from target towards alert, by a CUSUM of log-likelihood ratios; None without one.

    Probes of one run fail together, and a run is like the one before: ratios are divided by how much more the runs
    vary, and how long, than independent probes would, apart from one step: the change itself must not hide it.
    """
    total, failed = sum(counts), sum(failures)
    if failed in (0, total):
        return None if failed == 0 else (0, len(counts) - 1)
    rates = [part / count for part, count in zip(failures, counts, strict=True)]
    chance = failed / total * (1 - failed / total) * len(counts) / total
    steady = without_step(rates)
    bursts = max(1.0, max(steady_variance(steady), steady_variance(steady, POLICY.merged)) / chance) * lasting(steady)
    bad, good = math.log(alert / target), math.log((1 - alert) / (1 - target))
    steps = [(part * bad + (count - part) * good) / bursts for part, count in zip(failures, counts, strict=True)]
    return cusum(steps, POLICY.share_cusum_limit)


def alarm_count(count: int, alert: float) -> int:
    """Failures in one run of `count` that alone prove the alert level exceeded (1 in 10,000 by chance)."""
    return binomial_limit(POLICY.alarm_chance, count, alert) + 1


def share_bound(failures: int, count: int) -> float:
    """The one-sided upper limit of a share, at the level of claims."""
    return exact_share(failures, count, 2 * POLICY.claim_confidence - 1)[1]


def moments_needed(failures: int, count: int, target: float, alert: float) -> int:
    """The fewest further moments, all good, that would make a GO possible; 0 if it is one."""

    def enough(size: int) -> bool:
        return bool(size) and failures / size <= target and exact_share(failures, size)[1] < alert

    low, high = count, max(count, 1)
    if enough(count):
        return 0
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high - count


def needed_for_go(failures: int, count: int, target: float, alert: float) -> int:
    """How many more observations, all good, would make a GO possible; 0 if it is one, at the sizes of the looks."""
    for size in (count, *(look for look in POLICY.stages if look > count)):
        if size and failures / size <= target and exact_share(failures, size)[1] < alert:
            return size - count
    return max(POLICY.stages[-1] - count, 1)
