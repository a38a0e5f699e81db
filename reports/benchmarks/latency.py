"""The latency rule against rollouts of known slowdown, beside two ways in which others decide.

The rule is computed for all rollouts at once; `check` holds that against `rules.finding_of`, rollout by rollout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from reports.benchmarks.noise import Array, Noise, blocks, one_after_the_other
from reports.judge.criteria import Criterion, Gate, Latency, Recheck
from reports.judge.rules.dispatch import finding_of, seen_of
from reports.judge.rules.latency import BIAS
from reports.judge.statistics import CONFIDENCE
from reports.records.records import Pair

TARGET, ALERT = 1.20, 1.50
LEAST_PAIRS, PAIRS_A_BLOCK = 128, 16
LOOKS = (8, 16, 32, 64)  # blocks
SPREAD = 150  # slots between blocks: three times the correlation time of drifting hosts
GO, NO_GO, HOLD = 1, -1, 0
WORDS = {"met": GO, "missed": NO_GO, "unmeasured": HOLD}
CRITERION = Criterion(
    id="latency", guide="g", rule="latency", reason="r", checks=("x",), target=TARGET, alert=ALERT, least=LEAST_PAIRS
)
GATE = Gate(
    phase="p",
    title="t",
    flag="",
    guide="g",
    valid_hours=1,
    samples=1,
    criteria=(CRITERION,),
    latency=Latency(floor_ms=0),
    recheck=Recheck(live_s=(), sandbox_s=()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOutcome:
    """What became of the rollouts of one cell: shares of them, and the pairs they took on average."""

    go: float
    no_go: float
    pairs: float

    @property
    def hold(self) -> float:
        return max(1 - self.go - self.no_go, 0.0)


def ours(noise: Noise, ratio: float, *, rollouts: int, seed: int, gap: int = SPREAD) -> CellOutcome:
    """The suite's rule, with looks after 8, 16, 32 and 64 blocks; sampling stops at the first GO or NO-GO."""
    means, floors = _means(noise, ratio, rollouts, seed, gap)
    verdict, taken = np.full(rollouts, HOLD), np.full(rollouts, LOOKS[-1] * PAIRS_A_BLOCK)
    for look in LOOKS:
        open_ones = verdict == HOLD
        now = rule(means[:, :look], floors[:, :look])
        decided = open_ones & (now != HOLD)
        verdict[decided], taken[decided] = now[decided], look * PAIRS_A_BLOCK
    return _decided(verdict, taken)


def rule(means: Array, floors: Array) -> Array:
    """GO, NO_GO or HOLD of each rollout, from its block means of log(vql/direct) and log(again/direct)."""
    value, low, high = _interval(means)
    floor, floor_low, floor_high = _interval(floors)
    biased = ~((floor_low <= 1) & (floor_high >= 1)) & (np.abs(floor - 1) > BIAS)
    unfit = biased | (np.sqrt(floor_high / floor_low) > ALERT / TARGET)
    enough = means.shape[1] * PAIRS_A_BLOCK >= LEAST_PAIRS
    found = np.where((high < ALERT) & (value <= TARGET) & enough, GO, HOLD)
    return np.where(unfit, HOLD, np.where(low > TARGET, NO_GO, found))


def check(noise: Noise, ratio: float, *, rollouts: int, seed: int) -> int:
    """How many of so many rollouts `rules.finding_of` judges as `rule` does: all of them, or AssertionError."""
    random = np.random.default_rng(seed)
    taken = list(blocks(noise, ratio, rollouts=rollouts, count=8, pairs=PAIRS_A_BLOCK, gap=SPREAD, random=random))
    means, floors = _of_blocks(taken)
    mine = rule(means, floors)
    for rollout in range(rollouts):
        pairs = [
            Pair(phase="p", check="x", key=str(index), block=number, vql_ms=vql, direct_ms=direct, again_ms=again)
            for number, block in enumerate(taken)
            for index, (vql, direct, again) in enumerate(zip(*(side[rollout].tolist() for side in block), strict=True))
        ]
        theirs = WORDS[finding_of(CRITERION, GATE, seen_of(pairs, "p", True)).outcome]
        assert theirs == mine[rollout], f"rollout {rollout}: the rules say {theirs}, the simulation {mine[rollout]}"
    return rollouts


