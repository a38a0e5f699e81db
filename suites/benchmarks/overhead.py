"""What the suite itself costs: asking through it against a bare loop, and starting, judging and reporting a run.

    python -m suites.benchmarks.overhead [--requests 2000] [--samples 5000] [--rounds 5] [--json FILE]

Bodies and rows are those of a sandbox, so the whole comparison takes place; the server answers them from memory, so
that hardly anything but the client is measured. Both loops have four requests in flight. Rounds are taken in turn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from fixtures.checks.cases import Sample
from fixtures.checks.check import IN_FLIGHT
from fixtures.checks.records.records import EndpointRecordCheck
from fixtures.checks.runner import CheckRunner
from fixtures.clients.backend import Backend, LoginSession
from fixtures.clients.target import Target, connect
from fixtures.contracts.contract import load
from fixtures.session.sandbox_process import OwnedSandbox
from fixtures.settings.settings import from_values
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.records import run_ledger
from reports.records.records import CheckPlan, Comparison, Observation, Outcome, Provenance
from reports.records.redaction import Pseudonymizer
from reports.records.run_ledger import GateFile, Run, Writer
from suites.benchmarks.aims import goal, published

ROOT = Path(__file__).parents[2]
PEOPLE = 300
BATCH = 64  # questions put at once, as phase 1 does at its beginning
SPEED_GOAL, REPORT_GOAL_S = 0.6, 3.0


def main() -> int:
    published(arguments(), run)
    return 0


def run(options: argparse.Namespace) -> dict[str, Any]:
    report = _asking(options) | _reporting(options)
    goals = [
        goal("own overhead: requests per second against a bare loop", report["speed"], SPEED_GOAL, least=True),
        goal(f"{options.samples:,} samples started, judged, reported: s", report["report_s"], REPORT_GOAL_S),
    ]
    return report | {"goals": goals}


def _asking(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, _captured(Path(name)) as (target, keys, paths, url):
        bare: list[float] = []
        ours: list[float] = []
        for number in range(options.rounds + 1):
            wanted = [keys[value % len(keys)] for value in range(options.requests)]
            bare.append(_bare(url, [paths[key] for key in wanted]))
            ours.append(_verified(target, wanted, Path(name) / str(number)))
            print(f"  bare {bare[-1]:.0f}/s, verified {ours[-1]:.0f}/s", flush=True)
    ratios = [mine / its for mine, its in zip(ours[1:], bare[1:], strict=True)]  # the first round warms up
    return {
        "requests": options.requests,
        "in_flight": IN_FLIGHT,
        "bare_rps": round(median(bare[1:])),
        "verified_rps": round(median(ours[1:])),
        "speed": round(median(ratios), 2),
    }


class _Evidence:
    """The rows of a database, in memory."""

    def __init__(self, rows: Mapping[str, Any]) -> None:
        self._rows = rows

    def records(self, record: Any, keys: Sequence[str]) -> dict[str, Any]:
        del record
        return {key: self._rows[key] for key in keys if key in self._rows}


@contextmanager
def _captured(folder: Path) -> Iterator[tuple[Target, list[str], dict[str, str], str]]:
    """(a target with the backend and the database of a sandbox, its keys, the path of each, the server's URL)."""
    contract = load("guide")
    record = contract.records["contact"]
    sandbox = OwnedSandbox.start(ROOT, rows=PEOPLE)
    try:
        target = connect(from_values(sandbox.values, "sandbox"), contract, RateLimiter(folder / "pace", None))
        keys = [row["uuid"] for row in target.database.rows("SELECT uuid FROM contacts ORDER BY uuid")]
        rows = target.database.records(record, keys)
        paths = {key: record.endpoint.format(uuid=key) for key in keys}
        bodies = {paths[key]: json.dumps(target.backend.record(record, key).reply.body) for key in keys}
        target.close()
    finally:
        sandbox.stop()
    (folder / "replies.json").write_text(json.dumps(bodies), encoding="utf-8")
    argv = [sys.executable, "-m", "suites.benchmarks.loopback", str(folder / "replies.json")]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        wire = HttpClient(url, side="backend", rate_limiter=target.rate_limiter, trust_env=False)
        backend = Backend(wire, contract, LoginSession(wire, contract, token="t", email=None, password=None))
        database: Any = _Evidence(rows)
        yield replace(target, backend=backend, database=database, log=None, index=None), keys, paths, url
        wire.close()
        server.terminate()


def _bare(url: str, paths: Sequence[str]) -> float:
    """Requests per second of a loop that only reads JSON."""
    with httpx.Client(base_url=url, trust_env=False) as client, ThreadPoolExecutor(IN_FLIGHT) as pool:
        begun = time.perf_counter()
        for _ in pool.map(lambda path: client.get(path).json(), paths):
            pass
        return len(paths) / (time.perf_counter() - begun)


def _verified(target: Target, keys: Sequence[str], folder: Path) -> float:
    """Requests per second of the same, held against the database's rows twice, settled and recorded."""
    writer = Writer(folder, "main")
    check = EndpointRecordCheck(target, target.contract.records["contact"], True)
    verifier = CheckRunner(
        target, writer, Pseudonymizer(b"key"), phase="phase1", flag_on=True, recheck_s=(), fresh_s=60, seed=7
    )
    begun = time.perf_counter()
    for at in range(0, len(keys), BATCH):
        samples = verifier.put(check, [Sample(key=key, stratum="ordinary") for key in keys[at : at + BATCH]])
        assert all(sample.outcome is Outcome.EQUAL for sample in samples), "the benchmark must take the calm way"
    seconds = time.perf_counter() - begun
    writer.close()
    return len(keys) / seconds


def _reporting(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of `python -m reports RUN_FOLDER` as a whole process, over a run of so many samples."""
    times = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "run"
            recorded(folder, options.samples)
            begun = time.perf_counter()
            completed = subprocess.run(
                [sys.executable, "-m", "reports", str(folder)], cwd=ROOT, capture_output=True, text=True
            )
            times.append(time.perf_counter() - begun)
            if completed.returncode not in (0, 1, 6):
                raise RuntimeError(f"the run could not be judged: {completed.stderr}")
    return {"samples": options.samples, "report_s": round(median(times), 2)}


def recorded(folder: Path, count: int) -> None:
    """A run folder of phase 1 with so many equal samples, spread over its checks."""
    path = next((ROOT / "suites").glob("phase1_*/gate.toml"))
    text = path.read_text(encoding="utf-8")
    gate = GateFile(path=str(path.relative_to(ROOT)), sha256="", text=text)
    flags = {"CONNECTRA_ENABLED": True, "VQL_SINGLE_RECORD_RETRIEVAL": True}
    run_ledger.begin(
        folder,
        Run(
            run_id="bench",
            started="2026-01-15T12:00:00+00:00",
            target="sandbox",
            seed=7,
            contract="guide",
            flags=flags,
            fingerprint={},
            gates={"phase1": gate},
        ),
    )
    entries = tomllib.loads(text)["criterion"]
    checks = sorted({name for entry in entries if entry["rule"] == "exact" for name in entry["checks"]})
    writer = Writer(folder, "main")
    for check in checks:
        writer.append(CheckPlan(phase="phase1", check=check, population=count, planned=count // len(checks)))
    for number in range(count):
        answer = Observation(
            side="backend",
            status=200,
            elapsed_ms=40.0,
            at=1_768_478_400.0 + number,
            provenance=Provenance.VQL,
            request=f"GET /api/v1/contacts/{number}/",
        )
        writer.append(
            Comparison(
                phase="phase1",
                check=checks[number % len(checks)],
                key=f"{number:08x}",
                stratum="ordinary",
                outcome=Outcome.EQUAL,
                answers=(answer,),
                attempt=True,
            )
        )
    writer.close()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--requests", type=int, default=2_000)
    add("--samples", type=int, default=5_000)
    add("--rounds", type=int, default=5)
    add("--json", type=Path, help="write the figures there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
