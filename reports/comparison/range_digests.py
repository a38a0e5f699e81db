"""Two stores compared by digests of key ranges: how ranges are cut, which are unequal, and what a difference is called.

A digest of a range is a tuple of whole numbers: how many records, then sums over them. Equal records give equal sums;
unequal sums prove that something differs, equal ones prove nothing, so some are opened all the same.
Keys are texts of any form, in the order of their UTF-8 bytes: Python's own order of texts, PostgreSQL's collation "C",
Lucene's order of keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from reports.comparison.record_diff import RawDifference
from reports.records.cause_codes import CauseCode
from reports.records.records import DifferenceKind

Digest = tuple[int, ...]
EXACT = 2**53  # sums of doubles are exact up to here
LIST_MARK = "\x1e"  # between the items of a list
_WHITE = "".join(map(chr, range(33)))  # what Java's trim() takes for white


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class KeyRange:
    """Keys from `low` on and before `high`; "" and None leave the ends open."""

    low: str = ""
    high: str | None = None

    def __contains__(self, key: str) -> bool:
        return self.low <= key and (self.high is None or key < self.high)


EVERYTHING = KeyRange()


def cut(keys: Sequence[str], pieces: int, within: KeyRange = EVERYTHING) -> list[KeyRange]:
    """The span in up to `pieces` parts of about equal size, given some of its keys in order.

    Bounds are as short as the keys allow: Lucene builds an automaton of every range it is asked for, letter by letter.
    """
    step = len(keys) / pieces
    places = {int(number * step) for number in range(1, pieces)} if step >= 1 else range(len(keys))
    inner = sorted({_between(keys[at - 1] if at else within.low, keys[at]) for at in places})
    lows = [within.low, *(key for key in inner if key > within.low and key in within)]
    return [KeyRange(low=low, high=high) for low, high in zip(lows, [*lows[1:], within.high], strict=True)]


def _between(low: str, high: str) -> str:
    """The shortest beginning of `high` that is greater than `low`; all of it where there is none."""
    same = next(
        (
            at
            for at, (low_character, high_character) in enumerate(zip(low, high, strict=False))
            if low_character != high_character
        ),
        len(low),
    )
    return high[: same + 1]


def edges(spans: Sequence[KeyRange]) -> tuple[list[str], list[int]]:
    """(bounds in order, the span of each bucket or -1), for spans in order that don't overlap.

    Bucket 0 lies below the first bound, bucket n from the n-th bound on.
    """
    bounds: list[str] = []
    owners = [-1]
    for number, span in enumerate(spans):
        if bounds and bounds[-1] == span.low:
            owners[-1] = number
        elif span.low:
            bounds.append(span.low)
            owners.append(number)
        else:
            owners[0] = number
        if span.high is not None:
            bounds.append(span.high)
            owners.append(-1)
    return bounds, owners


def added(first: Digest, second: Digest) -> Digest:
    """The digest of two disjoint sets of records together."""
    return tuple(a + b for a, b in zip(first, second, strict=True))


def unequal(ours: Digest, theirs: Digest, *, wrapped: bool) -> bool:
    """Whether two digests differ. `wrapped`: sums are modulo 2**64, as 64-bit hashes add up; else they went through
    doubles, and sums too large for that say nothing.
    """
    if ours[0] != theirs[0]:
        return True
    if wrapped:
        return any((a - b) % 2**64 for a, b in zip(ours[1:], theirs[1:], strict=True))
    return any(a != b for a, b in zip(ours[1:], theirs[1:], strict=True) if max(abs(a), abs(b)) < EXACT)


# --- records ---------------------------------------------------------------------------------------------------------

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyContents:
    """What both stores hold under one key: the database's row, and the index's documents (id, source)."""

    key: str
    row: Row | None
    documents: tuple[tuple[str, Row], ...]


def meetings(rows: Iterable[tuple[str, Row]], documents: Iterable[tuple[str, str, Row]]) -> Iterator[KeyContents]:
    """Rows (key, row) and documents (key, id, source), both in order of their keys, brought together by key."""
    by_key = ((key, tuple((pair[1], pair[2]) for pair in group)) for key, group in groupby(documents, itemgetter(0)))
    ours, theirs = next(iter_rows := iter(rows), None), next(by_key, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            assert ours is not None
            yield KeyContents(key=ours[0], row=ours[1], documents=())
            ours = next(iter_rows, None)
        elif ours is None or theirs[0] < ours[0]:
            yield KeyContents(key=theirs[0], row=None, documents=theirs[1])
            theirs = next(by_key, None)
        else:
            yield KeyContents(key=ours[0], row=ours[1], documents=theirs[1])
            ours, theirs = next(iter_rows, None), next(by_key, None)


def text_of(value: Any, rules: Sequence[str] = ()) -> str:
    """A value as both stores' digests see it: nothing, null, an empty text and an empty list are one."""
    if "zero" in rules:
        return "0" if value is None else _number(value) if isinstance(value, int | float | Decimal) else str(value)
    if isinstance(value, list | tuple):
        text = LIST_MARK.join(_plain(item) for item in value if item is not None)
    else:
        text = "" if value is None else _plain(value)
    for rule in rules:
        text = RULES[rule](text)
    return text


