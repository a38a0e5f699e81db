"""A known difference: one that a contract declares, with a field, a reason, a ticket, an end date and a cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from reports.records.decoding import from_table
from reports.records.records import Provenance


class KnownDifferenceError(ValueError):
    """A declared difference can't be used; the message quotes what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDifference:
    """One declared difference. `checks` and `field` may end in `*`; `by` is the path whose answers it excuses.

    A field of a row in a list is that field. `kinds` of differences it covers (none: all). `reads_as` says what the
    path makes of the question, where a check knows such words, or of the value (VALUES): then only an answer that fits
    exactly is excused. `cap` is the share of samples it may cover.
    """

    id: str
    checks: tuple[str, ...]
    field: str
    by: str
    reason: str
    ticket: str
    until: str
    cap: float
    kinds: tuple[str, ...] = ()
    reads_as: str = ""


def known_of(entry: Mapping[str, Any]) -> KnownDifference:
    """The declared difference of a table; raises KnownDifferenceError."""
    where = f"[[known]] {entry.get('id', '(without id)')!r}"
    fields = {**entry, "until": entry["until"].isoformat()} if isinstance(entry.get("until"), date) else entry
    try:
        known_difference = from_table(KnownDifference, fields)
    except ValueError as error:
        raise KnownDifferenceError(f"{where}: {error}") from None
    require_usable(known_difference)
    return known_difference


def require_usable(known_difference: KnownDifference) -> None:
    """Raises KnownDifferenceError for one that has no end, no reason, or a cap that is no share."""
    where = f"[[known]] {known_difference.id!r}"
    try:
        date.fromisoformat(known_difference.until)
    except ValueError:
        raise KnownDifferenceError(
            f"{where}: until = {known_difference.until!r}: expected a date, as in 2027-05-25"
        ) from None
    if not all((known_difference.reason, known_difference.ticket, known_difference.checks, known_difference.field)):
        raise KnownDifferenceError(f"{where}: reason, ticket, checks and field must not be empty")
    if not 0 < known_difference.cap <= 1:
        raise KnownDifferenceError(f"{where}: cap = {known_difference.cap!r}: expected a share above 0, at most 1")
    if known_difference.by not in (str(Provenance.VQL), str(Provenance.DIRECT)):
        raise KnownDifferenceError(f"{where}: by = {known_difference.by!r}: expected vql or direct")
