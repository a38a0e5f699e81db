"""Export parity against its limit, which is COPY TO STDOUT, and against what people would pick instead.

    python -m suites.benchmarks.export_parity [--rows 1000000] [--rounds 3] [--peers] [--json FILE]

Every contender is a process of its own that queries PostgreSQL, reads the file, and names what differs. They run in
turn, so that a machine that drifts does so for all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from fixtures.contract import load
from suites.benchmarks import export_files
from suites.benchmarks.multiplied import MultipliedStores

DAMAGE = {"cells": 500, "missing": 50, "extra": 50, "doubled": 20}


def main() -> int:
    options = _options()
    kind = load("guide").exports.kinds["contacts"]
    with MultipliedStores(options.rows, None) as stores, tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = export_files.write(stores.database_url, kind, folder / "equal.csv")
        export_files.damaged(folder / "equal.csv", folder / "wrong.csv", kind, rows, **DAMAGE)
        wanted = export_files.damaged(folder / "equal.csv", folder / "again.csv", kind, rows, **DAMAGE)
        (folder / "again.csv").unlink()
        report = _measured(stores.database_url, folder, wanted, rows, options)
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _measured(
    url: str, folder: Path, wanted: export_files.Differences, rows: int, options: argparse.Namespace
) -> dict[str, Any]:
    contenders = {"copy": ["copy"], "raw-copy": ["raw-copy"], "equal": ["ours", str(folder / "equal.csv")],
                  "different": ["ours", str(folder / "wrong.csv")]}  # fmt: skip
    if options.peers:
        contenders |= {peer: [peer, str(folder / "wrong.csv")] for peer in ("datacompy", "csv-diff", "data-diff")}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, arguments in contenders.items():
            runs[name].append(_one(url, arguments, folder / f"{name}.json"))
            print(f"  {name}: {runs[name][-1]['seconds']:.2f} s, {runs[name][-1]['megabytes']:.0f} MB", flush=True)
    base = [run["seconds"] for run in runs["copy"]]
    report: dict[str, Any] = {"rows": rows, "columns": 48, "bytes": (folder / "equal.csv").stat().st_size,
                              "load_average": round(os.getloadavg()[0], 2)}  # fmt: skip
    for name, found in runs.items():
        seconds = [run["seconds"] for run in found]
        report[name] = {
            "seconds": round(median(seconds), 2), "megabytes": round(max(run["megabytes"] for run in found)),
            "x_copy": round(median(one / other for one, other in zip(seconds, base, strict=True)), 2),
        }  # fmt: skip
        if name not in ("copy", "raw-copy", "equal"):
            told = {(key, what) for key, what in found[-1]["told"]}
            report[name] |= {"found": len(told & wanted), "missed": len(wanted - told), "false": len(told - wanted)}
        elif name == "equal":
            report[name]["false"] = len(found[-1]["told"])
    return report


def _one(url: str, arguments: list[str], out: Path) -> dict[str, Any]:
    """One contender's run as a whole: seconds from outside, memory of its largest process, what it told."""
    command = [sys.executable, "-m", "suites.benchmarks.contenders", *arguments, "--out", str(out)]
    begun = time.perf_counter()
    with subprocess.Popen(command, env={**os.environ, "BENCH_DATABASE_URL": url}) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return {"seconds": seconds, "megabytes": usage.ru_maxrss / 1024, "told": json.loads(out.read_text())}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="datacompy, csv-diff and data-diff too (installed apart)")
    parser.add_argument("--folder", help="where the files go (default: the temporary directory)")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
