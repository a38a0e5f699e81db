"""Waivers: a blocking criterion that a deployment can't meet, or measure, for now, with a person responsible.

A waiver names a ticket, a person and an end, and holds for a month at most; only few hold at once; and no waiver covers
what tells wrong people, ghosts, leaks and who served an answer. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from reports.judge.criteria import Criterion, Gate
from reports.judge.findings import Finding
from reports.judge.policy import POLICY
from reports.records.records import Waiver

_EXACTNESS = ("exact", "pooled-exact")  # wrong people, ghosts, leaks, lost data
_PROVENANCE = ("fallbacks", "vql-failures")  # who served
_ALL_PROVENANCE = ("rollback",)  # phases that ask nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivedCriterion:
    """A waiver of a criterion of the phase; stale where the criterion is met, or was not to be judged, without it."""

    criterion: str
    reason: str
    ticket: str
    by: str
    until: str
    stale: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def why_protected(criterion: Criterion, phase: str) -> str:
    """Why no waiver may cover that criterion; '' if one may."""
    if criterion.rule in _EXACTNESS:
        return "it shows wrong people, deleted records, leaks or lost data: it can never be waived"
    if criterion.of in _PROVENANCE or phase in _ALL_PROVENANCE:
        return "it shows which path served the answers: it can never be waived"
    if criterion.kind == "advisory":
        return "it is advisory: it blocks nothing, so there is nothing to waive"
    return ""


def why_not_in_force(until: str, now: datetime) -> str:
    """Why a waiver to that date does not hold at that moment; '' if it does. A date holds to its end."""
    try:
        end = date.fromisoformat(until)
    except ValueError:
        return f"until = {until!r} is not a date like 2026-12-20"
    if end < now.date():
        return f"it ended on {until}"
    if end - now.date() > timedelta(days=POLICY.longest_waiver_days):
        return f"until = {until} is more than {POLICY.longest_waiver_days} days away: a waiver is for a month at most"
    return ""


def waive(
    findings: Sequence[Finding], gate: Gate, waivers: Sequence[Waiver], now: datetime
) -> tuple[tuple[Finding, ...], tuple[WaivedCriterion, ...]]:
    """(the findings, those waived being advisory from now on; the waivers that concern this phase)."""
    criteria = {criterion.id: criterion for criterion in gate.criteria}
    by_id = {
        waiver.criterion: waiver
        for waiver in waivers
        if _holds(waiver, criteria.get(waiver.criterion), gate.phase, now)
    }
    changed = tuple(_waived(finding, by_id.get(finding.criterion)) for finding in findings)
    needed = {finding.criterion for finding in changed if finding.waived}
    concerned = tuple(
        WaivedCriterion(
            criterion=name,
            reason=waiver.reason,
            ticket=waiver.ticket,
            by=waiver.by,
            until=waiver.until,
            stale=name not in needed,
        )
        for name, waiver in sorted(by_id.items())
    )
    return changed, concerned


def too_many(waivers: Sequence[Waiver]) -> str:
    """Why so many can't hold at once; '' if they are few."""
    count = len({waiver.criterion for waiver in waivers})
    return f"{count} waivers at once: at most {POLICY.most_waivers} are allowed" if count > POLICY.most_waivers else ""


def _holds(waiver: Waiver, criterion: Criterion | None, phase: str, now: datetime) -> bool:
    return (
        criterion is not None
        and not why_protected(criterion, phase)
        and not why_not_in_force(waiver.until, now)
        and all((waiver.reason.strip(), waiver.ticket.strip(), waiver.by.strip()))
    )


def _waived(finding: Finding, waiver: Waiver | None) -> Finding:
    if waiver is None or finding.kind != "blocking" or finding.outcome == "met":
        return finding
    sentence = f"waived until {waiver.until} by {waiver.by} ({waiver.ticket}: {waiver.reason}); {finding.sentence}"
    return replace(finding, kind="advisory", waived=waiver.ticket, sentence=sentence)
