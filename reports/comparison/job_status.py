"""The life of a background job as its status showed it, and what in it may not be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from reports.comparison.shown_forms import is_rfc_3339
from reports.records.foreign_text import foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSample:
    """One look at a job's status, as it was shown: `after_s` seconds since the job was asked for."""

    state: Any
    progress: Any
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The way a job should go: its states in order, the last of which is success, and the ends without it."""

    states: tuple[str, ...]
    ended: tuple[str, ...]

    @property
    def success(self) -> str:
        return self.states[-1]


def complaints(life: Sequence[StatusSample], course: Lifecycle) -> tuple[str, ...]:
    """What the samples show that may not be, a sentence each; nothing for a job that went its way."""
    return tuple(dict.fromkeys((*_of_states(life, course), *_of_progress(life, course))))


def expiry_complaint(expires: Any, now: datetime) -> str | None:
    """What is wrong with the time at which a file expires: RFC 3339, and a time to come; naive means UTC."""
    if isinstance(expires, str) and not is_rfc_3339(expires):
        return "expires_at does not have the form of RFC 3339"
    try:
        moment = datetime.fromisoformat(expires)
    except (TypeError, ValueError):
        return "expires_at is not a time"
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if aware > now else "expires_at is not in the future"


def _of_states(life: Sequence[StatusSample], course: Lifecycle) -> Iterator[str]:
    states = (*course.states, *course.ended)
    for glimpse in life:
        if glimpse.state not in states:
            yield f"status is '{foreign(glimpse.state)}', which is none of {', '.join(states)}"
    ranks = [_rank(glimpse, course) for glimpse in life if glimpse.state in states]
    if any(later < earlier for earlier, later in pairwise(ranks)):
        yield "status goes backwards"


def _of_progress(life: Sequence[StatusSample], course: Lifecycle) -> Iterator[str]:
    status_samples = [glimpse for glimpse in life if glimpse.progress is not None]
    numbers = [glimpse.progress for glimpse in status_samples if _is_number(glimpse.progress)]
    if len(numbers) < len(status_samples):
        yield "progress is not a number"
    if any(not 0 <= number <= 100 for number in numbers):
        yield "progress is not between 0 and 100"
    if any(later < earlier for earlier, later in pairwise(numbers)):
        yield "progress goes backwards"
    if life and life[-1].state == course.success and life[-1].progress != 100:
        yield f"completed at a progress of {life[-1].progress if numbers else 'nothing'}"


def _rank(glimpse: StatusSample, course: Lifecycle) -> int:
    return course.states.index(glimpse.state) if glimpse.state in course.states else len(course.states)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
