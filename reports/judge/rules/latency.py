"""Latency: the typical slowdown and the tail, judged by block, if the instrument is fit to judge. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from reports.judge import statistics
from reports.judge.causes import Cause, most_frequent
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import (
    Finding,
    PhaseEvidence,
    by_limits,
    finding,
    limit_of,
    measured,
    served_by_sql,
    why_unasked,
)
from reports.judge.statistics import Measurement
from reports.records.records import Outcome, Pair, is_of

LEAST_BLOCKS = 8  # a t-interval over fewer is no interval to judge by
BIAS = 0.05  # old against old may be off by so much
MOST_DROPPED = 0.05  # of the calls: a timeout is no latency, so the rest looks faster than it is


def latency(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """The typical slowdown by block; against plain SQL, which lacks the web layer, it is advisory."""
    pairs, by_sql = _pairs(criterion, seen)
    if not pairs:
        return finding(criterion, "unmeasured", _why_no_pairs(criterion, seen), unit="ratio", needed=criterion.least)
    return _labelled(_slowdown_found(criterion, gate, seen, pairs), by_sql)


def p95(criterion: Criterion, gate: Gate, seen: PhaseEvidence) -> Finding:
    """The tail the same way, from enough pooled pairs on."""
    pairs, by_sql = _pairs(criterion, seen)
    if len(pairs) < criterion.least:
        said = f"the tail is judged from {criterion.least:,} pairs on; have {len(pairs):,}"
        needed = criterion.least - len(pairs)
        return finding(criterion, "unmeasured", said, unit="ratio", count=len(pairs), needed=needed)
    return _labelled(_tail_found(criterion, gate, seen, pairs), by_sql)


def latency_outcome(criterion: Criterion, found: Measurement, *, blocks: int) -> str:
    """As `by_limits`, over at least eight blocks; a GO also wants the criterion's least pairs."""
    if blocks < LEAST_BLOCKS:
        return "unmeasured"
    outcome = by_limits(criterion, found)
    return "unmeasured" if outcome == "met" and found.count < criterion.least else outcome


