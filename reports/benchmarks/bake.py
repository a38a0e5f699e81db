"""The rules of a bake against histories of known truth: latency by CUSUM, shares of dependent runs, moments.

What ships is simulated: a canary every half hour with two blocks of pairs and 32 answers of a check, judged by each run
from a full day on. A history of two days is 97 runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reports.benchmarks.latency import ALERT, GAP, HOLD, NO_GO, TARGET, WORDS, cell_of, design
from reports.benchmarks.noise import Array, Hosts, Noise, block
from reports.benchmarks.shares import LIMITS, PROBES, criterion_of
from reports.benchmarks.tables import CellOutcome
from reports.judge import statistics
from reports.judge.criteria import read_gate
from reports.judge.findings import by_limits
from reports.judge.policy import POLICY
from reports.judge.rules.bake.latency import run_variance

RUNS, DAY = 97, 49  # runs of two days and of one, every half hour
REST = 1800  # slots between two runs: drifts are another draw by then
MOMENTS_PER_HOUR = 12
_FIRST = [number == 0 for number in range(POLICY.canary_blocks)]
Ratios = Callable[[int], float]  # VQL's slowdown in a run


def step(ratio: float, first: int = 0, end: int = RUNS) -> Ratios:
    """VQL so many times slower from one run on, up to another."""
    return lambda run: ratio if first <= run < end else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """How a history of latency was judged: alarms before the change, and runs until it was found."""

    before: float  # share of the histories that were NO-GO before the change (all of it, where there was none)
    within: tuple[float, ...]  # share found within 1, 2, 3, ... runs of the change

    def by(self, runs: int) -> float:
        return self.within[min(runs, len(self.within)) - 1] if self.within else 0.0


def latency_change(
    noise: Noise, ratio_of: Ratios, *, change: int, rollouts: int, seed: int, wander: float = 0.0, alike: float = 0.0
) -> Detection:
    """The CUSUM of a bake, judged anew by every run. `wander`: deviation of a run's own ratio, `alike`: lag-1 of it."""
    means, floors = _runs(noise, ratio_of, rollouts, seed, wander, alike)
    run_of_alarm = np.full(rollouts, RUNS)
    for run in range(POLICY.least_blocks, RUNS + 1):
        over = _sees_change(means[:, :run], floors[:, :run])
        run_of_alarm = np.where((run_of_alarm == RUNS) & over, run - 1, run_of_alarm)
    after = run_of_alarm - change
    hits = [float(((after >= 0) & (after < runs)).mean()) for runs in range(1, RUNS - change + 1)]
    return Detection(before=float((run_of_alarm < change).mean()), within=tuple(hits))


def change_by_rules(noise: Noise, ratio_of: Ratios, *, rollouts: int, seed: int) -> list[tuple[bool, bool]]:
    """Whether the rule itself and the simulation see a change in the whole history, rollout by rollout."""
    means, floors = _runs(noise, ratio_of, rollouts, seed, 0.0, 0.0)
    ours = _sees_change(means, floors).tolist()
    midpoint, step = (math.log(TARGET) + math.log(ALERT)) / 2, math.log(ALERT) - math.log(TARGET)
    theirs = []
    for run_means, noises in zip(means.tolist(), floors.tolist(), strict=True):
        variance = run_variance(run_means, noises)
        change = statistics.cusum([(mean - midpoint) * step / variance for mean in run_means], POLICY.cusum_limit)
        theirs.append(change is not None)
    return list(zip(theirs, ours, strict=True))


def share_over_runs(
    kind: str, rate: float, together: float, alike: float, *, rollouts: int, seed: int, every: int = 4
) -> CellOutcome:
    """Runs whose answers fail together, each much like the one before: pooled from a day on, by every fourth run."""
    verdict, stopped_at = np.full(rollouts, HOLD), np.full(rollouts, RUNS)
    target, alert = LIMITS[kind]
    for rollout, failures in enumerate(failures_of(rate, together, alike, rollouts, seed)):
        for look in range(DAY, RUNS + 1, every):
            counted = [int(failure) for failure in failures[:look]]
            now = WORDS[by_limits(criterion_of(kind), statistics.pooled_share(counted, [PROBES] * look))]
            if now != NO_GO and statistics.share_change(counted, [PROBES] * look, target, alert):
                now = NO_GO
            if now != HOLD:
                verdict[rollout], stopped_at[rollout] = now, look
                break
    return cell_of(verdict, stopped_at * PROBES)


