"""What people would pick instead, each used as its documentation shows: `python peers.py NAME FILE --out OUT`.

A script by itself: it runs under any interpreter that has the peer, and imports nothing of ours. It gets what a user
would have to work out first: the direct query in the export's own text form, and the name of the key. Exit code 3: the
peer is not installed here.

    BENCH_DATABASE_URL   a role that may create tables (data-diff compares tables)
    BENCH_QUERY          SELECT of the rows as texts, columns named as in the file
    BENCH_KEY            the column that says whom a row is about
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

NOT_INSTALLED = 3
Told = Iterator[tuple[str, str]]  # (key, column or what happened to the row)
QUERY, KEY = os.environ.get("BENCH_QUERY", ""), os.environ.get("BENCH_KEY", "")


def datacompy(path: Path) -> Told:
    """PolarsCompare: the fastest of its kind."""
    import polars
    from datacompy import PolarsCompare

    ours, theirs = (
        polars.read_csv(entry, infer_schema=False, empty_string_is_null=False) for entry in (_direct(), path)
    )
    comparison = PolarsCompare(ours, theirs, join_columns=[KEY])
    for frame, kind in ((comparison.df1_unq_rows, "missing"), (comparison.df2_unq_rows, "extra")):
        yield from ((key, kind) for key in frame[KEY].to_list())
    met = comparison.intersect_rows
    for name in ours.columns:
        if name != KEY:
            yield from ((key, name) for key in met.filter(~polars.col(f"{name}_match"))[KEY].to_list())


def csv_diff(path: Path) -> Told:
    from csv_diff import compare, load_csv

    with path.open(encoding="utf-8", newline="") as file:
        theirs = load_csv(file, key=KEY)
    comparison = compare(load_csv(io.StringIO(_direct().read().decode(), newline=""), key=KEY), theirs)
    yield from ((row[KEY], "missing") for row in comparison["removed"])
    yield from ((row[KEY], "extra") for row in comparison["added"])
    for entry in comparison["changed"]:
        yield from ((entry["key"], name) for name in entry["changes"])


def data_diff(path: Path) -> Told:
    """Two tables, joined in the database.

    It refuses doubled keys, so they are taken out first, without a message; and it guesses whether a key is a uuid
    from a few of them on either side and refuses two guesses, so each gets a letter before it.
    """
    import psycopg2
    from data_diff import connect_to_table, diff_tables

    url = os.environ["BENCH_DATABASE_URL"]
    with psycopg2.connect(url) as session, session.cursor() as cursor, path.open("rb") as file:
        cursor.execute(
            f"DROP TABLE IF EXISTS bench_query, bench_file, bench_loaded; CREATE TABLE bench_query AS {QUERY}"
        )
        cursor.execute("CREATE TABLE bench_loaded (LIKE bench_query)")
        cursor.copy_expert("COPY bench_loaded FROM STDIN (FORMAT csv, HEADER, NULL '\\N')", file)
        cursor.execute(f"CREATE TABLE bench_file AS SELECT DISTINCT ON ({KEY}) * FROM bench_loaded")
        for table in ("bench_query", "bench_file"):
            cursor.execute(f"UPDATE {table} SET {KEY} = 'k' || {KEY}")
        cursor.execute("SELECT * FROM bench_query LIMIT 0")
        names = [column.name for column in cursor.description if column.name != KEY]
    tables = [connect_to_table(url, name, KEY) for name in ("bench_query", "bench_file")]
    sides: dict[str, dict[str, tuple[str, ...]]] = {"-": {}, "+": {}}
    for sign, row in diff_tables(*tables, extra_columns=tuple(names)):
        sides[sign][row[0][1:]] = row[1:]
    for key, row in sides["-"].items():
        other = sides["+"].get(key)
        if other is None:
            yield key, "missing"
        else:
            yield from ((key, name) for name, mine, its in zip(names, row, other, strict=True) if mine != its)
    yield from ((key, "extra") for key in sides["+"].keys() - sides["-"].keys())


def _direct() -> io.BytesIO:
    """The direct query as a CSV."""
    import psycopg

    out = io.BytesIO()
    query = f"COPY ({QUERY}) TO STDOUT (FORMAT csv, HEADER, NULL '\\N')"
    with (
        psycopg.connect(os.environ["BENCH_DATABASE_URL"]) as session,
        session.cursor() as cursor,
        cursor.copy(query) as copy,
    ):
        while row := copy.read():
            out.write(row)
    out.seek(0)
    return out


PEERS: dict[str, Callable[[Path], Told]] = {"datacompy": datacompy, "csv-diff": csv_diff, "data-diff": data_diff}


def peak_megabytes() -> float:
    """Of this process since it became itself: what getrusage says begins with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(PEERS))
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        answers = list(PEERS[options.name](options.file))
    except ImportError:
        return NOT_INSTALLED
    options.out.write_text(json.dumps({"differences": answers, "megabytes": peak_megabytes()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
