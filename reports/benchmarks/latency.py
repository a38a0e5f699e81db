"""The latency rule against rollouts of known slowdown, beside two ways in which others decide.

The design is that of the gates: blocks, pairs and stages. The rule is computed for all rollouts at once;
`check` holds that against `finding_of`, rollout by rollout.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from reports.benchmarks.noise import Array, Noise, blocks, one_after_the_other
from reports.benchmarks.tables import CellOutcome
from reports.judge.criteria import Criterion, Gate, Latency, Recheck, read_gate
from reports.judge.policy import POLICY
from reports.judge.rules.dispatch import evidence_of, finding_of
from reports.records.records import Pair

TARGET, ALERT = 1.20, 1.50
LEAST_PAIRS = 128
GAP = 75  # slots between blocks: one and a half times the correlation time of drifting hosts
GO, NO_GO, HOLD = 1, -1, 0
WORDS = {"met": GO, "missed": NO_GO, "unmeasured": HOLD}
CRITERION = Criterion(
    id="latency",
    title="t",
    guide="g",
    rule="latency",
    reason="r",
    checks=("x",),
    target=TARGET,
    alert=ALERT,
    least=LEAST_PAIRS,
)
TAIL = Criterion(
    id="tail", title="t", guide="g", rule="p95", reason="r", checks=("x",), target=TARGET, alert=ALERT, least=1024
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
Triples = tuple[Array, Array, Array]  # VQL, direct, direct again, in ms: (rollouts, pairs) of a block


@cache
def design() -> tuple[int, int]:
    """(blocks, pairs a block) of the first phase's gate, which is the one that ships."""
    path = Path(__file__).parents[2] / "suites" / "phase1_single_record" / "gate.toml"
    latency = read_gate(path.read_text(encoding="utf-8"), path.name).latency
    return latency.blocks, latency.pairs


def stages() -> tuple[int, ...]:
    """Blocks after which the evidence is looked at: 8, and twice as many each time."""
    count, counts = design()[0], [POLICY.least_blocks]
    while 2 * counts[-1] <= count:
        counts.append(2 * counts[-1])
    return tuple(counts)


def ours(noise: Noise, ratio: float, *, rollouts: int, seed: int, gap: int = GAP, late: float = 1.0) -> CellOutcome:
    """The suite's rule and design; sampling stops at the first GO or NO-GO.

    `late`: VQL is so many times slower again in the last quarter of the blocks.
    """
    count, size = design()
    blocks_drawn = _blocks_drawn(noise, ratio, rollouts, seed, gap, late)
    means, floors = _of_blocks(blocks_drawn)
    verdict, spent = np.full(rollouts, HOLD), np.full(rollouts, count * size)
    for stage in stages():
        now = rule(means[:, :stage], floors[:, :stage], stage * size)
        decided = (verdict == HOLD) & (now != HOLD)
        verdict[decided], spent[decided] = now[decided], stage * size
    return cell_of(verdict, spent)


def rule(means: Array, floors: Array, pairs: int) -> Array:
    """GO, NO_GO or HOLD of each rollout, from its block means of y and of log(again/direct)."""
    value, low, high = _interval(means)
    floor, floor_low, floor_high = _interval(floors)
    biased = ~((floor_low <= 1) & (floor_high >= 1)) & (np.abs(floor - 1) > POLICY.bias)
    verdicts = np.where((high < ALERT) & (value <= TARGET) & (pairs >= LEAST_PAIRS), GO, HOLD)
    return np.where(biased, HOLD, np.where(low > TARGET, NO_GO, verdicts))


