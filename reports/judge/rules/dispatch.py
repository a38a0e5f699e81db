"""The decision rules: a criterion and what was recorded make a finding. Pure: the same records, the same finding.

Limits are the criterion's own. met, missed and unmeasured stand for GO, NO-GO and HOLD of the one criterion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from reports.judge.causes import most_frequent
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence, by_limits, evidence_of, finding, limit_of, measured
from reports.judge.rules.bake.availability import pooled_availability
from reports.judge.rules.bake.latency import pooled_latency, pooled_p95
from reports.judge.rules.bake.shares import burn, pooled_exact, pooled_share
from reports.judge.rules.bake.window import window
from reports.judge.rules.doubts import with_doubts
from reports.judge.rules.exactness import exact
from reports.judge.rules.latency import is_against_sql, latency, latency_outcome, p95, unfit
from reports.judge.rules.not_deployed import beside_absent, of_absent, without_absent
from reports.judge.rules.share import share
from reports.judge.rules.traffic import traffic
from reports.judge.statistics import Measurement
from reports.records.cause_codes import CauseCode
from reports.records.records import Attestation, Fact, Outcome, is_of

__all__ = ["Finding", "PhaseEvidence", "by_limits", "evidence_of", "finding_of", "latency_outcome", "unfit"]

NOT_ASKED = "not-asked"  # name of the fact that says why a phase left things out
FEW = 3  # facts whose sentences a finding tells in full


def finding_of(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The criterion judged by its rule."""
    if criterion.needs_flag and evidence.flag_on is False:
        unmeasured = finding(criterion, "unmeasured", _while_off(criterion, evidence))
        return replace(unmeasured, kind="advisory")
    criterion, absent = without_absent(criterion, evidence)
    if absent and not criterion.checks:
        return of_absent(criterion, absent)
    judged = _judged(criterion, gate, evidence)
    return beside_absent(judged, absent) if absent else judged


