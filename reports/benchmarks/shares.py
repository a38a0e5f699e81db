"""The share rule against rollouts of known failure rates: in one session, and pooled over runs that fail together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from reports.benchmarks.latency import GO, HOLD, NO_GO, WORDS, CellOutcome
from reports.judge import statistics
from reports.judge.criteria import Criterion
from reports.judge.findings import by_limits
from reports.judge.policy import POLICY

LIMITS = {"fallback": (0.05, 0.10), "error": (0.01, 0.05), "availability": (0.001, 0.01)}
RUNS = (8, 16, 32, 64)  # looks of a bake
PROBES = 32  # per run
Counts = np.ndarray[Any, np.dtype[Any]]


def in_one_session(kind: str, rate: float, *, rollouts: int, seed: int) -> CellOutcome:
    """Independent requests, looked at after 32, 64, ... 2,048; sampling stops at the first GO or NO-GO."""
    failed = np.random.default_rng(seed).random((rollouts, POLICY.stages[-1])) < rate
    verdict, taken = np.full(rollouts, HOLD), np.full(rollouts, POLICY.stages[-1])
    for look in POLICY.stages:
        now = np.array([_told(kind, int(count), look) for count in failed[:, :look].sum(axis=1)])
        decided = (verdict == HOLD) & (now != HOLD)
        verdict[decided], taken[decided] = now[decided], look
    return _decided(verdict, taken)


def over_runs(kind: str, rate: float, together: float, alike: float, *, rollouts: int, seed: int) -> CellOutcome:
    """Runs of 32 whose probes fail together (intra-run correlation), each run much like the one before (AR)."""
    verdict, taken = np.full(rollouts, HOLD), np.full(rollouts, RUNS[-1])
    for rollout, failures in enumerate(_failures(rate, together, alike, rollouts, seed)):
        for look in RUNS:
            now = _pooled(kind, failures[:look].tolist())
            if now != HOLD:
                verdict[rollout], taken[rollout] = now, look
                break
    return _decided(verdict, taken * PROBES)


def independent(kind: str, rate: float, together: float, alike: float, *, rollouts: int, seed: int) -> CellOutcome:
    """The same runs, pooled as if every request were on its own."""
    verdict, taken = np.full(rollouts, HOLD), np.full(rollouts, RUNS[-1])
    for rollout, failures in enumerate(_failures(rate, together, alike, rollouts, seed)):
        for look in RUNS:
            now = _told(kind, int(failures[:look].sum()), look * PROBES)
            if now != HOLD:
                verdict[rollout], taken[rollout] = now, look
                break
    return _decided(verdict, taken * PROBES)


def threshold(kind: str, rate: float, *, rollouts: int, seed: int) -> CellOutcome:
    """A fixed threshold on 128 requests: GO up to the target, else NO-GO."""
    failed = np.random.default_rng(seed).binomial(128, rate, rollouts) / 128
    return _decided(np.where(failed <= LIMITS[kind][0], GO, NO_GO), np.full(rollouts, 128))


def _failures(rate: float, together: float, alike: float, rollouts: int, seed: int) -> Counts:
    """Failures per run, (rollouts, runs): binomial with a rate of the run's own, a beta variable by a normal copula."""
    from scipy.stats import beta, norm

    random = np.random.default_rng(seed)
    state = random.normal(size=rollouts)
    states = []
    for _ in range(RUNS[-1]):
        states.append(state)
        state = alike * state + np.sqrt(1 - alike**2) * random.normal(size=rollouts)
    if together == 0:
        rates = np.full((rollouts, RUNS[-1]), rate)
    else:
        size = 1 / together - 1
        rates = beta.ppf(norm.cdf(np.stack(states, axis=1)), rate * size, (1 - rate) * size)
    failures: Counts = random.binomial(PROBES, rates)
    return failures


def _pooled(kind: str, failures: list[int]) -> int:
    return WORDS[by_limits(_criterion(kind), statistics.pooled_share(failures, [PROBES] * len(failures)))]


@cache
def _told(kind: str, failures: int, count: int) -> int:
    return WORDS[by_limits(_criterion(kind), statistics.share(failures, count))]


@cache
def _criterion(kind: str) -> Criterion:
    target, alert = LIMITS[kind]
    return Criterion(id=kind, guide="g", rule="share", reason="r", of="errors", target=target, alert=alert)


def _decided(verdict: Counts, taken: Counts) -> CellOutcome:
    return CellOutcome(
        go=float((verdict == GO).mean()), no_go=float((verdict == NO_GO).mean()), pairs=float(taken.mean())
    )
