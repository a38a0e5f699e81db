"""Exactness of customers' requests: what a uniform draw from an access log proves about all of them. Pure.

Each drawn request stands for the same share of traffic. One that could not be judged counts as if it were answered
wrong when the share is bounded: the bound holds whatever its answer would have been.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from reports.judge.causes import by_shape, most_frequent
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence, backend_of, by_key, finding, listed
from reports.judge.statistics import exact_share
from reports.judge.statistics.distributions import beta_quantile, hypergeometric
from reports.records.inputs.traffic import GONE, ONE_FORM, TrafficDraw
from reports.records.records import Comparison, Outcome, Provenance
from reports.records.wording import differences

MOST_UNJUDGED = 0.10  # of the drawn requests, and of the log's lines
CONFIDENCE = 0.95
EXACT_UP_TO = 100_000  # a population this small is counted, not taken as endless
_LEFT_OUT = {
    Outcome.VOID: "the database changed meanwhile",
    Outcome.FAILED: "an error instead of an answer",
    Outcome.EXCUSED: "a known difference",
}


def traffic(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """No settled mismatch in enough drawn requests, of which at least nine in ten could be judged."""
    del gate
    draw = max(evidence.draws, key=_demands, default=None)
    if draw is None:
        return replace(finding(criterion, "unmeasured", "no access log was given (--traffic FILE)"), kind="advisory")
    samples = list(by_key(sample for sample in evidence.samples if covers(criterion, sample.check)).values())
    wrong = [sample for sample in samples if sample.outcome is Outcome.DIFFERENT]
    reasons = {key: _why_not_judged(sample, evidence) for key, sample in enumerate(samples)}
    unjudged = Counter(draw.unjudged) + Counter(why for why in reasons.values() if why)
    right = sum(not why for why in reasons.values()) - len(wrong)
    if wrong:
        return _missed(criterion, draw, evidence, wrong, len(samples), right)
    unasked = draw.drawn - right - unjudged.total()
    why, needed = _lacking(criterion, draw, evidence, unjudged, unasked)
    if why:
        cause = most_frequent([sample.cause for sample in samples if sample.outcome is Outcome.FAILED])
        value = 0.0 if right else None
        return finding(
            criterion, "unmeasured", why, value=value, unit="mismatches", count=right, needed=needed, cause=cause
        )
    bound = wrong_at_most(unjudged.total(), draw.drawn, draw.population)
    sentence = _met_sentence(draw, evidence, right, unjudged, bound)
    return finding(criterion, "met", sentence, value=0.0, unit="mismatches", count=right, interval=(0.0, bound))


def wrong_at_most(unjudged: int, drawn: int, population: int, confidence: float = CONFIDENCE) -> float:
    """Upper limit of the share of a population that is not right, if `unjudged` of a uniform draw were not seen right.

    One-sided and exact: Clopper and Pearson's, and by the hypergeometric distribution where the population is small.
    """
    if drawn >= population:
        return unjudged / population if population else 1.0
    if population > EXACT_UP_TO:
        return _binomial_limit(unjudged, drawn, confidence)
    return _most_not_right(unjudged, drawn, population, confidence) / population


def share_between(wrong: int, open_ones: int, count: int) -> tuple[float, float]:
    """The two-sided interval of the share that is wrong: of `count`, so many were, and `open_ones` may be."""
    return exact_share(wrong, count, CONFIDENCE)[0], exact_share(wrong + open_ones, count, CONFIDENCE)[1]


def _demands(draw: TrafficDraw) -> tuple[object, ...]:
    """Of several draws on record the one that demands most is judged, in whatever order they are read."""
    unjudged = sum(draw.unjudged.values())
    return bool(draw.broken), draw.population, draw.drawn, draw.unreadable, unjudged, repr(draw)


def _binomial_limit(count: int, drawn: int, confidence: float) -> float:
    return 1.0 if count >= drawn else beta_quantile(confidence, count + 1, drawn - count)


def _most_not_right(count: int, drawn: int, population: int, confidence: float) -> int:
    """The largest number in the population of which a draw would show no more than `count` often enough."""
    low, high = count, population - drawn + count
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeometric(count, population, middle, drawn) >= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def _why_not_judged(sample: Comparison, evidence: PhaseEvidence) -> str:
    """Why the answer shows nothing about VQL; '' if it does. A wrong answer is wrong whichever path served it."""
    if sample.outcome is Outcome.DIFFERENT:
        return ""
    if sample.outcome in _LEFT_OUT:
        return _LEFT_OUT[sample.outcome]
    if sample.stratum == GONE:
        return GONE
    answer = backend_of(sample)
    wanted = Provenance.DIRECT if evidence.flag_on is False else Provenance.VQL
    return "" if answer is None or answer.provenance is wanted else f"served by {answer.provenance}"


def _lacking(
    criterion: Criterion, draw: TrafficDraw, evidence: PhaseEvidence, unjudged: Counter[str], unasked: int
) -> tuple[str, int]:
    """Why this is not enough, and how many requests are lacking; ("", 0) if it is."""
    least = min(criterion.least, draw.population)
    if not draw.population:
        return "the log holds no request of this phase", criterion.least
    if draw.broken:
        return f"the log ends early: {draw.broken}", 0
    if draw.unreadable > MOST_UNJUDGED * draw.lines:
        return f"{draw.unreadable:,} of {draw.lines:,} lines of the log can't be read: {ONE_FORM}", 0
    if draw.drawn < least:
        return f"{draw.drawn} requests were drawn; need {least}", least - draw.drawn
    if unjudged.total() > MOST_UNJUDGED * draw.drawn:
        return f"{unjudged.total()} of {draw.drawn} drawn requests can't be judged ({listed(unjudged)})", 0
    if unasked > 0:
        sentences = [fact.sentence for fact in evidence.facts if fact.ok is None and covers(criterion, fact.name)]
        return f"{unasked} of {draw.drawn} drawn requests were not asked" + "".join(
            f": {text}" for text in sentences[:1]
        ), (unasked)
    return "", 0


def _missed(
    criterion: Criterion,
    draw: TrafficDraw,
    evidence: PhaseEvidence,
    wrong: Sequence[Comparison],
    count: int,
    right: int,
) -> Finding:
    """What was asked until then, and as many of those that can't be asked as belong to it."""
    unaskable = sum(draw.unjudged.values())
    unaskable = math.ceil(unaskable * count / max(draw.drawn - unaskable, count))
    judged = len(wrong) + right
    low, high = share_between(len(wrong), count - judged + unaskable, count + unaskable)
    kinds = differences(Counter(str(difference.kind) for sample in wrong for difference in sample.not_known))
    sentence = (
        f"{len(wrong)} of {judged} of customers' requests drawn from {draw.population:,} are answered wrong ({kinds}): "
        f"{_share(low, up=False)} to {_share(high)} of {_whose(draw, evidence)}, at 95 %; first: {wrong[0].key}"
    )
    return finding(
        criterion,
        "missed",
        sentence,
        value=float(len(wrong)),
        unit="mismatches",
        count=judged,
        cause=most_frequent(
            [comparison.cause for comparison in wrong],
            [code for comparison in wrong for code in by_shape(comparison)],
        ),
        evidence=(f"evidence/{criterion.id}.jsonl",),
    )


