"""The share rule against sessions of known failure rates: independent answers, and failures in bursts."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from reports.benchmarks.latency import GO, HOLD, NO_GO, WORDS, cell_of
from reports.benchmarks.tables import CellOutcome
from reports.judge import statistics
from reports.judge.criteria import Criterion
from reports.judge.findings import by_limits
from reports.judge.policy import POLICY

LIMITS = {"fallback": (0.05, 0.10), "error": (0.01, 0.05), "availability": (0.001, 0.01)}
PROBES = 32  # answers of a run
SESSION, PER_SECOND = 781, 20  # answers of one run, and their pace
Counts = np.ndarray[Any, np.dtype[Any]]


def in_one_session(kind: str, rate: float, *, rollouts: int, seed: int) -> CellOutcome:
    """Independent requests, looked at after 32, 64, ... 2,048; sampling stops at the first GO or NO-GO."""
    failed = np.random.default_rng(seed).random((rollouts, POLICY.stages[-1])) < rate
    verdict, stopped_at = np.full(rollouts, HOLD), np.full(rollouts, POLICY.stages[-1])
    for look in POLICY.stages:
        now = np.array([_outcome_of(kind, int(count), look) for count in failed[:, :look].sum(axis=1)])
        decided = (verdict == HOLD) & (now != HOLD)
        verdict[decided], stopped_at[decided] = now[decided], look
    return cell_of(verdict, stopped_at)


def in_bursts(kind: str, rate: float, burst_s: float, *, rollouts: int, seed: int) -> CellOutcome:
    """One session of so many answers at 20 a second, whose failures come in bursts of that length; judged once."""
    random, length = np.random.default_rng(seed), max(round(burst_s * PER_SECOND), 1)
    verdict = []
    for _ in range(rollouts):
        bursts = random.random(SESSION // length + 1) < rate
        failed = np.repeat(bursts, length)[:SESSION]
        verdict.append(WORDS[by_limits(criterion_of(kind), statistics.share_in_time(failed.tolist()))])
    return cell_of(np.array(verdict), np.full(rollouts, SESSION))


def pooled_as_if_independent(kind: str, failures: Counts) -> CellOutcome:
    """Failures per run, (rollouts, runs) of 32, pooled as if every answer were on its own."""
    runs = failures.shape[1]
    verdict = np.array([_outcome_of(kind, int(failed), runs * PROBES) for failed in failures.sum(axis=1)])
    return cell_of(verdict, np.full(len(failures), runs * PROBES))


def threshold(kind: str, rate: float, *, rollouts: int, seed: int) -> CellOutcome:
    """A fixed threshold on 128 requests: GO up to the target, else NO-GO."""
    failed = np.random.default_rng(seed).binomial(128, rate, rollouts) / 128
    return cell_of(np.where(failed <= LIMITS[kind][0], GO, NO_GO), np.full(rollouts, 128))


@cache
def _outcome_of(kind: str, failures: int, count: int) -> int:
    return WORDS[by_limits(criterion_of(kind), statistics.share(failures, count))]


@cache
def criterion_of(kind: str) -> Criterion:
    """The limits that the gates have for that kind of share."""
    target, alert = LIMITS[kind]
    return Criterion(id=kind, guide="g", rule="share", reason="r", of="errors", target=target, alert=alert)
