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
    doubts = list(dict.fromkeys(each.detail for each in records if isinstance(each, Event) and each.name == DOUBTED))
    if not doubts:
        return tuple(findings)
    rules = {criterion.id: criterion.rule for criterion in gate.criteria}
    return tuple(
        _doubted(each, doubts[0])
        if each.outcome == "missed" and (rules[each.criterion] in _AGAINST_ORACLE or each.criterion.endswith(_COUNTS))
        else each
        for each in findings
    )


def _doubted(finding: Finding, doubt: str) -> Finding:
    sentence = f"PostgreSQL may not be the truth: {doubt}. Against it: {finding.sentence}"
    return replace(finding, outcome="unmeasured", sentence=sentence, cause=None)
