"""Reads the CSV of an export as it comes, in bounded memory, and never gives up: what is wrong with it is reported.

The csv module would stop at the first oddity or pass it over: a lone carriage return ends a row for it, a cell over
128 KiB is an error, text after a closing quote is joined on without a word. Here each of them is a Trouble, with how
often and where first, and the rows go on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

MAX_CELL = 8 * 2**20  # characters: a quote that is still open after so many is not going to close
MAX_LINE = 64 * 2**20  # bytes: a line that is longer is taken in pieces
_BOM = b"\xef\xbb\xbf"

TROUBLES = {  # kind -> what it means, for people
    "empty": "the file is empty, without even a header",
    "header-missing": "the first row is not a header",
    "separator": "the columns are not separated by commas",
    "header-order": "the columns are in another order",
    "header-lacks": "columns are missing from the header",
    "header-extra": "the header has columns that are not declared",
    "header-twice": "a column occurs twice",
    "byte-order-mark": "the file begins with a byte order mark",
    "encoding": "bytes that are not UTF-8",
    "nul": "NUL characters",
    "empty-line": "empty lines",
    "line-ends": "rows end in different ways",
    "lone-quote": "a quote inside a cell that is not quoted",
    "after-quote": "text after a closing quote",
    "open-quote": "a quote that never closes",
    "ragged": "rows with more or fewer cells than the header",
    "cut": "the file ends in the middle of a row",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDefect:
    """Something wrong with the file itself: how often, the first row of it (the header is row 0), and which columns."""

    kind: str
    count: int
    row: int
    detail: str = ""


class CsvFile:
    """A CSV file against the columns it should have. `rows` reads it once; `troubles` are whole when it is through."""

    def __init__(self, chunks: Iterable[bytes], columns: Sequence[str]) -> None:
        self._troubles: dict[str, FileDefect] = {}
        self._records = _Records(chunks, self._note)
        self._columns = tuple(columns)
        self.names: tuple[str, ...] = ()  # as the header has them, once it is read; none without a header
        self.row = 0

    @property
    def troubles(self) -> tuple[FileDefect, ...]:
        return tuple(self._troubles.values())

    @property
    def line_end(self) -> str:
        """How the first row ends: lf or crlf; empty before it is read."""
        returns = self._records.returns
        return "" if returns is None else "crlf" if returns else "lf"

    @property
    def unfinished(self) -> bool:
        """Whether the last row lacks its line end: by itself no damage, but what a cut in its last cell leaves."""
        return self._records.unfinished

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of each row in the order of the declared columns; a cell that is not there is empty."""
        records = iter(self._records)
        header = next(records, None)
        if header is None:
            self._note("empty")
            return
        names = self._header(header)
        self.names = names or ()
        if names is None:
            yield from self._row(header, self._columns, None)
            names = self._columns
        places = None if names == self._columns else [_place(names, name) for name in self._columns]
        for record in records:
            yield from self._row(record, names, places)

    def _header(self, header: Sequence[str]) -> tuple[str, ...] | None:
        """The names in the header, its faults noted; None when it is no header at all."""
        names, wanted = tuple(header), self._columns
        if names == wanted:
            return names
        present = set(names) & set(wanted)
        if not present:
            separator = _separator(",".join(names), wanted)
            self._note("separator" if separator else "header-missing", separator)
            return names if separator else None
        for kind, odd in (
            ("header-lacks", [name for name in wanted if name not in present]),
            ("header-extra", [name for name in names if name not in present]),
            ("header-twice", [name for name, count in Counter(names).items() if count > 1 and name in present]),
        ):
            if odd:  # what nobody declared may be a row of data, so it is only counted
                self._note(kind, ", ".join(odd[:5]) if kind != "header-extra" else f"{len(odd)} of them")
        if [name for name in names if name in present] != [name for name in wanted if name in present]:
            self._note("header-order")
        return names

    def _row(
        self, record: Sequence[str], names: Sequence[str], places: Sequence[int] | None
    ) -> Iterator[tuple[str, ...]]:
        if record == [""] and len(names) > 1:
            self._note("empty-line")
            return
        self.row += 1
        if len(record) != len(names):
            self._note("cut" if self._records.unfinished and len(record) < len(names) else "ragged")
            places = places or range(len(self._columns))
        yield tuple(record) if places is None else tuple(record[at] if 0 <= at < len(record) else "" for at in places)

    def _note(self, kind: str, detail: str = "") -> None:
        trouble = self._troubles.get(kind)
        self._troubles[kind] = (
            replace(trouble, count=trouble.count + 1)
            if trouble
            else FileDefect(kind=kind, count=1, row=self.row, detail=detail)
        )


