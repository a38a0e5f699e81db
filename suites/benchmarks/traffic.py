"""Reading and drawing from an access log, against a plain loop over its lines, and GoAccess where it is installed.

    python -m suites.benchmarks.traffic [--lines 1000000] [--json FILE]

Each contender is a process of its own, measured by the time its core was busy and by its peak memory.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from suites.benchmarks.aims import goal, published

ROOT = Path(__file__).parents[2]
LINES = 1_000_000
SPEED_GOAL, MEMORY_GOAL_MB = 150_000, 200
KEYS, SKEW = 200_000, 1.05
_LOOP = "import sys; print(sum(1 for _ in open(sys.argv[1], 'rb')))"
_DRAWS = (
    "import sys; from fixtures.contracts.contract import load; from fixtures.traffic import log_reader; "
    "from fixtures.traffic.census import TrafficCensus; census = TrafficCensus(load('guide'), draw=512, seed=1); "
    "log_reader.read(sys.argv[1:], census); print({phase: len(drawn) for phase, drawn in census.drawn().items()})"
)
_AGENT = '"https://app.example.com/search" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0"'
_QUERIES = (
    "title=cto",
    "seniority=senior&city=Berlin",
    "page=3&page_size=25&ordering=-created_at",
    "limit=50&offset=100",
)


def main() -> int:
    published(arguments(), run)
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Figures by contender, and the goals."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "access.log"
        write(log, options.lines)
        report: dict[str, Any] = {"lines": options.lines, "bytes": log.stat().st_size}
        report["a loop over the lines"] = _measured([sys.executable, "-c", _LOOP, str(log)], options.lines)
        report["profile"] = _measured([sys.executable, "-m", "fixtures.traffic", str(log)], options.lines)
        report["census and draw"] = _measured([sys.executable, "-c", _DRAWS, str(log)], options.lines)
        if shutil.which("goaccess"):
            command = ["goaccess", str(log), "--log-format=COMBINED", "-o", f"{folder}/goaccess.json", "--no-progress"]
            report["goaccess"] = _measured(command, options.lines)
    own = report["profile"]
    speed, memory = own["lines_per_cpu_s"], own["peak_mb"]
    report["goals"] = [
        goal(f"{options.lines:,} lines profiled: lines per second of one core", speed, SPEED_GOAL, least=True),
        goal(f"{options.lines:,} lines profiled: peak memory in MB", memory, MEMORY_GOAL_MB),
    ]
    return report


def write(path: Path, lines: int) -> None:
    """A combined log of customers: mostly single records, keys by Zipf, and what is none of ours."""
    with path.open("w", encoding="ascii") as out:
        out.writelines(_lines(lines))


def _lines(count: int) -> Iterator[str]:
    source = random.Random(3)
    keys = [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(KEYS)]
    weights = list(accumulate(1 / rank**SKEW for rank in range(1, KEYS + 1)))
    for first in range(0, count, 10_000):
        for number, key in enumerate(source.choices(keys, cum_weights=weights, k=min(10_000, count - first)), first):
            hour = number * 168 // count
            when = f"{23 + hour // 24:02d}/Nov/2026:{hour % 24:02d}:{number % 60:02d}:07 +0000"
            asked = _request(source.random(), key)
            yield f'10.0.{number % 250}.{number % 199} - - [{when}] "{asked} HTTP/1.1" 200 {number % 9999} {_AGENT}\n'


def _request(share: float, key: str) -> str:
    if share < 0.55:
        return f"GET /api/v1/contacts/{key}/"
    if share < 0.65:
        return f"GET /api/v1/companies/{key}/"
    if share < 0.85:
        return f"GET /api/v1/companies/company/{key}/contacts/?{_QUERIES[int(share * 1000) % len(_QUERIES)]}"
    return "POST /api/v2/linkedin/" if share < 0.9 else f"GET /static/app.{int(share * 10_000)}.js"


def _measured(command: Sequence[str], lines: int) -> dict[str, Any]:
    """Seconds of CPU, lines a second of it, and peak memory of a child."""
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} {command[1]} ended with {child.returncode}")
    busy = usage.ru_utime + usage.ru_stime
    return {
        "cpu_s": round(busy, 2),
        "lines_per_cpu_s": round(lines / busy),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
    }


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suites.benchmarks.traffic", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=LINES, help=f"of the log ({LINES:,})")
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
