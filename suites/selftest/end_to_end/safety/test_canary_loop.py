"""A day's canaries one after another, against one deployment: nothing grows, and nothing is left."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from suites.selftest.support.pytest_runs import env_file, start

CANARIES, KEPT = 60, 4
CANARY = ("-m", "phase1 and canary", "--out-of-order", "--samples", "4", "--max-rps", "500")
MORE_KB = 20_000  # by which one run's memory may differ from another's


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """After a canary: what it left (entries, bytes, its largest page, processes, connections) and its peak memory."""

    out_entries: int
    out_bytes: int
    page_bytes: int
    history_bytes: int
    temporary: int
    processes: int
    connections: int
    peak_kb: int


def _entries(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


def _bytes(folder: Path) -> int:
    """Of all files but pages, each of which draws the runs before it, up to 60 of them."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.name != "summary.html")


def _page_bytes(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.rglob("summary.html"))


def _answers(out: Path) -> int:
    """How many answers the last canary judged, over its criteria."""
    verdict = json.loads((out / "latest" / "verdict.json").read_text(encoding="utf-8"))
    return sum(finding["count"] for phase in verdict["phases"].values() for finding in phase["findings"])


def _connections(ports: set[int]) -> int:
    """Open ones to the deployment from another process than its own."""
    every = psutil.net_connections("tcp")
    servers = {
        connection.pid
        for connection in every
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in ports
    }
    return sum(
        bool(connection.raddr)
        and connection.raddr.port in ports
        and connection.pid not in servers
        and connection.pid is not None
        for connection in every
    )


def _ports(values: Mapping[str, str]) -> set[int]:
    urls = (value for name, value in values.items() if name.endswith("_URL"))
    return {port for url in urls if (port := urlsplit(url).port)} | {int(values["ELASTICSEARCH_PORT"])}


def _processes(folder: Path) -> int:
    """How many have the folder in their command."""
    commands = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return sum(str(folder) in command for command in commands)


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_a_loop_of_canaries_grows_nowhere(checkout: Path, tmp_path: Path, calm: Mapping[str, str]) -> None:
    temporary, out, history = tmp_path / "tmp", tmp_path / "out", tmp_path / "history"
    temporary.mkdir()
    live = ("--env-file", str(env_file(tmp_path / "live.env", calm)), "--history", str(history), "--keep", str(KEPT))
    before = _connections(_ports(calm))
    leftovers: list[Left] = []
    for _ in range(CANARIES):
        child = start(checkout, out, tmp_path / "log", *CANARY, *live, extra={"TMPDIR": str(temporary)})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 6, (tmp_path / "log").read_text()[-3000:]
        assert _answers(out) > 0, (tmp_path / "log").read_text()[-3000:]
        leftovers.append(
            Left(
                out_entries=_entries(out),
                out_bytes=_bytes(out),
                page_bytes=_page_bytes(out),
                history_bytes=_bytes(history),
                temporary=_entries(temporary),
                processes=_processes(tmp_path),
                connections=_connections(_ports(calm)) - before,
                peak_kb=usage.ru_maxrss,
            )
        )
        with (tmp_path / "figures.jsonl").open("a") as figures:
            figures.write(json.dumps(asdict(leftovers[-1])) + "\n")

    kept = [path for path in out.iterdir() if path.is_dir() and not path.is_symlink()]
    full = leftovers[KEPT:]
    assert len(kept) == KEPT
    assert {leftover.out_entries for leftover in full} == {full[0].out_entries}, leftovers
    assert max(leftover.out_bytes for leftover in full) < 1.3 * min(leftover.out_bytes for leftover in full), leftovers
    assert leftovers[-1].page_bytes < 4 * leftovers[0].page_bytes, leftovers
    assert {(leftover.temporary, leftover.processes, leftover.connections) for leftover in leftovers} == {(0, 0, 0)}, (
        leftovers
    )
    assert (
        max(leftover.peak_kb for leftover in leftovers) - min(leftover.peak_kb for leftover in leftovers) < MORE_KB
    ), leftovers
    assert len(list(history.rglob("*.json"))) == CANARIES
    assert leftovers[-1].history_bytes < 1.3 * CANARIES * leftovers[0].history_bytes, (
        "an entry of the same size each time"
    )
