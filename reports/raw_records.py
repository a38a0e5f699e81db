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


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some records in a row, and the offsets in the file at which they begin."""

    records: list[bytes]
    offsets: Numbers


def blocks(file: BinaryIO, *, returns: bool | None = None) -> Iterator[Block]:
    """The records of a file from where it stands, block by block.

    `returns`: whether they should end in CR LF; None: as the first one does.
    """
    at = file.tell()
    held: list[bytes] = []  # lines of a record that is still open
    rest = b""
    while chunk := file.read(BLOCK):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE:
            lines, rest = [*lines, rest], b""
        if not lines:
            continue
        returns = lines[0].endswith(b"\r") if returns is None else returns
        whole, held = _joined(held + lines, last=False)
        if whole:
            yield _block(whole, at, returns=returns)
            at += sum(map(len, whole)) + len(whole)
    whole, _ = _joined([*held, rest] if rest else held, last=True)
    if whole:
        yield _block(whole, at, returns=bool(returns))


def numbers(records: Sequence[bytes]) -> Numbers:
    """A 64-bit number per record: equal for equal bytes, within one process."""
    return np.fromiter(map(hash, records), np.int64, len(records))


def quoting_empty(records: Sequence[bytes]) -> list[int]:
    """Which of the records hold two quotes in a row: they quote an empty cell, or a quote."""
    quotes = np.flatnonzero(np.frombuffer(b"\n".join(records), np.uint8) == QUOTE)
    found = quotes[:-1][np.diff(quotes) == 1]
    if not len(found):
        return []
    ends = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)) + 1)
    return [int(each) for each in np.unique(np.searchsorted(ends, found, side="right"))]


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


def _block(whole: list[bytes], at: int, *, returns: bool) -> Block:
    sizes = np.fromiter(map(len, whole), np.int64, len(whole)) + 1
    records = [record[:-1] if record.endswith(b"\r") else record + b"\n" for record in whole] if returns else whole
    return Block(records=records, offsets=at + np.cumsum(sizes) - sizes)


def _joined(lines: list[bytes], *, last: bool) -> tuple[list[bytes], list[bytes]]:
    """(whole records, the lines of one that is still open): lines with an odd number of quotes open and close them."""
    odd = [number for number, line in enumerate(lines) if line.count(b'"') & 1]
    if not odd:
        return lines, []
    whole: list[bytes] = []
    done = 0
    for opening, closing in zip(odd[::2], odd[1::2], strict=False):
        whole += lines[done:opening]
        whole.append(b"\n".join(lines[opening : closing + 1]))
        done = closing + 1
    if len(odd) % 2 == 0:
        return whole + lines[done:], []
    opening = odd[-1]
    whole += lines[done:opening]
    rest = lines[opening:]
    if last:
        return [*whole, b"\n".join(rest)], []
    if sum(map(len, rest)) > MAX_OPEN:
        more, open_lines = _joined(rest[1:], last=last)
        return [*whole, rest[0], *more], open_lines
    return whole, rest
