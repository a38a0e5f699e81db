"""Lists of keys and of values: what one has and the other has not, what was cut, and what stands out of order."""

from collections.abc import Sequence
from typing import Any

import pytest

from reports.comparison.list_diff import SHOWN, compared, out_of_order, same_sequence
from reports.comparison.record_diff import RawDifference
from reports.records.records import DifferenceKind


def _shown(differences: Sequence[RawDifference]) -> list[tuple[str, str, Any, Any]]:
    return [
        (str(difference.kind), difference.path, difference.expected, difference.actual) for difference in differences
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        ("abc", "cab", []),
        ("abc", "a", [("missing", "rows.b", "b", None), ("missing", "rows.c", "c", None)]),
        ("ab", "yabx", [("ghost", "rows.x", None, "x"), ("ghost", "rows.y", None, "y")]),
        ("ab", "abb", [("duplicate", "rows.b", None, "b")]),
        ("abb", "ab", [("missing", "rows.b", "b", None)]),
        (
            "ab",
            "bbx",
            [("missing", "rows.a", "a", None), ("ghost", "rows.x", None, "x"), ("duplicate", "rows.b", None, "b")],
        ),
    ],
    ids=["another-order", "missing", "ghosts", "twice", "once", "all"],
)
def test_missing_and_surplus_items_of_a_list_are_reported(expected: str, actual: str, differences: list[Any]) -> None:
    assert _shown(compared(expected, actual)) == differences


@pytest.mark.parametrize(
    ("actual", "cut_at", "kinds"),
    [
        ("ab", (2,), ["truncated"]),
        ("ab", (3,), ["missing", "missing"]),
        ("ax", (2,), ["missing", "missing", "missing", "ghost"]),
        ("abcd", (4,), []),
        ("abcdx", (5,), ["ghost"]),
    ],
    ids=["cut", "at-another-length", "wrong-so-far", "whole", "whole-and-more"],
)
def test_a_list_that_is_right_up_to_a_known_length_was_cut(actual: str, cut_at: tuple[int], kinds: list[str]) -> None:
    assert [str(difference.kind) for difference in compared("abcd", actual, cut_at=cut_at)] == kinds


def test_a_cut_list_gives_both_lengths() -> None:
    assert _shown(compared("abcd", "ab", cut_at=(2,), name="page")) == [("truncated", "page.2-of-4", 4, 2)]


def test_many_differences_are_shown_by_the_first_items() -> None:
    many = [f"{number:03}" for number in reversed(range(2 * SHOWN))]

    differences = compared(many, [])

    assert [difference.expected for difference in differences] == sorted(many)[:25]


def test_items_that_are_no_keys_stand_in_no_path() -> None:
    differences = compared(["Jane", "John"], ["June"], name="names", shown=False)

    assert [difference.path for difference in differences] == ["names.0", "names.1", "names.0"]


@pytest.mark.parametrize(
    ("actual", "differences"),
    [
        ("abcd", []),
        ("acbd", [("order", "order.2", "c", "b")]),
        ("a?d?c", [("order", "order.4", "d", "c")]),
        ("eab", []),
        ("ab", []),
        ("", []),
    ],
    ids=["in-order", "back", "past-strangers", "after-a-tie", "part", "empty"],
)
def test_the_first_step_back_is_reported(actual: str, differences: list[Any]) -> None:
    assert _shown(out_of_order(actual, {"e": 0, "a": 0, "b": 1, "c": 2, "d": 3})) == differences


@pytest.mark.parametrize(
    ("actual", "differences"),
    [
        ("abc", []),
        ("acb", [("order", "names.1", "b", "c")]),
        ("cba", [("order", "names.0", "a", "c")]),
        ("ab", [("missing", "names.0", "c", None)]),
    ],
    ids=["same", "end-swapped", "reversed", "short"],
)
def test_lists_whose_order_counts_part_at_the_first_place_that_differs(actual: str, differences: list[Any]) -> None:
    assert _shown(same_sequence("abc", actual, name="names")) == differences


@pytest.mark.parametrize(
    ("expected", "actual", "kinds"),
    [
        ("abc", "cab", []),
        ("abc", "ab", ["missing"]),
        ("abc", "abcd", ["ghost"]),
        ("abc", "abcc", ["duplicate"]),
        ("abc", "abdd", ["missing", "ghost", "ghost"]),
        ("aab", "ab", ["missing"]),
        ("abcdef", "abcd", ["truncated"]),
        ("abcdef", "abcx", ["missing", "missing", "missing", "ghost"]),
        ("", "", []),
        ("ab", "", ["missing", "missing"]),
    ],
)
def test_lists_are_compared_as_multisets(expected: str, actual: str, kinds: list[str]) -> None:
    differences = compared(list(expected), list(actual), cut_at=(4,))

    assert sorted(str(difference.kind) for difference in differences) == sorted(kinds)


def test_ten_thousand_missing_rows_are_shown_by_a_few() -> None:
    differences = compared([f"u{number}" for number in range(10_000)], [])

    assert len(differences) == SHOWN


def test_values_stay_out_of_paths() -> None:
    differences = compared(["Jane"], ["Omar"], name="values", shown=False)

    assert [difference.path for difference in differences] == ["values.0", "values.0"]


@pytest.mark.parametrize(
    ("actual", "places"), [("abcd", []), ("bacd", []), ("acbd", ["order.2"]), ("xdyc", ["order.3"])]
)
def test_ties_are_free_and_going_back_is_not(actual: str, places: list[str]) -> None:
    assert [difference.path for difference in out_of_order(actual, {"a": 1, "b": 1, "c": 2, "d": 3})] == places


def test_a_sequence_counts_position_by_position() -> None:
    assert same_sequence("abc", "abc", name="values") == ()
    assert [difference.kind for difference in same_sequence("abc", "acb", name="values")] == [DifferenceKind.ORDER]
    assert [difference.kind for difference in same_sequence("abc", "ab", name="values")] == [DifferenceKind.MISSING]
