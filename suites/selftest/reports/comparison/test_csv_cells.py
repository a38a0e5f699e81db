"""Cells: the rules make a database value and its text in a file the same, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparison.csv_cells import FORMS, CsvColumn, actual_cells, cell, expected_cells, may_show


@pytest.mark.parametrize(
    ("rules", "stored", "shown"),
    [
        ((), None, ""),
        ((), "", ""),
        ((), " x ", " x "),
        ((), 12, "12"),
        (("none",), None, "None"),
        (("placeholder",), "_", ""),
        (("zero",), 0, ""),
        (("zero",), 12, "12"),
        (("zero",), 0, "0"),
        (("items",), ["sales", "hr"], "sales,hr"),
        (("items",), ["sales", "hr"], "sales, hr"),
        (("items",), ["sales", "", None], "sales"),
        (("items",), ["R, D", "hr"], "R, D,hr"),
        (("items",), [], ""),
        (("items",), ("sales", "hr"), "sales,hr"),
        (("items",), None, ""),
        (("items",), 12, "12"),
        (("time",), datetime(2024, 1, 1), "2024-01-01T00:00:00"),
        (("time",), datetime(2024, 1, 1), "2024-01-01T00:00:00+00:00"),
        (("time",), datetime(2024, 1, 1, 0, 0, 0, 120000), "2024-01-01T00:00:00.12Z"),
        (("time",), datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T02:00:00+02:00"),
        (("none", "placeholder"), "_", "_"),
    ],
    ids=str,
)
def test_a_value_and_its_text_are_the_same(rules: tuple[str, ...], stored: Any, shown: str) -> None:
    assert _is_the_same(rules, stored, shown)


@pytest.mark.parametrize(
    ("rules", "stored", "shown"),
    [
        ((), "a", "A"),
        ((), "a", "a "),
        ((), "1", "01"),
        ((), None, "None"),
        ((), None, "_"),
        ((), 0, ""),
        ((), 12, "12.0"),
        (("none",), "Acme", "None"),
        (("none",), "None", ""),
        (("none", "placeholder"), "_", "None"),
        (("placeholder",), "Oslo", "_"),
        (("placeholder",), None, "_"),
        (("zero",), 12, "0"),
        (("zero",), None, "0"),
        (("zero",), False, ""),
        (("items",), ["sales", "hr"], "hr,sales"),
        (("items",), ["sales", "hr"], "sales"),
        (("time",), datetime(2024, 1, 1), "2024-01-02T00:00:00"),
        (("time",), datetime(2024, 1, 1), "2024-01-01T00:00:00+02:00"),
        (("time",), datetime(2024, 1, 1), "yesterday"),
        (("time",), datetime(2024, 1, 1), "2024-01-01 00:00:00"),
        (("time",), datetime(2024, 1, 1), "2024-01-01"),
        (("time",), datetime(2024, 1, 1), "20240101T000000"),
        (("time",), datetime(2024, 1, 1), "2024-01-01T00"),
        (("time",), datetime(2024, 1, 1), "2024-01-01t00:00:00"),
        (("time",), datetime(2024, 1, 1), "1704067200"),
    ],
    ids=str,
)
def test_a_rule_excuses_no_more_than_it_names(rules: tuple[str, ...], stored: Any, shown: str) -> None:
    assert not _is_the_same(rules, stored, shown)


def _is_the_same(rules: tuple[str, ...], stored: Any, shown: str) -> bool:
    wanted, given_cell = cell(stored, rules), cell(shown, rules)
    return wanted == given_cell or may_show(given_cell, wanted, rules)


@given(st.text(), st.lists(st.sampled_from(sorted(FORMS))))
def test_a_text_in_canonical_form_stays_as_it_is(text: str, rules: list[str]) -> None:
    once = cell(text, rules)

    assert cell("" if once is None else once, rules) == once


COLUMNS = (CsvColumn(name="uuid", source="contacts.uuid"), CsvColumn(name="city", source="contacts_metadata.city"))


def test_a_row_that_is_not_joined_gives_nothing() -> None:
    assert expected_cells({"contacts": {"uuid": "a"}, "contacts_metadata": None}, COLUMNS) == ("a", None)


@pytest.mark.parametrize("texts", [("a", ""), ("a",), ("a", "", "more")])
def test_a_short_row_lacks_its_cells(texts: tuple[str, ...]) -> None:
    assert actual_cells(texts, COLUMNS) == ("a", None)
