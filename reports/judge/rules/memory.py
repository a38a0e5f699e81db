"""A NO-GO of exactness ends only when the keys that were wrong are right: what an earlier run found is not forgotten.

Otherwise a run with another seed asks other keys, and a rare mismatch is gone by chance. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence
from reports.judge.rules.exactness import counts_for
from reports.records.inputs.wrong_keys import WrongKey, token_of
from reports.records.records import Outcome
from reports.records.wording import counted, plural

SETTLED = (Outcome.EQUAL, Outcome.LAGGED, Outcome.EXCUSED)


def with_memory(criterion: Criterion, evidence: PhaseEvidence, finding: Finding) -> Finding:
    """The finding, missed where a key of its checks that an earlier run found wrong was not found right since."""
    if criterion.rule != "exact" or not speaks_of_vql(evidence):
        return finding
    of_checks = [key for key in evidence.wrong_keys if covers(criterion, key.check)]
    forgotten = sum(wrong_key.forgotten for wrong_key in of_checks)
    if forgotten:
        keys, were = counted(forgotten, "key"), plural(forgotten, "was", "were")
        sentence = f"{keys} that earlier runs found wrong {were} forgotten (--forget-wrong-keys)"
        finding = replace(finding, sentence=f"{finding.sentence}; {sentence}")
    open_keys = [
        wrong_key for wrong_key in of_checks if not wrong_key.forgotten and not is_right(wrong_key, criterion, evidence)
    ]
    if not open_keys or finding.outcome == "missed":
        return finding
    return replace(finding, outcome="missed", unfit="", value=float(len(open_keys)), sentence=_why(open_keys, finding))


def still_wrong(gate: Gate, evidence: PhaseEvidence, *, seed: int, run: str) -> tuple[WrongKey, ...]:
    """What the next run has to remember: keys that this run confirmed wrong, and earlier ones that are not right."""
    exact = [criterion for criterion in gate.criteria if criterion.rule == "exact" and criterion.kind == "blocking"]
    now = {
        (sample.check, token_of(sample.check, sample.key)): WrongKey(
            phase=gate.phase, check=sample.check, token=token_of(sample.check, sample.key), seed=seed, run=run
        )
        for criterion in exact
        for sample in evidence.samples
        if covers(criterion, sample.check)
        and sample.outcome is Outcome.DIFFERENT
        and counts_for(sample, criterion, evidence)
    }
    before = {(key.check, key.token): key for key in evidence.wrong_keys if not key.forgotten}
    right = {(wrong_key.check, wrong_key.token) for wrong_key in right_again(gate, evidence)}
    kept = {name: wrong_key for name, wrong_key in before.items() if name not in right}
    return tuple(sorted({**now, **kept}.values(), key=lambda wrong_key: (wrong_key.check, wrong_key.token)))


def right_again(gate: Gate, evidence: PhaseEvidence) -> tuple[WrongKey, ...]:
    """Keys that earlier runs found wrong and this one found right, or had the option to forget."""
    exact = [criterion for criterion in gate.criteria if criterion.rule == "exact" and criterion.kind == "blocking"]
    return tuple(
        key
        for key in evidence.wrong_keys
        if key.forgotten
        or (
            speaks_of_vql(evidence)
            and all(is_right(key, criterion, evidence) for criterion in exact if covers(criterion, key.check))
        )
    )


def is_right(wrong: WrongKey, criterion: Criterion, evidence: PhaseEvidence) -> bool:
    """Whether this run asked for the key by the path in question, and it is right or a known difference."""
    of_key = [
        sample
        for sample in evidence.samples
        if sample.check == wrong.check and token_of(sample.check, sample.key) == wrong.token
    ]
    if any(sample.outcome is Outcome.DIFFERENT for sample in of_key):
        return False
    return any(
        sample.outcome is Outcome.EXCUSED or (sample.outcome in SETTLED and counts_for(sample, criterion, evidence))
        for sample in of_key
    )


def speaks_of_vql(evidence: PhaseEvidence) -> bool:
    """With the flag off answers come from SQL: they settle nothing that VQL answered wrongly."""
    return evidence.flag_on is not False


def _why(open_keys: Sequence[WrongKey], finding: Finding) -> str:
    first = open_keys[0]
    keys = f"{counted(len(open_keys), 'key')} that {first.run} found wrong"
    were = plural(len(open_keys), "was", "were")
    return (
        f"{keys} ({first.check}) {were} not found right since; run it with --seed {first.seed}, which draws the same "
        f"keys, or with --forget-wrong-keys {first.run} if they are gone on purpose; now: {finding.sentence}"
    )
