"""A whole export against the whole direct query: whatever the file looks like, there is a verdict, and it is right."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.export_parity import comparison, csv_dialect, report
from fixtures.export_parity.comparison import ExportComparison, FileMoved, ParityResult
from reports.comparison.csv_cells import expected_cells
from reports.comparison.csv_reader import CsvFile
from reports.comparison.table_diff import TableComparison, TableRow, rows_of_file
from reports.records.redaction import Pseudonymizer
from suites.selftest.stand_in import KIND, People, StandIn, person

HEAD = b"uuid,name,note,tags,size,at\n"
NAMES = [column.name for column in KIND.columns]
TOLD = tuple[str, str, str]
AS_IT_IS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
TEXT = st.none() | st.text('ab,\n"\ré😀_ ', min_size=0, max_size=5)
PEOPLE = st.lists(st.tuples(TEXT, TEXT, st.lists(st.text("xy,", max_size=3), max_size=3)), min_size=1, max_size=9).map(
    lambda each: {f"{number:08x}": person(f"{number:08x}", *values) for number, values in enumerate(each)}
)


def _run(
    people: People, data: bytes, folder: Path, keys: Sequence[str] | None = None
) -> tuple[Counter[TOLD], ParityResult]:
    """((key, column, kind) of every difference, the result) of a file with these bytes."""
    path = folder / "export.csv"
    path.write_bytes(data)
    told: Counter[TOLD] = Counter()
    result = ExportComparison(
        StandIn(people), KIND, lambda key, each: told.update([(key, each.path, each.kind.value)])
    ).run(path, keys)
    return told, result


def _written(people: People, **how: Any) -> bytes:
    """The people as a deployment would write them; the module csv writes an empty text and nothing alike."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, **{"lineterminator": "\n", **how})
    writer.writerows([NAMES, *([each or "" for each in _texts(tables)] for tables in people.values())])
    return out.getvalue().encode()


def _texts(tables: Mapping[str, Any]) -> list[str | None]:
    row = tables["contacts"]
    tags = ", ".join(tag for tag in row["tags"] or () if tag)
    return [row["uuid"], row["name"], row["note"], tags, row["size"] and str(row["size"]), row["at"].isoformat()]


def _simple(count: int = 3) -> People:
    return {f"{number:08x}": person(f"{number:08x}", f"name {number}", "x", []) for number in range(count)}


@pytest.mark.parametrize(
    "how",
    [{}, {"lineterminator": "\r\n"}, {"quoting": csv.QUOTE_ALL}, {"quoting": csv.QUOTE_ALL, "lineterminator": "\r\n"}],
    ids=["plain", "crlf", "all-quoted", "all-quoted-crlf"],
)
@AS_IT_IS
@given(people=PEOPLE)
def test_an_equal_export_is_equal_however_it_is_written(people: People, how: dict[str, Any], tmp_path: Path) -> None:
    told, result = _run(people, _written(people, **how), tmp_path)

    assert (told, result.troubles) == (Counter(), ())
    assert result.equal
    assert result.actual == result.expected == len(people)


@AS_IT_IS
@given(people=PEOPLE, data=st.data())
def test_it_names_what_the_comparison_of_phase_3_names(people: People, data: st.DataObject, tmp_path: Path) -> None:
    """Bytes first or not: the same file, the same differences."""
    rows = [NAMES, *([each or "" for each in _texts(one)] for one in people.values())]
    for _ in range(data.draw(st.integers(0, 4))):
        at, column = data.draw(st.integers(1, len(rows) - 1)), data.draw(st.integers(1, 5))
        rows[at][column] = data.draw(st.text('ab,\n"é', max_size=3))
    gone = data.draw(st.integers(0, len(rows) - 1))
    rows = data.draw(
        st.sampled_from([rows, rows[:gone] + rows[gone + 1 :] if gone else rows, [*rows, ["ffffffff", *rows[-1][1:]]]])
    )
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)

    told, _ = _run(people, out.getvalue().encode(), tmp_path)

    assert told == _by_phase_3(people, out.getvalue().encode())


