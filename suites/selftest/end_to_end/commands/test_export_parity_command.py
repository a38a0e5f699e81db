"""The command that holds a whole export against the whole table: on a real PostgreSQL, and in bounded memory."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures.command_line import DIFFERENT, EQUAL, UNDECIDED, WRONG_USAGE
from fixtures.contracts.exports import ExportKind
from fixtures.export_parity import __main__ as command
from suites.benchmarks import export_files


@pytest.fixture(scope="module")
def kind() -> ExportKind:
    return command._kinds("guide", "contacts")["contacts"]


@pytest.fixture
def compare(calm: Mapping[str, str], tmp_path: Path) -> Callable[..., int]:
    """Runs the command against the calm sandbox."""
    env = tmp_path / "env"
    env.write_text("".join(f"{name}={value}\n" for name, value in calm.items()), encoding="utf-8")

    def run(file: Path, *more: str) -> int:
        return command.main([str(file), "--env-file", str(env), "--kind", "contacts", *more])

    return run


def test_the_command_finds_an_export_of_all_contacts_equal(
    compare: Callable[..., int],
    calm: Mapping[str, str],
    kind: ExportKind,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = export_files.write(calm["DATABASE_URL"], kind, tmp_path / "all.csv")

    assert compare(tmp_path / "all.csv") == EQUAL
    assert f"{rows:,} rows of the file against {rows:,} of PostgreSQL, contacts: equal" in capsys.readouterr().out


def test_the_command_names_every_difference(
    compare: Callable[..., int],
    calm: Mapping[str, str],
    kind: ExportKind,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = export_files.write(calm["DATABASE_URL"], kind, tmp_path / "all.csv")
    completed = export_files.damaged(
        tmp_path / "all.csv", tmp_path / "wrong.csv", kind, rows, cells=20, missing=5, extra=5, doubled=3
    )

    assert compare(tmp_path / "wrong.csv", "--out", str(tmp_path / "out.jsonl")) == DIFFERENT

    printed = capsys.readouterr().out
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(completed) == 33
    assert all(key in printed and difference_kind in printed for key, difference_kind in completed)


def test_the_command_asks_for_some(
    compare: Callable[..., int], calm: Mapping[str, str], kind: ExportKind, tmp_path: Path
) -> None:
    export_files.write(calm["DATABASE_URL"], kind, tmp_path / "all.csv")
    head, *rows = (tmp_path / "all.csv").read_text(encoding="utf-8").split("\n")
    some = [row for row in rows if row and row.count('"') % 2 == 0][:5]
    (tmp_path / "some.csv").write_text("\n".join([head, *some]) + "\n", encoding="utf-8")
    (tmp_path / "keys").write_text("\n".join(row.split(",")[0] for row in some), encoding="utf-8")

    assert compare(tmp_path / "some.csv", "--keys", str(tmp_path / "keys")) == EQUAL
    assert compare(tmp_path / "some.csv") == DIFFERENT


@pytest.mark.parametrize("written", ["2024-05-06 07:08:09", "2024-05-06T07:08:09"])
def test_times_with_a_blank_differ_in_every_row(
    compare: Callable[..., int],
    calm: Mapping[str, str],
    kind: ExportKind,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    written: str,
) -> None:
    rows = export_files.write(calm["DATABASE_URL"], kind, tmp_path / "all.csv")
    text = (tmp_path / "all.csv").read_text(encoding="utf-8")
    blank = re.sub(r"(?<=,)(\d{4}-\d\d-\d\d)T(?=\d\d:\d\d:\d\d)", rf"\1{written[10]}", text)
    (tmp_path / "all.csv").write_text(blank, encoding="utf-8")

    assert compare(tmp_path / "all.csv") == (DIFFERENT if written[10] == " " else EQUAL)
    expected = f"{rows:,} with other cells" if written[10] == " " else "equal"
    assert expected in capsys.readouterr().out


def test_nothing_against_nothing_is_undecided(
    compare: Callable[..., int], kind: ExportKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.csv").write_text(",".join(column.name for column in kind.columns) + "\n", encoding="utf-8")
    (tmp_path / "keys").write_text("no-such-key\n", encoding="utf-8")

    assert compare(tmp_path / "none.csv", "--keys", str(tmp_path / "keys")) == UNDECIDED
    assert "nothing to compare" in capsys.readouterr().err


def test_keys_that_postgresql_does_not_have_are_counted(
    compare: Callable[..., int],
    calm: Mapping[str, str],
    kind: ExportKind,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    export_files.write(calm["DATABASE_URL"], kind, tmp_path / "all.csv")
    head, *rows = (tmp_path / "all.csv").read_text(encoding="utf-8").split("\n")
    some = [row for row in rows if row and row.count('"') % 2 == 0][:5]
    (tmp_path / "some.csv").write_text("\n".join([head, *some]) + "\n", encoding="utf-8")
    keys = ["uuid", *(f'"{row.split(",")[0]}"' for row in some)]
    (tmp_path / "keys").write_text("\r\n".join(keys), encoding="utf-8-sig")

    assert compare(tmp_path / "some.csv", "--keys", str(tmp_path / "keys")) == UNDECIDED
    assert "1 key of the 6" in capsys.readouterr().out


def test_an_error_of_our_own_is_undecided(
    compare: Callable[..., int],
    kind: ExportKind,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[bytes]:
        raise TypeError("Ada Lovelace")

    monkeypatch.setattr("fixtures.export_parity.direct_query.DirectQuery.rows", broken)
    (tmp_path / "none.csv").write_text(",".join(column.name for column in kind.columns) + "\n", encoding="utf-8")

    assert compare(tmp_path / "none.csv") == UNDECIDED
    printed = capsys.readouterr().err
    assert "TypeError" in printed
    assert "Ada" not in printed
    assert printed.count("\n") == 1


def test_a_connection_that_breaks_is_undecided(
    compare: Callable[..., int],
    kind: ExportKind,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[bytes]:
        raise psycopg.OperationalError("the row (Ada Lovelace) was lost")

    monkeypatch.setattr("fixtures.export_parity.direct_query.DirectQuery.rows", broken)
    (tmp_path / "none.csv").write_text(",".join(column.name for column in kind.columns) + "\n", encoding="utf-8")

    assert compare(tmp_path / "none.csv") == UNDECIDED
    sentence = capsys.readouterr().err
    assert "PostgreSQL ended a statement early" in sentence
    assert "Ada" not in sentence


def test_unusable_input_is_named(
    compare: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(tmp_path / "not-there.csv") == WRONG_USAGE
    assert "not-there.csv" in capsys.readouterr().err


BUFFERS_KB = 5_000  # how full the buffers are at the peak, and with it what is held, depends on the machine's load


@pytest.mark.parametrize(
    ("many", "wrong"),
    [(320_000, False), pytest.param(240_000, True, marks=pytest.mark.drill)],
    ids=["equal", "every-row-differs"],
)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, checkout: Path, many: int, *, wrong: bool) -> None:
    """A small object kept for every row would take 50 bytes each: 12 MB of the equal ones, 8 MB of the others.

    Where rows differ, their places are kept, in 20 bytes each.
    """
    few = 80_000
    places_kb = (many - few) * 20 // 1000 if wrong else 0

    grown = _peak_kb(many, tmp_path, checkout, wrong=wrong) - _peak_kb(few, tmp_path, checkout, wrong=wrong)

    assert grown < BUFFERS_KB + places_kb


def _peak_kb(count: int, folder: Path, checkout: Path, *, wrong: bool) -> int:
    argv = [
        sys.executable,
        "-m",
        "suites.selftest.support.fake_backend",
        str(count),
        str(folder / "many.csv"),
        str(int(wrong)),
    ]
    text = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=True).stdout
    differing, peak = map(int, text.split())
    assert differing == (count if wrong else 0)
    return peak
