"""Cells of an export, brought to one form: the same rules for a value of the database and for a text of the file.

A CSV knows only texts, so every cell compares as a text or as nothing (None): null and the empty text are one. Beyond
that only the rules that a column declares bridge anything. `number`, `items` and `time` bring either side to one form;
`none`, `placeholder` and `zero` say which text may stand for a stored value, and never the other way round: `_` or 0
where nothing is stored is a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from reports.comparison.canonical import canonical
from reports.comparison.shown_forms import is_rfc_3339

Cell = str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvColumn:
    """One column of an export: its name in the header, the "table.column" it comes from, and the rules of its cells."""

    name: str
    source: str
    rules: tuple[str, ...] = ()


def cell(value: Any, rules: Sequence[str]) -> Cell:
    """A value of the database, or a text of the file, in the form both compare in; None: nothing."""
    for rule in rules:
        value = FORMS[rule](value) if rule in FORMS else value
    return None if value is None or value == "" else str(value)


def expected_cells(tables: Mapping[str, Mapping[str, Any] | None], columns: Sequence[CsvColumn]) -> tuple[Cell, ...]:
    """What the file should hold for a record, given its database rows by table (None: no such row)."""
    return tuple(cell(_from_table(tables, column.source), column.rules) for column in columns)


def actual_cells(texts: Sequence[str], columns: Sequence[CsvColumn]) -> tuple[Cell, ...]:
    """What a row of the file holds; `texts` are in the order of `columns`, and cells that are not there are nothing."""
    padded = (*texts, *("" for _ in range(len(columns) - len(texts))))
    return tuple(cell(text, column.rules) for text, column in zip(padded, columns, strict=False))


def _from_table(tables: Mapping[str, Mapping[str, Any] | None], source: str) -> Any:
    table, _, name = source.partition(".")
    row = tables.get(table)
    return row[name] if row is not None else None


def _number(value: Any) -> Any:
    """A number in plain digits, whatever it was written as: 5, 5.0, 5.00 and 5e0 are one."""
    try:
        number = Decimal(str(value)) if isinstance(value, str | float | Decimal) and value != "" else None
    except InvalidOperation:
        return value
    if number is None or not number.is_finite():
        return value
    return format(number.normalize(), "f") if number else "0"


def may_show(shown: Cell, stored: Cell, rules: Sequence[str]) -> bool:
    """Whether a cell of the file may stand for another one of the database, by the column's rules."""
    return (shown, stored) in {LEFT_OUT[rule] for rule in rules if rule in LEFT_OUT}


LEFT_OUT: Mapping[str, tuple[Cell, Cell]] = {  # rule -> (what the file may show, for which stored value)
    "none": ("None", None),
    "placeholder": (None, "_"),
    "zero": (None, "0"),
}


def _items(value: Any) -> Any:
    """The items of a list joined with commas, blanks around them and empty ones left out.

    A list of the database is joined first and split like the file's: an item that holds a comma looks like two on
    both sides.
    """
    if isinstance(value, list | tuple):
        value = ",".join(str(item) for item in value if item)
    if not isinstance(value, str):
        return value
    return ",".join(filter(None, (item.strip() for item in value.split(","))))


def _time(value: Any) -> Any:
    """Microseconds in UTC; naive means UTC; a text of another form than RFC 3339 stays as it is."""
    return value if isinstance(value, str) and not is_rfc_3339(value) else canonical(value, ("time",))


FORMS: Mapping[str, Callable[[Any], Any]] = {"number": _number, "items": _items, "time": _time}
RULES = frozenset((*FORMS, *LEFT_OUT))
