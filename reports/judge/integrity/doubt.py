"""An oracle in doubt proves no one wrong: what differs from it is unmeasured, not missed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.judge.criteria import Gate
from reports.judge.findings import Finding
from reports.records.records import Event, Record

DOUBTED = "oracle-doubted"
_AGAINST_ORACLE = ("exact", "lag", "limit")  # rules whose evidence is a comparison with PostgreSQL
_COUNTS = "-counts"  # facts that compare the index with PostgreSQL


def in_doubt(findings: Sequence[Finding], gate: Gate, records: Sequence[Record]) -> tuple[Finding, ...]:
    """The findings; those missed against PostgreSQL are unmeasured where it is in doubt."""
    doubts = list(
        dict.fromkeys(record.detail for record in records if isinstance(record, Event) and record.name == DOUBTED)
    )
    if not doubts:
        return tuple(findings)
    rules = {criterion.id: criterion.rule for criterion in gate.criteria}
    return tuple(
        _doubted(finding, doubts[0])
        if finding.outcome == "missed"
        and (rules[finding.criterion] in _AGAINST_ORACLE or finding.criterion.endswith(_COUNTS))
        else finding
        for finding in findings
    )


def _doubted(finding: Finding, doubt: str) -> Finding:
    sentence = f"PostgreSQL may not be a reliable reference: {doubt}. Compared with it: {finding.sentence}"
    return replace(finding, outcome="unmeasured", sentence=sentence, cause=None)
