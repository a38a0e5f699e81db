"""A stand-in for the direct query: people in memory, or as many as wanted, written as PostgreSQL's COPY would.

`python -m suites.selftest.support.fake_backend COUNT FILE WRONG` compares so many with a file of them, and prints how
many records differ and the process's peak memory in KiB.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from fixtures.contracts.exports import ExportKind
from fixtures.export_parity import cell_formats
from fixtures.export_parity.comparison import ExportComparison
from reports.comparison.csv_cells import CsvColumn

_RULES = {"uuid": "", "name": "", "note": "placeholder", "tags": "items", "size": "zero", "at": "time"}
KIND = ExportKind(
    name="contacts",
    create="",
    given="",
    count="",
    record="contact",
    key="uuid",
    columns=tuple(
        CsvColumn(name=name, source=f"contacts.{name}", rules=tuple(rule.split())) for name, rule in _RULES.items()
    ),
)
People = Mapping[str, cell_formats.Tables]
_WRITERS = {  # expression -> (column, form)
    form.sql.format(f"c.{column.name}", "c.uuid"): (column.name, form)
    for column in KIND.columns
    for form in cell_formats._FORMS[" ".join(column.rules)]
}


def person(key: str, name: str | None, note: str | None, tags: Sequence[str]) -> cell_formats.Tables:
    row = {
        "uuid": key,
        "name": name,
        "note": note,
        "tags": list(tags),
        "size": None,
        "at": datetime(2024, 1, 2, 3, 4, 5),
    }
    return {"contacts": row, "contacts_metadata": None, "companies": None, "companies_metadata": None}


class StandIn:
    """The query over these people."""

    def __init__(self, people: People, parts: int = 2) -> None:
        self._people = people
        self.parts = parts

    def rows(
        self,
        expressions: Sequence[str],
        keys: Sequence[str] | None = None,
        *,
        part: int = 0,
        quote_all: bool = False,
        blanks_alike: bool = False,
    ) -> Iterator[bytes]:
        for key in islice(self._people if keys is None else keys, part, None, self.parts):
            if key in self._people:
                row = self._people[key]["contacts"]
                assert row is not None
                cells = [_cell(expression, row) for expression in expressions]
                written = ",".join(_quoted(cell, everything=quote_all, alike=blanks_alike) for cell in cells)
                yield f"{_quoted(key, everything=quote_all, alike=False)},{written}\n".encode()

    def tables(self, keys: Sequence[str]) -> dict[str, cell_formats.Tables]:
        return {key: self._people[key] for key in keys if key in self._people}


def _cell(expression: str, row: Mapping[str, Any]) -> str | None:
    name, form = _WRITERS[expression]
    if row[name] is None or (row[name] == "" and form.sql == "{0}"):
        return None if row[name] is None else ""
    return form.text(row[name]) or None


def _quoted(text: str | None, *, everything: bool, alike: bool) -> str:
    if not text and (alike or text is None):
        return '""' if everything and alike else ""
    if everything or not text or any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


class _Many(Mapping[str, cell_formats.Tables]):
    """So many people, made as they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __getitem__(self, key: str) -> cell_formats.Tables:
        return person(key, f"name {key}", "a note of some length, so that rows weigh something", [])

    def __iter__(self) -> Iterator[str]:
        return (f"{number:08x}" for number in range(self._count))

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and int(key, 16) < self._count


class _StandInForMany(StandIn):
    """The query over so many people; its rows are one in which the key is another each time: they take no time."""

    def rows(self, expressions: Sequence[str], keys: Sequence[str] | None = None, **form: Any) -> Iterator[bytes]:
        if keys is not None:
            yield from super().rows(expressions, keys, **form)
            return
        part = form.pop("part", 0)
        first = next(iter(self._people))
        (row,) = super().rows(expressions, [first], **form)
        pieces = row.split(first.encode())
        for number in range(part, len(self._people), self.parts):
            yield (b"%08x" % number).join(pieces)


def main(count: int, path: Path, *, wrong: bool) -> None:
    people = _Many(count)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(column.name for column in KIND.columns) + "\n")
        for row in _StandInForMany(people, parts=1).rows([cell_formats._sql(column, []) for column in KIND.columns]):
            record = row.decode().partition(",")[2]
            file.write(record.replace("a note", "another note") if wrong else record)
    result = ExportComparison(_StandInForMany(people), KIND, lambda *_: None).run(path)
    status = Path("/proc/self/status").read_text()
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"{result.differing} {peak}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), wrong=bool(int(sys.argv[3])))
