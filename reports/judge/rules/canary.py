"""A canary's HOLD: whether anything speaks against the rollout, or only samples are missing. Pure.

A canary is too small to decide, so its verdict is HOLD by design. It is *clear* when everything that it did look at was
right, known and within its limits; a reason is given for each thing that was not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from reports.judge.findings import Finding
from reports.judge.policy import POLICY
from reports.records.records import Comparison, Outcome, Provenance
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, differ, percent


def of_run(recorded: RunRecords, findings: Iterable[Finding], incidents: Iterable[str]) -> tuple[str, ...] | None:
    """What speaks against the rollout in a run of the light subset; None for any other run."""
    if not recorded.run.options.get("canary"):
        return None
    comparisons = [record for record in recorded.records if isinstance(record, Comparison)]
    return reasons_against(findings, comparisons, incidents)


def entry_of(reasons: tuple[str, ...] | None) -> dict[str, Any]:
    """What verdict.json holds of it: nothing for a run that is no canary."""
    return {} if reasons is None else {"canary": {"clear": not reasons, "reasons": list(reasons)}}


def reasons_against(
    findings: Iterable[Finding], comparisons: Iterable[Comparison], incidents: Iterable[str]
) -> tuple[str, ...]:
    """Why a canary is not clear, a sentence each; () when nothing speaks against the rollout."""
    samples = tuple(comparisons)
    return (*incidents, *_of_findings(findings), *_of_samples(samples))


def _of_findings(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.outcome == "missed":
            yield f"{finding.title or finding.criterion} is missed"
        elif _is_over(finding):
            limit = f"{100 * (finding.target or 0):g} %"
            so_far = percent(finding.value or 0)
            yield f"{finding.title or finding.criterion}: failures {so_far} so far, where {limit} are allowed"


def _is_over(finding: Finding) -> bool:
    """Whether a share is beyond its target so far, though not yet for certain."""
    if finding.unit != "share" or finding.value is None or finding.target is None:
        return False
    return finding.value > finding.target


def _of_samples(samples: tuple[Comparison, ...]) -> Iterator[str]:
    outcomes = Counter(sample.outcome for sample in samples)
    if not outcomes[Outcome.EQUAL]:
        yield "no answer could be compared"
    if outcomes[Outcome.DIFFERENT]:
        yield differ(outcomes[Outcome.DIFFERENT])
    if samples and outcomes[Outcome.VOID] > POLICY.most_void * len(samples):
        yield f"the database changed during {outcomes[Outcome.VOID]:,} of {counted(len(samples), 'comparison')}"
    unknown = sum(_is_unknown(sample) for sample in samples)
    if unknown:
        yield f"it is unknown which path served {counted(unknown, 'answer')}"


def _is_unknown(sample: Comparison) -> bool:
    answer = sample.answer("backend")
    return bool(sample.attempt and answer and answer.error is None and answer.provenance is Provenance.UNKNOWN)
