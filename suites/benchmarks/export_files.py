"""Exports for benchmarks and self-tests: what a deployment would write, and a copy that is damaged in known ways."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import psycopg

from fixtures.contracts.exports import ExportKind
from fixtures.export_parity.cell_formats import chosen
from reports.comparison.csv_cells import cell, may_show

QUERY = (
    "contacts c LEFT JOIN contacts_metadata m ON m.uuid = c.uuid "
    "LEFT JOIN companies k ON k.uuid = c.company_id LEFT JOIN companies_metadata n ON n.uuid = k.uuid"
)
Differences = set[tuple[str, str]]  # (key, column); "" for a whole row, with a kind before it


def write(database_url: str, kind: ExportKind, path: Path) -> int:
    """All contacts, in no order, as the direct path writes them; returns the number of rows."""
    names = ",".join(column.name for column in kind.columns) + "\n"
    # Null written as something that never occurs: then an empty text is not quoted, as in the deployment's own files.
    query = f"COPY ({as_texts(kind)} ORDER BY md5(c.uuid)) TO STDOUT (FORMAT csv, NULL '\\N')"
    count = 0
    with psycopg.connect(database_url) as session, session.cursor() as cursor, path.open("wb") as file:
        file.write(names.encode())
        with cursor.copy(query.encode()) as copy:
            while row := copy.read():
                file.write(row)
                count += 1
    return count


def as_texts(kind: ExportKind) -> str:
    """The direct query with every cell as the file writes it, columns named as in the file."""
    forms = zip(kind.columns, chosen(kind.columns, ()), strict=True)
    cells = ", ".join(f"coalesce(({form})::text, '') AS {column.name}" for column, form in forms)
    return f"SELECT {cells} FROM {QUERY}"


def damaged(
    source: Path,
    target: Path,
    kind: ExportKind,
    rows: int,
    *,
    cells: int,
    missing: int,
    extra: int,
    doubled: int,
    seed: int = 7,
) -> Differences:
    """A copy with so many cells changed, rows left out, rows too much, and rows twice: what should be found."""
    draw = random.Random(seed)
    chosen_rows = draw.sample(range(rows), cells + missing + extra + doubled)
    changed, dropped = set(chosen_rows[:cells]), set(chosen_rows[cells : cells + missing])
    copied = set(chosen_rows[cells + missing : cells + missing + extra])
    twice = set(chosen_rows[cells + missing + extra :])
    key = [column.name for column in kind.columns].index(kind.key)
    differences: Differences = set()
    with source.open(newline="", encoding="utf-8") as file, target.open("w", newline="", encoding="utf-8") as out:
        reader, writer = csv.reader(file), csv.writer(out, lineterminator="\n")
        writer.writerow(next(reader))
        for number, row in enumerate(reader):
            if number in dropped:
                differences.add((row[key], "missing"))
                continue
            if number in changed:
                column = _change(row, kind, draw, skip=key)
                differences.add((row[key], column))
            writer.writerow(row)
            if number in twice:
                writer.writerow(row)
                differences.add((row[key], "doubled"))
            if number in copied:
                extra_row = [*row]
                extra_row[key] = f"{draw.getrandbits(128):032x}"
                writer.writerow(extra_row)
                differences.add((extra_row[key], "extra"))
    return differences


def _change(row: list[str], kind: ExportKind, draw: random.Random, *, skip: int) -> str:
    """One cell made to mean something else: a value more, less or another, a list's order, a blank at the end."""
    while True:
        at = draw.randrange(len(row))
        column, before = kind.columns[at], row[at]
        after = draw.choice(_changes(before))
        shown, stood = cell(after, column.rules), cell(before, column.rules)
        stored = [stood, None] if may_show(stood, None, column.rules) else [stood]  # None may be that text, or nothing
        if at != skip and not any(shown == value or may_show(shown, value, column.rules) for value in stored):
            row[at] = after
            return column.name


def _changes(text: str) -> Sequence[str]:
    if not text:
        return ["something"]
    return ["", f"{text}x", f"{text} ", text.swapcase(), ",".join(reversed(text.split(","))), text[:-1], f"{text}\n"]
