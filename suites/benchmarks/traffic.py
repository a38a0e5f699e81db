"""Reading and drawing from access logs of each form, against a plain loop, and GoAccess where it is installed.

    python -m suites.benchmarks.traffic [--lines 1000000] [--json FILE]

Each contender is a process of its own, measured by the time its core was busy and by its peak memory.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from suites.benchmarks.aims import goal, published

ROOT = Path(__file__).parents[2]
LINES = 1_000_000
SPEED_GOAL, MEMORY_GOAL_MB = 150_000, 200
KEYS, SKEW = 200_000, 1.05
HAR_ENTRIES = 200_000  # a HAR is one document; a larger one is refused
_LOOP = "import sys; print(sum(1 for _ in open(sys.argv[1], 'rb')))"
_STARTER = """
import json, os, sys
quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
json.dump([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss], sys.stdout)
"""
_DRAWS = (
    "import sys; from fixtures.contracts.contract import load; from fixtures.traffic import log_reader; "
    "from fixtures.traffic.census import TrafficCensus; census = TrafficCensus(load('guide'), draw=512, seed=1); "
    "log_reader.read(sys.argv[1:], census); print({phase: len(drawn) for phase, drawn in census.drawn().items()})"
)
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0"
_REFERRER = '"https://app.example.com/search"'
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
    """Figures by form and contender, and the goals."""
    report: dict[str, Any] = {"lines": options.lines, "forms": {}}
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            log = Path(folder) / f"{form}.log"
            count = min(options.lines, HAR_ENTRIES) if form == "har" else options.lines
            write(log, count, form)
            profile = [sys.executable, "-m", "fixtures.traffic", str(log)]
            report["forms"][form] = {"lines": count, "bytes": log.stat().st_size, **_measured(profile, count)}
            if form == "combined":
                report |= _contenders(log, options.lines, folder)
            log.unlink()
    report["goals"] = [
        aim
        for form, figures in report["forms"].items()
        for aim in (
            goal(f"{form}: lines profiled per second of one core", figures["lines_per_cpu_s"], SPEED_GOAL, least=True),
            goal(f"{form}: peak memory in MB", figures["peak_mb"], MEMORY_GOAL_MB),
        )
    ]
    return report


def _contenders(log: Path, lines: int, folder: str) -> dict[str, Any]:
    """What the profile is held against: less work (a loop), the draw without a profile, and GoAccess."""
    counts = {
        "a loop over the lines": _measured([sys.executable, "-c", _LOOP, str(log)], lines),
        "census and draw": _measured([sys.executable, "-c", _DRAWS, str(log)], lines),
    }
    if shutil.which("goaccess"):
        command = ["goaccess", str(log), "--log-format=COMBINED", "-o", f"{folder}/goaccess.json", "--no-progress"]
        counts["goaccess"] = _measured(command, lines)
    return counts


def write(path: Path, lines: int, form: str = "combined") -> None:
    """A log of customers: mostly single records, keys by Zipf, and what is none of ours."""
    line = FORMS[form]
    with path.open("w", encoding="ascii") as out:
        if form != "har":
            out.writelines(line(request) + "\n" for request in _requests(lines))
            return
        out.write('{"log": {"version": "1.2", "entries": [')
        out.writelines(f"{', ' if request.number else ''}{line(request)}" for request in _requests(lines))
        out.write("]}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One of the customers' requests; the POST has a body."""

    number: int
    day: int
    hour: int
    method: str
    target: str

    @property
    def iso(self) -> str:
        return f"2026-11-{self.day}T{self.hour:02d}:{self.number % 60:02d}:07Z"

    @property
    def clf(self) -> str:
        return f"{self.day}/Nov/2026:{self.hour:02d}:{self.number % 60:02d}:07 +0000"

    @property
    def body(self) -> dict[str, Any]:
        return {"body": {"url": f"https://www.linkedin.com/in/p-{self.number}"}} if self.method == "POST" else {}


