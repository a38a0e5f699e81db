"""Files as they should not be: read to their end all the same, each oddity reported."""

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.comparison.csv_reader import TROUBLES, CsvFile, FileDefect

COLUMNS = ("uuid", "name", "note")
HEAD = b"uuid,name,note\n"
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.text('",\r\n ', max_size=4)


def _read(data: bytes, size: int = 7) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """(rows, troubles with their count); the file comes in chunks of `size` bytes."""
    sheet = CsvFile((data[at : at + size] for at in range(0, len(data), size)), COLUMNS)
    rows = list(sheet.rows())
    assert {trouble.kind for trouble in sheet.troubles} <= set(TROUBLES)
    return rows, {trouble.kind: trouble.count for trouble in sheet.troubles}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@given(rows=st.lists(st.tuples(st.text("abc-", min_size=1), TEXT, TEXT), max_size=6), size=st.integers(1, 40))
def test_files_of_the_csv_module_are_read_back(line_end: str, rows: list[tuple[str, ...]], size: int) -> None:
    assume(line_end == "\r\n" or not any(row[-1].endswith("\r") for row in rows))  # csv leaves it bare: a line end
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=line_end).writerows([COLUMNS, *rows])

    assert _read(file.getvalue().encode(), size) == (rows, {})


@pytest.mark.parametrize(
    ("data", "rows", "troubles"),
    [
        (b"", [], {"empty": 1}),
        (HEAD, [], {}),
        (HEAD + b"1,a,b\n\n", [("1", "a", "b")], {"empty-line": 1}),
        (b"\xef\xbb\xbf" + HEAD + b"1,a,b\n", [("1", "a", "b")], {"byte-order-mark": 1}),
        (HEAD + b"1,\xe9,b\n", [("1", "é", "b")], {"encoding": 1}),
        (HEAD + b"1,a\0,b\n", [("1", "a\0", "b")], {"nul": 1}),
        (HEAD + b"1,a\rb,c\n", [("1", "a\rb", "c")], {}),
        (HEAD + b'1,5" pipe,b\n2,c,d\n', [("1", '5" pipe', "b"), ("2", "c", "d")], {"lone-quote": 1}),
        (HEAD + b'1,"a"x,b\n', [("1", "ax", "b")], {"after-quote": 1}),
        (HEAD + b'1,"a\n2,b,c\n', [("1", "a\n2,b,c\n", "")], {"open-quote": 1, "ragged": 1}),
        (HEAD + b'1,a,"b', [("1", "a", "b")], {"open-quote": 1}),
        (HEAD + b"1,a,b\n2,c", [("1", "a", "b"), ("2", "c", "")], {"cut": 1}),
        (HEAD + b"1,a,b\n2,c,d", [("1", "a", "b"), ("2", "c", "d")], {}),
        (HEAD + b"1,a\n2,a,b,c\n", [("1", "a", ""), ("2", "a", "b")], {"ragged": 2}),
        (HEAD + b"1,a,b\r\n2,c,d\n", [("1", "a", "b"), ("2", "c", "d")], {"line-ends": 1}),
        (b"uuid,name,note\r\n1,a,b\n", [("1", "a", "b")], {"line-ends": 1}),
        (b"uuid,note,name\n1,b,a\n", [("1", "a", "b")], {"header-order": 1}),
        (b"uuid,name\n1,a\n", [("1", "a", "")], {"header-lacks": 1}),
        (b"uuid,name,note,more\n1,a,b,c\n", [("1", "a", "b")], {"header-extra": 1}),
        (b"uuid,name,note,name\n1,a,b,c\n", [("1", "a", "b")], {"header-twice": 1, "header-order": 1}),
        (b"1,a,b\n2,c,d\n", [("1", "a", "b"), ("2", "c", "d")], {"header-missing": 1}),
        (b"uuid;name;note\n1;a;b\n", [("", "", "")], {"separator": 1}),
        (b"uuid;name;note\n1;a,c;b\n", [("", "", "")], {"separator": 1, "ragged": 1}),
        (b"uuid\tname\tnote\n1\ta\tb\n", [("", "", "")], {"separator": 1}),
        (b"uuid|name|note\n", [], {"separator": 1}),
        (b"uuid ; name\n", [], {"separator": 1}),
        (b"uuid~name\n", [], {"separator": 1}),
        (b'"uuid";"name";"note"\n', [], {"separator": 1, "after-quote": 1}),
        (b"uuid;other\n", [("uuid;other", "", "")], {"header-missing": 1, "ragged": 1}),
        (
            b"<html>no uuid and name</html>\n",
            [("<html>no uuid and name</html>", "", "")],
            {"header-missing": 1, "ragged": 1},
        ),
        (HEAD + b"1,=1+1,@x\n", [("1", "=1+1", "@x")], {}),
        (HEAD + b'1,"a\r\nb","c ""d"""\n', [("1", "a\r\nb", 'c "d"')], {}),
    ],
    ids=lambda value: value.decode("latin-1") if isinstance(value, bytes) else "",
)
def test_an_odd_file_is_read_and_its_oddity_reported(
    data: bytes, rows: list[tuple[str, ...]], troubles: dict[str, int]
) -> None:
    assert _read(data) == (rows, troubles)