def _by_phase_3(people: People, data: bytes) -> Counter[TOLD]:
    sheet = CsvFile([data], [column.name for column in KIND.columns])
    ours = (TableRow(key=key, cells=expected_cells(tables, KIND.columns)) for key, tables in people.items())
    results = TableComparison([column.name for column in KIND.columns]).results(
        ours, rows_of_file(sheet.rows(), KIND.columns, KIND.key)
    )
    return Counter((each.key, one.path, one.kind.value) for each in results for one in each.found)


ROWS = [b"%08x,name %d,x,,,2024-01-02T03:04:05\n" % (number, number) for number in range(3)]
SECOND = f"{1:08x}"


@pytest.mark.parametrize(
    ("data", "told", "troubles"),
    [
        (HEAD + b"".join(ROWS), set(), set()),
        (HEAD + b"".join(reversed(ROWS)), set(), set()),
        (HEAD + b"".join(ROWS).rstrip(b"\n"), set(), set()),
        (b"\xef\xbb\xbf" + HEAD + b"".join(ROWS), set(), {"byte-order-mark"}),
        ((HEAD + b"".join(ROWS)).replace(b"\n", b"\r\n"), set(), set()),
        (HEAD + ROWS[0] + ROWS[1].replace(b"\n", b"\r\n") + ROWS[2], set(), {"line-ends"}),
        (HEAD.replace(b"\n", b"\r\n") + b"".join(ROWS), set(), {"line-ends"}),
        (HEAD + ROWS[0] + ROWS[2], {(SECOND, "", "missing")}, set()),
        (HEAD + ROWS[0] + ROWS[1] * 2 + ROWS[2], {(SECOND, "", "duplicate")}, set()),
        (HEAD + b"".join(ROWS) + b"ffffffff,,,,,\n", {("ffffffff", "", "ghost")}, set()),
        (HEAD + ROWS[0] + ROWS[1].replace(b"name 1", b"name\x001") + ROWS[2], {(SECOND, "name", "value")}, {"nul"}),
        (
            HEAD + ROWS[0] + ROWS[1].replace(b"name 1", b"nam\xe9 1") + ROWS[2],
            {(SECOND, "name", "value")},
            {"encoding"},
        ),
        (HEAD + ROWS[0] + ROWS[1].replace(b"name 1", b'"name\n1"') + ROWS[2], {(SECOND, "name", "value")}, set()),
        (
            HEAD + ROWS[0] + ROWS[1].replace(b"name 1", b'na"me 1') + ROWS[2],
            {(SECOND, "name", "value")},
            {"lone-quote"},
        ),
        (
            HEAD + ROWS[0] + ROWS[1].replace(b"name 1", b'"name"1') + ROWS[2],
            {(SECOND, "name", "value")},
            {"after-quote"},
        ),
        (HEAD + ROWS[0] + ROWS[1].replace(b",x,", b",,") + ROWS[2], {(SECOND, "note", "missing")}, set()),
        (
            HEAD + ROWS[0] + ROWS[2] + ROWS[1][:11],
            {(SECOND, name, "value" if name == "name" else "missing") for name in ("name", "note", "at")},
            {"cut"},
        ),
        (HEAD, {(f"{number:08x}", "", "missing") for number in range(3)}, set()),
        (b"", {(f"{number:08x}", "", "missing") for number in range(3)}, {"empty"}),
        (b"".join(ROWS), set(), {"header-missing"}),
    ],
    ids=[
        "equal",
        "shuffled",
        "no-last-line-end",
        "bom",
        "crlf",
        "one-crlf",
        "one-lf",
        "missing",
        "doubled",
        "extra",
        "nul",
        "encoding",
        "line-feed-in-cell",
        "lone-quote",
        "after-quote",
        "cell-gone",
        "cut-in-a-row",
        "header-only",
        "empty",
        "no-header",
    ],
)
def test_an_awkward_file_gets_a_verdict(data: bytes, told: set[TOLD], troubles: set[str], tmp_path: Path) -> None:
    found, result = _run(_simple(), data, tmp_path)

    assert (set(found), {trouble.kind for trouble in result.troubles}) == (told, troubles)
    assert result.equal == (not told and not troubles)