def _common(request: _Request) -> str:
    address = f"10.0.{request.number % 250}.{request.number % 199}"
    return f'{address} - - [{request.clf}] "{request.method} {request.target} HTTP/1.1" 200 {request.number % 9999}'


def _uvicorn(request: _Request) -> str:
    return f'INFO:     10.0.0.1:{request.number % 60_000} - "{request.method} {request.target} HTTP/1.1" 200 OK'


def _json(request: _Request) -> str:
    fields = {"time": request.iso, "method": request.method, "path": request.target, "status": 200, "duration": 0.012}
    return json.dumps(fields | {"user_agent": _AGENT} | request.body)


def _caddy(request: _Request) -> str:
    requested: dict[str, Any] = {
        "remote_ip": "10.0.0.1",
        "proto": "HTTP/2.0",
        "method": request.method,
        "host": "api.example.com",
        "uri": request.target,
        "headers": {"User-Agent": [_AGENT], "Accept": ["*/*"], "Accept-Encoding": ["gzip, br"]},
        "tls": {"resumed": False, "version": 772, "cipher_suite": 4865, "server_name": "api.example.com"},
    }
    fields = {"level": "info", "ts": request.iso, "logger": "http.log.access", "request": requested, "duration": 0.012}
    return json.dumps(fields | {"size": 10_900, "status": 200, "resp_headers": {"Server": ["Caddy"]}})


def _har(request: _Request) -> str:
    posted = {"mimeType": "application/json", "text": json.dumps(request.body["body"])} if request.body else None
    requested = {
        "method": request.method,
        "url": f"https://api.example.com{request.target}",
        "headers": [{"name": "accept", "value": "*/*"}],
        "postData": posted,
    }
    answered = {"status": 200, "statusText": "OK", "headers": [], "content": {"size": 100}}
    return json.dumps({"startedDateTime": request.iso, "time": 12.5, "request": requested, "response": answered})


FORMS: dict[str, Callable[[_Request], str]] = {
    "combined": lambda request: f"{_common(request)} {_REFERRER} {json.dumps(_AGENT)}",
    "common": _common,
    "uvicorn": _uvicorn,
    "json": _json,
    "json of Caddy": _caddy,
    "har": _har,
}


def _requests(count: int) -> Iterator[_Request]:
    source = random.Random(3)
    keys = [str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(KEYS)]
    weights = list(accumulate(1 / rank**SKEW for rank in range(1, KEYS + 1)))
    for first in range(0, count, 10_000):
        for number, key in enumerate(source.choices(keys, cum_weights=weights, k=min(10_000, count - first)), first):
            hour = number * 168 // count
            method, target = _request(source.random(), key)
            yield _Request(number=number, day=23 + hour // 24, hour=hour % 24, method=method, target=target)


def _request(share: float, key: str) -> tuple[str, str]:
    if share < 0.55:
        return "GET", f"/api/v1/contacts/{key}/"
    if share < 0.65:
        return "GET", f"/api/v1/companies/{key}/"
    if share < 0.85:
        return "GET", f"/api/v1/companies/company/{key}/contacts/?{_QUERIES[int(share * 1000) % len(_QUERIES)]}"
    return ("POST", "/api/v2/linkedin/") if share < 0.9 else ("GET", f"/static/app.{int(share * 10_000)}.js")


def _measured(command: Sequence[str], lines: int) -> dict[str, Any]:
    """Seconds of CPU, lines a second of it, and peak memory of a child.

    A small process starts it: the peak that the kernel counts for a child begins with that of its parent.
    """
    starter = [sys.executable, "-S", "-c", _STARTER, *command]
    code, busy, peak_kb = json.loads(subprocess.check_output(starter, cwd=ROOT))
    if code:
        raise SystemExit(f"{command[0]} {command[1]} ended with {code}")
    return {"cpu_s": round(busy, 2), "lines_per_cpu_s": round(lines / busy), "peak_mb": round(peak_kb / 1024, 1)}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suites.benchmarks.traffic", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=LINES, help=f"of the log ({LINES:,})")
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
