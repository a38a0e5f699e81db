"""One contender of the export benchmark as a process: `python -m suites.benchmarks.contenders NAME FILE`."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import psycopg

from fixtures.contracts.contract import load
from fixtures.export_parity import cell_formats
from fixtures.export_parity.comparison import ExportComparison
from fixtures.export_parity.direct_query import DirectQuery
from reports.comparison.record_diff import RawDifference
from reports.records.records import DifferenceKind
from suites.benchmarks.export_files import QUERY
from suites.benchmarks.peers import peak_megabytes

KIND = load("guide").exports.kinds["contacts"]
_WORDS = {DifferenceKind.MISSING: "missing", DifferenceKind.GHOST: "extra", DifferenceKind.DUPLICATE: "doubled"}
Told = list[tuple[str, str]]  # (key, column or what happened to the row)


def copy(path: Path | None, columns: list[str] | None = None) -> Told:
    """The limit: the direct query, written as the file is, and thrown away."""
    del path
    cells = ", ".join(columns or cell_formats.chosen(KIND.columns, ()))
    with psycopg.connect(os.environ["BENCH_DATABASE_URL"], options="-c work_mem=64MB") as session:
        query = f"COPY (SELECT {cells} FROM {QUERY}) TO STDOUT (FORMAT csv)"
        with session.cursor() as cursor, cursor.copy(query.encode()) as stream:
            while stream.read():
                pass
    return []


def raw_copy(path: Path | None) -> Told:
    """The same with the columns as they are: no form of a cell costs anything."""
    names = (column.source.partition(".") for column in KIND.columns)
    return copy(path, [f"{cell_formats.ALIASES[table]}.{name}" for table, _, name in names])


def ours(path: Path | None) -> Told:
    assert path is not None
    answers: Told = []

    def tell(key: str, difference: RawDifference) -> None:
        answers.append((key, difference.path or _WORDS[difference.kind]))

    direct = DirectQuery(os.environ["BENCH_DATABASE_URL"], KIND)
    ExportComparison(direct, KIND, tell).run(path)
    direct.close()
    return answers


CONTENDERS: dict[str, Callable[[Path | None], Told]] = {"copy": copy, "raw-copy": raw_copy, "ours": ours}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(CONTENDERS))
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    answers = CONTENDERS[options.name](options.file)
    options.out.write_text(json.dumps({"differences": answers, "megabytes": peak_megabytes()}))


if __name__ == "__main__":
    main()
