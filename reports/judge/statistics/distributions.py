"""Tails and quantiles of the distributions that the judge's rules rest on, by scipy's special functions.

`scipy.stats` has all of them, and takes longer to import than a small run takes to judge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev


def beta_quantile(chance: float, a: float, b: float) -> float:
    """The value that a beta distribution stays under with that chance."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, chance))


def normal_quantile(chance: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(chance))


def t_quantile(chance: float, freedom: float) -> float:
    """The same of Student's t with that many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, chance))


def chi2_tail(value: float, freedom: int) -> float:
    """The chance that chi-squared is above the value."""
    from scipy.special import chdtrc

    return float(chdtrc(freedom, value))


def binomial_tail(hits: int, count: int, chance: float) -> float:
    """The chance of more than `hits` in `count`."""
    from scipy.special import bdtrc

    return float(bdtrc(hits, count, chance)) if hits < count else 0.0


def binomial_limit(tail: float, count: int, chance: float) -> int:
    """The fewest hits that are exceeded with no more than the chance `tail`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if binomial_tail(middle, count, chance) <= tail else (middle + 1, high)
    return low


def hypergeometric(most: int, population: int, marked: int, drawn: int) -> float:
    """The chance that a draw without replacement shows `most` of the marked ones, or fewer: exact, then rounded."""
    unmarked = population - marked
    least = max(0, drawn - unmarked)
    combinations, total = math.comb(marked, least) * math.comb(unmarked, drawn - least), 0
    for hits in range(least, min(most, marked, drawn) + 1):
        total += combinations
        combinations = combinations * (marked - hits) * (drawn - hits) // ((hits + 1) * (unmarked - drawn + hits + 1))
    return total / math.comb(population, drawn)


def mean_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """The t-interval of the mean of at least two values."""
    mean, reach = fmean(values), t_quantile((1 + confidence) / 2, len(values) - 1) * stdev(values)
    reach /= math.sqrt(len(values))
    return mean - reach, mean + reach
