"""Shares: how many of how many failed, by an exact interval. A question counts once, and unknown never helps. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from reports.judge import statistics
from reports.judge.causes import most_frequent
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.findings import (
    Finding,
    PhaseEvidence,
    backend_of,
    by_key,
    by_limits,
    error_of,
    finding,
    limit_of,
    measured,
    provenance_of,
    served_by_sql,
    why_unasked,
)
from reports.judge.policy import POLICY
from reports.judge.rules.contradictions import contradictions, why_provenance_unknown
from reports.judge.rules.failure_places import FailurePlace, place_of
from reports.judge.statistics import Measurement
from reports.records.cause_codes import CauseCode
from reports.records.records import Comparison, Observation, Provenance
from reports.records.wording import counted, percent, plural


class SampleStanding(IntEnum):
    """How a question stands in a share; of several askings the worst counts."""

    GOOD = 0
    UNKNOWN = 1  # answered, and nothing shows by whom
    UNSEEN = 2  # no answer, and that is not the service's doing: the way is broken, or a right is missing
    OFFENDING = 3


_OPEN = (SampleStanding.UNKNOWN, SampleStanding.UNSEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAnswer:
    """One question of a share: how it stands, when it was answered (epoch seconds; 0: not recorded), its cause."""

    standing: SampleStanding
    at: float
    cause: CauseCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTally:
    """The questions of a share, in order of time."""

    answers: tuple[CountedAnswer, ...]

    @property
    def count(self) -> int:
        return len(self.answers)

    @property
    def offending(self) -> int:
        return sum(answer.standing is SampleStanding.OFFENDING for answer in self.answers)

    @property
    def unknown(self) -> int:
        """Those that count neither as good nor as offending."""
        return sum(answer.standing in _OPEN for answer in self.answers)

    @property
    def unseen(self) -> int:
        return sum(answer.standing is SampleStanding.UNSEEN for answer in self.answers)

    @property
    def why_unknown(self) -> str:
        """'62 answers have unknown provenance, 3 requests did not get through or lack a permission'."""
        unknown, unseen = self.unknown - self.unseen, self.unseen
        sentences = (
            [f"{counted(unknown, 'answer')} {plural(unknown, 'has', 'have')} unknown provenance"] if unknown else []
        )
        if unseen:
            lack = plural(unseen, "lacks", "lack")
            sentences.append(f"{counted(unseen, 'request')} did not get through or {lack} a permission")
        return ", ".join(sentences)

    @property
    def known(self) -> int:
        return self.count - self.unknown

    @property
    def causes(self) -> tuple[CauseCode | None, ...]:
        return tuple(answer.cause for answer in self.answers if answer.standing is SampleStanding.OFFENDING)

    def share(self, *, unknown_as: bool | None = None) -> Measurement:
        """The share of those that offend; unknown answers count as offending, as good, or (None) not at all.

        Failures of one session come in bursts: consecutive answers count as one unit (Korn and Graubard's effective
        size), which costs independent answers nothing.
        """
        worst = SampleStanding.OFFENDING if unknown_as is not True else SampleStanding.UNKNOWN
        failed = [
            answer.standing >= worst
            for answer in self.answers
            if unknown_as is not None or answer.standing not in _OPEN
        ]
        return statistics.share_in_time(failed)


def share(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """NO-GO if the 99.7 % interval lies beyond target; GO if it lies under alert and the share meets target."""
    del gate
    tally = tally_of(criterion, evidence)
    if tally.count and tally.unknown / tally.count > POLICY.most_unknown:
        return _of_unknown(criterion, tally, evidence)
    target, alert = limit_of(criterion.target), limit_of(criterion.alert)
    measurement = tally.share()
    needed = _needed(tally, target, alert, statistics.widening(measurement))
    needed = max(needed, criterion.least - (tally.known - tally.offending))
    if measurement.value is None or measurement.interval is None:
        return finding(criterion, "unmeasured", why_unasked(criterion, evidence), unit="share", needed=needed)
    outcome, why = _outcome(criterion, tally, measurement)
    low, high = measurement.interval
    bounds = f"99.7 %: {percent(low)} to {percent(high)}"
    sentence = f"{tally.offending} of {tally.known} ({percent(measurement.value)}; {bounds}){why}"
    if outcome == "unmeasured" and not why:
        sentence += f"; need {tally.known + needed}, have {tally.known}"
    sentence += _contradicted(criterion, evidence)
    cause = most_frequent(tally.causes) if outcome != "met" else None
    return measured(criterion, outcome, sentence, measurement, max(needed, 1) if outcome == "unmeasured" else 0, cause)


def _needed(tally: ShareTally, target: float, alert: float, widening: float) -> int:
    """How many more answers, all good, would make a GO possible; failures that come together take more of them."""
    needed = statistics.needed_for_go(tally.offending, tally.known, target, alert)
    return math.ceil(needed * widening if needed else tally.known * (widening - 1))


def _of_unknown(criterion: Criterion, tally: ShareTally, evidence: PhaseEvidence) -> Finding:
    """Unmeasured where too many answers have unknown provenance; NO-GO where it would be one without them."""
    sentence = f"of {counted(tally.count, 'answer')}, {tally.why_unknown}"
    why = why_provenance_unknown(_attempts(criterion, evidence))
    sentence += (f" ({why})" if why else "") + _contradicted(criterion, evidence)
    least = tally.share(unknown_as=False)
    if least.interval is not None and least.interval[0] > limit_of(criterion.target):
        sentence += f"; even so {tally.offending} of all {tally.count} failed ({percent(least.value or 0.0)})"
        return measured(criterion, "missed", sentence, least, 0, most_frequent(tally.causes))
    return finding(criterion, "unmeasured", f"{sentence}: no share can be measured", unit="share", count=tally.known)


def _contradicted(criterion: Criterion, evidence: PhaseEvidence) -> str:
    """'; header says VQL, log says fallback: 159 of 781' where the share is about who served."""
    if criterion.of not in ("fallbacks", "vql-failures"):
        return ""
    return "".join(f"; {contradiction}" for contradiction in contradictions(_attempts(criterion, evidence)))


def _attempts(criterion: Criterion, evidence: PhaseEvidence) -> list[Observation]:
    """The backend's answers to attempts at VQL, each question once."""
    attempts = [sample for sample in evidence.samples if sample.attempt and _looks_at(criterion, sample.check)]
    return [answer for sample in by_key(attempts).values() if (answer := backend_of(sample))]


