"""Numbers with their interval: shares, latency ratios, noise floors, and what zero mismatches prove.

Sources: judge.md of the project's rules (repeated in docs/judge.md); every interval is two-sided 99.7 % unless said.
SciPy's own formulas wherever it has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from reports.records.records import Pair

CONFIDENCE = 0.997  # per look; at most seven looks: a whole run errs in about 1 %
ALIKE, MERGED = 0.3, 4  # above that autocorrelation of neighbouring runs, so many count as one
BURSTS = 5.0  # above that design effect a run is little more than one probe
LEAST_TO_CORRELATE = 16  # fewer runs can not tell whether neighbours are alike
LOOKS = (32, 64, 128, 256, 512, 1024, 2048)
Interval = tuple[float, float]
_LARGEST_LOG = 700.0  # of what exp can take: two blocks far apart have an interval beyond any number


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number, its unit (share, ratio, count, s), how many observations it rests on, and its interval."""

    value: float | None
    unit: str
    count: int
    interval: Interval | None = None


def exact_share(failures: float, count: float, confidence: float = CONFIDENCE) -> Interval:
    """Clopper-Pearson interval of failures/count; also for the effective sizes of `share_by_run`."""
    from scipy.stats import beta, binomtest

    if float(failures).is_integer() and float(count).is_integer():
        interval = binomtest(int(failures), int(count)).proportion_ci(confidence, method="exact")
        return float(interval.low), float(interval.high)
    alpha = (1 - confidence) / 2
    low = 0.0 if failures <= 0 else float(beta.ppf(alpha, failures, count - failures + 1))
    high = 1.0 if failures >= count else float(beta.ppf(1 - alpha, failures + 1, count - failures))
    return low, high


def share(failures: int, count: int) -> Measurement:
    """failures of count; without observations there is no value."""
    if count == 0:
        return Measurement(value=None, unit="share", count=0)
    return Measurement(value=failures / count, unit="share", count=count, interval=exact_share(failures, count))


def share_by_run(failures: Sequence[int], counts: Sequence[int]) -> Measurement:
    """A share pooled over scheduled runs, by Korn and Graubard's effective size: a run's probes fail together."""
    total, failed, runs = sum(counts), sum(failures), len(counts)
    if total == 0:
        return Measurement(value=None, unit="share", count=0)
    effective = effective_count(failures, counts) if runs > 1 else float(total)
    value = failed / total
    interval = exact_share(value * effective, effective)
    return Measurement(value=value, unit="share", count=total, interval=interval)


def pooled_share(failures: Sequence[int], counts: Sequence[int]) -> Measurement:
    """`share_by_run` over the runs in order of time; where they are bursts, or alike, four of them count as one."""
    rates = [failed / count for failed, count in zip(failures, counts, strict=True)]
    groups = units(rates, bursts=len(counts) > 1 and design_effect(failures, counts) > BURSTS)
    return share_by_run(
        [sum(failures[index] for index in group) for group in groups],
        [sum(counts[index] for index in group) for group in groups],
    )


def design_effect(failures: Sequence[int], counts: Sequence[int]) -> float:
    """How much wider the share of these runs varies than that of as many independent probes; at least 1."""
    total, failed, runs = sum(counts), sum(failures), len(counts)
    value = failed / total
    if failed in (0, total):
        return 1.0
    spread = sum((k - value * m) ** 2 for k, m in zip(failures, counts, strict=True))
    variance = runs / (runs - 1) * spread / total**2
    return max(1.0, variance / (value * (1 - value) / total))


def effective_count(failures: Sequence[int], counts: Sequence[int]) -> float:
    """How many independent probes the runs are worth."""
    from scipy.stats import norm, t

    total, failed = sum(counts), sum(failures)
    if failed in (0, total):
        return float(total)
    tail = (1 + CONFIDENCE) / 2
    shrunk = (norm.ppf(tail) / t.ppf(tail, len(counts) - 1)) ** 2
    return float(min(total, total / design_effect(failures, counts) * shrunk))


