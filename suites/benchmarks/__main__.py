"""All benchmarks in turn, against their limits and their peers of the same run: `python -m suites.benchmarks`.

Sizes fit two cores in ten minutes; `--rows 1000000` is the size of the goals. Figures go to a JSON file, the goals are
printed at the end. Exit code 0 whatever they are: a shared machine's times are no verdict. 1: a difference was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fixtures.sandbox.settings import ENGINES, OSMEM
from suites.benchmarks import export_parity, index_parity, overhead, traffic
from suites.benchmarks.aims import lines

NAMES = ("export", "index", "traffic", "overhead")
OUT = Path("reports/out/benchmarks")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    now = datetime.now(UTC)
    report: dict[str, Any] = {
        "at": now.isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    for name in options.only or NAMES:
        print(f"{name}:", flush=True)
        report[name] = _run(name, options)
        path: Path = options.json or OUT / f"{now:%Y%m%dT%H%M%SZ}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")  # what is measured is kept
    goals = [entry for name in options.only or NAMES for entry in report[name]["goals"]]
    print("\n".join(lines(goals)))
    print(f"all figures: {path}")
    return int(any(not goal["met"] for goal in goals if "missed" in goal["what"]))


def _run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    rows = [] if options.rows is None else ["--rows", str(options.rows)]
    if name == "export":
        peers = ["--peers" if options.peers else "--no-peers", "--rounds", str(options.rounds)]
        peers += ["--peers-python", options.peers_python] if options.peers_python else []
        return export_parity.run(export_parity.arguments().parse_args([*rows, *peers]))
    if name == "index":
        sizes = ["--rows", str(options.index_rows), "--search", options.search, "--rounds", "1"]
        return index_parity.run(index_parity.arguments().parse_args(sizes))
    if name == "traffic":
        return traffic.run(traffic.arguments().parse_args([]))
    return overhead.run(overhead.arguments().parse_args([]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suites.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", action="append", choices=NAMES, help="this one (may be given again)")
    add("--rows", type=int, help="contacts in the export (100,000)")
    add("--rounds", type=int, default=3, help="of the export's contenders; peers run once")
    add("--peers", action=argparse.BooleanOptionalAction, default=True, help="run those that are installed")
    add("--peers-python", default=os.environ.get("BENCH_PEERS_PYTHON"), help="interpreter that has the peers")
    add("--index-rows", type=int, default=20_000, help="contacts in the index")
    add("--search", default=os.environ.get("SANDBOX_SEARCH", OSMEM), choices=list(ENGINES))
    add("--json", type=Path, help=f"where the figures go (a file in {OUT})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
