"""Heaps of numbers: what one has more often than the other is left over, in whichever partition it lies."""

from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.comparison.multiset_diff import PARTITIONS, SpilledMultiset, unmatched

FEW = st.lists(st.sampled_from([0, 1, -1, 2**58, 2**58 + 1, -(2**58), 2**63 - 1, -(2**63)]), max_size=12)
SPREAD = [part << 58 for part in range(PARTITIONS // 2)] + [(part - 32) << 58 for part in range(PARTITIONS // 2)]


def _heap(numbers: list[int], *, flushed: bool = True) -> SpilledMultiset:
    """Each number's place is 10 times where it stands; every third number comes with a write of its own."""
    heap = SpilledMultiset(BytesIO())
    for at, number in enumerate(numbers):
        heap.add(np.array([number], np.int64), np.array([10 * at], np.int64))
        if at % 3 == 2:
            heap.flush()
    if flushed:
        heap.flush()
    return heap


def _leftovers(ours: list[int], theirs: list[int]) -> tuple[list[int], list[int]]:
    mine, other = unmatched(_heap(ours), _heap(theirs))
    return mine.tolist(), other.tolist()


@settings(max_examples=40)
@given(FEW, FEW)
def test_what_is_more_often_on_one_side_is_left_over(ours: list[int], theirs: list[int]) -> None:
    mine, other = _leftovers(ours, theirs)

    assert Counter(ours[place // 10] for place in mine) == Counter(ours) - Counter(theirs)
    assert Counter(theirs[place // 10] for place in other) == Counter(theirs) - Counter(ours)
    assert mine == sorted(set(mine))
    assert other == sorted(set(other))


def test_equal_heaps_leave_nothing_in_any_order() -> None:
    assert _leftovers([7, 5, 5, -3], [5, -3, 7, 5]) == ([], [])


def test_numbers_are_spread_over_every_partition() -> None:
    heap = _heap(SPREAD)

    assert [len(heap.partition(part)[0]) for part in range(PARTITIONS)] == [1] * PARTITIONS
    assert _leftovers([], SPREAD)[1] == [10 * at for at in range(PARTITIONS)]


def test_a_partition_is_in_the_order_of_its_numbers() -> None:
    numbers, places = _heap([3, 1, 2, 1]).partition(0)

    assert (numbers.tolist(), places.tolist()) == ([1, 1, 2, 3], [10, 30, 20, 0])


@pytest.mark.parametrize(("size", "written"), [(2**16 - 1, False), (2**16, True)])
def test_what_is_many_is_written_down_at_once(size: int, written: bool) -> None:
    heap = SpilledMultiset(BytesIO())
    heap.add(np.zeros(size, np.int64), np.arange(size, dtype=np.int64))

    assert heap.count == size
    assert (len(heap.partition(0)[0]) == size) is written


def test_flushed_rows_are_not_written_again() -> None:
    heap = _heap([1, 2])
    heap.flush()

    assert heap.partition(0)[0].tolist() == [1, 2]
    assert heap.count == 2
