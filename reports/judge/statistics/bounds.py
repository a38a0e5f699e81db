"""What no mismatch in so many answers proves: of a simple sample, of a finite population, of strata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from reports.judge.policy import POLICY
from reports.judge.statistics.distributions import hypergeometric


def zero_bound(count: int, population: int | None = None, confidence: float = POLICY.claim_confidence) -> float:
    """The largest share of wrong records that no mismatch in `count` still allows.

    With a known population the exact (hypergeometric) bound; a census allows none.
    """
    if count == 0:
        return 1.0
    unlimited = 1 - float((1 - confidence) ** (1 / count))
    if population is None or population > POLICY.unlimited_population:
        return unlimited
    return most_wrong(count, population, confidence) / population


@cache
def most_wrong(count: int, population: int, confidence: float = POLICY.claim_confidence) -> int:
    """The most wrong records a population may hide from a sample of `count` without a mismatch."""
    low, high = 0, max(population - count, 0)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeometric(0, population, middle, count) >= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def zero_bound_stratified(
    weights: Sequence[float], counts: Sequence[int], confidence: float = POLICY.claim_confidence
) -> float:
    """As `zero_bound`, for strata of these weights: the worst mix that no mismatch anywhere still allows."""
    from scipy.optimize import brentq

    unseen = sum(weight for weight, count in zip(weights, counts, strict=True) if count == 0)
    strata = [(weight, count) for weight, count in zip(weights, counts, strict=True) if count]
    if not strata:
        return 1.0

    def right(scale: float) -> list[float]:
        return [min(1.0, scale * count / weight) for weight, count in strata]

    def excess(scale: float) -> float:
        kept = sum(count * math.log(value) for (_, count), value in zip(strata, right(scale), strict=True))
        return kept - math.log(1 - confidence)

    limit = max(weight / count for weight, count in strata)
    scale = float(brentq(excess, limit * 1e-9, limit))
    wrong = sum(weight * (1 - value) for (weight, _), value in zip(strata, right(scale), strict=True))
    return unseen + wrong
