"""Differences as they are written down: lists item by item, tokens for values, and the direct path beside them."""

from dataclasses import replace

import pytest

from reports.comparison.record_diff import RawDifference, recorded_differences
from reports.records.records import DifferenceKind
from reports.records.redaction import Pseudonymizer

SHOWING = Pseudonymizer(b"k", show_values=True)


def _of_lists(expected: list[object], actual: list[object]) -> RawDifference:
    return RawDifference(path="keywords", kind=DifferenceKind.VALUE, expected=expected, actual=actual)


@pytest.mark.parametrize(
    ("expected", "actual", "items"),
    [
        (["a", "b", "c"], ["a", "x", "c"], ["keywords[1]: PostgreSQL 'b', service 'x' (value)"]),
        (["a", "b", "c"], ["a", "c"], ["keywords[1]: PostgreSQL 'b', service no item (value)"]),
        (["a", "c"], ["a", "b", "c"], ["keywords[1]: PostgreSQL no item, service 'b' (value)"]),
        ([1, None], [1, ""], ["keywords[1]: PostgreSQL null, service '' (value)"]),
        (["a"], [], ["keywords: PostgreSQL ['a'], service [] (value)"]),
    ],
)
def test_a_list_is_compared_item_by_item(expected: list[object], actual: list[object], items: list[str]) -> None:
    differences = recorded_differences([_of_lists(expected, actual)], SHOWING)

    assert [str(difference) for difference in differences] == items


def test_of_many_items_the_first_ten_are_shown_and_the_whole_after_them() -> None:
    differences = recorded_differences([_of_lists([str(n) for n in range(40)], ["x"] * 40)], SHOWING)

    assert [difference.path for difference in differences] == [*(f"keywords[{n}]" for n in range(10)), "keywords"]


def test_items_are_tokens_unless_values_are_shown() -> None:
    (difference,) = recorded_differences([_of_lists(["a", "secret"], ["a", "other"])], Pseudonymizer(b"k"))

    assert "secret" not in str(difference)
    assert difference.expected.startswith("<str:")


def test_the_baseline_is_shown_beside_and_agrees_with_postgresql_where_it_does_not_differ() -> None:
    stale = RawDifference(path="title", kind=DifferenceKind.VALUE, expected="CTO", actual="cto")
    other = RawDifference(path="city", kind=DifferenceKind.VALUE, expected="Bern", actual="bern")
    of_baseline = replace(other, actual="BERN")

    title, city = recorded_differences([stale, other], SHOWING, [of_baseline])
    (unasked,) = recorded_differences([stale], SHOWING)

    assert str(title) == "title: PostgreSQL 'CTO', service 'cto', baseline 'CTO' (value)"
    assert str(city) == "city: PostgreSQL 'Bern', service 'bern', baseline 'BERN' (value)"
    assert unasked.baseline is None


def _missing(path: str, item: str) -> RawDifference:
    return RawDifference(path=path, kind=DifferenceKind.MISSING, expected=item, actual=None)


@pytest.mark.parametrize(
    ("raw", "of_baseline", "beside"),
    [
        (_missing("values.0", "CTO"), _missing("values.0", "CEO"), "'CTO'"),  # the number only counts
        (_missing("values.0", "CTO"), _missing("values.1", "CTO"), "null"),
        (_missing("rows.8c7e", "8c7e"), _missing("rows.8c7e", "8c7e"), "null"),
        (
            RawDifference(path="count-3", kind=DifferenceKind.VALUE, expected=9, actual=6),
            RawDifference(path="count+1", kind=DifferenceKind.VALUE, expected=9, actual=10),
            "10",
        ),
        (_of_lists(["a", "b"], ["a", "x"]), _of_lists(["a", "b"], ["y", "b"]), "'b'"),
        (_of_lists(["a", "b"], ["a", "x"]), _of_lists(["a", "b"], ["a", "y"]), "'y'"),
    ],
)
def test_an_item_is_compared_with_the_same_item_of_the_baseline(
    raw: RawDifference, of_baseline: RawDifference, beside: str
) -> None:
    (difference,) = recorded_differences([raw], SHOWING, [of_baseline])

    assert difference.baseline == beside
