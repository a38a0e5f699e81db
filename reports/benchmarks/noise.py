"""Simulated latencies: what hosts do to a comparison. Log scale, one request per slot, many rollouts side by side.

A request takes the query's own time (shared by the three calls of a pair), a drift both paths share and one for each
host (both AR(1)), noise of its own, now and then a Pareto tail, and a pause that holds up whole windows of slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

QUERY_SD = 0.5
BASE_MS = 40.0
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A kind of environment; standard deviations are those of logarithms."""

    name: str
    own: float
    tail_share: float
    tail_alpha: float
    shared: tuple[float, float]  # sd and autocorrelation of the drift of both paths
    host: tuple[float, float]  # of the drift of each path alone
    pause_share: float  # of the slots that lie in a pause
    pause_factor: float
    pause_slots: int = 4
    pause_of_host: bool = False
    miss: tuple[float, float] = (0.0, 1.0)  # share of the calls that miss a cache, and how many times slower they are


TYPICAL = Noise(
    name="typical",
    own=0.35,
    tail_share=0.03,
    tail_alpha=2.0,
    shared=(0.25, 0.99),
    host=(0.05, 0.9),
    pause_share=0.02,
    pause_factor=3,
)
NOISY = Noise(
    name="noisy",
    own=0.60,
    tail_share=0.05,
    tail_alpha=1.5,
    shared=(0.50, 0.995),
    host=(0.10, 0.9),
    pause_share=0.04,
    pause_factor=5,
    pause_slots=5,
    pause_of_host=True,
)
DRIFTING = replace(TYPICAL, name="host drift", host=(0.15, 0.98), pause_of_host=True)
CACHED = replace(TYPICAL, name="cache hits and misses", miss=(0.3, 8.0))


class Hosts:
    """Two hosts over time, in so many rollouts at once."""

    def __init__(self, noise: Noise, rollouts: int, random: np.random.Generator) -> None:
        self._noise = noise
        self._random = random
        self._drifts = random.normal(size=(3, rollouts))  # shared, of the direct path's host, of VQL's
        self._phi = np.array([[noise.shared[1]], [noise.host[1]], [noise.host[1]]])
        self._paused = np.zeros((2, rollouts))  # slots left of a pause, per host
        self.rollouts = rollouts

    def rest(self, slots: int) -> None:
        """No request for so many slots."""
        if slots:
            self._drift(slots)
            self._paused[:] = 0

    def call(self, host: int) -> Array:
        """Log of a request's time on host 0 (direct) or 1 (VQL), without the query's own share."""
        noise = self._noise
        self._drift(1)
        self._pause()
        time = self._random.normal(0, noise.own, self.rollouts)
        time += noise.shared[0] * self._drifts[0] + noise.host[0] * self._drifts[1 + host]
        tail = self._random.random(self.rollouts) < noise.tail_share
        time += tail * self._random.exponential(1 / noise.tail_alpha, self.rollouts)  # the log of a Pareto variable
        share, times = noise.miss
        time += np.log(times) * (self._random.random(self.rollouts) < share) if share else 0.0
        paused: Array = time + np.log(noise.pause_factor) * (self._paused[host] > 0)
        return paused

    def query(self) -> Array:
        """Log of what the question itself takes."""
        return self._random.normal(np.log(BASE_MS), QUERY_SD, self.rollouts)

    def _drift(self, slots: int) -> None:
        """AR(1) with unit variance, so many slots on."""
        kept = self._phi**slots
        fresh = self._random.normal(size=self._drifts.shape)
        self._drifts = kept * self._drifts + np.sqrt(1 - kept**2) * fresh

    def _pause(self) -> None:
        noise = self._noise
        self._paused = np.maximum(self._paused - 1, 0)
        begins = self._random.random((2, self.rollouts)) < noise.pause_share / noise.pause_slots
        if not noise.pause_of_host:
            begins[1] = begins[0]
        self._paused[begins] = noise.pause_slots


def blocks(
    noise: Noise, ratio: float, *, rollouts: int, count: int, pairs: int, gap: int, random: np.random.Generator
) -> Iterator[tuple[Array, Array, Array]]:
    """(VQL, direct, direct again) of each block, in ms: arrays (rollouts, pairs). The order in a pair is random."""
    hosts = Hosts(noise, rollouts, random)
    for _ in range(count):
        yield block(hosts, ratio, pairs, gap, random)


def block(hosts: Hosts, ratio: float, pairs: int, gap: int, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """One block, after a pause of so many slots."""
    hosts.rest(gap)
    drawn_pairs = [_pair(hosts, ratio, random) for _ in range(pairs)]
    vql, direct, again = (np.stack([pair[side] for pair in drawn_pairs], axis=1) for side in range(3))
    return vql, direct, again


def one_after_the_other(
    noise: Noise, ratio: float, *, rollouts: int, calls: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """(VQL, direct) in ms, arrays (rollouts, calls): first all of the old, then all of the new."""
    hosts = Hosts(noise, rollouts, random)
    direct = np.stack([np.exp(hosts.query() + hosts.call(0)) for _ in range(calls)], axis=1)
    vql = np.stack([ratio * np.exp(hosts.query() + hosts.call(1)) for _ in range(calls)], axis=1)
    return vql, direct


def _pair(hosts: Hosts, ratio: float, random: np.random.Generator) -> tuple[Array, Array, Array]:
    query, times = hosts.query(), {}
    for side in random.permutation(3):  # vql, direct, again
        times[int(side)] = np.exp(query + hosts.call(1 if side == 0 else 0))
    return ratio * times[0], times[1], times[2]