@pytest.mark.parametrize(
    ("header", "row", "trouble", "told"),
    [
        (b"name,uuid,note,tags,size,at\n", b"name 0,00000000,x,,,2024-01-02T03:04:05\n", {"header-order"}, set()),
        (
            b"uuid,name,tags,size,at\n",
            b"00000000,name 0,,,2024-01-02T03:04:05\n",
            {"header-lacks"},
            {("00000000", "note", "missing")},
        ),
        (
            b"uuid,name,note,tags,size,at,more\n",
            b"00000000,name 0,x,,,2024-01-02T03:04:05,m\n",
            {"header-extra"},
            set(),
        ),
        (
            b"uuid,name,note,tags,size,at,at\n",
            b"00000000,name 0,x,,,2024-01-02T03:04:05,m\n",
            {"header-twice", "header-order"},
            set(),
        ),
    ],
    ids=["order", "lacks", "extra", "twice"],
)
def test_a_wrong_header_is_told_and_its_rows_compared(
    header: bytes, row: bytes, trouble: set[str], told: set[TOLD], tmp_path: Path
) -> None:
    found, result = _run(_simple(1), header + row, tmp_path)

    assert ({each.kind for each in result.troubles}, set(found)) == (trouble, told)
    assert not result.equal


@pytest.mark.parametrize(
    ("name", "extra"),
    [(b"name 0", b""), (b'na"me 0', b""), (b"name 0", b"\n\n"), (b'"na""me', b"")],
    ids=["plain", "lone-quote", "blank-lines", "unclosed"],
)
def test_rows_of_the_file_are_counted_as_they_read(name: bytes, extra: bytes, tmp_path: Path) -> None:
    """A lone quote joins the rows after it as bytes, and none of them as a table; a blank line is no row."""
    data = _written(_simple(5)).replace(b"name 0", name) + extra

    _, result = _run(_simple(5), data, tmp_path)

    assert result.actual == (1 if name.startswith(b'"') else 5)


@AS_IT_IS
@given(people=PEOPLE, data=st.data())
def test_a_file_cut_anywhere_is_never_equal(people: People, data: st.DataObject, tmp_path: Path) -> None:
    whole = _written(people).rstrip(b"\n")
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]

    told, result = _run(people, cut, tmp_path)

    assert told or result.troubles
    assert not result.equal


@AS_IT_IS
@given(data=st.binary(max_size=120), begins=st.sampled_from([b"", HEAD]))
def test_no_bytes_are_too_strange(data: bytes, begins: bytes, tmp_path: Path) -> None:
    _, result = _run(_simple(), begins + data, tmp_path)

    assert not result.equal


TELLS = {"00000000": person("00000000", "", None, []), "00000001": person("00000001", None, "", [])}
PLAIN = b"2024-01-02T03:04:05\n"


def _telling(first: bytes, second: bytes) -> bytes:
    return HEAD + b"00000000," + first + b",,," + PLAIN + b"00000001," + second + b",,," + PLAIN


def test_null_and_the_empty_text_are_told_apart_where_the_file_does(tmp_path: Path) -> None:
    told, result = _run(TELLS, _telling(b'"",', b',""'), tmp_path)
    assert (told, result.tells_empty) == (Counter(), True)

    more = {**TELLS, **{f"{n:08x}": person(f"{n:08x}", "", "y", []) for n in range(2, 9)}}
    rest = b"".join(b'%08x,"",y,,,' % n + PLAIN for n in range(2, 9))
    told, _ = _run(more, _telling(b",", b'"",""') + rest, tmp_path)
    assert set(told) == {("00000000", "name", "missing"), ("00000001", "name", "ghost")}


