"""Checks of endpoints that the deployment does not have: its contract declares so, and the backend confirmed it. Pure.

Such a check holds nothing back, and proves nothing: a criterion of these checks alone is unmeasured and advisory, never
met; of others too, it is judged by the others. What a contract declares without the backend's confirmation is HOLD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.judge.criteria import Criterion
from reports.judge.findings import Finding, PhaseEvidence, finding
from reports.records.records import Fact, is_of

NOT_DEPLOYED = "not-deployed:"  # before the name of a check: what a fact about its endpoint is called


def without_absent(criterion: Criterion, evidence: PhaseEvidence) -> tuple[Criterion, Sequence[Fact]]:
    """(the criterion without the checks that the deployment has no endpoint for, what was found about those)."""
    if criterion.rule != "exact":
        return criterion, ()
    confirmed = {
        check: fact
        for check in criterion.checks
        if (fact := _confirmed(check, evidence)) and not _contradicted(check, evidence)
    }
    deployed = tuple(check for check in criterion.checks if check not in confirmed)
    return replace(criterion, checks=deployed), tuple(confirmed.values())


def of_absent(criterion: Criterion, facts: Sequence[Fact]) -> Finding:
    """The finding of a criterion of which no check can be asked there."""
    sentence = "; ".join(dict.fromkeys(fact.sentence for fact in facts))
    unmeasured = finding(criterion, "unmeasured", sentence)
    return replace(unmeasured, kind="advisory", not_deployed=_checks(facts))


def beside_absent(judged: Finding, facts: Sequence[Fact]) -> Finding:
    """The finding about the checks that could be asked, with those that could not."""
    names = _checks(facts)
    return replace(
        judged, sentence=f"{judged.sentence}; not in this deployment: {', '.join(names)}", not_deployed=names
    )


def _confirmed(check: str, evidence: PhaseEvidence) -> Fact | None:
    facts = [fact for fact in evidence.facts if fact.name == f"{NOT_DEPLOYED}{check}"]
    return facts[0] if facts and all(fact.ok is True for fact in facts) else None


def _contradicted(check: str, evidence: PhaseEvidence) -> bool:
    """Whether the run asked the check all the same, or another process found its endpoint, or no answer."""
    was_asked = any(is_of(sample.check, check) for sample in evidence.samples)
    return was_asked or any(fact.name == check and fact.ok is not True for fact in evidence.facts)


def _checks(facts: Sequence[Fact]) -> tuple[str, ...]:
    return tuple(fact.name.removeprefix(NOT_DEPLOYED) for fact in facts)
