"""Exactness: no settled mismatch in enough distinct samples, and what that proves. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from reports.comparison.known_differences import COMPARED, excuses
from reports.judge import statistics
from reports.judge.causes import by_shape, most_frequent
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import (
    UNCOUNTED,
    Finding,
    PhaseEvidence,
    backend_of,
    by_key,
    counts,
    error_of,
    finding,
    is_stored,
    listed,
    provenance_of,
    why_unasked,
)
from reports.judge.policy import POLICY
from reports.judge.rules.contradictions import why_provenance_unknown
from reports.records.records import Comparison, Outcome, Provenance, is_of
from reports.records.wording import counted as counted_as
from reports.records.wording import differ, differences, percent, plural

ENDLESS = 2**31  # as a population: random ids, filters that combine without end; no table is as large


def exact(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """No settled mismatch in enough distinct samples, of every check, of every stratum the population has."""
    del gate
    samples = [sample for sample in evidence.samples if covers(criterion, sample.check)]
    counted = [sample for sample in samples if counts_for(sample, criterion, evidence)]
    wrong = by_key(sample for sample in counted if sample.outcome is Outcome.DIFFERENT)
    count = len(by_key(counted))
    if wrong:
        return finding(
            criterion,
            "missed",
            _mismatch_sentence(list(wrong.values()), count),
            value=float(len(wrong)),
            unit="mismatches",
            count=count,
            cause=most_frequent(
                [sample.cause for sample in wrong.values()],
                [code for sample in wrong.values() for code in by_shape(sample)],
            ),
            evidence=(f"evidence/{criterion.id}.jsonl",),
        )
    why, needed = _lacking(criterion, evidence, samples, counted, count)
    if why:
        cause = most_frequent([sample.cause for sample in samples if sample.outcome is Outcome.FAILED])
        return finding(
            criterion,
            "unmeasured",
            why,
            value=0.0 if count else None,
            unit="mismatches",
            count=count,
            needed=needed,
            cause=cause,
        )
    bound, claim = _claim(evidence, counted)
    asks_backend = any(backend_of(sample) for sample in samples)
    path = " (flag off: this verifies the direct path)" if evidence.flag_on is False and asks_backend else ""
    sentence = f"{claim}{path}"
    return finding(criterion, "met", sentence, value=0.0, unit="mismatches", count=count, interval=(0.0, bound))


def counts_for(sample: Comparison, criterion: Criterion, evidence: PhaseEvidence) -> bool:
    """Whether the sample says something about the path in question: provenance first."""
    return counts(sample, evidence.flag_on, any_path=criterion.served_by == "any")


def _lacking(
    criterion: Criterion,
    evidence: PhaseEvidence,
    samples: Sequence[Comparison],
    counted: Sequence[Comparison],
    count: int,
) -> tuple[str, int]:
    """Why no mismatch is not yet enough, and how many samples are lacking; ("", 0) if it is enough."""
    population = _population(criterion, evidence)
    least = min(criterion.least, population or criterion.least)
    if population is not None and population <= criterion.least and len(by_key(samples)) >= population:
        least = math.ceil(
            (1 - POLICY.most_void) * population
        )  # all were asked: there is no sample to replace a lost one
    needed = max(least - count, 0)
    if not samples:
        return why_unasked(criterion, evidence), least
    unfit = _unfit(criterion, evidence, samples)
    if unfit:
        return unfit, needed
    empty = [check for check in criterion.checks if not any(is_of(sample.check, check) for sample in counted)]
    if empty:
        return _why_empty(empty[0], evidence, samples, needed, least)
    if needed:
        return f"no mismatch in {count}; need {least}, have {count}{_left_out(samples, counted)}", needed
    missing = _unseen_strata(criterion, evidence, counted)
    return (f"no sample of: {', '.join(missing)}", len(missing)) if missing else ("", 0)


def _claim(evidence: PhaseEvidence, counted: Sequence[Comparison]) -> tuple[float, str]:
    """(the largest share of wrong answers that no mismatch still allows, the sentence about it): the worst check's."""
    checks = sorted({sample.check for sample in counted})
    bounds = {check: _bound(check, evidence, counted) for check in checks}
    worst = max(checks, key=lambda check: (bounds[check], check), default="")
    bound, count = bounds.get(worst, 1.0), len(by_key(counted))
    if bound == 0:
        return 0.0, f"no mismatch in all {count:,}"
    where = f" in {worst}" if checks[1:] else ""
    of = f" of {len(checks)} checks" if checks[1:] else ""
    level = f"{100 * POLICY.claim_confidence:.0f} %"
    return bound, f"no mismatch in {count:,}{of}: at most {percent(bound)} wrong{where}, at {level}"