@pytest.mark.parametrize(
    ("data", "kind", "count", "row", "detail"),
    [
        (HEAD + b"1,a,b\n2,a\n3,a,b\n4,a\n", "ragged", 2, 2, ""),
        (b"1,a,b\n", "header-missing", 1, 0, ""),
        (b"uuid\n1\n", "header-lacks", 1, 0, "name, note"),
        (b"uuid,name,note,jane,june\n", "header-extra", 1, 0, "2 of them"),
        (b"uuid,name,note,name\n", "header-twice", 1, 0, "name"),
        (HEAD + b"1,a,b\n\n2,c\0,d\n", "nul", 1, 1, ""),
    ],
)
def test_an_oddity_is_reported_with_its_first_row(data: bytes, kind: str, count: int, row: int, detail: str) -> None:
    sheet = CsvFile([data], COLUMNS)
    list(sheet.rows())

    assert FileDefect(kind=kind, count=count, row=row, detail=detail) in sheet.troubles


def test_a_row_of_data_in_the_header_is_not_quoted() -> None:
    """Lone carriage returns end no row: all of the file is its header then, and what is there twice is people's."""
    sheet = CsvFile([b"uuid,name,note\r1,Jane,Oslo\r2,Jane,Oslo\r"], COLUMNS)
    list(sheet.rows())

    assert {trouble.kind for trouble in sheet.troubles} >= {"header-extra", "header-lacks"}
    assert "Jane" not in " ".join(trouble.detail for trouble in sheet.troubles)


def test_a_header_that_lacks_many_columns_names_five() -> None:
    sheet = CsvFile([b"uuid\n"], ("uuid", "a", "b", "c", "d", "e", "f"))
    list(sheet.rows())

    assert sheet.troubles[0].detail == "a, b, c, d, e"


@pytest.mark.parametrize(
    ("data", "names", "unfinished"),
    [
        (HEAD + b"1,a,b\n", COLUMNS, False),
        (HEAD + b"1,a,b", COLUMNS, True),
        (b"note,uuid\n", ("note", "uuid"), False),
        (b"1,a,b\n", (), False),
        (b"", (), False),
    ],
)
def test_a_sheet_has_its_header_and_whether_it_ends(data: bytes, names: tuple[str, ...], unfinished: bool) -> None:
    sheet = CsvFile([data], COLUMNS)
    assert sheet.names == ()

    list(sheet.rows())

    assert (sheet.names, sheet.unfinished) == (names, unfinished)