def _judged(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The finding by the criterion's rule, and why it is unmeasured where a phase left things out."""
    judged = with_doubts(criterion, evidence, _BY_RULE[criterion.rule](criterion, gate, evidence))
    if judged.outcome == "unmeasured":
        why = [fact.sentence for fact in evidence.facts if fact.name == NOT_ASKED]
        judged = replace(judged, sentence="; ".join((judged.sentence, *dict.fromkeys(why))))
    if criterion.kind == "veto":
        blocks = judged.outcome == "missed" and not is_against_sql(criterion, evidence)
        return replace(judged, kind="blocking" if blocks else "advisory")
    return judged


def _while_off(criterion: Criterion, evidence: PhaseEvidence) -> str:
    """Why it is not asked, and the baseline that was recorded instead, if one was."""
    sentence = "not asked while the flag is off"
    names = {f"{check}-baseline" for check in criterion.checks}
    times = [fact.value for fact in evidence.facts if fact.value is not None and fact.name in names]
    if not times:
        return sentence
    return (
        f"{sentence}; baseline recorded: the direct path takes {median(times):.1f} ms (median of {len(times)} blocks)"
    )


def lag(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The longest time after which a difference had gone."""
    del gate
    samples = [sample for sample in evidence.samples if covers(criterion, sample.check)]
    compared = [sample for sample in samples if sample.outcome in (Outcome.EQUAL, Outcome.LAGGED, Outcome.DIFFERENT)]
    if not compared:
        return finding(criterion, "unmeasured", "nothing was compared", unit="s")
    lags = [sample.lag_s for sample in compared if sample.lag_s is not None]
    longest = max(lags, default=0.0)
    measurement = Measurement(value=longest, unit="s", count=len(compared))
    outcome = _up_to(criterion, longest)
    sentence = f"{len(lags)} of {len(compared)} differed at first; the longest took {longest:.1f} s to agree"
    cause = most_frequent([CauseCode.INDEX_STALE] * len(lags)) if outcome != "met" else None
    return measured(criterion, outcome, sentence, measurement, 0, cause)


def fact(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """Single things that have to be so: each was found to be, one was found not to be, or it was not looked at."""
    del gate
    facts = [fact for fact in evidence.facts if covers(criterion, fact.name)]
    wrong = [fact for fact in facts if fact.ok is False]
    open_ones = [fact for fact in facts if fact.ok is None]
    unseen = [name for name in criterion.checks if not any(is_of(fact.name, name) for fact in facts)]
    shown = next(iter((*wrong, *open_ones, *facts)), None)
    count = len(facts)
    if wrong:
        sentence = "; ".join(fact.sentence for fact in wrong[:3]) + (
            f"; and {len(wrong) - 3} more" if wrong[3:] else ""
        )
        return finding(
            criterion,
            "missed",
            sentence,
            value=_value_of(shown),
            unit=_unit_of(shown),
            count=count,
            cause=most_frequent([fact.cause for fact in wrong]),
        )
    if unseen or open_ones or count < criterion.least:
        sentence = open_ones[0].sentence if open_ones else f"not checked: {', '.join(unseen) or criterion.id}"
        return finding(
            criterion, "unmeasured", sentence, count=count, needed=max(len(unseen), criterion.least - count, 0)
        )
    few = "; ".join(dict.fromkeys(fact.sentence for fact in facts if fact.sentence)) if count <= FEW else ""
    sentence = few or f"{count} of {count} are as required"
    return finding(
        criterion, "met", sentence, value=_value_of(shown) if count == 1 else None, unit=_unit_of(shown), count=count
    )


def limit(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """The largest of the measured values against target and alert: met up to target, missed beyond alert."""
    del gate
    facts = [fact for fact in evidence.facts if covers(criterion, fact.name)]
    values = {fact: fact.value for fact in facts if fact.value is not None}
    worst = max(values, key=lambda fact: (values[fact], fact.name), default=None)
    largest = values[worst] if worst else None
    absent = [name for name in criterion.checks if not any(is_of(fact.name, name) for fact in values)]
    measurement = Measurement(value=largest, unit=criterion.unit, count=len(values))
    outcome = "unmeasured" if largest is None else _up_to(criterion, largest)
    if outcome != "missed" and (absent or len(values) < criterion.least):
        why = next((fact.sentence for fact in facts if fact.value is None and fact.sentence), "")
        why = why or (f"no value of {absent[0]}" if absent else f"{len(values)} values; need {criterion.least}")
        return measured(criterion, "unmeasured", why, measurement, max(criterion.least - len(values), len(absent)))
    cause = most_frequent([worst.cause if worst else None]) if outcome != "met" else None
    sentence = worst.sentence if worst and worst.sentence else f"at most {largest or 0:g} {criterion.unit}"
    return measured(criterion, outcome, sentence, measurement, 0, cause)


def attested(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """What only people can say: each line attested by a person, and not longer ago than it holds."""
    del gate
    if evidence.target == "sandbox":
        return replace(finding(criterion, "unmeasured", "not asked: a rehearsal on the sandbox"), kind="advisory")
    all_sign_offs = sorted(
        evidence.attestations,
        key=lambda sign_off: (not _why_not_valid(sign_off, evidence.now), sign_off.until, sign_off.when, sign_off.who),
    )
    by_line = {sign_off.line: sign_off for sign_off in all_sign_offs}  # of several on a line, one that holds
    sign_offs = [by_line[line] for line in criterion.checks if line in by_line]
    absent = [line for line in criterion.checks if line not in by_line]
    invalid = [sign_off for sign_off in sign_offs if _why_not_valid(sign_off, evidence.now)]
    count = len(sign_offs) - len(invalid)
    if absent:
        sentence = f"not signed off: {', '.join(absent)} (--attestations)"
    elif invalid:
        sentence = "; ".join(_why_not_valid(sign_off, evidence.now) for sign_off in invalid)
        sentence += " (--attestations)"
    else:
        sentence = "; ".join(
            f"{sign_off.line}: {sign_off.who}, {sign_off.when}, until {sign_off.until}" for sign_off in sign_offs
        )
        return finding(criterion, "met", sentence, count=count)
    return finding(criterion, "unmeasured", sentence, count=count, needed=len(absent) + len(invalid))


def _up_to(criterion: Criterion, value: float) -> str:
    """met up to target, missed beyond alert, unmeasured in between; what is no number is neither."""
    if value > limit_of(criterion.alert):
        return "missed"
    return "met" if value <= limit_of(criterion.target) else "unmeasured"


def _why_not_valid(sign_off: Attestation, now: str) -> str:
    """'' for a sign-off that was given before now and has not expired; a date is valid to its end."""
    if sign_off.when > now[: len(sign_off.when)]:
        return f"{sign_off.line}: {sign_off.who}'s sign-off is dated {sign_off.when}, which is in the future"
    if now[: len(sign_off.until)] > sign_off.until:
        return f"{sign_off.line}: {sign_off.who}'s sign-off expired on {sign_off.until}"
    return ""


def _value_of(fact: Fact | None) -> float | None:
    return fact.value if fact else None


def _unit_of(fact: Fact | None) -> str:
    return fact.unit if fact else ""


_BY_RULE: dict[str, Callable[[Criterion, Gate, PhaseEvidence], Finding]] = {
    "exact": exact,
    "share": share,
    "traffic": traffic,
    "latency": latency,
    "p95": p95,
    "lag": lag,
    "fact": fact,
    "limit": limit,
    "attested": attested,
    "window": window,
    "pooled-exact": pooled_exact,
    "pooled-share": pooled_share,
    "pooled-availability": pooled_availability,
    "pooled-latency": pooled_latency,
    "pooled-p95": pooled_p95,
    "burn": burn,
}