def at_look(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs of each check's first 8, 16, 32, ... blocks, as many as are whole: looking in between would err more.

    A check with fewer than eight blocks has none.
    """
    kept: list[Pair] = []
    blocks = statistics.blocks_of(pairs)
    for check in dict.fromkeys(check for check, _ in blocks):
        own = [block for (name, _), block in blocks.items() if name == check]
        look = LEAST_BLOCKS
        while 2 * look <= len(own):
            look *= 2
        kept += [pair for block in own[:look] for pair in block] if len(own) >= look else []
    return tuple(kept)


def unfit(criterion: Criterion, floor: Measurement) -> str:
    """Why old against old shows an instrument that can't judge: biased, or too noisy; '' if it can."""
    if floor.interval is None or floor.value is None:
        return ""
    if not floor.interval[0] <= 1 <= floor.interval[1] and abs(floor.value - 1) > BIAS:
        return f"old against old is off by {floor.value:.2f}"
    noise = statistics.noise_floor(floor.interval)
    if noise > limit_of(criterion.alert) / limit_of(criterion.target):
        return f"old against old spreads by {noise:.2f}"
    return ""


def slowdown(found: Measurement) -> str:
    """'1.08 times direct (99.7 %: 0.99 to 1.18)'."""
    if found.value is None:
        return "no pair"
    if found.interval is None:
        return f"{found.value:.2f} times direct"
    low, high = found.interval
    return f"{found.value:.2f} times direct (99.7 %: {low:.2f} to {high:.2f})"


def _slowdown_found(criterion: Criterion, gate: Gate, seen: PhaseEvidence, pairs: Sequence[Pair]) -> Finding:
    found, needed = statistics.latency_ratio(pairs), max(criterion.least - len(pairs), 0)
    why = _unready(criterion, pairs)
    if why:
        return measured(criterion, "unmeasured", why, found, max(needed, 1))
    if too_fast(pairs, gate.latency.floor_ms):
        return measured(criterion, "met", _fast(gate), found)
    why = unfit(criterion, statistics.old_against_old(pairs))
    if why:
        return measured(criterion, "unmeasured", f"instrument unfit: {why}", found, needed)
    outcome = latency_outcome(criterion, found, blocks=_fewest_blocks(criterion, pairs))
    said = f"{slowdown(found)}; medians {_medians(pairs)}"
    dropped = _dropped(criterion, seen, pairs)
    if outcome == "met" and dropped:
        return measured(criterion, "unmeasured", f"{dropped}; {said}", found, needed)
    if outcome == "unmeasured" and not needed:
        needed = len(pairs)  # twice as many narrow the interval by a third
    return measured(criterion, outcome, said, found, needed, _cause(criterion, seen) if outcome == "missed" else None)


def _tail_found(criterion: Criterion, gate: Gate, seen: PhaseEvidence, pairs: Sequence[Pair]) -> Finding:
    why = _unready(criterion, pairs)
    if why:
        return finding(criterion, "unmeasured", why, unit="ratio", count=len(pairs), needed=1)
    found = statistics.p95_ratio(pairs)
    if too_fast(pairs, gate.latency.floor_ms):
        return measured(criterion, "met", _fast(gate), found)
    why = unfit(criterion, statistics.old_against_old(pairs))
    if why:
        return measured(criterion, "unmeasured", f"instrument unfit: {why}", found)
    outcome, said = by_limits(criterion, found), f"p95 {slowdown(found)}; medians {_medians(pairs)}"
    dropped = _dropped(criterion, seen, pairs)
    if outcome == "met" and dropped:
        return measured(criterion, "unmeasured", f"{dropped}; {said}", found)
    return measured(criterion, outcome, said, found, 0, _cause(criterion, seen) if outcome == "missed" else None)


def _pairs(criterion: Criterion, seen: PhaseEvidence) -> tuple[list[Pair], bool]:
    """(the pairs to judge, whether plain SQL stood for direct): where there are better ones, those by SQL are left."""
    pairs = [pair for pair in seen.pairs if covers(criterion, pair.check)]
    better = [pair for pair in pairs if pair.direct_by != "sql"]
    return (better, False) if better else (pairs, bool(pairs))


def _labelled(found: Finding, by_sql: bool) -> Finding:
    if not by_sql:
        return found
    said = f"{found.sentence}; direct is plain SQL without a web layer (set CONTACT360_BASELINE_URL)"
    return replace(found, kind="advisory", sentence=said)


def _unready(criterion: Criterion, pairs: Sequence[Pair]) -> str:
    """Why there is no interval to judge by yet: each check that the criterion names needs its blocks."""
    absent = [check for check in criterion.checks if not any(is_of(pair.check, check) for pair in pairs)]
    if absent:
        return f"no pairs of {absent[0]}"
    blocks = _fewest_blocks(criterion, pairs)
    if blocks < LEAST_BLOCKS:
        return f"{len(pairs)} pairs in {blocks} blocks: at least {LEAST_BLOCKS} blocks are needed"
    return ""


def _fewest_blocks(criterion: Criterion, pairs: Sequence[Pair]) -> int:
    """Of the checks that the criterion looks at, that with the fewest."""
    counts = Counter(check for check, _ in statistics.blocks_of(pairs) if covers(criterion, check))
    return min(counts.values(), default=0)


def too_fast(pairs: Sequence[Pair], floor_ms: float) -> bool:
    """Whether in every check both medians lie under the floor."""
    return all(
        median(getattr(pair, side) for pair in pairs if pair.check == check) < floor_ms
        for check in {pair.check for pair in pairs}
        for side in ("vql_ms", "direct_ms")
    )


def _fast(gate: Gate) -> str:
    return f"too fast to matter: both medians under {gate.latency.floor_ms:g} ms"


def _dropped(criterion: Criterion, seen: PhaseEvidence, pairs: Sequence[Pair]) -> str:
    """What to say when too many calls gave no time: they failed, or VQL did not serve them; '' if few did."""
    lost = [
        sample
        for sample in seen.samples
        if covers(criterion, sample.check) and sample.outcome in (Outcome.FAILED, Outcome.VOID)
    ]
    asked = len(lost) + len(pairs)
    return f"{len(lost)} of {asked} calls gave no time of VQL's" if len(lost) / asked > MOST_DROPPED else ""


def _cause(criterion: Criterion, seen: PhaseEvidence) -> Cause | None:
    return most_frequent([fact.cause for fact in seen.facts if covers(criterion, fact.name)])


def _why_no_pairs(criterion: Criterion, seen: PhaseEvidence) -> str:
    said = why_unasked(criterion, seen, "")
    if said:
        return said
    if any(sample.attempt and served_by_sql(sample) for sample in seen.samples):
        return "no pair counts: VQL served none of the calls (fallback answers are no latency of VQL)"
    return "no pairs were taken: a direct path is needed to compare with (CONTACT360_BASELINE_URL)"


def _medians(pairs: Sequence[Pair]) -> str:
    return f"{median(pair.vql_ms for pair in pairs):.1f} ms against {median(pair.direct_ms for pair in pairs):.1f} ms"
