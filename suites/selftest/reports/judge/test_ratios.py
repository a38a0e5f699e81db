"""The arithmetic of latency, each number held against a plainer way to it: numpy's quantiles, scipy's sign test."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest, t

from reports.judge.policy import POLICY
from reports.judge.statistics import ratios
from reports.records.records import Pair


def _pair(
    vql: float, direct: float, again: float | None = None, *, check: str = "a", block: int = 0, key: str = "k"
) -> Pair:
    return Pair(phase="p", check=check, key=key, block=block, vql_ms=vql, direct_ms=direct, again_ms=again)


def _random_pairs(blocks: int, of_block: int) -> list[Pair]:
    """Two checks, one ten times as slow as the other, with blocks that differ."""
    draw = random.Random(5)
    return [
        _pair(
            scale * draw.lognormvariate(0.1 * block, 0.3),
            scale * draw.lognormvariate(0, 0.3),
            check=check,
            block=block,
            key=str(number),
        )
        for check, scale in (("a", 10.0), ("b", 100.0))
        for block in range(blocks)
        for number in range(of_block)
    ]


def test_a_pair_is_held_against_both_of_its_direct_calls() -> None:
    assert ratios.log_ratio(_pair(12, 10)) == pytest.approx(math.log(1.2))
    assert ratios.log_ratio(_pair(12, 10, 40)) == pytest.approx(math.log(0.6))


def test_blocks_come_in_their_order_and_their_checks_weigh_the_same() -> None:
    pairs = [
        *(_pair(30, 10, check="a", block=2) for _ in range(3)),
        _pair(10, 10, check="b", block=2),
        _pair(20, 10, check="b", block=1),
    ]

    assert ratios.block_means(pairs) == pytest.approx([math.log(2), math.log(3) / 2])


def test_the_second_direct_call_is_compared_where_there_is_one() -> None:
    measured = ratios.old_against_old([_pair(99, 10, 20, block=1), _pair(99, 10, 20, block=2), _pair(99, 10)])

    assert (measured.value, measured.count, measured.interval) == (pytest.approx(2), 2, pytest.approx((2, 2)))


@pytest.mark.parametrize(
    ("means", "value", "interval"),
    [
        ([], None, None),
        ([math.log(2)], 2, None),
        ([math.log(2), math.log(2)], 2, (2, 2)),
        ([-1000.0, 1000.0], 1, (math.exp(-700), math.exp(700))),
    ],
    ids=["none", "one-block", "blocks-alike", "blocks-beyond-any-number"],
)
def test_blocks_have_a_mean_and_from_two_on_an_interval(
    means: list[float], value: float | None, interval: tuple[float, float] | None
) -> None:
    measured = ratios.ratio_of_means(means, len(means))

    assert (measured.value, measured.count) == (value if value is None else pytest.approx(value), len(means))
    assert measured.interval == (interval if interval is None else pytest.approx(interval))


def test_blocks_that_differ_have_the_t_interval_of_their_means() -> None:
    means = [0.1, 0.2, 0.4]

    measured = ratios.ratio_of_means(means, 48)

    low, high = t.interval(POLICY.confidence, 2, np.mean(means), np.std(means, ddof=1) / math.sqrt(3))
    assert measured.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert ratios.noise_floor((0.5, 2.0)) == pytest.approx(2)


@pytest.mark.parametrize("count", [1, 2, 3, 20, 21, 22, 40, 41, 100])
def test_p95_is_numpys(count: int) -> None:
    draw = random.Random(count)
    values = [draw.lognormvariate(0, 1) for _ in range(count)]

    assert ratios.quantile95(values) == pytest.approx(float(np.quantile(values, 0.95)))


@pytest.mark.parametrize(
    ("vql", "again", "floor_ms", "signs"),
    [
        (1.2 * POLICY.tail_factor * 10 + 0.1, 10, 0, (1, 0)),
        (1.2 * POLICY.tail_factor * 10, 10, 0, (0, 0)),
        (10, POLICY.tail_factor * 10 + 0.1, 0, (0, 1)),
        (10, POLICY.tail_factor * 10, 0, (0, 0)),
        (900, 900, 0, (0, 0)),
        (900, 10, 900, (0, 0)),
        (901, 10, 900, (1, 0)),
        (10, 900, 900, (0, 0)),
        (10, 901, 900, (0, 1)),
        (900, None, 0, (0, 0)),
    ],
)
def test_slow_is_more_than_the_factor_and_the_floor(
    vql: float, again: float | None, floor_ms: float, signs: tuple[int, int]
) -> None:
    assert ratios.tail_signs([_pair(vql, 10, again)], 1.2, floor_ms) == signs


@pytest.mark.parametrize("theirs", range(8))
def test_the_tail_is_judged_by_the_sign_test(theirs: int) -> None:
    for ours in range(20):
        pairs = [*(_pair(99, 10, 10) for _ in range(ours)), *(_pair(10, 10, 99) for _ in range(theirs))]
        excluded = ours + theirs > 0 and (
            binomtest(ours, ours + theirs, alternative="greater").pvalue < (1 - POLICY.confidence) / 2
        )

        assert ratios.tail_is_slower(pairs, 1.0) == excluded, (ours, theirs)


def _p95s(pairs: Sequence[Pair], side: str) -> list[float]:
    scale = {check: np.median([pair.direct_ms for pair in pairs if pair.check == check]) for check in ("a", "b")}
    return [getattr(pair, side) / scale[pair.check] for pair in pairs]


@pytest.mark.parametrize(("blocks", "of_block"), [(1, 3), (2, 2), (2, 60)])
def test_the_ratio_of_p95_and_its_bootstrap_over_blocks(blocks: int, of_block: int) -> None:
    pairs = sorted(_random_pairs(blocks, of_block), key=lambda pair: (pair.check, pair.block))
    of_checks = 2 * blocks
    vql, direct = (np.array(_p95s(pairs, side)).reshape(of_checks, of_block) for side in ("vql_ms", "direct_ms"))
    draws = np.sort(np.random.default_rng(0).integers(0, of_checks, size=(9_999, of_checks)), axis=1)
    different, often = np.unique(draws, axis=0, return_counts=True)
    resampled = [np.quantile(vql[draw], 0.95) / np.quantile(direct[draw], 0.95) for draw in different]
    tail = (1 - POLICY.confidence) / 2

    measured = ratios.p95_ratio(pairs)

    value = np.quantile(vql, 0.95) / np.quantile(direct, 0.95)
    assert (measured.value, ratios.p95_value(pairs)) == (pytest.approx(value), pytest.approx(value))
    assert measured.interval == pytest.approx(tuple(np.quantile(np.repeat(resampled, often), [tail, 1 - tail])))
    assert (measured.count, measured.unit) == (len(pairs), "ratio")


def test_one_block_has_no_interval_and_no_pair_no_value() -> None:
    of_block, of_none = ratios.p95_ratio([_pair(30, 10), _pair(30, 10)]), ratios.p95_ratio([])

    assert (of_block.value, of_block.interval, of_block.count) == (pytest.approx(3), None, 2)
    assert (of_none.value, of_none.interval, of_none.count) == (None, None, 0)
