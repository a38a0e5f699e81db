"""What a finding rests on besides its count: answers that are unknown, void, lost or excused, and whether they make the
evidence unfit. A history keeps them, so that a bake does not forget what decided the single run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.comparison.known_differences import COMPARED
from reports.judge.criteria import Criterion, covers
from reports.judge.findings import (
    Finding,
    PhaseEvidence,
    backend_of,
    by_key,
)
from reports.judge.policy import POLICY
from reports.judge.rules.share import tally_of
from reports.records.records import Comparison, Outcome, Provenance
from reports.records.wording import counted, percent

TOO_NOISY = "measurement too noisy"  # how the latency rules begin such a sentence


def with_doubts(criterion: Criterion, evidence: PhaseEvidence, finding: Finding) -> Finding:
    """The finding with its doubtful answers counted; `unfit` says why they are too many to build on."""
    if criterion.rule == "share":
        tally = tally_of(criterion, evidence)
        return replace(finding, unknown=tally.unknown, unfit=_too_many(tally.unknown, tally.count, tally.why_unknown))
    if criterion.rule in ("latency", "p95"):
        lost = [
            comparison
            for comparison in _samples_of(criterion, evidence)
            if comparison.outcome in (Outcome.FAILED, Outcome.VOID)
        ]
        unfit = finding.sentence if finding.sentence.startswith(TOO_NOISY) else ""
        return replace(finding, lost=len(by_key(lost)), unfit=unfit)
    return _of_exactness(criterion, evidence, finding) if criterion.rule == "exact" else finding


def _of_exactness(criterion: Criterion, evidence: PhaseEvidence, finding: Finding) -> Finding:
    samples = _samples_of(criterion, evidence)
    compared = by_key(sample for sample in samples if sample.outcome in COMPARED)
    void = by_key(sample for sample in samples if sample.outcome is Outcome.VOID).keys() - compared.keys()
    unknown = [
        comparison for comparison in compared.values() if criterion.served_by == "vql" and _is_unknown(comparison)
    ]
    excused = by_key(sample for sample in samples if sample.outcome is Outcome.EXCUSED)
    lost = by_key(sample for sample in samples if sample.outcome is Outcome.FAILED)
    unfit = _too_many(len(unknown), len(compared), f"{counted(len(unknown), 'answer')} of unknown provenance")
    if len(void) > POLICY.most_void * (len(void) + len(compared)):
        unfit = f"{len(void)} of {len(void) + len(compared)} samples are void"
    differing = sum(comparison.outcome is Outcome.DIFFERENT for comparison in unknown)
    if differing:
        unfit = f"{differing} answers differ, and it is unknown which path served them"
    return replace(finding, unknown=len(unknown), void=len(void), lost=len(lost), excused=len(excused), unfit=unfit)


def _samples_of(criterion: Criterion, evidence: PhaseEvidence) -> Sequence[Comparison]:
    return [sample for sample in evidence.samples if covers(criterion, sample.check)]


def _is_unknown(sample: Comparison) -> bool:
    answer = backend_of(sample)
    return answer is not None and answer.provenance is Provenance.UNKNOWN


def _too_many(unknown: int, count: int, why: str) -> str:
    if not count or unknown <= POLICY.most_unknown * count:
        return ""
    return f"of {counted(count, 'answer')}, {percent(unknown / count)} count neither as right nor as wrong: {why}"
