"""Latency: slowdown by block, the old-against-old arm, the tail. The block is the unit of everything."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from statistics import fmean, median
from typing import Any

from reports.judge.policy import POLICY
from reports.judge.statistics.distributions import binomial_tail, mean_interval
from reports.judge.statistics.measurement import Interval, Measurement
from reports.records.records import Pair

_LARGEST_LOG = 700.0  # of what exp can take: two blocks far apart have an interval beyond any number


def block_means(pairs: Sequence[Pair]) -> list[float]:
    """Mean of y = log vql - (log direct + log again) / 2 of each block, in block order: the unit of all latency."""
    return _means(pairs, log_ratio)


def log_ratio(pair: Pair) -> float:
    """Log of the slowdown of one pair: against both of its direct calls, where there are two."""
    direct = math.log(pair.direct_ms)
    return math.log(pair.vql_ms) - (direct + math.log(pair.again_ms) if pair.again_ms else 2 * direct) / 2


def _means(pairs: Sequence[Pair], of: Callable[[Pair], float]) -> list[float]:
    """One number per block; where a block holds several checks, each of them weighs the same."""
    by_block: dict[int, list[float]] = {}
    for (_, number), block in blocks_of(pairs).items():
        by_block.setdefault(number, []).append(fmean(of(pair) for pair in block))
    return [fmean(by_block[number]) for number in sorted(by_block)]


def blocks_of(pairs: Sequence[Pair]) -> Mapping[tuple[str, int], list[Pair]]:
    blocks: dict[tuple[str, int], list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.check, pair.block)):
        blocks.setdefault((pair.check, pair.block), []).append(pair)
    return blocks


def ratio_of_means(means: Sequence[float], count: int) -> Measurement:
    """The typical slowdown: exp of the mean of block means, with its t-interval; no interval under two blocks."""
    if not means:
        return Measurement(value=None, unit="ratio", count=0)
    value = math.exp(fmean(means))
    if len(means) < 2:
        return Measurement(value=value, unit="ratio", count=count)
    if max(means) == min(means):
        return Measurement(value=value, unit="ratio", count=count, interval=(value, value))
    interval = mean_interval(means, POLICY.confidence)
    low, high = (math.exp(max(-_LARGEST_LOG, min(entry, _LARGEST_LOG))) for entry in interval)
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


def quantile95(values: Sequence[float]) -> float:
    """p95 of at least one value, by linear interpolation."""
    place = 0.95 * (len(values) - 1)
    ordered, low = sorted(values), math.floor(place)
    return ordered[low] + (ordered[min(low + 1, len(values) - 1)] - ordered[low]) * (place - low)


def tail_signs(pairs: Sequence[Pair], target: float, floor_ms: float) -> tuple[int, int]:
    """(pairs where only VQL was slow, pairs where only the second direct call was), against the same first call.

    Slow is `tail_factor` times the direct call, for VQL times the target too; under the floor nothing is slow.
    """
    factor = POLICY.tail_factor
    slow = [
        (pair.vql_ms > max(factor * target * pair.direct_ms, floor_ms), again > max(factor * pair.direct_ms, floor_ms))
        for pair in pairs
        if (again := pair.again_ms)
    ]
    return slow.count((True, False)), slow.count((False, True))


def tail_is_slower(pairs: Sequence[Pair], target: float, floor_ms: float = 0.0) -> bool:
    """Whether the paired sign test, one-sided, excludes that VQL's tail is no heavier than the direct path's."""
    ours, theirs = tail_signs(pairs, target, floor_ms)
    if ours <= theirs:
        return False
    return binomial_tail(ours - 1, ours + theirs, 0.5) < (1 - POLICY.confidence) / 2


def p95_value(pairs: Sequence[Pair]) -> float:
    """p95 of VQL over p95 of direct, each check scaled by its own direct median; without an interval."""
    scale = _direct_medians(pairs)
    vql = quantile95([pair.vql_ms / scale[pair.check] for pair in pairs])
    return vql / quantile95([pair.direct_ms / scale[pair.check] for pair in pairs])


def p95_ratio(pairs: Sequence[Pair]) -> Measurement:
    """p95 of VQL over p95 of direct, endpoints scaled by their own direct median, bootstrapped over blocks."""
    import numpy as np

    blocks = blocks_of(pairs)
    if not blocks:
        return Measurement(value=None, unit="ratio", count=0)
    scale = _direct_medians(pairs)
    vql, direct = (
        _ranked(
            [
                (getattr(pair, side) / scale[check], number)
                for number, (check, _) in enumerate(blocks)
                for pair in blocks[check, _]
            ],
            len(blocks),
        )
        for side in ("vql_ms", "direct_ms")
    )
    once = np.ones((1, len(blocks)))
    value = float((_p95(*vql, once) / _p95(*direct, once))[0])
    if len(blocks) < 2:
        return Measurement(value=value, unit="ratio", count=len(pairs))
    times = _resampled(len(blocks))
    ratios = np.concatenate([_p95(*vql, part) / _p95(*direct, part) for part in np.array_split(times, 10)])
    tail = (1 - POLICY.confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return Measurement(value=value, unit="ratio", count=len(pairs), interval=(float(low), float(high)))


def _direct_medians(pairs: Sequence[Pair]) -> Mapping[str, float]:
    """The median of the direct calls, by check."""
    direct: dict[str, list[float]] = {}
    for pair in pairs:
        direct.setdefault(pair.check, []).append(pair.direct_ms)
    return {check: median(times) for check, times in direct.items()}


@lru_cache(4)
def _resampled(blocks: int) -> Any:
    """How often each block was drawn, for each of 9,999 draws with replacement: an array (draws, blocks)."""
    import numpy as np

    draws = np.random.default_rng(0).integers(0, blocks, size=(9_999, blocks))
    times = np.zeros((len(draws), blocks), dtype=float)
    np.add.at(times, (np.arange(len(draws))[:, None], draws), 1)
    return times


def _ranked(values: Sequence[tuple[float, int]], blocks: int) -> tuple[Any, Any]:
    """The values in order, and how many of each block lie up to each of them: (values) and (blocks, values).

    Each value comes with the number of its block.
    """
    import numpy as np

    ranked = sorted(values)
    ordered, block = np.array([value for value, _ in ranked]), np.array([number for _, number in ranked])
    return ordered, np.cumsum(np.arange(blocks)[:, None] == block, axis=1).astype(float)


def _p95(ordered: Any, up_to: Any, times: Any) -> Any:
    """For each row of `times`, numpy's p95 of the values, each taken as often as its block was drawn."""
    import numpy as np

    place = 0.95 * (times @ up_to[:, -1] - 1)
    below = np.floor(place)[:, None]
    first, last = _span(up_to, times, below)
    reached = times @ up_to[:, first:last]
    lower = ordered[first + (reached <= below).sum(axis=1)]
    upper = ordered[np.minimum(first + (reached <= below + 1).sum(axis=1), len(ordered) - 1)]
    return lower + (upper - lower) * (place - below[:, 0])


def _span(up_to: Any, times: Any, below: Any) -> tuple[int, int]:
    """Between which values p95 of every row lies, by every 32nd of them: a matrix of all takes ten times as long."""
    import numpy as np

    looked_at = np.arange(0, up_to.shape[1], 32)
    reached = times @ up_to[:, looked_at]
    before, after = (reached <= below).all(axis=0), (reached > below + 1).all(axis=0)
    return max(looked_at[before], default=0), min(looked_at[after], default=up_to.shape[1])
