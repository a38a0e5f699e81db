"""Runs in order of time: which of them count as one, how far they spread, where they change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean, median

from reports.judge.policy import POLICY

_MEDIAN_DIFFERENCE = 0.954  # of two normal values of deviation 1


def autocorrelation(means: Sequence[float]) -> float:
    """Lag-1 autocorrelation of run means; above 0.3 four runs count as one."""
    middle = fmean(means)
    spread = sum((mean - middle) ** 2 for mean in means)
    if spread == 0:
        return 0.0
    return sum((a - middle) * (b - middle) for a, b in pairwise(means)) / spread


def units(values: Sequence[float]) -> list[list[int]]:
    """Which runs (by position, in order of time) count as one: each alone, or four where neighbours are alike."""
    if len(values) < POLICY.least_to_correlate or autocorrelation(values) <= POLICY.alike:
        return [[index] for index in range(len(values))]
    groups = [
        list(range(first, min(first + POLICY.merged, len(values)))) for first in range(0, len(values), POLICY.merged)
    ]
    if len(groups[-1]) < POLICY.merged:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of at least two values."""
    middle = fmean(values)
    return math.sqrt(sum((number - middle) ** 2 for number in values) / (len(values) - 1))


def steady_variance(values: Sequence[float], apart: int = 1) -> float:
    """Variance by the differences of values so far apart."""
    differences = [later - earlier for earlier, later in zip(values, values[apart:], strict=False)]
    return sum(difference * difference for difference in differences) / (2 * len(differences)) if differences else 0.0


def typical_variance(values: Sequence[float]) -> float:
    """Variance by the median difference of neighbours: some that stand out, or a step, add nothing."""
    differences = sorted(abs(later - earlier) for earlier, later in pairwise(values))
    return (median(differences) / _MEDIAN_DIFFERENCE) ** 2 if differences else 0.0


def without_step(values: Sequence[float]) -> list[float]:
    """The values less their mean before and after the step that explains most; parts of fewer than four runs are none.

    What is left varies as the runs do when nothing changes.
    """
    count, least, total = len(values), POLICY.merged, sum(values)
    before = list(accumulate(values))
    splits = range(least, count - least + 1)
    gains = {at: before[at - 1] ** 2 / at + (total - before[at - 1]) ** 2 / (count - at) for at in splits}
    at = max(gains, key=lambda split: gains[split], default=count)
    parts = [part for part in (values[:at], values[at:]) if part]
    return [value - fmean(part) for part in parts for value in part]


def persistence(values: Sequence[float]) -> float:
    """How much one value is like the next, 0 to 0.9: by neighbours against values four apart."""
    far = steady_variance(values, POLICY.merged)
    return min(max(1 - steady_variance(values) / far, 0.0), 0.9) if far else 0.0


def lasting(values: Sequence[float]) -> float:
    """How many values are worth one that stands alone, where each is like the one before; at least 1."""
    alike = persistence(values) if len(values) >= POLICY.least_to_correlate else 0.0
    return (1 + alike) / (1 - alike)


def cusum(steps: Sequence[float], limit: float) -> tuple[int, int] | None:
    """(where the sum last left 0, where it first exceeded the limit) of S = max(0, S + step); None if it never did."""
    total, first = 0.0, 0
    for index, step in enumerate(steps):
        if total <= 0:
            total, first = 0.0, index
        total += step
        if total > limit:
            return first, index
    return None
