"""Numbers beyond the golden vectors: where an interval ends, which runs count as one, and how many more are needed."""

import math

import numpy as np
import pytest

from reports.judge import statistics
from reports.judge.policy import POLICY
from reports.judge.statistics import (
    exact_share,
    needed_for_go,
    pooled_share,
    ratio_of_means,
    share,
    share_by_run,
)
from reports.judge.statistics import runs as of_runs

ALIKE = [0.8, 0.8, 0.6, 0.45, 0.47, 0.43, 0.61, 0.45, 0.47, 0.53, 0.72, 0.61, 0.45, 0.62, 0.61, 0.45]  # 0.31
UNLIKE = [1.0, 0.55, 0.62, 0.56, 0.73, 0.56, 0.73, 0.46, 0.73, 0.56, 0.38, 0.34, 0.47, 0.23, 0.32, 0.16]  # 0.29


def test_looks_double() -> None:
    assert POLICY.stages == (32, 64, 128, 256, 512, 1024, 2048)


def test_effective_sizes_lie_between_whole_ones() -> None:
    below, between, above = (exact_share(failures, 10) for failures in (1, 1.5, 2))

    assert below[0] < between[0] < above[0]
    assert below[1] < between[1] < above[1]
    assert exact_share(1, 10.5)[1] < below[1]


@pytest.mark.parametrize(("failures", "low", "high"), [(0, True, False), (0.5, False, False), (10.5, False, True)])
def test_an_interval_ends_where_nothing_or_everything_failed(failures: float, low: bool, high: bool) -> None:
    expected = exact_share(failures, 10.5)

    assert (expected[0] == 0, expected[1] == 1) == (low, high)
    assert 0 <= expected[0] < expected[1] <= 1


def test_one_observation_is_one_and_none_is_none() -> None:
    assert (share(0, 1).value, share(1, 1).value, share(0, 0).value) == (0.0, 1.0, None)
    assert (share_by_run([], []).value, share_by_run([0], [1]).value, share_by_run([1], [1]).count) == (None, 0.0, 1)
    assert share_by_run([3], [40]).interval == exact_share(3, 40)


def test_runs_at_one_rate_are_no_bursts_and_not_alike() -> None:
    failures, counts = list(range(1, 21)), [10 * number for number in range(1, 21)]

    assert pooled_share(failures, counts) == share_by_run(failures, counts)


def test_runs_that_are_like_the_one_before_are_worth_less() -> None:
    """The same failures, in every other run or in every other eight: only the order differs."""
    apart, in_rows = [4, 0] * 20, ([4] * 8 + [0] * 8) * 2 + [4] * 4 + [0] * 4

    loose, tight = (pooled_share(failures, [20] * 40) for failures in (apart, in_rows))

    assert loose == share_by_run(apart, [20] * 40)
    assert loose.value == tight.value
    assert (tight.interval or (0, 0))[0] < (loose.interval or (0, 0))[0]
    assert (tight.interval or (0, 0))[1] > (loose.interval or (0, 0))[1]


