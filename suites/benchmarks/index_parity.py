"""Whole-index parity against its limit, which is counting and hashing the table once.

    python -m suites.benchmarks.index_parity [--rows 1000000] [--search opensearch|osmem] [--differences 100]

Builds both stores, damages them in every way that differs, and times in turn the base (one SQL statement that counts
and hashes the joined rows that documents are made of) and the census of everything.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from fixtures.contracts.contract import load
from fixtures.index_parity.census import Census, CensusPlan
from fixtures.index_parity.documents import IndexDocuments
from fixtures.index_parity.mapping import mapping_of
from fixtures.index_parity.reading import RecordReader
from fixtures.index_parity.state import CensusState
from fixtures.index_parity.table import RecordTable
from fixtures.sandbox.settings import ENGINES
from reports.records.redaction import Pseudonymizer
from suites.benchmarks.aims import goal, published
from suites.benchmarks.multiplied import MultipliedStores
from suites.benchmarks.planted_differences import ALL, COUNTED, damage

CPU_GOAL = 3.0


def main() -> int:
    report = published(arguments(), run)
    return 0 if report["missed"] == report["false"] == 0 else 1


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Stores made and damaged, base and census timed in turn; the report."""
    with MultipliedStores(options.rows, options.search) as stores:
        kinds = ALL if options.search == "opensearch" else COUNTED
        expected = damage(stores.owner_url, stores.index_url, options.differences, kinds)
        print(f"  damaged: {dict(Counter(expected.values()))}", flush=True)
        rounds = [_round(stores, options, number) for number in range(options.rounds)]
    report = _report(rounds, expected, options)
    wrong = report["missed"] + report["false"] + report["wrongly_named"]
    goals = [goal("index: differences missed, false or wrongly named", wrong, 0)]
    if report["cpu_ratio"] is not None:
        goals.append(
            goal("index: CPU of both stores, times that of one hashing statement", report["cpu_ratio"], CPU_GOAL)
        )
    return report | {"goals": goals}


def _round(stores: MultipliedStores, options: argparse.Namespace, number: int) -> dict[str, Any]:
    before, load = stores.cpu_s(), _load()
    base = _base(stores.database_url)
    between = stores.cpu_s()
    begun = time.perf_counter()
    state = _census(stores, options, number)
    elapsed, after = time.perf_counter() - begun, stores.cpu_s()
    return {
        "base_s": base,
        "census_s": elapsed,
        "state": state,
        "load": load,
        "base_cpu_s": _between(before, between),
        "census_cpu_s": _between(between, after),
    }


def _between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: round(spent - before[name], 1) for name, spent in after.items()}


def _base(url: str) -> float:
    """Seconds to count the rows and hash what documents are made of, in one plain statement."""
    fields = mapping_of(load("guide"), "contact").fields
    alias = {"contacts": "c", "contacts_metadata": "m", "companies": "k", "companies_metadata": "n"}
    columns = ", ".join(f"{alias[field.table]}.{field.column}" for field in fields)
    query = (
        f"SELECT count(*), sum(hashtextextended(concat_ws('|', {columns}), 0)) FROM contacts c "
        "LEFT JOIN contacts_metadata m ON m.uuid = c.uuid LEFT JOIN companies k ON k.uuid = c.company_id "
        "LEFT JOIN companies_metadata n ON n.uuid = k.uuid"
    )
    with psycopg.connect(url, options="-c work_mem=64MB") as session:
        begun = time.perf_counter()
        session.execute(query.encode()).fetchall()
        return time.perf_counter() - begun


def _census(stores: MultipliedStores, options: argparse.Namespace, number: int) -> CensusState:
    mapping = mapping_of(load("guide"), "contact")
    table, index = RecordTable(stores.database_url, mapping), IndexDocuments(stores.index_url, mapping)
    with tempfile.TemporaryDirectory() as folder:
        reading = RecordReader(table, index, mapping, Pseudonymizer(os.urandom(16)))
        plan = CensusPlan(seed=number, rows=options.budget_rows, pauses=(0.2,))
        say = (lambda line: print(f"  {line}", flush=True)) if options.verbose else (lambda _: None)
        state = Census(table, index, mapping, reading, plan, Path(folder) / "state.json", say=say).run()
    table.close()
    index.close()
    return state


def _report(rounds: list[dict[str, Any]], expected: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    state: CensusState = rounds[-1]["state"]
    kinds = {difference.key: difference.kind for difference in state.found}
    ratios = [entry["census_s"] / entry["base_s"] for entry in rounds]
    return {
        "rows": state.rows,
        "documents": state.documents,
        "engine": options.search,
        "kind": state.kind,
        "differences": len(expected),
        "found": len(kinds),
        "missed": len(set(expected) - set(kinds)),
        "false": len(set(kinds) - set(expected)),
        "wrongly_named": sum(kinds[key] != kind for key, kind in expected.items() if key in kinds),
        "documents_read_share": round(state.read_documents / state.documents, 5),
        "requests": state.requests,
        "base_s": [round(entry["base_s"], 2) for entry in rounds],
        "census_s": [round(entry["census_s"], 2) for entry in rounds],
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "base_cpu_s": [entry["base_cpu_s"] for entry in rounds],
        "census_cpu_s": [entry["census_cpu_s"] for entry in rounds],
        "cpu_ratio": _cpu_ratio(rounds),
        "load_average": [entry["load"] for entry in rounds],
    }


def _cpu_ratio(rounds: list[dict[str, Any]]) -> float | None:
    """CPU seconds of both stores during a census, times those of the base; None where they are not known."""
    spent = [(sum(entry["census_cpu_s"].values()), sum(entry["base_cpu_s"].values())) for entry in rounds]
    ratios = [census / base for census, base in spent if base]
    return round(statistics.median(ratios), 2) if ratios else None


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--search", default="opensearch", choices=list(ENGINES))
    parser.add_argument("--differences", type=int, default=100)
    parser.add_argument("--budget-rows", type=int, help="rows that may be read one by one (default: 5 %% of them)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--verbose", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