def _met_sentence(draw: TrafficDraw, evidence: PhaseEvidence, right: int, unjudged: Counter[str], bound: float) -> str:
    path = " (flag off: this verifies the direct path)" if evidence.flag_on is False else ""
    if draw.drawn >= draw.population and not unjudged:
        return f"no mismatch in {_whose(draw, evidence)}, all {draw.population:,} of this phase{path}"
    sentence = (
        f"no mismatch in {right} of customers' requests drawn from {draw.population:,}: at most {_share(bound)} of "
        f"{_whose(draw, evidence)} would be answered wrong, at 95 %"
    )
    if unjudged:
        verb = "is" if unjudged.total() == 1 else "are"
        sentence += (
            f"; {unjudged.total()} of {draw.drawn} that can't be judged {verb} counted as wrong ({listed(unjudged)})"
        )
    return sentence + path


def _whose(draw: TrafficDraw, evidence: PhaseEvidence) -> str:
    """Whose requests the log's are: last week's, where it is of the seven days before the run."""
    if not draw.since:
        return "the log's requests"
    since, until = date.fromisoformat(draw.since), date.fromisoformat(draw.until)
    try:
        age = date.fromisoformat(evidence.now[:10]) - until
    except ValueError:
        age = timedelta(days=999)
    if timedelta(days=5) <= until - since <= timedelta(days=8) and timedelta(days=-1) <= age <= timedelta(days=7):
        return "last week's requests"
    return f"the requests of {draw.since}" + (f" to {draw.until}" if until > since else "")


def _share(share: float, *, up: bool = True) -> str:
    """A limit with one or two digits, rounded to the safe side: "0.6 %"."""
    scale = 10 if share >= 0.001 else 1000
    percent = 100 * share * scale
    return f"{(math.ceil(round(percent, 6)) if up else math.floor(round(percent, 6))) / scale:g} %"
