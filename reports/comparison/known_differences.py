"""Known differences: declared, never silent. Each has a field, a reason, a ticket, an end date and a cap.

A sample whose every difference is covered is `excused`: counted apart, never as equal. An excuse that is over its
date excuses nothing; one that covers more than its cap holds the criterion; one that covered nothing is reported stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from reports.comparison.record_diff import RawDifference
from reports.records.known_difference import KnownDifference
from reports.records.records import Comparison, Outcome, Provenance, is_of

VALUES: Mapping[str, Callable[[Any, Any], bool]] = {  # what a path may show instead of the value
    "null": lambda _, actual: actual in (None, ""),
    "first-item": lambda expected, actual: isinstance(expected, str) and expected.startswith(f"{actual},"),
}
COMPARED = (Outcome.EQUAL, Outcome.DIFFERENT, Outcome.LAGGED, Outcome.EXCUSED)  # both sides gave an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """What a known difference covered in a run: `count` of `of` samples of its checks."""

    id: str
    ticket: str
    reason: str
    until: str
    count: int
    of: int
    cap: float

    @property
    def stale(self) -> bool:
        return self.of > 0 and self.count == 0

    @property
    def over(self) -> bool:
        return self.of > 0 and self.count / self.of > self.cap


def in_force(
    known: Sequence[KnownDifference], check: str, served_by: Provenance, today: date
) -> tuple[KnownDifference, ...]:
    """Those that may excuse an answer to this check. What the fallback gives is an answer of the direct path."""
    by = Provenance.DIRECT if served_by is Provenance.FALLBACK else served_by
    return tuple(
        each
        for each in known
        if each.by == by and any(is_of(check, name) for name in each.checks) and today.isoformat() <= each.until
    )


def excused(found: Sequence[RawDifference], known: Sequence[KnownDifference]) -> tuple[RawDifference, ...]:
    """The differences, those that a known one covers marked with its id. Identity is never excused."""
    return tuple(replace(each, excused_by=_by(each, known)) if each.excused_by is None else each for each in found)


def excuses(samples: Sequence[Comparison], known: Sequence[KnownDifference]) -> tuple[Excuse, ...]:
    """What each known difference covered among the questions that were compared, each counted once.

    Those whose checks were not asked, or only answered by the other path, are left out: they can't be stale. A
    question that failed neither spends a cap nor makes it larger.
    """
    found = []
    for each in known:
        compared = [
            sample
            for sample in samples
            if sample.outcome in COMPARED and any(is_of(sample.check, name) for name in each.checks)
        ]
        of = {(sample.check, sample.key) for sample in compared}
        covered = {
            (sample.check, sample.key)
            for sample in compared
            if sample.outcome is Outcome.EXCUSED
            and any(difference.excused_by == each.id for difference in sample.differences)
        }
        if not all(_by_another(sample, each.by) for sample in compared):
            found.append(
                Excuse(
                    id=each.id,
                    ticket=each.ticket,
                    reason=each.reason,
                    until=each.until,
                    count=len(covered),
                    of=len(of),
                    cap=each.cap,
                )
            )
    return tuple(found)


def _by_another(sample: Comparison, by: str) -> bool:
    """Whether the other path is known to have answered; what the fallback gives is an answer of the direct one."""
    served = sample.answers[0].provenance if sample.answers else Provenance.UNKNOWN
    path = Provenance.DIRECT if served is Provenance.FALLBACK else served
    return path is not Provenance.UNKNOWN and path != by


def _by(difference: RawDifference, known: Sequence[KnownDifference]) -> str | None:
    if difference.kind == "identity":
        return None
    path = re.sub(r"^rows\.[^.]+\.", "", difference.path)
    for each in known:
        fits = VALUES[each.reads_as](difference.expected, difference.actual) if each.reads_as in VALUES else True
        if each.reads_as and each.reads_as not in VALUES:
            continue  # its check knows what it means
        if fits and is_of(path, each.field) and (not each.kinds or str(difference.kind) in each.kinds):
            return each.id
    return None