def medians(noise: Noise, ratio: float, *, rollouts: int, seed: int, in_turn: bool) -> CellOutcome:
    """A fixed threshold on the ratio of medians of 128 calls each: GO up to 1.20, else NO-GO."""
    vql, direct = _calls(noise, ratio, rollouts, seed, in_turn)
    verdict = np.where(np.median(vql, axis=1) / np.median(direct, axis=1) <= TARGET, GO, NO_GO)
    return _decided(verdict, np.full(rollouts, LEAST_PAIRS))


def mann_whitney(noise: Noise, ratio: float, *, rollouts: int, seed: int, in_turn: bool) -> CellOutcome:
    """As canary judges use it: fail if the 98 % interval of the shift lies above a quarter of the shift, and the ratio
    of means reaches 1.20; everything else passes.
    """
    vql, direct = _calls(noise, ratio, rollouts, seed, in_turn)
    low, middle = _shift(vql, direct)
    worse = (low > 0.25 * np.abs(middle)) & (vql.mean(axis=1) / direct.mean(axis=1) >= TARGET)
    return _decided(np.where(worse, NO_GO, GO), np.full(rollouts, LEAST_PAIRS))


def _means(noise: Noise, ratio: float, rollouts: int, seed: int, gap: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return _of_blocks(
        blocks(noise, ratio, rollouts=rollouts, count=LOOKS[-1], pairs=PAIRS_A_BLOCK, gap=gap, random=random)
    )


def _of_blocks(taken: Iterable[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    """Per rollout and block: mean of log(vql/direct) and of log(again/direct)."""
    both = [(np.log(vql / direct).mean(axis=1), np.log(again / direct).mean(axis=1)) for vql, direct, again in taken]
    return np.stack([one for one, _ in both], axis=1), np.stack([other for _, other in both], axis=1)


def _interval(means: Array) -> tuple[Array, Array, Array]:
    """exp of the mean and of its t-interval, per rollout: as `measurements.ratio_of_means`."""
    count = means.shape[1]
    middle, error = means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(count)
    wide = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return np.exp(middle), np.exp(middle - wide), np.exp(middle + wide)


def _calls(noise: Noise, ratio: float, rollouts: int, seed: int, in_turn: bool) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    if in_turn:
        return one_after_the_other(noise, ratio, rollouts=rollouts, calls=LEAST_PAIRS, random=random)
    taken = list(blocks(noise, ratio, rollouts=rollouts, count=8, pairs=PAIRS_A_BLOCK, gap=SPREAD, random=random))
    return np.concatenate([each[0] for each in taken], axis=1), np.concatenate([each[1] for each in taken], axis=1)


def _shift(vql: Array, direct: Array) -> tuple[Array, Array]:
    """Hodges and Lehmann's shift and the lower end of its 98 % interval, by the ranks of all differences."""
    count = vql.shape[1]
    spread = 2.326 * np.sqrt(count * count * (2 * count + 1) / 12)
    first = max(int(count * count / 2 - spread), 0)
    found = []
    for mine, theirs in zip(vql, direct, strict=True):
        differences = np.sort((mine[:, None] - theirs[None, :]).ravel())
        found.append((differences[first], differences[differences.size // 2]))
    low, middle = np.array(found).T
    return low, middle


def _decided(verdict: Array, taken: Array) -> CellOutcome:
    return CellOutcome(
        go=float((verdict == GO).mean()), no_go=float((verdict == NO_GO).mean()), pairs=float(taken.mean())
    )
