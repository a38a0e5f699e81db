"""Runs in order of time: which of them count as one, how far they spread, where they change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from reports.judge.policy import POLICY


def autocorrelation(means: Sequence[float]) -> float:
    """Lag-1 autocorrelation of run means; above 0.3 four runs count as one."""
    middle = fmean(means)
    spread = sum((each - middle) ** 2 for each in means)
    if spread == 0:
        return 0.0
    return sum((a - middle) * (b - middle) for a, b in pairwise(means)) / spread


def units(values: Sequence[float], *, bursts: bool = False) -> list[list[int]]:
    """Which runs (by position, in order of time) count as one: each alone, or four if neighbours are alike or burst."""
    if len(values) < POLICY.least_to_correlate or not (bursts or autocorrelation(values) > POLICY.alike):
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
    return math.sqrt(sum((each - middle) ** 2 for each in values) / (len(values) - 1))


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