def zero_bound(count: int, population: int | None = None, confidence: float = 0.95) -> float:
    """The largest share of wrong records that no mismatch in `count` still allows.

    With a known population the exact (hypergeometric) bound; a census allows none.
    """
    if count == 0:
        return 1.0
    unlimited = 1 - float((1 - confidence) ** (1 / count))
    if population is None or population > 100_000:
        return unlimited
    return most_wrong(count, population, confidence) / population


def most_wrong(count: int, population: int, confidence: float = 0.95) -> int:
    """The most wrong records a population may hide from a sample of `count` without a mismatch."""
    from scipy.stats import hypergeom

    low, high = 0, max(population - count, 0)
    while low < high:
        middle = (low + high + 1) // 2
        if float(hypergeom.pmf(0, population, middle, count)) >= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def zero_bound_stratified(weights: Sequence[float], counts: Sequence[int], confidence: float = 0.95) -> float:
    """As `zero_bound`, for strata of these weights: the worst mix that no mismatch anywhere still allows."""
    from scipy.optimize import brentq

    unseen = sum(weight for weight, count in zip(weights, counts, strict=True) if count == 0)
    seen = [(weight, count) for weight, count in zip(weights, counts, strict=True) if count]
    if not seen:
        return 1.0

    def right(scale: float) -> list[float]:
        return [min(1.0, scale * count / weight) for weight, count in seen]

    def excess(scale: float) -> float:
        kept = sum(count * math.log(value) for (_, count), value in zip(seen, right(scale), strict=True))
        return kept - math.log(1 - confidence)

    limit = max(weight / count for weight, count in seen)
    scale = float(brentq(excess, limit * 1e-9, limit))
    wrong = sum(weight * (1 - value) for (weight, _), value in zip(seen, right(scale), strict=True))
    return unseen + wrong


def block_means(pairs: Sequence[Pair]) -> list[float]:
    """Mean of log(vql/direct) of each block, in block order: the unit of everything about latency."""
    return _means(pairs, lambda pair: math.log(pair.vql_ms / pair.direct_ms))


def _means(pairs: Sequence[Pair], of: Callable[[Pair], float]) -> list[float]:
    """One number per block; where a block holds several checks, each of them weighs the same."""
    by_block: dict[int, list[float]] = {}
    for (_, number), block in blocks_of(pairs).items():
        by_block.setdefault(number, []).append(fmean(of(pair) for pair in block))
    return [fmean(by_block[number]) for number in sorted(by_block)]


def blocks_of(pairs: Sequence[Pair]) -> Mapping[tuple[str, int], list[Pair]]:
    found: dict[tuple[str, int], list[Pair]] = {}
    for pair in sorted(pairs, key=lambda each: (each.check, each.block)):
        found.setdefault((pair.check, pair.block), []).append(pair)
    return found


def ratio_of_means(means: Sequence[float], count: int) -> Measurement:
    """The typical slowdown: exp of the mean of block means, with its t-interval; no interval under two blocks."""
    if not means:
        return Measurement(value=None, unit="ratio", count=0)
    value = math.exp(fmean(means))
    if len(means) < 2:
        return Measurement(value=value, unit="ratio", count=count)
    if max(means) == min(means):
        return Measurement(value=value, unit="ratio", count=count, interval=(value, value))
    from scipy.stats import ttest_1samp

    interval = ttest_1samp(means, 0).confidence_interval(CONFIDENCE)
    low, high = (math.exp(max(-_LARGEST_LOG, min(float(each), _LARGEST_LOG))) for each in (interval.low, interval.high))
    return Measurement(value=value, unit="ratio", count=count, interval=(low, high))


def latency_ratio(pairs: Sequence[Pair]) -> Measurement:
    """VQL over direct, judged by block."""
    return ratio_of_means(block_means(pairs), len(pairs))


def old_against_old(pairs: Sequence[Pair]) -> Measurement:
    """The second direct call over the first: what the instrument says when nothing differs."""
    twice = [pair for pair in pairs if pair.again_ms]
    return ratio_of_means(_means(twice, lambda pair: math.log((pair.again_ms or 0) / pair.direct_ms)), len(twice))


def noise_floor(interval: Interval) -> float:
    """sqrt(hi/lo) of the old-against-old interval."""
    return math.sqrt(interval[1] / interval[0])


