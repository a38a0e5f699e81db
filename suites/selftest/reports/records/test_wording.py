"""Numbers and nouns as people read them: singular and plural, and one way to write a share."""

import pytest

from reports.records.wording import amount, counted, differ, duration, percent, plural


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "answer", "0 answers"),
        (1, "answer", "1 answer"),
        (1024, "answer", "1,024 answers"),
        (1, "mismatch", "1 mismatch"),
        (2, "mismatch", "2 mismatches"),
        (2, "query", "2 queries"),
        (2, "day", "2 days"),
    ],
)
def test_a_count_has_the_noun_that_goes_with_it(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_one_answer_differs_and_two_differ() -> None:
    assert (differ(1), differ(2)) == ("1 answer differs", "2 answers differ")
    assert plural(1, "holds", "hold") == "holds"


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0.0, "share", "0.00 %"),
        (0.81, "share", "81.0 %"),
        (0.9996, "share", "99.96 %"),
        (1.2, "ratio", "1.20x"),
        (1, "mismatches", "1 mismatch"),
        (12.0, "s", "12 s"),
        (0.0254, "s", "0.0254 s"),
        (1234.6, "rows", "1,235 rows"),
    ],
)
def test_a_number_is_written_with_the_digits_that_mean_something(number: float, unit: str, text: str) -> None:
    assert amount(number, unit) == text


def test_a_share_has_two_places_near_either_end() -> None:
    assert [percent(share) for share in (0, 0.004, 0.0994, 0.0996, 0.5)] == [
        "0.00 %",
        "0.40 %",
        "9.94 %",
        "10.0 %",
        "50.0 %",
    ]
    assert [percent(share) for share in (0.999, 0.9996, 1)] == ["99.90 %", "99.96 %", "100.00 %"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (720, "12 min"), (12000, "3 h 20 min"), (187200, "2 days 4 h")]
)
def test_a_length_of_time_is_shown_in_a_fitting_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text