def test_a_single_empty_column_may_have_empty_lines() -> None:
    assert list(CsvFile([b"uuid\n\n1\n"], ("uuid",)).rows()) == [("",), ("1",)]


@pytest.mark.parametrize(("size", "rows"), [(50, 1), (51, 3)], ids=["at-the-limit", "beyond"])
def test_an_open_cell_is_a_slip_when_it_is_longer_than_any_cell(
    monkeypatch: pytest.MonkeyPatch, size: int, rows: int
) -> None:
    monkeypatch.setattr("reports.comparison.csv_reader.MAX_CELL", 50)
    opened = b'1,"' + b"x" * (size - 3)

    read_rows, troubles = _read(HEAD + opened + b"\n2,c,d\n3,e,f\n" if rows > 1 else HEAD + opened + b'\n",b\n')

    assert len(read_rows) == rows
    assert ("open-quote" in troubles) is (rows > 1)


@pytest.mark.parametrize(("size", "rows"), [(60, 1), (61, 2)], ids=["at-the-limit", "beyond"])
def test_a_line_that_is_too_long_is_taken_in_pieces(monkeypatch: pytest.MonkeyPatch, size: int, rows: int) -> None:
    monkeypatch.setattr("reports.comparison.csv_reader.MAX_LINE", 60)

    read_rows = list(CsvFile([HEAD, b"1,a," + b"x" * (size - 4), b"yz\n"], COLUMNS).rows())

    assert len(read_rows) == rows
    assert read_rows[0][2].startswith("x" * (size - 4))


def test_a_utf_16_file_is_no_table_of_ours() -> None:
    _, troubles = _read("uuid,name,note\n1,a,b\n".encode("utf-16"))

    assert {"encoding", "nul", "header-missing"} <= set(troubles)


def test_a_cell_of_a_million_characters_is_a_cell() -> None:
    rows, troubles = _read(HEAD + b'1,"' + b"x" * 10**6 + b'",b\n', size=65_536)

    assert (len(rows[0][1]), troubles) == (10**6, {})


def test_a_quote_that_never_closes_does_not_swallow_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.comparison.csv_reader.MAX_CELL", 50)

    rows, troubles = _read(HEAD + b'1,"a,b\n' + b"".join(b"%d,c,d\n" % number for number in range(100)))

    assert troubles["open-quote"] == 1
    assert rows[-1] == ("99", "c", "d")


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_are_too_strange(data: bytes, size: int) -> None:
    rows, _ = _read(data, size)

    assert all(len(row) == len(COLUMNS) for row in rows)


@given(
    rows=st.lists(st.tuples(st.just("k"), TEXT, st.text("ab,\n", min_size=1, max_size=4)), min_size=1, max_size=6),
    data=st.data(),
)
def test_a_file_cut_anywhere_is_not_the_whole_file(rows: list[tuple[str, ...]], data: st.DataObject) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    text = file.getvalue().rstrip("\n").encode()
    cut = data.draw(st.integers(0, len(text) - 1))

    read, troubles = _read(text[:cut])

    assert read != _read(text)[0] or troubles


@pytest.mark.parametrize(
    ("data", "line_end"), [(b"uuid,name,note\n1,a,b\n", "lf"), (b"uuid,name,note\r\n1,a,b\r\n", "crlf"), (b"", "")]
)
def test_the_end_of_the_first_row_is_known(data: bytes, line_end: str) -> None:
    sheet = CsvFile([data], COLUMNS)

    list(sheet.rows())

    assert sheet.line_end == line_end


@pytest.mark.parametrize(
    ("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"), ("~", "another character")]
)
def test_the_mark_that_separates_cells_is_named(mark: str, name: str) -> None:
    sheet = CsvFile([f"{mark.join(COLUMNS)}\n".encode()], COLUMNS)

    assert list(sheet.rows()) == []
    assert sheet.troubles == (FileDefect(kind="separator", count=1, row=0, detail=name),)
