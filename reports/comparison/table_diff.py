"""Two tables, row by row and cell by cell, as streams: what is missing, too much, twice, out of order, or different.

Rows meet by their key. Both sides are read in step, so rows in the same order meet at once and are let go of; a row
that stands elsewhere waits for its counterpart. What is held at a time is the rows that wait, and the keys seen: to
stay flat over millions of rows, compare partition by partition (`partition_of` both sides), or sort both by key.
"""

from __future__ import annotations

import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reports.comparison.csv_cells import Cell, CsvColumn, actual_cells, may_show
from reports.comparison.record_diff import RawDifference
from reports.comparison.shown_forms import means_same
from reports.records.records import DifferenceKind

Cells = tuple[Cell, ...]
T = TypeVar("T")
MOSTLY = 0.5  # of a column's wrong cells have to hold a neighbour's value to be called shifted


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: what it is about, and its cells in canonical form."""

    key: str
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of one row: no differences mean that both sides have it and say the same."""

    key: str
    differences: tuple[RawDifference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDefects:
    """What is wrong with a table as a whole: how many rows (or cells, of a column) it has befallen.

    Kinds of rows: header-only, truncated, missing, ghost, doubled, disorder, shifted-cells; of a column's cells:
    blank-column, shifted-column, value.
    """

    kind: str
    count: int
    column: str = ""


def partition_of(key: str, count: int) -> int:
    """Which of `count` partitions a key falls into, the same in every process."""
    return zlib.crc32(key.encode()) % count


def rows_of_file(rows: Iterable[Sequence[str]], columns: Sequence[CsvColumn], key: str) -> Iterator[TableRow]:
    """Rows of a file by their key column; a row without a key goes by its number."""
    place = [column.name for column in columns].index(key)
    for number, texts in enumerate(rows, 1):
        yield TableRow(key=texts[place] or f"row {number}", cells=actual_cells(texts, columns))


class TableComparison:
    """Compares once: read `results` to their end, then ask for the counts and `damages`."""

    def __init__(self, columns: Sequence[CsvColumn]) -> None:
        self._columns = tuple(columns)
        self.expected = self.actual = self.met = 0  # rows on either side, and those that met
        self.missing = self.ghosts = self.doubled = self.disordered = 0
        self._waiting: dict[str, deque[tuple[int, Cells]]] = {}  # expected, by key, with their place
        self._early: dict[str, deque[Cells]] = {}  # actual rows that nothing expects so far
        self._keys: set[str] = set()
        self._furthest = -1  # place of the last row that met
        self._first_missing: int | None = None
        self._wrong: Counter[int] = Counter()  # cells by column
        self._moved: Counter[int] = Counter()  # of them those that hold the value of the row before or after
        self._sideways = 0  # rows whose wrong cells hold the value of the column before or after
        self._differing = 0
        self._blank = set(range(len(columns)))  # columns that no actual row has filled so far
        self._before: tuple[Cells, Cells] | None = None

    def results(self, expected: Iterable[TableRow], actual: Iterable[TableRow]) -> Iterator[RowResult]:
        """One result per expected row, and one per row that is there beyond them."""
        theirs, ours = iter(actual), iter(expected)
        while True:
            want, have = next(ours, None), next(theirs, None)
            if want is None and have is None:
                break
            if want is not None and have is not None and want.key == have.key and not self._waiting and not self._early:
                self._keys.add(want.key)
                self.expected += 1
                self.actual += 1
                yield self._meet(want.key, self.expected - 1, want.cells, have.cells)
                continue
            if want is not None:
                yield from self._expect(want)
            if have is not None:
                yield from self._come(have)
        yield from self._left_over()

    def damages(self) -> tuple[TableDefects, ...]:
        """The table's damage, named; none when the tables are equal and in the same order."""
        return (*self._of_rows(), *self._of_cells())

    def _expect(self, want: TableRow) -> Iterator[RowResult]:
        place = self.expected
        self.expected += 1
        self._keys.add(want.key)
        cells = _next_of(self._early, want.key)
        if cells is None:
            self._waiting.setdefault(want.key, deque()).append((place, want.cells))
        else:
            yield self._meet(want.key, place, want.cells, cells)

    def _come(self, have: TableRow) -> Iterator[RowResult]:
        self.actual += 1
        waiting = _next_of(self._waiting, have.key)
        if waiting is None:
            self._early.setdefault(have.key, deque()).append(have.cells)
        else:
            yield self._meet(have.key, *waiting, have.cells)

    def _meet(self, key: str, place: int, want: Cells, have: Cells) -> RowResult:
        self.met += 1
        self.disordered += place < self._furthest
        self._furthest = max(self._furthest, place)
        self._blank -= {at for at in self._blank if have[at] is not None}
        differences = () if want == have else self._differences(want, have)
        self._before = (want, have)
        return RowResult(key=key, differences=differences)

    def _differences(self, want: Cells, have: Cells) -> tuple[RawDifference, ...]:
        wrong = [
            at
            for at, cell in enumerate(want)
            if cell != have[at] and not may_show(have[at], cell, self._columns[at].rules)
        ]
        if not wrong:
            return ()
        self._wrong.update(wrong)
        self._differing += 1
        if self._before is not None:
            above, over = self._before
            self._moved.update(
                at
                for at in wrong
                if (have[at] is not None and have[at] == above[at]) or (want[at] is not None and want[at] == over[at])
            )
        self._sideways += any(
            sum(_is_neighbour(want, have, at, step) for at in wrong) > max(1, MOSTLY * len(wrong)) for step in (-1, 1)
        )
        return tuple(_difference(self._columns[at], want[at], have[at]) for at in wrong)

    def _left_over(self) -> Iterator[RowResult]:
        for key, waiting in self._waiting.items():
            for place, _ in waiting:
                self.missing += 1
                self._first_missing = place if self._first_missing is None else min(place, self._first_missing)
                yield _row_result(key, DifferenceKind.MISSING)
        for key, early in self._early.items():
            twice = key in self._keys
            self.doubled += len(early) if twice else 0
            self.ghosts += 0 if twice else len(early)
            for _ in early:
                yield _row_result(key, DifferenceKind.DUPLICATE if twice else DifferenceKind.GHOST)

    def _of_rows(self) -> Iterator[TableDefects]:
        if self.expected and not self.actual:
            yield TableDefects(kind="header-only", count=self.missing)
        elif self.missing:
            tail = self._first_missing is not None and self._first_missing > self._furthest and not self.ghosts
            yield TableDefects(kind="truncated" if tail else "missing", count=self.missing)
        for kind, count in (("ghost", self.ghosts), ("doubled", self.doubled), ("disorder", self.disordered)):
            if count:
                yield TableDefects(kind=kind, count=count)

    def _of_cells(self) -> Iterator[TableDefects]:
        if self._differing and self._sideways > MOSTLY * self._differing:
            yield TableDefects(kind="shifted-cells", count=self._sideways)
        for at, count in sorted(self._wrong.items()):
            if at in self._blank:
                kind = "blank-column"
            else:
                kind = "shifted-column" if count > 1 and self._moved[at] > MOSTLY * count else "value"
            yield TableDefects(kind=kind, count=count, column=self._columns[at].name)


def _next_of(rows: dict[str, deque[T]], key: str) -> T | None:
    """The first of the rows of that key, taken out."""
    ts = rows.get(key)
    if ts is None:
        return None
    first = ts.popleft()
    if not ts:
        del rows[key]
    return first


def _is_neighbour(want: Cells, have: Cells, at: int, step: int) -> bool:
    return have[at] is not None and 0 <= at + step < len(want) and have[at] == want[at + step]


def _row_result(key: str, kind: DifferenceKind) -> RowResult:
    missing = kind is DifferenceKind.MISSING
    difference = RawDifference(path="", kind=kind, expected=key if missing else None, actual=None if missing else key)
    return RowResult(key=key, differences=(difference,))


def _difference(column: CsvColumn, want: Cell, have: Cell) -> RawDifference:
    return RawDifference(path=column.name, kind=_kind(column, want, have), expected=want, actual=have)


def _kind(column: CsvColumn, want: Cell, have: Cell) -> DifferenceKind:
    if have is None:
        return DifferenceKind.MISSING
    number = int(have) if "zero" in column.rules and have == "0" else have
    if means_same(want, number, [rule for rule in column.rules if rule in ("time", "zero")]):
        return DifferenceKind.FORM
    return DifferenceKind.GHOST if want is None else DifferenceKind.VALUE