# Rules of a field beside its source. Each has a twin in SQL and one in the index's scripts; a self-test compares them.
RULES: Mapping[str, Callable[[str], str]] = {
    "list": lambda text: text,  # an array
    "zero": lambda text: text,  # a number, and none is 0
    "lower": str.lower,
    "trimmed": lambda text: text.strip(_WHITE),
    "placeholder": lambda text: "" if text == "_" else text,
}


def disagreements_of(meeting: KeyContents, rules: Mapping[str, Sequence[str]]) -> tuple[RawDifference, ...]:
    """Every way in which the two stores disagree about a key. `rules` are those of each field that is compared."""
    if not meeting.documents:
        if meeting.row is None:
            return ()
        return (RawDifference(path="", kind=DifferenceKind.MISSING, expected=meeting.key, actual=None),)
    if meeting.row is None:
        return (RawDifference(path="", kind=DifferenceKind.GHOST, expected=None, actual=meeting.key),)
    (identity, source), *surplus = meeting.documents
    differences = [
        RawDifference(path="_id", kind=DifferenceKind.DUPLICATE, expected=meeting.key, actual=text)
        for text, _ in surplus
    ]
    if not isinstance(source.get("uuid", ""), str):  # a number or a list is found as a text is, and shown as what it is
        differences.append(
            RawDifference(path="uuid", kind=DifferenceKind.TYPE, expected=meeting.key, actual=source["uuid"])
        )
    if not surplus and identity != meeting.key:
        differences.append(
            RawDifference(path="_id", kind=DifferenceKind.IDENTITY, expected=meeting.key, actual=identity)
        )
    for name, names in rules.items():
        expected, actual = text_of(meeting.row[name], names), text_of(source.get(name), names)
        if expected != actual:
            kind = (
                DifferenceKind.VALUE
                if actual and expected
                else (DifferenceKind.GHOST if actual else DifferenceKind.MISSING)
            )
            differences.append(RawDifference(path=name, kind=kind, expected=meeting.row[name], actual=source.get(name)))
    return tuple(differences)


KINDS = {  # kind of a difference -> cause, the graver first
    "ghost": CauseCode.GHOST_IN_INDEX,
    "missing": CauseCode.MISSING_IN_INDEX,
    "duplicate": CauseCode.GHOST_IN_INDEX,
    "stale": CauseCode.INDEX_STALE,
    "copy-stale": CauseCode.COMPANY_COPY_STALE,
    "different": CauseCode.INDEX_STALE,
}


def kind_of(
    differences: Sequence[RawDifference],
    copied: Collection[str],
    written: datetime | None,
    company_written: datetime | None,
    indexed: str | None,
) -> str:
    """What a record's differences amount to: a word of KINDS.

    `copied` are the fields that a document copies from its company; `written` is when the row, and its company, were
    last written (naive UTC), `indexed` when the document was (ISO 8601). Stale: written after it was indexed.
    """
    document_kinds = {difference.kind for difference in differences if difference.path in ("", "_id")}
    for kind, name in (
        (DifferenceKind.GHOST, "ghost"),
        (DifferenceKind.MISSING, "missing"),
        (DifferenceKind.DUPLICATE, "duplicate"),
    ):
        if kind in document_kinds:
            return name
    at = _moment(indexed)
    since, company_since = (
        isinstance(time, datetime) and at is not None and time > at for time in (written, company_written)
    )
    if company_since and all(difference.path in copied for difference in differences):
        return "copy-stale"
    return "stale" if since or company_since else "different"


def _moment(text: str | None) -> datetime | None:
    """Naive UTC, or None for what is no time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _number(value: float | Decimal) -> str:
    """A number in plain digits, whatever it was written as: 5, 5.0 and 5.00 are 5."""
    if isinstance(value, int):
        return str(int(value))
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return format(exact.normalize(), "f") if exact.is_finite() and exact else "0" if exact == 0 else str(value)


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