def _bound(check: str, evidence: PhaseEvidence, counted: Sequence[Comparison]) -> float:
    """The bound of one check: by strata where the draw took more of some than the population has, 0 of a census."""
    keys = {(sample.key, sample.stratum) for sample in counted if sample.check == check}
    plan = max((plan for plan in evidence.plans if plan.check == check), key=lambda plan: plan.population, default=None)
    if plan is None or len(keys) >= plan.population:
        return 0.0 if plan is not None else statistics.zero_bound(len(keys))
    by_stratum = Counter(stratum for _, stratum in keys)
    members = {name: count for name, count in plan.strata.items() if count > 0}
    if plan.population >= ENDLESS or len(members) < 2 or by_stratum.keys() - members.keys():
        return statistics.zero_bound(len(keys), plan.population)
    total = sum(members.values())
    open_ones = [name for name, count in members.items() if by_stratum[name] < count]
    if len(open_ones) == 1:
        (name,) = open_ones
        return members[name] / total * statistics.zero_bound(by_stratum[name], members[name])
    weights = [members[name] / total for name in open_ones]
    return statistics.zero_bound_stratified(weights, [by_stratum[name] for name in open_ones])


def _unfit(criterion: Criterion, evidence: PhaseEvidence, samples: Sequence[Comparison]) -> str:
    """Why these samples prove nothing, however many they are; '' if they can."""
    compared = by_key(sample for sample in samples if sample.outcome in COMPARED)
    unknown = _of_unknown_provenance(criterion, samples)
    differing = [sample for sample in unknown.values() if sample.outcome is Outcome.DIFFERENT]
    if differing:
        which = f"it is unknown which path served {plural(len(differing), 'it', 'them')}"
        return f"{differ(len(differing))}, and {which}; first: {differing[0].key}"
    if compared and len(unknown) / len(compared) > POLICY.most_unknown:
        return (
            f"{len(unknown)} of {counted_as(len(compared), 'answer')} have unknown provenance{_why(unknown.values())}"
        )
    void = by_key(sample for sample in samples if sample.outcome is Outcome.VOID).keys() - compared.keys()
    if void and len(void) / (len(void) + len(compared)) > POLICY.most_void:
        return f"{len(void)} of {len(void) + len(compared)} samples are void: the database changed meanwhile"
    over = [excuse for excuse in excuses(samples, evidence.known_differences) if excuse.over]
    if over:
        sentence = f"the known difference {over[0].id} covers {over[0].count} of {over[0].of}: its cap is "
        return sentence + percent(over[0].cap)
    return ""


def _of_unknown_provenance(criterion: Criterion, samples: Sequence[Comparison]) -> dict[tuple[str, str], Comparison]:
    """The compared answers of which nothing tells who served them; those that differ come first."""
    unknown = [sample for sample in samples if sample.outcome in COMPARED and _is_unknown(criterion, sample)]
    return by_key(sorted(unknown, key=lambda sample: sample.outcome is not Outcome.DIFFERENT))


def _is_unknown(criterion: Criterion, sample: Comparison) -> bool:
    """Whether it is not known who served it; an answer out of a cache counts for nothing, whichever path served it."""
    answer = backend_of(sample)
    if answer is None or criterion.served_by == "any":
        return is_stored(sample)
    return answer.provenance is Provenance.UNKNOWN


def _why(samples: Iterable[Comparison]) -> str:
    why = why_provenance_unknown(answer for sample in samples for answer in sample.answers)
    return f" ({why})" if why else ""


def _why_empty(
    check: str, evidence: PhaseEvidence, samples: Sequence[Comparison], needed: int, least: int
) -> tuple[str, int]:
    of_check = [sample for sample in samples if is_of(sample.check, check)]
    errors = Counter(error for sample in of_check if (error := error_of(sample)))
    if errors:
        return f"{check}: {sum(errors.values())} of {len(of_check)} requests failed ({listed(errors)})", needed or least
    if of_check:
        return f"{check}: none of {len(of_check)} answers counts{_left_out(of_check, ())}", needed or least
    sentences = (fact.sentence for fact in evidence.facts if fact.ok is None and is_of(fact.name, check))
    return f"{check}: {next(sentences, 'nothing was asked')}", needed or least


def _left_out(samples: Sequence[Comparison], counted: Sequence[Comparison]) -> str:
    reasons = Counter(_reason_left_out(sample) for sample in samples if sample not in counted)
    return f" (left out: {listed(reasons)})" if reasons else ""


def _reason_left_out(sample: Comparison) -> str:
    if sample.outcome in UNCOUNTED:
        return str(sample.outcome)
    return f"served by {provenance_of(sample)}"


def _unseen_strata(criterion: Criterion, evidence: PhaseEvidence, counted: Sequence[Comparison]) -> list[str]:
    strata = {(sample.check, sample.stratum) for sample in counted}
    wanted = {
        (plan.check, stratum)
        for plan in evidence.plans
        if covers(criterion, plan.check)
        for stratum, members in plan.strata.items()
        if members > 0
    }
    return [f"{check} {stratum}" for check, stratum in sorted(wanted - strata)]


def _population(criterion: Criterion, evidence: PhaseEvidence) -> int | None:
    """How many there are to ask for; of two plans of a check, the larger population counts."""
    by_check: dict[str, int] = {}
    for plan in evidence.plans:
        if covers(criterion, plan.check):
            by_check[plan.check] = max(plan.population, by_check.get(plan.check, 0))
    return sum(by_check.values()) if by_check else None


def _mismatch_sentence(wrong: Sequence[Comparison], count: int) -> str:
    kinds = Counter(str(difference.kind) for sample in wrong for difference in sample.not_known)
    verb = plural(len(wrong), "differs", "differ")
    return f"{len(wrong)} of {count} answers {verb} ({differences(kinds)}); first: {wrong[0].key}"
