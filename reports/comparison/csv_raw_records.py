"""Records of a CSV as raw bytes: where each begins, and a number that stands for it.

Two records of the same bytes are equal by any rule, so nothing has to be read of them. Only what is left over on either
side is taken apart. Records come without their line end; a line end within quotes belongs to its record. Where rows end
in CR LF, one that ends otherwise keeps a line feed: then it is like nothing else, and is taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**18  # bytes read at once: what a core keeps close by; more takes longer
MAX_LINE = 64 * 2**20  # bytes: a longer line is taken in pieces
QUOTE = ord('"')
MAX_OPEN = 8 * 2**20  # bytes: a quote that is still open after so many is a slip, and its line a record by itself

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBlock:
    """Some records in a row, where in the file they begin, and which of them hold two quotes in a row."""

    records: list[bytes]
    offsets: Numbers
    quoting: Numbers


def blocks(file: BinaryIO, *, returns: bool | None = None) -> Iterator[RecordBlock]:
    """The records of a file from where it stands, block by block.

    `returns`: whether they should end in CR LF; None: as the first one does.
    """
    at = file.tell()
    open_record = _Lines.of(b"", [], at)  # of a record that is still open
    rest = b""
    while chunk := file.read(BLOCK):
        text = rest + chunk
        *lines, rest = text.split(b"\n")
        if len(rest) > MAX_LINE:
            lines, rest = [*lines, rest], b""
        if not lines:
            continue
        returns = lines[0].endswith(b"\r") if returns is None else returns
        complete, open_record = (open_record + _Lines.of(text, lines, at)).split()
        at += len(text) - len(rest)
        if complete.texts:
            yield complete.block(returns=returns)
    unfinished = open_record + _Lines.of(rest, [rest] if rest else [], at)
    if unfinished.texts:
        yield unfinished.block(returns=bool(returns))


def numbers(records: Sequence[bytes]) -> Numbers:
    """A 64-bit number per record: equal for equal bytes, within one process."""
    return np.fromiter(map(hash, records), np.int64, len(records))


def record_at(file: BinaryIO, offset: int) -> bytes:
    """The record that begins there, its line end included."""
    file.seek(offset)
    lines: list[bytes] = []
    size = quotes = 0
    while line := file.readline(MAX_LINE):
        lines.append(line)
        size += len(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            break
        if size > MAX_OPEN:
            return lines[0]
    return b"".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Lines of a file, where they begin, whether each has an odd number of quotes, and whether two in a row."""

    texts: Sequence[bytes]
    places: Numbers
    odd: Flags
    quoting: Flags

    @classmethod
    def of(cls, text: bytes, lines: Sequence[bytes], at: int) -> _Lines:
        """The lines that a text begins with, which begins there: its quotes are looked for once, for all of them."""
        sizes = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
        ends = np.cumsum(sizes)
        quotes = np.flatnonzero(np.frombuffer(text, np.uint8) == QUOTE)
        before = np.searchsorted(quotes, ends)
        quotes = quotes[: np.searchsorted(quotes, sizes.sum())]
        quoting = np.zeros(len(lines), np.bool_)
        quoting[np.searchsorted(ends, quotes[:-1][np.diff(quotes) == 1], side="right")] = True
        odd = np.diff(before, prepend=0) % 2 == 1
        return cls(texts=lines, places=at + ends - sizes, odd=odd, quoting=quoting)

    def __add__(self, more: _Lines) -> _Lines:
        if not self.texts:
            return more
        return _Lines(
            texts=[*self.texts, *more.texts],
            places=np.concatenate([self.places, more.places]),
            odd=np.concatenate([self.odd, more.odd]),
            quoting=np.concatenate([self.quoting, more.quoting]),
        )

    def split(self) -> tuple[_Lines, _Lines]:
        """(lines of whole records, those of one that is still open): lines with odd quotes open and close them."""
        odd, cut = np.flatnonzero(self.odd), len(self.texts)
        if len(odd) % 2:
            cut = int(odd[-1])
        if sum(map(len, self.texts[cut:])) > MAX_OPEN:
            self.odd[cut] = False
            cut = len(self.texts)
        return self._part(slice(cut)), self._part(slice(cut, None))

    def block(self, *, returns: bool) -> RecordBlock:
        """As records: the lines from one that opens to the one that closes are one, and a last one may stay open."""
        records, offsets, quoting = list(self.texts), self.places, self.quoting
        if self.odd.any():
            continued = np.cumsum(self.odd[:-1]) % 2 == 1
            firsts = np.flatnonzero(np.concatenate([[True], ~continued]))
            ends = [*firsts[1:].tolist(), len(records)]
            records = [b"\n".join(records[first:end]) for first, end in zip(firsts.tolist(), ends, strict=True)]
            offsets, quoting = offsets[firsts], np.logical_or.reduceat(quoting, firsts)
        if returns:
            records = [record[:-1] if record.endswith(b"\r") else record + b"\n" for record in records]
        return RecordBlock(records=records, offsets=offsets, quoting=np.flatnonzero(quoting))

    def _part(self, part: slice) -> _Lines:
        return _Lines(texts=self.texts[part], places=self.places[part], odd=self.odd[part], quoting=self.quoting[part])
