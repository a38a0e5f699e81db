"""A sandbox ends with the process that owns it, even after `kill -9`: five seconds later nothing of it answers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fixtures.settings.env_file import read_env_file
from suites.selftest.support import warm_python
from suites.selftest.support.pytest_runs import LEAN

GONE_S = 5.0
URLS = ("CONTACT360_BASE_URL", "CONTACT360_BASELINE_URL", "CONNECTRA_BASE_URL", "FAULT_PROXY_URL", "DATABASE_URL")
Start = Callable[..., subprocess.Popen[bytes]]
SMALL_RUN = ("pytest", *LEAN, "-m", "phase1", "--target", "sandbox", "--rows", "100", "-q")


@pytest.fixture
def start(checkout: Path) -> Iterator[Start]:
    """Start a command of ours; whatever the test does, it is gone afterwards."""
    running: list[subprocess.Popen[bytes]] = []

    def started(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.wait(10)


def _until(condition: Callable[[], object], deadline_s: float, awaited: str) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {deadline_s:g} s for {awaited}"
        time.sleep(0.05)


def _ports(values: Mapping[str, str]) -> list[int]:
    named = [urlsplit(values[name]).port for name in URLS] + [int(values["ELASTICSEARCH_PORT"])]
    return [port for port in named if port]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _require_silence(ports: list[int]) -> None:
    _until(lambda: not any(map(_answers, ports)), GONE_S, f"silence of {ports}")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told"])
def test_nothing_of_a_playground_outlives_it(start: Start, tmp_path: Path, how: signal.Signals) -> None:
    env_file = tmp_path / "sandbox.env"
    process = start("fixtures.sandbox", "--rows", "100", "--env-file", str(env_file))
    _until(env_file.exists, 60, "the sandbox")
    ports = _ports(read_env_file(env_file))
    assert all(map(_answers, ports))

    process.send_signal(how)

    process.wait(10)
    _require_silence(ports)
    _until(lambda: not env_file.exists(), GONE_S, "the end of the file that describes it")


def test_nothing_of_a_run_outlives_it_but_its_records_which_are_judged_as_hold(
    start: Start, checkout: Path, tmp_path: Path
) -> None:
    process = start(*SMALL_RUN, "--out", str(tmp_path))
    records = tmp_path / "latest" / "observations" / "controller.jsonl"
    _until(lambda: records.exists() and b'"type":"sample"' in records.read_bytes(), 60, "a first sample")
    described = json.loads((tmp_path / "latest" / "run.json").read_text())["described"]
    ports = [
        port
        for name in ("backend", "baseline", "connectra", "elasticsearch", "database")
        if (port := urlsplit(described[name]).port)
    ]
    assert len(ports) == 5
    assert all(map(_answers, ports))

    os.kill(process.pid, signal.SIGKILL)

    process.wait(10)
    _require_silence(ports)
    judged = warm_python.run("reports", str(tmp_path / "latest"), cwd=checkout, env=os.environ)

    assert judged.returncode == 6, judged.stdout + judged.stderr
    assert json.loads((tmp_path / "latest" / "verdict.json").read_text())["verdict"] == "HOLD"