def tail(noise: Noise, ratio: float, slow_share: float, pairs: int, *, rollouts: int, seed: int) -> CellOutcome:
    """The paired sign test, where that share of VQL's calls takes four times as long."""
    from scipy.stats import binom

    random = np.random.default_rng(seed)
    size = design()[1]
    blocks_drawn = blocks(noise, ratio, rollouts=rollouts, count=pairs // size, pairs=size, gap=GAP, random=random)
    only_vql = only_again = np.zeros(rollouts, dtype=int)
    for vql, direct, again in blocks_drawn:
        slow = vql * np.where(random.random(vql.shape) < slow_share, 4, 1) > POLICY.tail_factor * TARGET * direct
        other = again > POLICY.tail_factor * direct
        only_vql = only_vql + (slow & ~other).sum(axis=1)
        only_again = only_again + (other & ~slow).sum(axis=1)
    chance = binom.sf(only_vql - 1, only_vql + only_again, 0.5)
    return cell_of(np.where(chance < (1 - POLICY.confidence) / 2, NO_GO, HOLD), np.full(rollouts, pairs))


def check(noise: Noise, ratio: float, *, rollouts: int, seed: int) -> int:
    """How many of so many rollouts `finding_of` judges as `rule` does: all of them, or AssertionError."""
    count, size = design()
    blocks_drawn = list(_blocks_drawn(noise, ratio, rollouts, seed, GAP, 1.0))
    means, floors = _of_blocks(blocks_drawn)
    mine = rule(means, floors, count * size)
    for rollout in range(rollouts):
        pairs = [
            Pair(phase="p", check="x", key=str(index), block=number, vql_ms=vql, direct_ms=direct, again_ms=again)
            for number, block in enumerate(blocks_drawn)
            for index, (vql, direct, again) in enumerate(zip(*(side[rollout].tolist() for side in block), strict=True))
        ]
        theirs = WORDS[finding_of(CRITERION, GATE, evidence_of(pairs, "p", True)).outcome]
        assert theirs == mine[rollout], f"rollout {rollout}: the rules say {theirs}, the simulation {mine[rollout]}"
    return rollouts


def medians(noise: Noise, ratio: float, *, rollouts: int, seed: int, in_turn: bool) -> CellOutcome:
    """A fixed threshold on the ratio of medians of 128 calls each: GO up to 1.20, else NO-GO."""
    vql, direct = _calls(noise, ratio, rollouts, seed, in_turn)
    verdict = np.where(np.median(vql, axis=1) / np.median(direct, axis=1) <= TARGET, GO, NO_GO)
    return cell_of(verdict, np.full(rollouts, LEAST_PAIRS))


def mann_whitney(noise: Noise, ratio: float, *, rollouts: int, seed: int, in_turn: bool) -> CellOutcome:
    """As canary judges use it: fail if the 98 % interval of the shift lies above a quarter of the shift, and the ratio
    of means reaches 1.20; everything else passes.
    """
    vql, direct = _calls(noise, ratio, rollouts, seed, in_turn)
    low, middle = _shift(vql, direct)
    worse = (low > 0.25 * np.abs(middle)) & (vql.mean(axis=1) / direct.mean(axis=1) >= TARGET)
    return cell_of(np.where(worse, NO_GO, GO), np.full(rollouts, LEAST_PAIRS))


def _blocks_drawn(noise: Noise, ratio: float, rollouts: int, seed: int, gap: int, late: float) -> Iterable[Triples]:
    count, size = design()
    random = np.random.default_rng(seed)
    blocks_drawn = blocks(noise, ratio, rollouts=rollouts, count=count, pairs=size, gap=gap, random=random)
    for number, (vql, direct, again) in enumerate(blocks_drawn):
        yield vql * (late if number >= 3 * count // 4 else 1.0), direct, again


def _of_blocks(blocks_drawn: Iterable[Triples]) -> tuple[Array, Array]:
    """Per rollout and block: mean of y = log vql - (log direct + log again) / 2, and of log(again/direct)."""
    both = [
        ((np.log(vql) - (np.log(direct) + np.log(again)) / 2).mean(axis=1), np.log(again / direct).mean(axis=1))
        for vql, direct, again in blocks_drawn
    ]
    return np.stack([mean for mean, _ in both], axis=1), np.stack([floor for _, floor in both], axis=1)


def _interval(means: Array) -> tuple[Array, Array, Array]:
    """exp of the mean and of its t-interval, per rollout: as `statistics.ratio_of_means`."""
    from scipy.stats import t

    count = means.shape[1]
    middle, error = means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(count)
    wide = float(t.ppf((1 + POLICY.confidence) / 2, count - 1)) * error
    return np.exp(middle), np.exp(middle - wide), np.exp(middle + wide)


def _calls(noise: Noise, ratio: float, rollouts: int, seed: int, in_turn: bool) -> tuple[Array, Array]:
    if in_turn:
        random = np.random.default_rng(seed)
        return one_after_the_other(noise, ratio, rollouts=rollouts, calls=LEAST_PAIRS, random=random)
    blocks_drawn = list(_blocks_drawn(noise, ratio, rollouts, seed, GAP, 1.0))
    return np.concatenate([pair[0] for pair in blocks_drawn], axis=1), np.concatenate(
        [pair[1] for pair in blocks_drawn], axis=1
    )


def _shift(vql: Array, direct: Array) -> tuple[Array, Array]:
    """Hodges and Lehmann's shift and the lower end of its 98 % interval, by the ranks of all differences."""
    count = vql.shape[1]
    spread = 2.326 * np.sqrt(count * count * (2 * count + 1) / 12)
    first = max(int(count * count / 2 - spread), 0)
    shifts = []
    for mine, theirs in zip(vql, direct, strict=True):
        differences = np.sort((mine[:, None] - theirs[None, :]).ravel())
        shifts.append((differences[first], differences[differences.size // 2]))
    low, middle = np.array(shifts).T
    return low, middle


def cell_of(verdict: Array, pairs: Array) -> CellOutcome:
    """What became of the rollouts: their verdicts, and what each took."""
    return CellOutcome(
        go=float((verdict == GO).mean()), no_go=float((verdict == NO_GO).mean()), pairs=float(pairs.mean())
    )
