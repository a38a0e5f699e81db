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
    listed,
    measured,
    served_by_sql,
    why_unasked,
)
from reports.judge.policy import POLICY
from reports.judge.rules.contradictions import why_provenance_unknown
from reports.judge.statistics import Measurement
from reports.records.records import Outcome, Pair, is_of
from reports.records.wording import counted


def latency(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The typical slowdown by block; against plain SQL, which lacks the web layer, it is advisory."""
    pairs, by_sql = _pairs(criterion, evidence)
    if not pairs:
        return finding(
            criterion, "unmeasured", _why_no_pairs(criterion, evidence), unit="ratio", needed=criterion.least
        )
    return _labelled(_slowdown_found(criterion, gate, evidence, pairs), by_sql)


def p95(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The tail: a sign test of slow calls can veto from the first blocks on, a GO wants the least pairs."""
    pairs, by_sql = _pairs(criterion, evidence)
    if not pairs:
        return finding(
            criterion, "unmeasured", _why_no_pairs(criterion, evidence), unit="ratio", needed=criterion.least
        )
    return _labelled(_tail_found(criterion, gate, evidence, pairs), by_sql)


def is_against_sql(criterion: Criterion, evidence: PhaseEvidence) -> bool:
    """Whether plain SQL stands for the direct path: the web layer is missing there, so a tail can't veto."""
    return criterion.rule == "p95" and _pairs(criterion, evidence)[1]


def latency_outcome(criterion: Criterion, measurement: Measurement, *, blocks: int) -> str:
    """As `by_limits`, over at least eight blocks; a GO also wants the criterion's least pairs."""
    if blocks < POLICY.least_blocks:
        return "unmeasured"
    outcome = by_limits(criterion, measurement)
    return "unmeasured" if outcome == "met" and measurement.count < criterion.least else outcome


def tail_outcome(
    criterion: Criterion, pairs: Sequence[Pair], *, units: int, floor_ms: float
) -> tuple[str, Measurement]:
    """missed by the sign test or by p95's interval; met only by p95's interval, from the least pairs on."""
    missed = statistics.tail_is_slower(pairs, limit_of(criterion.target), floor_ms)
    if len(pairs) < criterion.least or units < POLICY.least_blocks:
        measurement = Measurement(value=statistics.p95_value(pairs), unit="ratio", count=len(pairs))
        return ("missed" if missed else "unmeasured"), measurement
    measurement = statistics.p95_ratio(pairs)
    return ("missed" if missed else by_limits(criterion, measurement)), measurement


def at_look(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs of each check's first 8, 16, 32, ... blocks, as many as are whole: looking in between would err more.

    A check with fewer than eight blocks has none.
    """
    kept: list[Pair] = []
    blocks = statistics.blocks_of(pairs)
    for check in dict.fromkeys(check for check, _ in blocks):
        blocks_of_check = [block for (name, _), block in blocks.items() if name == check]
        look = POLICY.least_blocks
        while 2 * look <= len(blocks_of_check):
            look *= 2
        kept += [pair for block in blocks_of_check[:look] for pair in block] if len(blocks_of_check) >= look else []
    return tuple(kept)


def unfit(floor: Measurement) -> str:
    """Why old against old shows an instrument that can't judge: it is biased; '' if it can.

    Its spread holds nothing: the interval of the slowdown has it in already, and noise must not hide a NO-GO.
    """
    if floor.interval is None or floor.value is None:
        return ""
    if not floor.interval[0] <= 1 <= floor.interval[1] and abs(floor.value - 1) > POLICY.bias:
        return f"timed twice, the direct path differs by a factor of {floor.value:.2f}"
    return ""


def slowdown(measurement: Measurement) -> str:
    """'1.08 times direct (99.7 %: 0.99 to 1.18)'."""
    if measurement.value is None:
        return "no pair"
    if measurement.interval is None:
        return f"{measurement.value:.2f} times direct"
    low, high = measurement.interval
    return f"{measurement.value:.2f} times direct (99.7 %: {low:.2f} to {high:.2f})"


def too_fast(pairs: Sequence[Pair], floor_ms: float) -> bool:
    """Whether in every check both medians lie under the floor, and p95 of VQL within a few floors."""
    return all(
        max(median(pair.vql_ms for pair in pairs_of_check), median(pair.direct_ms for pair in pairs_of_check))
        < floor_ms
        and statistics.quantile95([pair.vql_ms for pair in pairs_of_check]) <= POLICY.floor_tail * floor_ms
        for pairs_of_check in _by_check(pairs)
    )


def tail_too_fast(pairs: Sequence[Pair], floor_ms: float) -> bool:
    """Whether in every check p95 of VQL lies under the floor."""
    return all(
        statistics.quantile95([pair.vql_ms for pair in pairs_of_check]) < floor_ms
        for pairs_of_check in _by_check(pairs)
    )


def signs_said(criterion: Criterion, pairs: Sequence[Pair], floor_ms: float) -> str:
    """'in 9 of 256 pairs only VQL was 3.6 times slower than direct, in 2 only direct itself 3 times'."""
    ours, theirs = statistics.tail_signs(pairs, limit_of(criterion.target), floor_ms)
    factor = POLICY.tail_factor
    return (
        f"in {ours} of {len(pairs):,} pairs only VQL was {factor * limit_of(criterion.target):.2g} times slower than "
        f"direct, in {theirs} only the second direct call was {factor:.2g} times slower"
    )


def _by_check(pairs: Sequence[Pair]) -> list[list[Pair]]:
    return [[pair for pair in pairs if pair.check == check] for check in {pair.check for pair in pairs}]


def _slowdown_found(criterion: Criterion, gate: Gate, evidence: PhaseEvidence, pairs: Sequence[Pair]) -> Finding:
    measurement, lacking = statistics.latency_ratio(pairs), max(criterion.least - len(pairs), 0)
    why = _unready(criterion, pairs) or _biased(pairs)
    if why:
        return measured(criterion, "unmeasured", why, measurement, max(lacking, 1))
    outcome = latency_outcome(criterion, measurement, blocks=_fewest_blocks(criterion, pairs))
    fast, sentence = too_fast(pairs, gate.latency.floor_ms), f"{slowdown(measurement)}; medians {_medians(pairs)}"
    why_held = _dropped(criterion, evidence, pairs) or (
        f"need {criterion.least:,} pairs, have {len(pairs):,}" if lacking else ""
    )
    if why_held and (fast or outcome != "missed"):
        return measured(criterion, "unmeasured", f"{sentence}; {why_held}", measurement, max(lacking, 1))
    if fast:
        sentence = f"too fast to matter: both medians under {gate.latency.floor_ms:g} ms ({_medians(pairs)})"
        return measured(criterion, "met", sentence, measurement)
    if outcome == "unmeasured":
        needed = len(pairs)  # twice as many narrow the interval by a third
        return measured(
            criterion, outcome, f"{sentence}; need about {2 * needed:,} pairs, have {needed:,}", measurement, needed
        )
    return measured(
        criterion, outcome, sentence, measurement, 0, _cause(criterion, evidence) if outcome == "missed" else None
    )


def _tail_found(criterion: Criterion, gate: Gate, evidence: PhaseEvidence, pairs: Sequence[Pair]) -> Finding:
    floor, lacking = gate.latency.floor_ms, max(criterion.least - len(pairs), 0)
    why = _unready(criterion, pairs) or _biased(pairs)
    if why:
        return finding(criterion, "unmeasured", why, unit="ratio", count=len(pairs), needed=max(lacking, 1))
    outcome, measurement = tail_outcome(criterion, pairs, units=_fewest_blocks(criterion, pairs), floor_ms=floor)
    sentence = f"p95 {slowdown(measurement)}; {signs_said(criterion, pairs, floor)}"
    fast = tail_too_fast(pairs, floor)
    if outcome == "missed" and not fast:
        return measured(criterion, outcome, sentence, measurement, 0, _cause(criterion, evidence))
    why_held = _dropped(criterion, evidence, pairs)
    if why_held or lacking:
        why_held = why_held or f"a GO for the tail needs {criterion.least:,} pairs, have {len(pairs):,}"
        return measured(criterion, "unmeasured", f"{sentence}; {why_held}", measurement, max(lacking, 1))
    if fast:
        return measured(
            criterion, "met", f"too fast to matter: p95 of VQL is under {floor:g} ms; {sentence}", measurement
        )
    return measured(criterion, outcome, sentence, measurement, len(pairs) if outcome == "unmeasured" else 0)


def _pairs(criterion: Criterion, evidence: PhaseEvidence) -> tuple[list[Pair], bool]:
    """(the pairs to judge, whether plain SQL stood for direct).

    Where there are better ones, those by SQL are left out. A pair without the second direct call is none: without it
    nothing shows how far the instrument differs from itself.
    """
    pairs = [pair for pair in evidence.pairs if covers(criterion, pair.check) and pair.again_ms]
    better = [pair for pair in pairs if pair.direct_by != "sql"]
    return (better, False) if better else (pairs, bool(pairs))


def _labelled(finding: Finding, by_sql: bool) -> Finding:
    if not by_sql:
        return finding
    sentence = f"{finding.sentence}; direct is plain SQL without a web layer (set CONTACT360_BASELINE_URL)"
    return replace(finding, kind="advisory", sentence=sentence)


def _unready(criterion: Criterion, pairs: Sequence[Pair]) -> str:
    """Why there is no interval to judge by yet: each check that the criterion names needs its blocks."""
    absent = [check for check in criterion.checks if not any(is_of(pair.check, check) for pair in pairs)]
    if absent:
        return f"no pairs of {absent[0]}"
    blocks = _fewest_blocks(criterion, pairs)
    if blocks < POLICY.least_blocks:
        pairs_and_blocks = f"{counted(len(pairs), 'pair')} in {counted(blocks, 'block')}"
        return f"{pairs_and_blocks}: at least {POLICY.least_blocks} blocks are needed"
    return ""


def _biased(pairs: Sequence[Pair]) -> str:
    why = unfit(statistics.old_against_old(pairs))
    return f"measurement too noisy: {why}" if why else ""


def _fewest_blocks(criterion: Criterion, pairs: Sequence[Pair]) -> int:
    """Of the checks that the criterion looks at, that with the fewest."""
    counts = Counter(check for check, _ in statistics.blocks_of(pairs) if covers(criterion, check))
    return min(counts.values(), default=0)


def _dropped(criterion: Criterion, evidence: PhaseEvidence, pairs: Sequence[Pair]) -> str:
    """Why too many questions gave no pair of times; '' if few did. Each such question has one record per call."""
    lost = [
        sample
        for sample in evidence.samples
        if covers(criterion, sample.check) and sample.outcome in (Outcome.FAILED, Outcome.VOID)
    ]
    calls = Counter(answer.side for sample in lost for answer in sample.answers)
    unarmed = sum(covers(criterion, pair.check) and not pair.again_ms for pair in evidence.pairs)
    count = max(calls["backend"], len({(sample.check, sample.key) for sample in lost})) + unarmed
    total = count + len(pairs)
    if count / total <= POLICY.most_dropped:
        return ""
    why = "a call failed, was not shown to be VQL's, or was slowed down"
    return f"{count} of {total} samples gave no pair of times ({why})"


def _cause(criterion: Criterion, evidence: PhaseEvidence) -> Cause | None:
    return most_frequent([fact.cause for fact in evidence.facts if covers(criterion, fact.name)])


def _why_no_pairs(criterion: Criterion, evidence: PhaseEvidence) -> str:
    sentence = why_unasked(criterion, evidence, "")
    if sentence:
        return sentence
    if any(covers(criterion, pair.check) for pair in evidence.pairs):
        return "no pair counts: none has a second direct call, which shows how far the direct path differs from itself"
    of_checks = [sample for sample in evidence.samples if covers(criterion, sample.check)]
    failed = Counter(
        f"{answer.error} at the {answer.side}"
        for comparison in of_checks
        for answer in comparison.answers
        if answer.error
    )
    if failed:
        return f"no pair counts: calls failed ({listed(failed)})"
    untold = why_provenance_unknown(answer for sample in of_checks for answer in sample.answers)
    if untold:
        return f"no pair counts: it is unknown which path served the VQL call; {untold}"
    if any(sample.attempt and served_by_sql(sample) for sample in evidence.samples):
        return "no pair counts: VQL served none of the calls (the time of a fallback answer says nothing about VQL)"
    return "no pairs were taken: the tests that take them did not run"


def _medians(pairs: Sequence[Pair]) -> str:
    return f"{median(pair.vql_ms for pair in pairs):.1f} ms against {median(pair.direct_ms for pair in pairs):.1f} ms"