@pytest.mark.parametrize("second", [b",", b'"",""'], ids=["bare", "quoted"])
def test_they_are_one_where_the_file_writes_both_alike(second: bytes, tmp_path: Path) -> None:
    told, result = _run(TELLS, _telling(second, second), tmp_path)

    assert (told, result.equal, result.tells_empty) == (Counter(), True, False)


def test_a_file_that_tells_them_apart_late_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_dialect, "PROBED", 2)
    people = {**_simple(2), "0000000a": person("0000000a", "", None, []), "0000000b": person("0000000b", None, "", [])}
    late = ROWS[0] + ROWS[1] + b'0000000a,"",,,,' + PLAIN

    assert _run(people, HEAD + late + b'0000000b,,"",,,' + PLAIN, tmp_path)[1].equal
    told, result = _run(people, HEAD + late + b"0000000b,,,,," + PLAIN, tmp_path)
    assert (set(told), result.tells_empty) == ({("0000000b", "note", "missing")}, True)


def test_quotes_within_a_quoted_cell_are_no_empty_cell(tmp_path: Path) -> None:
    people = {**TELLS, "00000002": person("00000002", 'a,",b', "y", [])}
    data = _telling(b'"",', b',""') + b'00000002,"a,"",b",z,,,' + PLAIN

    assert set(_run(people, data, tmp_path)[0]) == {("00000002", "note", "value")}


def test_who_is_asked_for_twice_has_to_be_there_twice(tmp_path: Path) -> None:
    key = "00000000"

    assert _run(_simple(), HEAD + ROWS[0] * 2, tmp_path, [key, key])[1].equal
    assert set(_run(_simple(), HEAD + ROWS[0], tmp_path, [key, key])[0]) == {(key, "", "missing")}


def test_somebody_else_is_extra_not_doubled(tmp_path: Path) -> None:
    told, result = _run(_simple(), HEAD + ROWS[0] + ROWS[1], tmp_path, ["00000000"])

    assert (set(told), result.extra, result.doubled) == ({(SECOND, "", "ghost")}, 1, 0)


def test_many_differences_are_compared_in_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "CELLS_AT_ONCE", 7)
    people = _simple(100)

    told, result = _run(people, _written(people).replace(b",x,", b",X,"), tmp_path)

    assert set(told) == {(key, "note", "value") for key in people}
    assert (result.cells["note"], result.differing, result.missing) == (100, 100, 0)


def test_a_file_that_is_written_to_meanwhile_is_undecided(tmp_path: Path) -> None:
    class Late(StandIn):
        def rows(self, *given: Any, **how: Any) -> Iterator[bytes]:
            with (tmp_path / "export.csv").open("ab") as file:
                file.write(ROWS[0])
            return super().rows(*given, **how)

    (tmp_path / "export.csv").write_bytes(HEAD + b"".join(ROWS))

    with pytest.raises(FileMoved, match="was written to"):
        ExportComparison(Late(_simple()), KIND, lambda *_: None).run(tmp_path / "export.csv")


def test_no_value_is_in_a_line() -> None:
    told: list[str] = []
    redactor = Pseudonymizer(b"key")
    ours = [TableRow(key="00000000", cells=("00000000", "Ada Lovelace"))]
    theirs = [
        TableRow(key="00000000", cells=("00000000", "Ada King")),
        TableRow(key="Grace Hopper", cells=("Grace Hopper", None)),
    ]
    for found in TableComparison(["uuid", "name"]).results(ours, theirs):
        told += [report.line(found.key, each, redactor) for each in found.found]

    assert len(told) == 2
    assert not any(word in line for line in told for word in ("Ada", "Grace", "King"))
