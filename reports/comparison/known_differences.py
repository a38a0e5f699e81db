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

from reports.comparison.record_diff import NOT_READ, RawDifference
from reports.comparison.shown_forms import is_as_stored, is_hollow
from reports.records.known_difference import KnownDifference
from reports.records.records import Comparison, DifferenceKind, Outcome, Provenance, is_of, is_of_any

VALUES: Mapping[str, Callable[[RawDifference], bool]] = {  # what a path may show instead of the value
    "null": lambda difference: difference.actual in (None, "") and difference.kind is not DifferenceKind.ABSENT,
    "first-item": lambda difference: (
        isinstance(difference.expected, str) and difference.expected.startswith(f"{difference.actual},")
    ),
    "never-filled": lambda difference: (
        difference.actual is None and difference.kind in (DifferenceKind.MISSING, DifferenceKind.FORM)
    ),
    "only-first-item": lambda difference: _is_first(difference.actual, difference.expected),
    "null-for-empty": lambda difference: difference.actual is None and difference.expected in ([], ""),
    "counts-zero": lambda difference: (
        difference.expected is None and type(difference.actual) is int and difference.actual == 0
    ),
    "as-stored": lambda difference: _shows_a_value(difference) and is_as_stored(difference.actual, difference.stored),
    "hollow": lambda difference: difference.expected is None and is_hollow(difference.actual),
}
# They say to the letter what is shown.
EXACT = frozenset({"never-filled", "only-first-item", "null-for-empty", "counts-zero", "as-stored", "hollow"})
REPEATED = {  # a check of the rollback -> the check whose questions it asks again
    "rollback-contact": "contact-endpoint",
    "rollback-company": "company-endpoint",
    "rollback-linkedin": "linkedin-contacts",
}
MOST_RECORDED = 20  # excused differences of an answer that is equal otherwise
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


def concerns(known_difference: KnownDifference, check: str) -> bool:
    """Whether it is declared for the check, or for the one whose questions the check asks again."""
    return any(is_of_any(name, known_difference.checks) for name in (check, REPEATED.get(check, check)))


def in_force(
    known_differences: Sequence[KnownDifference], check: str, served_by: Provenance, today: date
) -> tuple[KnownDifference, ...]:
    """Those that may excuse an answer to this check. What the fallback gives is an answer of the direct path.

    Where it is unknown who answered, either path's exact readings are allowed: who answered is asked elsewhere.
    """
    by = Provenance.DIRECT if served_by is Provenance.FALLBACK else served_by
    return tuple(
        known_difference
        for known_difference in known_differences
        if (known_difference.by == by or (by is Provenance.UNKNOWN and known_difference.reads_as in EXACT))
        and concerns(known_difference, check)
        and today.isoformat() <= known_difference.until
    )


def excused(
    differences: Sequence[RawDifference], known_differences: Sequence[KnownDifference]
) -> tuple[RawDifference, ...]:
    """The differences, those that a known one covers marked with its id. Identity is never excused."""
    return tuple(
        _marked(difference, known_differences) if difference.excused_by is None else difference
        for difference in differences
    )


def outcome_of(differences: Sequence[RawDifference]) -> Outcome:
    """Of answers that differ as these say: what an exact reading excuses is verified, and so as good as equal."""
    if all(difference.exact for difference in differences):
        return Outcome.EQUAL
    return Outcome.DIFFERENT if any(difference.excused_by is None for difference in differences) else Outcome.EXCUSED


def summarised(differences: Sequence[RawDifference]) -> tuple[RawDifference, ...]:
    """Excused differences of an equal answer, once per field and excuse, whichever row they are in."""
    once = {(difference.excused_by, _field_of(difference)): difference for difference in reversed(differences)}
    return tuple(reversed(once.values()))[:MOST_RECORDED]


def excuses(samples: Sequence[Comparison], known_differences: Sequence[KnownDifference]) -> tuple[Excuse, ...]:
    """What each known difference covered among the questions that were compared, each counted once.

    Those whose checks were not asked, or only answered by the other path, are left out: they can't be stale. A
    question that failed neither spends a cap nor makes it larger.
    """
    excuses = []
    for known_difference in known_differences:
        compared = [
            sample for sample in samples if sample.outcome in COMPARED and concerns(known_difference, sample.check)
        ]
        of = {(sample.check, sample.key) for sample in compared}
        covered = {
            (sample.check, sample.key)
            for sample in compared
            if sample.outcome in (Outcome.EXCUSED, Outcome.EQUAL)
            and any(difference.excused_by == known_difference.id for difference in sample.differences)
        }
        if not all(_by_another(sample, known_difference.by) for sample in compared):
            excuses.append(
                Excuse(
                    id=known_difference.id,
                    ticket=known_difference.ticket,
                    reason=known_difference.reason,
                    until=known_difference.until,
                    count=len(covered),
                    of=len(of),
                    cap=known_difference.cap,
                )
            )
    return tuple(excuses)


def _by_another(sample: Comparison, by: str) -> bool:
    """Whether the other path is known to have answered; what the fallback gives is an answer of the direct one."""
    served = sample.answers[0].provenance if sample.answers else Provenance.UNKNOWN
    path = Provenance.DIRECT if served is Provenance.FALLBACK else served
    return path is not Provenance.UNKNOWN and path != by


def _marked(difference: RawDifference, known_differences: Sequence[KnownDifference]) -> RawDifference:
    excuse = _excuse(difference, known_differences)
    if excuse is None:
        return difference
    return replace(difference, excused_by=excuse.id, exact=excuse.reads_as in EXACT)


def _excuse(difference: RawDifference, known_differences: Sequence[KnownDifference]) -> KnownDifference | None:
    if difference.kind == "identity":
        return None
    path = _field_of(difference)
    for known_difference in known_differences:
        fits = VALUES[known_difference.reads_as](difference) if known_difference.reads_as in VALUES else True
        if known_difference.reads_as and known_difference.reads_as not in VALUES:
            continue  # its check knows what it means
        if (
            fits
            and is_of(path, known_difference.field)
            and (not known_difference.kinds or str(difference.kind) in known_difference.kinds)
        ):
            return known_difference
    return None


def _field_of(difference: RawDifference) -> str:
    """The path of a difference inside its row."""
    return re.sub(r"^rows\.[^.]+\.", "", difference.path)


def _is_first(actual: Any, expected: Any) -> bool:
    """Whether it is the first of several items, of a list or of a text that joins them."""
    if isinstance(expected, list):
        return len(expected) > 1 and bool(actual == expected[:1])
    return isinstance(actual, str) and isinstance(expected, str) and bool(actual) and expected.startswith(f"{actual},")


def _shows_a_value(difference: RawDifference) -> bool:
    """Whether it is about the value of a column, under a key that is there."""
    return difference.stored is not NOT_READ and difference.kind is not DifferenceKind.ABSENT
