"""Export parity against its limit, which is COPY TO STDOUT, and against what people would pick instead.

    python -m suites.benchmarks.export_parity [--rows 100000] [--rounds 3] [--no-peers] [--json FILE]

Every contender is a process of its own that queries PostgreSQL, reads the file, and names what differs. They run in
turn, so that a machine that drifts does so for all of them; a ratio is the median of the ratios of the rounds.
Peers that are not installed are left out. They live in an environment of their own (--peers-python): data-diff wants
another deepdiff than we do, and where pandas is installed deepdiff loads it, which would slow us down and not them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from fixtures.contracts.contract import load
from suites.benchmarks import export_files
from suites.benchmarks.aims import goal, published
from suites.benchmarks.multiplied import MultipliedStores
from suites.benchmarks.peers import NOT_INSTALLED, PEERS

DAMAGE = {"cells": 500, "missing": 50, "extra": 50, "doubled": 20}
OURS = ("copy", "raw-copy", "equal", "different")
EQUAL_GOAL, DIFFERENT_GOAL, PEERS_GOAL, MEMORY_GOAL = 1.10, 1.20, 4.0, 400.0
SLOW_S = 900.0  # a peer that takes longer is not waited for


def main() -> int:
    published(arguments(), run)
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Stores and files made, every contender timed; the report."""
    kind = load("guide").exports.kinds["contacts"]
    with MultipliedStores(options.rows, None) as stores, tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = export_files.write(stores.database_url, kind, folder / "equal.csv")
        wanted = export_files.damaged(folder / "equal.csv", folder / "different.csv", kind, rows, **DAMAGE)
        environ = {**os.environ, "BENCH_DATABASE_URL": stores.database_url}
        peering = environ | {
            "BENCH_DATABASE_URL": stores.owner_url,
            "BENCH_QUERY": export_files.as_texts(kind),
            "BENCH_KEY": kind.key,
        }
        contenders = dict.fromkeys(OURS, environ) | (dict.fromkeys(PEERS, peering) if options.peers else {})
        runs = _rounds(contenders, folder, options)
        size = (folder / "equal.csv").stat().st_size
    report = {"rows": rows, "columns": len(kind.columns), "bytes": size, "load_average": _load(), "absent": []}
    base = [entry["seconds"] for entry in runs["copy"]]
    for name, run in runs.items():
        if run:
            report[name] = _figures(name, run, base, wanted)
        else:
            report["absent"].append(name)
    return report | {"goals": goals(report)}


def _rounds(
    contenders: Mapping[str, Mapping[str, str]], folder: Path, options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    absent: set[str] = set()
    for number in range(options.rounds):
        for name, environ in contenders.items():
            if name in absent or (name in PEERS and number >= options.peer_rounds):
                continue
            completed = _peer_result(name, folder, environ, options.peers_python)
            if completed is None:
                absent.add(name)
                print(f"  {name}: not installed, or it failed", flush=True)
                continue
            runs[name].append(completed)
            print(f"  {name}: {completed['seconds']:.2f} s, {completed['megabytes']:.0f} MB", flush=True)
    return runs


def _peer_result(
    name: str, folder: Path, environ: Mapping[str, str], peers_python: str | None
) -> dict[str, Any] | None:
    """One contender's run as a whole: seconds, peak memory, differences. None: not there."""
    out = folder / "differences.json"
    file = folder / ("equal.csv" if name == "equal" else "different.csv")
    if name in PEERS:
        command = [peers_python or sys.executable, str(Path(__file__).with_name("peers.py")), name, str(file)]
    else:
        command = [sys.executable, "-m", "suites.benchmarks.contenders"]
        command += [name] if name in ("copy", "raw-copy") else ["ours", str(file)]
    begun = time.perf_counter()
    completed = subprocess.run([*command, "--out", str(out)], env=environ, timeout=SLOW_S)
    seconds = time.perf_counter() - begun
    if completed.returncode == NOT_INSTALLED or (completed.returncode and name in PEERS):
        return None
    completed.check_returncode()
    return {"seconds": seconds, **json.loads(out.read_text())}


def _figures(
    name: str, results: list[dict[str, Any]], base: list[float], wanted: export_files.Differences
) -> dict[str, Any]:
    seconds = [entry["seconds"] for entry in results]
    figures: dict[str, Any] = {
        "seconds": round(median(seconds), 2),
        "megabytes": round(max(entry["megabytes"] for entry in results)),
        "x_copy": round(
            median(time_here / time_of_copy for time_here, time_of_copy in zip(seconds, base, strict=False)), 2
        ),
    }
    if name == "equal":
        figures["false"] = len(results[-1]["differences"])
    elif not name.endswith("copy"):
        answers = {(key, kind) for key, kind in results[-1]["differences"]}
        figures |= {"found": len(answers & wanted), "missed": len(wanted - answers), "false": len(answers - wanted)}
    return figures


def goals(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was aimed at, what came of it, and whether that is enough."""
    ours = report["different"]
    results = [
        goal("export, equal: time of COPY", report["equal"]["x_copy"], EQUAL_GOAL),
        goal("export, 620 differences named: time of COPY", ours["x_copy"], DIFFERENT_GOAL),
        goal("export: differences missed or false", ours["missed"] + ours["false"] + report["equal"]["false"], 0),
        goal("export: MB at the peak", max(ours["megabytes"], report["equal"]["megabytes"]), MEMORY_GOAL),
    ]
    peers = {name: report[name] for name in PEERS if name in report}
    if peers:
        best = min(peers, key=lambda name: peers[name]["x_copy"])
        ratio = round(peers[best]["x_copy"] / ours["x_copy"], 2)
        results.append(goal(f"export: times faster than the fastest peer ({best})", ratio, PEERS_GOAL, least=True))
        fewest = min(peer["missed"] + peer["false"] for peer in peers.values())
        results.append(goal("export: wrong, against the best peer's", ours["missed"] + ours["false"], fewest))
    return results


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rows", type=int, default=100_000)
    add("--rounds", type=int, default=3)
    add("--peer-rounds", type=int, default=1, help="of the peers, which take longest (1)")
    add("--peers", action=argparse.BooleanOptionalAction, default=True, help="those that are installed")
    add("--peers-python", default=os.environ.get("BENCH_PEERS_PYTHON"), help="interpreter that has the peers")
    add("--folder", help="where the files go (default: the temporary directory)")
    add("--json", type=Path, help="write the figures there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
