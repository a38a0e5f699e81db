"""The judge's tails and quantiles are those of scipy.stats, over the sizes that runs and populations have."""

import random
from types import ModuleType

import pytest

from reports.judge.statistics import distributions, exact_share

SIZES = ((1, 1), (0, 60), (3, 60), (60, 60), (5, 1_024), (512, 100_000), (0, 2_000_000), (20_000, 2_000_000))


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    """Imported by the process that asks it: each process that lists the tests would wait a second for it."""
    from scipy import stats

    return stats


@pytest.mark.parametrize(("hits", "count"), SIZES)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.997])
def test_the_interval_of_a_share_is_clopper_and_pearsons(
    stats: ModuleType, hits: int, count: int, confidence: float
) -> None:
    exact = stats.binomtest(hits, count).proportion_ci(confidence, method="exact")

    assert exact_share(hits, count, confidence) == pytest.approx((exact.low, exact.high), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("chance", [0.0015, 0.05, 0.5, 0.9985])
def test_quantiles(stats: ModuleType, chance: float) -> None:
    assert distributions.normal_quantile(chance) == pytest.approx(stats.norm.ppf(chance), abs=1e-12)
    for freedom in (1, 2.5, 7, 400):
        assert distributions.t_quantile(chance, freedom) == pytest.approx(stats.t.ppf(chance, freedom), rel=1e-8)
        expected = stats.beta.ppf(chance, freedom, 2 * freedom)
        assert distributions.beta_quantile(chance, freedom, 2 * freedom) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("hits", "count"), SIZES)
@pytest.mark.parametrize("chance", [0.0001, 0.01, 0.5])
def test_tails(stats: ModuleType, hits: int, count: int, chance: float) -> None:
    tail = distributions.binomial_tail(hits, count, chance)

    assert tail == pytest.approx(stats.binom.sf(hits, count, chance), rel=1e-7, abs=1e-290)
    assert distributions.chi2_tail(hits + 0.5, 9) == pytest.approx(stats.chi2.sf(hits + 0.5, 9), rel=1e-8, abs=1e-290)


@pytest.mark.parametrize("count", [1, 30, 525, 4_096, 100_000])
@pytest.mark.parametrize("chance", [0.0005, 0.01, 0.05])
def test_the_fewest_hits_that_are_seldom_exceeded(stats: ModuleType, count: int, chance: float) -> None:
    assert distributions.binomial_limit(1e-4, count, chance) == int(stats.binom.isf(1e-4, count, chance))


@pytest.mark.parametrize("population", [1, 12, 300, 20_000, 1_000_000])
def test_draws_without_replacement(stats: ModuleType, population: int) -> None:
    draw = random.Random(population)
    for _ in range(40):
        marked, drawn = draw.randint(0, population), draw.randint(0, min(population, 3_000))
        most = draw.choice([0, 0, 1, min(marked, drawn) // 2])
        expected = stats.hypergeom.cdf(most, population, marked, drawn)
        assert distributions.hypergeometric(most, population, marked, drawn) == pytest.approx(
            expected, rel=1e-6, abs=1e-12
        )


def test_the_interval_of_a_mean(stats: ModuleType) -> None:
    values = [0.1, -0.2, 0.05, 0.3, 0.01]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.997)

    assert distributions.mean_interval(values, 0.997) == pytest.approx((expected.low, expected.high), rel=1e-9)