def availability(rate: float, alike: float, *, rollouts: int, seed: int) -> CellOutcome:
    """Single probes every five minutes, looked at every hour over three days. `alike`: an outage goes on so often."""
    hours, needed = _bake_hours()
    moments = int(hours * MOMENTS_PER_HOUR)
    outages = _outages(rate, alike, moments, rollouts, seed)
    verdict, stopped_at = np.full(rollouts, HOLD), np.full(rollouts, moments)
    looks = range(int(needed * MOMENTS_PER_HOUR), moments + 1, MOMENTS_PER_HOUR)
    for rollout in range(rollouts):
        for look in looks:
            measurement = statistics.share_in_time(outages[rollout, :look].tolist())
            now = WORDS[by_limits(criterion_of("availability"), measurement)]
            if now != HOLD:
                verdict[rollout], stopped_at[rollout] = now, look
                break
    return cell_of(verdict, stopped_at)


def failures_of(rate: float, together: float, alike: float, rollouts: int, seed: int) -> Array:
    """Failures per run, (rollouts, runs): binomial with a rate of the run's own, a beta variable by a normal copula."""
    from scipy.stats import beta, norm

    random = np.random.default_rng(seed)
    state = random.normal(size=rollouts)
    states = []
    for _ in range(RUNS):
        states.append(state)
        state = alike * state + np.sqrt(1 - alike**2) * random.normal(size=rollouts)
    if together == 0 or rate == 0:
        return random.binomial(PROBES, np.full((rollouts, RUNS), rate)).astype(float)
    if together == 1:
        all_fail: Array = float(PROBES) * (norm.cdf(np.stack(states, axis=1)) < rate)
        return all_fail
    size = 1 / together - 1
    rates = beta.ppf(norm.cdf(np.stack(states, axis=1)), rate * size, (1 - rate) * size)
    failures: Array = random.binomial(PROBES, rates).astype(float)
    return failures


def _runs(noise: Noise, ratio_of: Ratios, rollouts: int, seed: int, wander: float, alike: float) -> tuple[Array, Array]:
    """Per rollout and run: mean of y, and of old against old."""
    random = np.random.default_rng(seed)
    hosts, size = Hosts(noise, rollouts, random), design()[1]
    drift, means, floors = random.normal(size=rollouts), [], []
    for run in range(RUNS):
        blocks_of_run = [block(hosts, 1.0, size, REST if first else GAP, random) for first in _FIRST]
        vql, direct, again = (np.log(np.concatenate(side, axis=1)) for side in zip(*blocks_of_run, strict=True))
        slower = math.log(ratio_of(run)) + wander * drift
        means.append((vql - (direct + again) / 2).mean(axis=1) + slower)
        floors.append((again - direct).mean(axis=1))
        drift = alike * drift + math.sqrt(1 - alike**2) * random.normal(size=rollouts)
    return np.stack(means, axis=1), np.stack(floors, axis=1)


def _sees_change(means: Array, floors: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Per rollout, whether `change_of` sees one in these runs."""
    midpoint, step = (math.log(TARGET) + math.log(ALERT)) / 2, math.log(ALERT) - math.log(TARGET)
    by_noise = 0.75 * floors.var(axis=1, ddof=1)
    by_neighbours = (np.median(np.abs(np.diff(means, axis=1)), axis=1) / 0.954) ** 2
    variance = np.maximum(np.maximum(by_noise, by_neighbours), POLICY.run_deviation**2)
    return _highest(means - midpoint) * step / variance > POLICY.cusum_limit  # type: ignore[no-any-return]


def _highest(steps: Array) -> Array:
    """The highest point of S = max(0, S + step), per rollout."""
    total = highest = np.zeros(len(steps))
    for step in steps.T:
        total = np.maximum(total, 0) + step
        highest = np.maximum(highest, total)
    return highest


def _outages(
    rate: float, alike: float, moments: int, rollouts: int, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether the service was out at each moment: a chain that stays out with chance `alike`."""
    random = np.random.default_rng(seed)
    begins = rate * (1 - alike) / max(1 - rate, 1e-9)
    now = random.random(rollouts) < rate
    outages = []
    for _ in range(moments):
        outages.append(now)
        now = random.random(rollouts) < np.where(now, alike, begins)
    return np.stack(outages, axis=1)


@cache
def _bake_hours() -> tuple[float, float]:
    """(longest, needed) hours of the window of availability, as phase 5's gate has them."""
    path = Path(__file__).parents[2] / "suites" / "phase5_bake" / "gate.toml"
    (availability_bake,) = (
        bake for bake in read_gate(path.read_text(encoding="utf-8"), path.name).bake if bake.phase == "availability"
    )
    return availability_bake.longest, availability_bake.hours
