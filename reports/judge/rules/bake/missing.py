"""What a bake may not forget of its runs: answers of unknown provenance, unfit evidence, incidents, lost calls. Pure.

The same rule as in a single run: unknown answers count against a GO as failures, and against a NO-GO as successes. A
run whose evidence was unfit, that met an incident, or that did not look is missing for a GO; where too many are
missing, or where the others alone would not be GO, the criterion is unmeasured. What a missing run saw still counts
against a GO. A run of the older history format kept no doubts, so it is missing for a GO as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reports.judge.policy import POLICY
from reports.judge.rules.bake.pooling import PooledCriterion
from reports.judge.rules.bake.window import RunWindow
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun
from reports.records.wording import counted, percent, plural

Judged = Callable[[RunWindow], PooledCriterion]


def doubted(window: RunWindow, criterion: str, judged: Judged) -> PooledCriterion:
    """What `judged` makes of the window, or unmeasured where the doubts of its runs could turn that.

    `criterion` is the phase's own one, whose counts carry the doubts.
    """
    part = judged(window)
    if part.outcome == "missed":
        why = _why_not_missed(window, criterion, judged)
    else:
        why = _why_not_met(window, criterion, judged) if part.outcome == "met" else ""
    outcome = "unmeasured" if why else part.outcome
    sentence = "; ".join(text for text in (part.sentence, why, _of_older(window)) if text)
    return replace(part, outcome=outcome, sentence=sentence)


def is_missing(run: EarlierRun, criterion: str) -> str:
    """Why the run is no evidence for a GO by this criterion; '' if it is."""
    count = run.counted(criterion)
    if run.incident:
        return run.incident
    if count is None:
        return f"{criterion} was not checked"
    if count.unfit:
        return count.unfit
    return "" if count.count else f"{criterion}: no answer counts"


def too_many_missing(runs: Sequence[EarlierRun], why_of: Callable[[EarlierRun], str]) -> str:
    """'12 of 96 runs (12.5 %) cannot be used as evidence; ...' if more runs than allowed are missing; else ''."""
    missing = [(run.run, why) for run in runs if (why := why_of(run))]
    if len(missing) <= POLICY.most_missing * len(runs):
        return ""
    share = percent(len(missing) / len(runs))
    first, why = missing[0]
    return f"{len(missing)} of {len(runs)} runs ({share}) cannot be used as evidence; the first is {first}: {why}"


def _why_not_met(window: RunWindow, criterion: str, judged: Judged) -> str:
    newer = [run for run in window.runs if run.qualified]
    if not newer:
        return "all runs are of an older history format, which lacks what a GO needs"
    many = too_many_missing(newer, lambda run: is_missing(run, criterion))
    if many:
        return many
    fit = [run for run in newer if not is_missing(run, criterion)]
    many = _too_many_answers(fit, criterion)
    if many:
        return many
    unknown = sum(_count(run, criterion).unknown for run in fit)
    if len(fit) == len(window.runs) and not unknown:
        return ""
    strict = replace(window, runs=tuple(_with_unknown(run, criterion, failed=True) for run in fit))
    again = judged(strict)
    if again.outcome == "met":
        return ""
    unclear = f", and {unknown} answers of unknown provenance count as failures" if unknown else ""
    return f"HOLD: counting only the {len(fit)} of {len(window.runs)} runs that are evidence{unclear}: {again.sentence}"


def _why_not_missed(window: RunWindow, criterion: str, judged: Judged) -> str:
    unknown = sum(_count(run, criterion).unknown for run in window.runs)
    if not unknown:
        return ""
    kind = replace(window, runs=tuple(_with_unknown(run, criterion, failed=False) for run in window.runs))
    if judged(kind).outcome == "missed":
        return ""
    have = f"{counted(unknown, 'answer')} {plural(unknown, 'has', 'have')}"
    return f"undecided: {have} unknown provenance; if VQL served correctly, the criterion is not missed"


def _too_many_answers(runs: Sequence[EarlierRun], criterion: str) -> str:
    """Why the answers of all runs together are a selection; '' if they are not."""
    counts = [_count(run, criterion) for run in runs]
    counted = sum(count.count for count in counts)
    for name, number, most in (
        ("have unknown provenance", sum(count.unknown for count in counts), POLICY.most_unknown),
        ("gave no pair of times", sum(count.lost for count in counts if count.is_timed), POLICY.most_dropped),
    ):
        if number > most * (counted + number):
            return f"{number} of {counted + number} answers ({percent(number / (counted + number))}) {name}"
    return ""


def _with_unknown(run: EarlierRun, criterion: str, *, failed: bool) -> EarlierRun:
    """The run with its unknown answers as failures or as successes; of mismatches they are neither."""
    return replace(run, counts=tuple(_counting(count, criterion, failed) for count in run.counts))


def _counting(count: EarlierCount, criterion: str, failed: bool) -> EarlierCount:
    if count.criterion != criterion or not count.unknown or not count.is_share:
        return count
    failures = count.failures + (count.unknown if failed else 0)
    return replace(count, failures=failures, count=count.count + count.unknown, unknown=0)


def _count(run: EarlierRun, criterion: str) -> EarlierCount:
    return run.counted(criterion) or EarlierCount(criterion=criterion, failures=0, count=0)


def _of_older(window: RunWindow) -> str:
    older = sum(not run.qualified for run in window.runs)
    if not older:
        return ""
    return f"{counted(older, 'run')} of an older history format can only count against a GO"
