"""Two tables as streams: whatever single damage is done to one of them is found, and named for what it is."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.comparison.csv_cells import CsvColumn
from reports.comparison.shown_forms import means_same
from reports.comparison.table_diff import RowResult, TableComparison, TableDefects, TableRow, partition_of, rows_of_file
from reports.records.records import DifferenceKind

COLUMNS = ("uuid", "name", "city", "note")
HEADER = [CsvColumn(name=name, source=f"contacts.{name}") for name in COLUMNS]
CELLS = st.none() | st.text('ab,\n"é😀', min_size=1, max_size=4)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12).map(
    lambda rows: [TableRow(key=f"k{number}", cells=(f"k{number}", *cells)) for number, cells in enumerate(rows)]
)


def _compared(expected: list[TableRow], actual: list[TableRow]) -> tuple[list[RowResult], TableComparison]:
    comparison = TableComparison(HEADER)
    return list(comparison.results(iter(expected), iter(actual))), comparison


def _named(
    expected: list[TableRow], actual: list[TableRow]
) -> tuple[dict[str, list[tuple[str, DifferenceKind]]], set[str]]:
    """(differences by key, kinds of damage)."""
    results, comparison = _compared(expected, actual)
    differences: dict[str, list[tuple[str, DifferenceKind]]] = {}
    for result in results:
        differences.setdefault(result.key, []).extend(
            (difference.path, difference.kind) for difference in result.differences
        )
    return {key: group for key, group in differences.items() if group}, {damage.kind for damage in comparison.damages()}


def _with(row: TableRow, at: int, value: str | None) -> TableRow:
    return replace(row, cells=(*row.cells[:at], value, *row.cells[at + 1 :]))


@given(TABLES)
def test_equal_tables_have_no_difference(table: list[TableRow]) -> None:
    results, comparison = _compared(table, list(table))

    assert [result.key for result in results] == [row.key for row in table]
    assert comparison.damages() == ()
    assert all(not result.differences for result in results)


@given(TABLES, st.data())
def test_a_row_that_is_gone_is_missing(table: list[TableRow], data: st.DataObject) -> None:
    dropped = data.draw(st.integers(0, len(table) - 1))

    differences, damage = _named(table, table[:dropped] + table[dropped + 1 :])

    assert differences == {f"k{dropped}": [("", DifferenceKind.MISSING)]}
    kind = "header-only" if len(table) == 1 else ("truncated" if dropped == len(table) - 1 else "missing")
    assert damage == {kind}


@given(TABLES, st.data())
def test_a_table_cut_short_is_truncated(table: list[TableRow], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(table) - 1))

    differences, damage = _named(table, table[:kept])

    assert set(differences) == {row.key for row in table[kept:]}
    assert damage == ({"truncated"} if kept else {"header-only"})


@given(TABLES, st.data())
def test_a_row_that_is_there_twice_is_doubled(table: list[TableRow], data: st.DataObject) -> None:
    twice, where = (data.draw(st.integers(0, len(table) - 1)) for _ in range(2))

    differences, damage = _named(table, [*table[:where], table[twice], *table[where:]])

    assert differences == {f"k{twice}": [("", DifferenceKind.DUPLICATE)]}
    assert "doubled" in damage <= {"doubled", "disorder"}


@given(TABLES, st.data())
def test_a_stranger_is_a_ghost(table: list[TableRow], data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(table)))
    unexpected_row = TableRow(key="x", cells=("x", None, None, None))

    differences, damage = _named(table, [*table[:where], unexpected_row, *table[where:]])

    assert differences == {"x": [("", DifferenceKind.GHOST)]}
    assert damage == {"ghost"}


@given(TABLES, st.data())
def test_rows_in_another_order_are_equal_but_out_of_order(table: list[TableRow], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(table))
    assume(shuffled != table)

    differences, damage = _named(table, shuffled)

    assert (differences, damage) == ({}, {"disorder"})


@given(TABLES, st.data())
def test_a_changed_cell_is_named_by_key_column_and_kind(table: list[TableRow], data: st.DataObject) -> None:
    row, at, value = (
        data.draw(search_strategy) for search_strategy in (st.integers(0, len(table) - 1), st.integers(1, 3), CELLS)
    )
    before = table[row].cells[at]
    assume(value != before)

    differences, damage = _named(table, [*table[:row], _with(table[row], at, value), *table[row + 1 :]])

    kind = DifferenceKind.GHOST if before is None else DifferenceKind.VALUE
    kind = DifferenceKind.FORM if means_same(before, value, ()) else kind
    assert differences == {f"k{row}": [(COLUMNS[at], DifferenceKind.MISSING if value is None else kind)]}
    assert damage == {"value"} or damage == {"blank-column"}


@given(TABLES, st.integers(1, 3))
def test_a_blank_column_is_named(table: list[TableRow], at: int) -> None:
    filled = [row for row in table if row.cells[at] is not None]
    assume(filled)

    differences, _ = _named(table, [_with(row, at, None) for row in table])
    damages = _compared(table, [_with(row, at, None) for row in table])[1].damages()

    assert set(differences) == {row.key for row in filled}
    assert TableDefects(kind="blank-column", count=len(filled), column=COLUMNS[at]) in damages


@pytest.mark.parametrize("step", [1, -1], ids=["down", "up"])
@given(st.integers(3, 20))
def test_a_column_that_stands_a_row_off_is_shifted(step: int, size: int) -> None:
    table = [TableRow(key=f"k{n}", cells=(f"k{n}", f"name {n}", "x", None)) for n in range(size)]
    moved = [_with(row, 1, table[(n - step) % size].cells[1]) for n, row in enumerate(table)]

    _, comparison = _compared(table, moved)

    assert comparison.damages() == (TableDefects(kind="shifted-column", count=size, column="name"),)


def test_cells_that_stand_a_column_off_are_shifted() -> None:
    table = [TableRow(key=f"k{n}", cells=(f"k{n}", f"a{n}", f"b{n}", f"c{n}")) for n in range(9)]
    moved = [replace(row, cells=(row.cells[0], None, *row.cells[1:3])) for row in table]

    _, comparison = _compared(table, moved)

    assert "shifted-cells" in {damage.kind for damage in comparison.damages()}


@given(TABLES, st.data())
def test_two_rows_that_changed_cells_are_both_named(table: list[TableRow], data: st.DataObject) -> None:
    assume(len(table) > 1)
    first, second = data.draw(st.permutations(range(len(table))))[:2]
    assume(table[first].cells[1] != table[second].cells[1])
    swapped = list(table)
    swapped[first] = _with(table[first], 1, table[second].cells[1])
    swapped[second] = _with(table[second], 1, table[first].cells[1])

    differences, _ = _named(table, swapped)

    assert set(differences) == {f"k{first}", f"k{second}"}


@given(TABLES, st.integers(2, 4))
def test_a_record_that_is_ordered_twice_has_to_be_there_twice(table: list[TableRow], times: int) -> None:
    rows = [row for row in table for _ in range(times)]

    assert _named(rows, rows) == ({}, set())
    differences, _ = _named(rows, rows[1:])
    assert differences == {"k0": [("", DifferenceKind.MISSING)]}


def test_rows_in_step_are_not_held() -> None:
    comparison, waiting = TableComparison(HEADER), []

    def rows() -> Iterator[TableRow]:
        for number in range(1000):
            waiting.append(len(comparison._waiting) + len(comparison._early))
            yield TableRow(key=str(number), cells=(str(number), None, None, None))

    results = comparison.results(rows(), (TableRow(key=str(n), cells=(str(n), None, None, None)) for n in range(1000)))

    assert sum(1 for _ in results) == 1000
    assert max(waiting) == 0


@given(st.text(), st.integers(1, 64))
def test_both_sides_of_a_key_fall_into_one_partition(key: str, count: int) -> None:
    assert partition_of(key, count) == partition_of(key, count)
    assert 0 <= partition_of(key, count) < count


SIX = [TableRow(key=f"k{n}", cells=(f"k{n}", f"a{n}", f"b{n}", f"c{n}")) for n in range(6)]


def _column(at: int, *values: str | None) -> list[TableRow]:
    """The six rows with other values in a column; a dot leaves the value as it is."""
    return [row if value == "." else _with(row, at, value) for row, value in zip(SIX, values, strict=True)]


def _sideways(rows: int, cells: int) -> list[TableRow]:
    """So many first rows, in which so many cells hold what belongs one column to the left."""
    return [
        replace(row, cells=(row.cells[0], *row.cells[:cells], *row.cells[cells + 1 :])) if n < rows else row
        for n, row in enumerate(SIX)
    ]


GHOST = TableRow(key="x", cells=("x", None, None, None))


@pytest.mark.parametrize(
    ("actual", "damages"),
    [
        ([], [("header-only", 6, "")]),
        (SIX[:4], [("truncated", 2, "")]),
        ([*SIX[:1], *SIX[3:]], [("missing", 2, "")]),
        ([*SIX[:4], GHOST], [("missing", 2, ""), ("ghost", 1, "")]),
        ([*SIX[:2], SIX[3]], [("missing", 3, "")]),
        ([*SIX, GHOST, GHOST], [("ghost", 2, "")]),
        ([*SIX, SIX[5], SIX[5]], [("doubled", 2, "")]),
        ([SIX[1], SIX[0], *SIX[2:]], [("disorder", 1, "")]),
        (SIX[::-1], [("disorder", 3, "")]),
        (_column(1, *[None] * 6), [("blank-column", 6, "name")]),
        (_column(1, ".", *[None] * 5), [("value", 5, "name")]),
        (_column(1, ".", "a0", ".", "a2", "?", "?"), [("value", 4, "name")]),
        (_column(1, ".", "a0", "?", "a2", "?", "a4"), [("shifted-column", 5, "name")]),
        (_column(1, "a1", ".", "a3", ".", "a5", "."), [("value", 3, "name")]),
        (_column(1, ".", "a0", ".", ".", ".", "."), [("value", 1, "name")]),
        (_column(2, "a0", "a1", "a2", "a3", "a4", "a5"), [("value", 6, "city")]),
        (_column(3, "?", "?", ".", ".", ".", "."), [("value", 2, "note")]),
        (_sideways(4, 2), [("shifted-cells", 4, ""), ("value", 4, "name"), ("value", 4, "city")]),
        ([_with(_with(row, 1, "?"), 2, "!") for row in SIX], [("value", 6, "name"), ("value", 6, "city")]),
        ([_with(SIX[0], 3, "?"), _with(SIX[1], 1, "?"), *SIX[2:]], [("value", 1, "name"), ("value", 1, "note")]),
        (_sideways(4, 3), [("shifted-cells", 4, ""), ("value", 4, "name"), ("value", 4, "city"), ("value", 4, "note")]),
    ],
    ids=[
        "header-only",
        "tail",
        "middle",
        "tail-for-a-ghost",
        "tail-and-before",
        "ghosts",
        "thrice",
        "neighbours",
        "reversed",
        "blank",
        "nearly-blank",
        "half-shifted",
        "mostly-shifted",
        "every-other",
        "one-shifted",
        "one-column-off",
        "values",
        "two-sideways",
        "two-values",
        "by-column",
        "sideways",
    ],
)
def test_damage_is_named_and_counted(actual: list[TableRow], damages: list[tuple[str, int, str]]) -> None:
    _, comparison = _compared(SIX, actual)

    assert [(damage.kind, damage.count, damage.column) for damage in comparison.damages()] == damages


def test_nothing_below_nothing_is_no_shift() -> None:
    names = ["a0", None, "a2", None, "a4", None]
    table = _column(1, *names)

    _, comparison = _compared(table, [_with(row, 1, "a0" if n == 0 else None) for n, row in enumerate(table)])

    assert comparison.damages() == (TableDefects(kind="value", count=2, column="name"),)


@pytest.mark.parametrize(("have", "count"), [(("k", "x", "1", "2", "y"), 0), (("k", "x", "1", "2", "3"), 1)])
def test_half_of_a_rows_wrong_cells_are_not_most_of_them(have: tuple[str, ...], count: int) -> None:
    comparison = TableComparison(
        [CsvColumn(name=name, source=f"contacts.{name}") for name in ("uuid", "a", "b", "c", "d")]
    )
    list(comparison.results([TableRow(key="k", cells=("k", "1", "2", "3", "4"))], [TableRow(key="k", cells=have)]))

    assert [damage.count for damage in comparison.damages() if damage.kind == "shifted-cells"] == [1] * count


def test_a_record_that_is_ordered_twice_may_come_late() -> None:
    assert _named([SIX[0], SIX[0], SIX[1]], [SIX[1], SIX[0], SIX[0]])[0] == {}
    assert _named([SIX[1], SIX[0], SIX[0]], [SIX[0], SIX[0], SIX[1]])[0] == {}


def test_a_row_without_a_counterpart_is_reported_with_its_side() -> None:
    (missing, ghost), _ = _compared(SIX[:1], [GHOST])

    assert [(difference.expected, difference.actual) for difference in missing.differences] == [("k0", None)]
    assert [(difference.expected, difference.actual) for difference in ghost.differences] == [(None, "x")]


def test_a_row_without_a_key_goes_by_its_number() -> None:
    columns = [CsvColumn(name="name", source="t.name"), CsvColumn(name="uuid", source="t.uuid")]

    rows = list(rows_of_file([("Jane", "k1"), ("June", ""), ("", "k3")], columns, "uuid"))

    assert rows == [
        TableRow(key="k1", cells=("Jane", "k1")),
        TableRow(key="row 2", cells=("June", None)),
        TableRow(key="k3", cells=(None, "k3")),
    ]


def test_both_sides_and_those_that_met_are_counted() -> None:
    _, comparison = _compared([*SIX, SIX[0]], [SIX[0], GHOST, *SIX[3:]])

    assert (comparison.expected, comparison.actual, comparison.met) == (7, 5, 4)
    assert (comparison.missing, comparison.ghosts, comparison.doubled) == (3, 1, 0)


@pytest.mark.parametrize(
    ("have", "kind"),
    [
        ("2024-01-01 00:00:00", DifferenceKind.FORM),
        ("2024-01-01", DifferenceKind.FORM),
        ("2024-01-01 00:00:01", DifferenceKind.VALUE),
        ("2024-01-02T00:00:00.000000", DifferenceKind.VALUE),
        (None, DifferenceKind.MISSING),
    ],
)
def test_a_time_in_another_form_is_a_difference_of_form(have: str | None, kind: DifferenceKind) -> None:
    columns = [HEADER[0], CsvColumn(name="created_at", source="contacts.created_at", rules=("time",))]
    want = TableRow(key="k", cells=("k", "2024-01-01T00:00:00.000000"))

    (result,) = TableComparison(columns).results([want], [TableRow(key="k", cells=("k", have))])

    assert [difference.kind for difference in result.differences] == [kind]
