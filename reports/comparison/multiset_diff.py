"""What two heaps of numbered records don't have in common, in bounded memory, however many they are.

Numbers go into partitions by their highest bits, all in one file; then one partition after the other is sorted on both
sides and compared. What is held at a time is one partition.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from reports.comparison.csv_raw_records import Numbers

PARTITIONS = 64
_SHIFT = np.int64(64 - 6)
_HELD = 2**16  # records kept in memory before they are written


class SpilledMultiset:
    """Numbered records of one side: a number and a place each. `count` is how many. The file is empty at first."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lots: list[list[tuple[int, int]]] = [[] for _ in range(PARTITIONS)]  # (offset, bytes) by partition
        self._written = 0  # bytes
        self._numbers: list[Numbers] = []
        self._places: list[Numbers] = []
        self._buffered = 0
        self.count = 0

    def add(self, numbers: Numbers, places: Numbers) -> None:
        self._numbers.append(numbers)
        self._places.append(places)
        self._buffered += len(numbers)
        self.count += len(numbers)
        if self._buffered >= _HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held; to be called once more at the end."""
        if not self._buffered:
            return
        pairs = np.stack([np.concatenate(self._numbers), np.concatenate(self._places)], axis=1)
        parts = ((pairs[:, 0] >> _SHIFT) & (PARTITIONS - 1)).astype(np.uint8)
        order = np.argsort(parts, kind="stable")
        pairs, ends = pairs[order], np.cumsum(np.bincount(parts))
        for part, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            if end > start:
                self._write(part, pairs[start:end].tobytes())
        self._numbers, self._places, self._buffered = [], [], 0

    def _write(self, part: int, content: bytes) -> None:
        self._file.seek(self._written)
        self._file.write(content)
        self._lots[part].append((self._written, len(content)))
        self._written += len(content)

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def partition(self, part: int) -> tuple[Numbers, Numbers]:
        """(numbers in order, their places)."""
        content = b"".join(self._read(*lot) for lot in self._lots[part])
        pairs = np.frombuffer(content, np.int64).reshape(-1, 2)
        order = np.argsort(pairs[:, 0], kind="stable")
        return pairs[order, 0], pairs[order, 1]


def unmatched(ours: SpilledMultiset, theirs: SpilledMultiset) -> tuple[Numbers, Numbers]:
    """(places of ours, places of theirs) that have no counterpart on the other side, in order.

    A record that is there more often on one side leaves as many places of that side as it is more often there.
    """
    surplus: tuple[list[Numbers], list[Numbers]] = ([], [])
    for part in range(PARTITIONS):
        (mine, my_places), (other, other_places) = ours.partition(part), theirs.partition(part)
        if np.array_equal(mine, other):
            continue
        surplus[0].append(my_places[_surplus(mine, other)])
        surplus[1].append(other_places[_surplus(other, mine)])
    return _all(surplus[0]), _all(surplus[1])


def _surplus(mine: Numbers, other: Numbers) -> Numbers:
    """Positions of those in `mine` beyond what `other` has of the same number; both in order."""
    first = np.searchsorted(mine, mine, side="left")
    rank = np.arange(len(mine)) - first  # which of the equal ones it is
    there = np.searchsorted(other, mine, side="right") - np.searchsorted(other, mine, side="left")
    return np.flatnonzero(rank >= there)


def _all(parts: list[Numbers]) -> Numbers:
    """The parts as one, in order; they themselves are let go of."""
    offsets = np.concatenate(parts) if parts else np.empty(0, np.int64)
    parts.clear()
    offsets.sort()
    return offsets