class _Records:
    """Rows of cells from chunks of bytes. A row may hold line ends within quotes."""

    def __init__(self, chunks: Iterable[bytes], note: Callable[[str], None]) -> None:
        self._chunks = chunks
        self._note = note
        self._cells: list[str] = []
        self._open: list[str] | None = None  # the parts of a quoted cell that goes on in the next line
        self._size = 0  # characters of the cell that is open
        self.returns: bool | None = None  # whether rows end in CR LF, as the first one showed
        self.unfinished = False

    def __iter__(self) -> Iterator[list[str]]:
        for number, (line, ended) in enumerate(_lines(self._chunks)):
            self.unfinished = not ended
            text = self._text(line, first=number == 0)
            if self._take(text, ended=ended):
                yield self._finished_row()
        if self._open is not None:
            self._note("open-quote")
            self._cells.append("".join(self._open))
            yield self._finished_row()

    def _finished_row(self) -> list[str]:
        cells, self._cells, self._open, self._size = self._cells, [], None, 0
        return cells

    def _text(self, line: bytes, *, first: bool) -> str:
        if first and line.startswith(_BOM):
            self._note("byte-order-mark")
            line = line[len(_BOM) :]
        if b"\0" in line:
            self._note("nul")
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._note("encoding")
            return line.decode("latin-1")

    def _take(self, line: str, *, ended: bool) -> bool:
        """Read one line of text; True when the row ends with it."""
        returns = ended and line.endswith("\r")
        body = line[:-1] if returns else line
        if self._open is None and '"' not in body:
            self._cells = body.split(",")
        elif not self._quoted(body):
            assert self._open is not None
            self._open.append(line[len(body) :] + "\n" if ended else "")
            return self._never_closes(len(line))
        if ended:
            if self.returns not in (None, returns):
                self._note("line-ends")
            self.returns = returns if self.returns is None else self.returns
        return True

    def _quoted(self, line: str) -> bool:
        """Read a line that has quotes in it; False when it ends within a quoted cell."""
        at, parts = 0, self._open
        self._open = None
        while True:
            if parts is None and not line.startswith('"', at):
                text, at = _until_comma(line, at)
                if '"' in text:
                    self._note("lone-quote")
            else:
                at, parts = (at + 1, []) if parts is None else (at, parts)
                end = _closing(line, at, parts)
                if end is None:
                    self._open = parts
                    return False
                after, at = _until_comma(line, end)
                if after:
                    self._note("after-quote")
                text, parts = "".join(parts) + after, None
            self._cells.append(text)
            if at > len(line):
                return True

    def _never_closes(self, more: int) -> bool:
        """Whether the open cell has grown so long that its quote must be a slip; the row is then taken as it is."""
        self._size += more
        if self._size <= MAX_CELL:
            return False
        self._note("open-quote")
        self._cells.append("".join(self._open or ()))
        return True


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


def _separator(header: str, wanted: Sequence[str]) -> str:
    """What separates the columns of a header in place of commas; empty where it holds no two of the wanted names."""
    marks = sorted(set(re.findall(r"[^\w\"']", header)) - {","})
    present = {mark: {name.strip("\"' ") for name in header.split(mark)} & set(wanted) for mark in marks}
    mark = max(marks, key=lambda mark: len(present[mark]), default="")
    return _MARKS.get(mark, "another character") if mark and len(present[mark]) > 1 else ""


_MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ":": "colons", " ": "blanks"}


def _until_comma(line: str, at: int) -> tuple[str, int]:
    """The text from there to the next comma, and where the cell after it begins; beyond the line when there is none."""
    end = line.find(",", at)
    return (line[at:], len(line) + 1) if end < 0 else (line[at:end], end + 1)


def _closing(line: str, at: int, parts: list[str]) -> int | None:
    """Collect a quoted cell's text from there on; just behind its closing quote, or None when the line ends first."""
    while True:
        end = line.find('"', at)
        if end < 0:
            parts.append(line[at:])
            return None
        if not line.startswith('"', end + 1):
            parts.append(line[at:end])
            return end + 1
        parts.append(line[at : end + 1])
        at = end + 2


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Lines without their line feed, and whether they had one; what follows the last one only if there is any."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line, True
        if len(rest) > MAX_LINE:
            yield rest, True
            rest = b""
    if rest:
        yield rest, False