def p95_ratio(pairs: Sequence[Pair]) -> Measurement:
    """p95 of VQL over p95 of direct, endpoints scaled by their own direct median, bootstrapped over blocks."""
    import numpy as np

    blocks = blocks_of(pairs)
    if not blocks:
        return Measurement(value=None, unit="ratio", count=0)
    scale = {check: median(pair.direct_ms for pair in pairs if pair.check == check) for check, _ in blocks}
    vql, direct = (
        [
            (getattr(pair, side) / scale[check], number)
            for number, (check, _) in enumerate(blocks)
            for pair in blocks[check, _]
        ]
        for side in ("vql_ms", "direct_ms")
    )
    once = np.ones((1, len(blocks)))
    value = float((_p95(vql, once) / _p95(direct, once))[0])
    if len(blocks) < 2:
        return Measurement(value=value, unit="ratio", count=len(pairs))
    times = _resampled(len(blocks))
    ratios = np.concatenate([_p95(vql, part) / _p95(direct, part) for part in np.array_split(times, 10)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return Measurement(value=value, unit="ratio", count=len(pairs), interval=(float(low), float(high)))


@lru_cache(4)
def _resampled(blocks: int) -> Any:
    """How often each block was drawn, for each of 9,999 draws with replacement: an array (draws, blocks)."""
    import numpy as np

    draws = np.random.default_rng(0).integers(0, blocks, size=(9_999, blocks))
    times = np.zeros((len(draws), blocks), dtype=float)
    np.add.at(times, (np.arange(len(draws))[:, None], draws), 1)
    return times


def _p95(values: Sequence[tuple[float, int]], times: Any) -> Any:
    """For each row of `times`, numpy's p95 of the values, each taken as often as its block was drawn.

    Looks at the upper quarter of the values first: that is where it nearly always lies, and matrices are smaller there.
    """
    import numpy as np

    ranked = sorted(values)
    ordered, block = np.array([value for value, _ in ranked]), np.array([number for _, number in ranked])
    up_to = np.cumsum(np.arange(times.shape[1])[:, None] == block, axis=1).astype(float)  # of each block, by value
    place = 0.95 * (times @ up_to[:, -1] - 1)
    below = np.floor(place)[:, None]
    first = 3 * len(ordered) // 4
    reached = times @ up_to[:, first:]
    if (reached[:, :1] > below).any():
        first, reached = 0, times @ up_to
    lower = ordered[first + (reached <= below).sum(axis=1)]
    upper = ordered[np.minimum(first + (reached <= below + 1).sum(axis=1), len(ordered) - 1)]
    return lower + (upper - lower) * (place - below[:, 0])


def autocorrelation(means: Sequence[float]) -> float:
    """Lag-1 autocorrelation of run means; above 0.3 four runs count as one."""
    middle = fmean(means)
    spread = sum((each - middle) ** 2 for each in means)
    if spread == 0:
        return 0.0
    return sum((a - middle) * (b - middle) for a, b in pairwise(means)) / spread


def units(values: Sequence[float], *, bursts: bool = False) -> list[list[int]]:
    """Which runs (by position, in order of time) count as one: each alone, or four if neighbours are alike or burst."""
    if len(values) < LEAST_TO_CORRELATE or not (bursts or autocorrelation(values) > ALIKE):
        return [[index] for index in range(len(values))]
    groups = [list(range(first, min(first + MERGED, len(values)))) for first in range(0, len(values), MERGED)]
    if len(groups[-1]) < MERGED:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def alarm_count(count: int, alert: float) -> int:
    """Failures in one run of `count` that alone prove the alert level exceeded (1 in 10,000 by chance)."""
    from scipy.stats import binom

    return int(binom.isf(1e-4, count, alert)) + 1


def needed_for_go(failures: int, count: int, target: float, alert: float) -> int:
    """How many more observations, all good, would make a GO possible; 0 if it is one, at the sizes of the looks."""
    for size in (count, *(look for look in LOOKS if look > count)):
        if size and failures / size <= target and exact_share(failures, size)[1] < alert:
            return size - count
    return max(LOOKS[-1] - count, 1)