def test_a_step_is_no_likeness_and_no_variance() -> None:
    step, in_rows = [0.1] * 20 + [0.9] * 20, [number // 8 % 2 + 0.0 for number in range(40)]

    assert max(abs(value) for value in of_runs.without_step(step)) < 1e-9
    assert of_runs.typical_variance(step) == 0.0
    assert of_runs.persistence(of_runs.without_step(in_rows)) > 0.5
    assert of_runs.persistence([0.1, 0.3] * 20) == 0.0
    assert of_runs.lasting([0.0] * 40) == 1.0
    assert of_runs.lasting(in_rows[:10]) == 1.0, "too few to tell"
    assert of_runs.without_step([0.0, 1.0]) == [-0.5, 0.5]


@pytest.mark.parametrize(
    ("values", "sizes"),
    [(ALIKE, [4] * 4), (ALIKE[:15], [1] * 15), (UNLIKE, [1] * 16), (ALIKE + [0.8] * 2, [4, 4, 4, 6])],
)
def test_neighbours_are_alike_above_a_limit_and_from_enough_runs_on(values: list[float], sizes: list[int]) -> None:
    assert [len(group) for group in statistics.units(values)] == sizes


def test_counts_and_failures_are_of_the_same_runs() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        pooled_share([1], [1, 2])
    with pytest.raises(ValueError, match="argument 2"):
        statistics.design_effect([1, 2], [5])
    with pytest.raises(ValueError, match="argument 2"):
        statistics.zero_bound_stratified([0.5, 0.5], [3])


@pytest.mark.parametrize(("means", "bounded"), [([], False), ([0.1], False), ([0.1, 0.2], True), ([0.1, 0.1], True)])
def test_a_ratio_has_an_interval_from_two_blocks_on(means: list[float], bounded: bool) -> None:
    measurement = ratio_of_means(means, 9)

    assert (measurement.interval is not None) is bounded
    assert (measurement.value is None) is (not means)
    assert measurement.count == (9 if means else 0)


@pytest.mark.parametrize(
    ("failures", "count", "needed"),
    [(0, 0, 64), (0, 61, 3), (0, 64, 0), (3, 60, 68), (13, 256, 256), (500, 600, 1448), (500, 3000, 1)],
)
def test_what_is_needed_for_a_go_is_counted_to_the_next_look(failures: int, count: int, needed: int) -> None:
    assert needed_for_go(failures, count, 0.05, 0.10) == needed


@pytest.mark.parametrize(("count", "population", "bound"), [(0, 10, 1.0), (0, None, 1.0), (10, 10, 0.0), (9, 10, 0.1)])
def test_a_census_leaves_nothing_and_no_sample_leaves_everything(
    count: int, population: int | None, bound: float
) -> None:
    assert statistics.zero_bound(count, population) == bound


def test_strata_without_a_sample_may_be_wrong_altogether() -> None:
    bound = statistics.zero_bound_stratified

    assert bound([0.4, 0.6], [0, 0]) == 1.0
    assert bound([0.4, 0.6], [0, 299]) == pytest.approx(0.4 + 0.6 * 0.01, abs=1e-3)
    assert bound([1.0], [1]) == pytest.approx(0.95)


@pytest.mark.parametrize(("means", "expected"), [([1.0, 1.0], 0.0), ([1.0, 3.0], -0.5), ([0.0, 1.0, 2.0, 3.0], 0.25)])
def test_autocorrelation_is_that_of_neighbours(means: list[float], expected: float) -> None:
    assert statistics.autocorrelation(means) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        ([1.0] * 40, [1] * 40),
        ([0.0, 1.0] * 20, [1] * 40),
        ([float(number // 8) for number in range(40)], [4] * 10),
        ([float(number // 8) for number in range(42)], [4] * 9 + [6]),
        ([float(number // 8) for number in range(15)], [1] * 15),
        ([], []),
    ],
    ids=["constant", "to-and-fro", "in-eights", "with-a-rest", "too-few", "none"],
)
def test_four_runs_count_as_one_where_neighbours_are_alike(values: list[float], sizes: list[int]) -> None:
    groups = statistics.units(values)

    assert [len(group) for group in groups] == sizes
    assert [index for group in groups for index in group] == list(range(len(values)))


def test_merging_keeps_dependent_runs_from_a_false_no_go() -> None:
    """Runs at exactly the target, each much like the one before: judged one by one they err far more often."""
    random, wrong = np.random.default_rng(5), {1: 0, 4: 0}
    for _ in range(300):
        noise, means = 0.0, []
        for _ in range(96):
            noise = 0.8 * noise + random.normal(0, 0.1)
            means.append(math.log(1.2) + noise)
        for size, groups in ((1, [[index] for index in range(96)]), (4, statistics.units(means))):
            measurement = statistics.ratio_of_means([float(np.mean([means[i] for i in group])) for group in groups], 96)
            wrong[size] += measurement.interval is not None and measurement.interval[0] > 1.2

    assert wrong[4] < wrong[1] / 2