def tally_of(criterion: Criterion, evidence: PhaseEvidence) -> ShareTally:
    """Every check of the phase, or only those that the criterion names.

    A latency pair is an answer too: served by VQL, without error. Without it only the calls that failed would count.
    """
    standing_of = _STANDINGS[criterion.of]
    elsewhere = _counted_elsewhere(evidence)
    answers: dict[tuple[str, str], CountedAnswer] = {}
    for sample in evidence.samples:
        standing = standing_of(sample) if _looks_at(criterion, sample.check) else None
        key = (sample.check, sample.key)
        if standing is not None and (key not in answers or standing > answers[key].standing):
            answers[key] = CountedAnswer(standing=standing, at=_time_of(sample), cause=sample.cause)
    if criterion.of != "connectra-errors":
        for pair in evidence.pairs:
            if _looks_at(criterion, pair.check):
                good = CountedAnswer(standing=SampleStanding.GOOD, at=pair.at)
                answers.setdefault((pair.check, pair.key), good)
    return _in_time(answer for key, answer in answers.items() if key not in elsewhere)


def concerns(criterion: Criterion, check: str, evidence: PhaseEvidence) -> bool:
    """Whether answers to this check are, or would be, part of the share."""
    of_check = replace(
        evidence,
        samples=tuple(sample for sample in evidence.samples if sample.check == check),
        pairs=tuple(pair for pair in evidence.pairs if pair.check == check),
    )
    return tally_of(criterion, of_check).count > 0


def _counted_elsewhere(evidence: PhaseEvidence) -> frozenset[tuple[str, str]]:
    """Answers of latency blocks, as (check, key), that are a sample of another check too: one request counts once."""
    compared = {(sample.check, sample.key) for sample in evidence.samples}
    twice = [(sample.check, sample.key, sample.counted_as) for sample in evidence.samples if sample.counted_as]
    twice += [(pair.check, pair.key, pair.compared_as) for pair in evidence.pairs if pair.compared_as]
    return frozenset((check, key) for check, key, other in twice if (other, key) in compared)


def _in_time(answers: Iterable[CountedAnswer]) -> ShareTally:
    return ShareTally(answers=tuple(sorted(answers, key=lambda answer: (answer.at, answer.standing))))


def _time_of(sample: Comparison) -> float:
    return max((answer.at for answer in sample.answers), default=0.0)


def _outcome(criterion: Criterion, tally: ShareTally, measurement: Measurement) -> tuple[str, str]:
    """GO must hold even if every answer that does not tell had failed, NO-GO even if none of them had."""
    outcome = by_limits(criterion, measurement)
    if outcome == "met" and tally.known - tally.offending < criterion.least:
        return "unmeasured", ""
    if not tally.unknown:
        return outcome, ""
    worst = by_limits(criterion, tally.share(unknown_as=True))
    best = by_limits(criterion, tally.share(unknown_as=False))
    decided = {("met", "met"): "met", ("missed", "missed"): "missed"}.get((worst, best), "unmeasured")
    why = "" if decided == outcome else f"; undecided: {tally.why_unknown}"
    return decided, why


def _looks_at(criterion: Criterion, check: str) -> bool:
    return not criterion.checks or covers(criterion, check)


def _connectra_errors(sample: Comparison) -> SampleStanding | None:
    answer = sample.answer("connectra")
    if answer is None:
        return None
    return _failed(answer.error) if answer.error else SampleStanding.GOOD


def _failed(error: str) -> SampleStanding:
    return SampleStanding.OFFENDING if place_of(error) is FailurePlace.THEIRS else SampleStanding.UNSEEN


def _errors(sample: Comparison) -> SampleStanding | None:
    if backend_of(sample) is None:
        return None
    error = error_of(sample)
    return _failed(error) if error else SampleStanding.GOOD


def _vql_failures(sample: Comparison) -> SampleStanding | None:
    """Attempts at VQL, never all rows of a log, are the whole."""
    if not sample.attempt or backend_of(sample) is None:
        return None
    error = error_of(sample)
    if error or served_by_sql(sample):
        return _failed(error) if error else SampleStanding.OFFENDING
    return SampleStanding.UNKNOWN if provenance_of(sample) is Provenance.UNKNOWN else SampleStanding.GOOD


def _fallbacks(sample: Comparison) -> SampleStanding | None:
    """As for failures, among the attempts that were answered."""
    return None if error_of(sample) else _vql_failures(sample)


_STANDINGS: dict[str, Callable[[Comparison], SampleStanding | None]] = {
    "errors": _errors,
    "fallbacks": _fallbacks,
    "vql-failures": _vql_failures,
    "connectra-errors": _connectra_errors,
}
