"""An oracle in doubt proves no one wrong: what differs from it is unmeasured, not missed. Pure.

Its session may be in doubt (a standby that lags, hidden rows), or its rows: most of those that differ are older than
Connectra's, as those of an old copy are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from reports.judge.causes import Cause
from reports.judge.criteria import Gate
from reports.judge.findings import Finding
from reports.records.cause_codes import CauseCode
from reports.records.records import Comparison, Event, Outcome, Record

DOUBTED = "oracle-doubted"
_AGAINST_ORACLE = ("exact", "lag", "limit", "traffic")  # rules whose evidence is a comparison with PostgreSQL
_COUNTS = "-counts"  # facts that compare the index with PostgreSQL


def in_doubt(findings: Sequence[Finding], gate: Gate, records: Sequence[Record]) -> tuple[Finding, ...]:
    """The findings; those missed against PostgreSQL are unmeasured where it is in doubt.

    Where only a part of what differs is older in PostgreSQL, that holds for the findings that rest on nothing else.
    """
    events = [record.detail for record in records if isinstance(record, Event) and record.name == DOUBTED]
    behind, differing = _behind(records)
    doubt = next(iter(events), _sentence(behind, differing) if behind else "")
    every = bool(events) or 2 * behind > differing
    rules = {criterion.id: criterion.rule for criterion in gate.criteria}
    return tuple(
        _doubted(finding, doubt)
        if doubt
        and finding.outcome == "missed"
        and (every or (_is_behind(finding.cause) and not finding.cause.others))
        and (rules[finding.criterion] in _AGAINST_ORACLE or finding.criterion.endswith(_COUNTS))
        else finding
        for finding in findings
    )


def _behind(records: Sequence[Record]) -> tuple[int, int]:
    """Of the answers that differ: how many show a row that is newer than PostgreSQL's, and how many there are."""
    wrong = [record for record in records if isinstance(record, Comparison) and record.outcome is Outcome.DIFFERENT]
    return Counter(comparison.cause for comparison in wrong)[CauseCode.DATABASE_BEHIND], len(wrong)


def _sentence(behind: int, differing: int) -> str:
    return (
        f"{behind:,} of {differing:,} answers that differ show a newer row than PostgreSQL has, as if DATABASE_URL "
        "named an old copy (if it names the backend's own database, that was set back)"
    )


def _is_behind(cause: Cause | None) -> TypeGuard[Cause]:
    return cause is not None and cause.code is CauseCode.DATABASE_BEHIND


def _doubted(finding: Finding, doubt: str) -> Finding:
    sentence = f"PostgreSQL may not be a reliable reference: {doubt}. Compared with it: {finding.sentence}"
    cause = finding.cause if _is_behind(finding.cause) else None
    return replace(finding, outcome="unmeasured", sentence=sentence, cause=cause)
