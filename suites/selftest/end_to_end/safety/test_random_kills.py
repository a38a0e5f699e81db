"""Runs and commands that are ended at random moments: nothing of them is left, and none of them says GO."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from fixtures.export_parity import __main__ as export_parity
from reports.records import run_ledger
from suites.benchmarks import export_files
from suites.selftest.support import guarded_runs
from suites.selftest.support.process_tree import within
from suites.selftest.support.pytest_runs import LEAN, env_file, environment

SIGNALS = {
    "SIGTERM": (signal.SIGTERM,),
    "SIGKILL": (signal.SIGKILL,),
    "SIGHUP": (signal.SIGHUP,),
    "SIGINT": (signal.SIGINT,),
    "SIGINT twice": (signal.SIGINT, signal.SIGINT),
    "SIGTERM, SIGKILL": (signal.SIGTERM, signal.SIGKILL),
}
AGAIN_S = 0.05  # between two signals
GONE_S = 40.0  # what was ended is gone by then: xdist gives its workers ten seconds, and machines are busy
MOMENTS, OF_RUNS = 3, 2  # at which each command, or run, is ended by each signal
STARTED_S = 1.0  # the earliest moment: before it, Python is reading modules

every_signal = pytest.mark.parametrize("signals", SIGNALS.values(), ids=SIGNALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that was ended, or had ended by itself: its exit code and what it printed."""

    code: int
    printed: str
    by_itself: bool

    @property
    def broke(self) -> bool:
        """Whether it shows a traceback; Python's own one does not count: of Ctrl-C while it reads modules."""
        began = any(text in self.printed for text in (", in main\n", "in run_command\n", "test session starts"))
        return "Traceback" in self.printed and (began or "KeyboardInterrupt" not in self.printed)


def _entries(folder: Path) -> list[str]:
    """What is in it, but for the empty folders of pytest's own, of which pytest keeps three."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    return [name for name in names if not name.startswith("pytest-of-") or name.endswith((".jsonl", ".json"))]


def _leftovers(folder: Path) -> list[str]:
    """Processes that have the folder in their command or environment: all that a test starts."""
    complaints = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if process.pid != os.getpid() and str(folder) in " ".join((process.environ() or {}).values()):
                complaints.append(" ".join(process.info["cmdline"] or ()))
        except (psutil.Error, OSError):
            continue
    return complaints


def _ended(command: list[str], checkout: Path, folder: Path, after_s: float, signals: tuple[int, ...]) -> Ended:
    """The command, ended by the signals after so many seconds."""
    temporary, log = folder / "tmp", folder / "log"
    temporary.mkdir(exist_ok=True)
    with log.open("wb") as printed:
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=environment({"TMPDIR": str(temporary)}),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        within(after_s, lambda: process.poll() is not None)
        by_itself = process.poll() is not None
        for number in signals:
            process.send_signal(number)
            time.sleep(AGAIN_S)
        code = process.wait(GONE_S if not by_itself else 1)
    return Ended(code=code, printed=log.read_text(errors="replace"), by_itself=by_itself)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the commands get: settings, a wrong export, a run that is GO, two shards, and an access log."""

    env: Path
    export: Path
    go: Path
    shards: tuple[Path, Path]
    log: Path


@pytest.fixture(scope="module")
def inputs(calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    kind = export_parity._kinds("guide", "contacts")["contacts"]
    rows = export_files.write(calm["DATABASE_URL"], kind, folder / "all.csv")
    export_files.damaged(folder / "all.csv", folder / "wrong.csv", kind, rows, cells=20, missing=5, extra=5, doubled=3)
    line = f'- - - [23/Nov/2026:14:05:59 +0000] "GET /api/v1/contacts/{"0" * 36}/ HTTP/1.1" 200 5\n'
    (folder / "access.log").write_text(line * 200_000)
    shards = tuple(
        guarded_runs.folder(
            folder / name,
            replace(guarded_runs.run(name), options={"shard": part, "log": False}),
            guarded_runs.records("phase1"),
        )
        for name, part in (("s1", "1/2"), ("s2", "2/2"))
    )
    go = guarded_runs.folder(folder / "go", guarded_runs.run("go"), guarded_runs.records("phase1"))
    return Given(
        env=env_file(folder / "live.env", calm),
        export=folder / "wrong.csv",
        go=go,
        shards=shards,
        log=folder / "access.log",
    )


COMMANDS: Mapping[str, Callable[[Given, Path], tuple[str, ...]]] = {
    "fixtures.export_parity": lambda inputs, out: (
        *(str(inputs.export), "--kind", "contacts", "--env-file", str(inputs.env)),
        *("--out", str(out / "differences.jsonl")),
    ),
    "fixtures.index_parity": lambda inputs, out: ("--env-file", str(inputs.env), "--state", str(out / "state")),
    "fixtures.traffic": lambda inputs, out: (str(inputs.log), "--json", str(out / "profile.json")),
    "fixtures.token": lambda inputs, out: ("--env-file", str(inputs.env)),
    "fixtures.contracts": lambda inputs, out: ("probe", "--env-file", str(inputs.env)),
    "reports check": lambda inputs, out: (str(inputs.go), "--phase", "phase1"),
    "reports merge": lambda inputs, out: (str(out / "merged"), *map(str, inputs.shards)),
    "reports": lambda inputs, out: (str(out / "again"),),
}


@pytest.mark.drill
@pytest.mark.timeout(600)
@every_signal
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_ended_leaves_nothing_and_decides_nothing(
    checkout: Path, tmp_path: Path, inputs: Given, name: str, signals: tuple[int, ...]
) -> None:
    """Never 0 unless it was done; never a traceback; of what SIGKILL ends, no file that holds a person's data."""
    module, *part = name.split()
    source = random.Random(f"{name} {signals}")
    for number in range(MOMENTS + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copytree(inputs.go, folder / "again")
        command = [sys.executable, "-m", module, *part, *COMMANDS[name](inputs, folder)]
        if number == 0:
            begun = time.monotonic()
            undisturbed = _ended(command, checkout, folder, 120, ())
            takes_s = time.monotonic() - begun
            continue
        ended = _ended(command, checkout, folder, source.uniform(STARTED_S, max(takes_s, 1.2 * STARTED_S)), signals)
        assert not ended.broke, ended.printed[-2000:]
        assert ended.code in (6, *(-number for number in signals), undisturbed.code), ended.printed[-2000:]
        if ended.code == undisturbed.code:  # it was done: it printed as much
            assert len(ended.printed.splitlines()) == len(undisturbed.printed.splitlines()), ended.printed[-2000:]
        assert signal.SIGKILL in signals or _entries(folder / "tmp") == []
        assert [path for path in (folder / "tmp").rglob("*") if path.is_file() and path.stat().st_size > 64] == []
        if (folder / "merged").exists():
            assert len(run_ledger.read(folder / "merged").files) == len(inputs.shards)
    assert _leftovers(tmp_path) == []


@pytest.mark.drill
@pytest.mark.timeout(600)
@every_signal
@pytest.mark.parametrize("target", ["live", "sandbox"])
def test_a_run_that_is_ended_leaves_nothing_and_is_a_hold(
    checkout: Path, tmp_path: Path, inputs: Given, target: str, signals: tuple[int, ...]
) -> None:
    source = random.Random(f"{target} {signals}")
    how = ("--env-file", str(inputs.env)) if target == "live" else ("--target", "sandbox", "--rows", "100")
    options = ("-m", "phase1", "--samples", "32", "--max-rps", "500", "-p", "no:randomly")
    for number in range(OF_RUNS):
        folder = tmp_path / str(number)
        folder.mkdir()
        workers = ("-n", "2") if number == 1 else ()
        command = [sys.executable, "-m", "pytest", *LEAN, "--out", str(folder / "out"), *options, *how, *workers]

        ended = _ended(command, checkout, folder, source.uniform(STARTED_S, 10.0), signals)

        assert ended.code not in (0, 1), ended.printed[-2000:]
        assert not ended.broke, ended.printed[-2000:]
        assert within(GONE_S, lambda: not _leftovers(tmp_path)), _leftovers(tmp_path)
        assert within(GONE_S, lambda folder=folder: not _entries(folder / "tmp")), _entries(folder / "tmp")
        for run in (path for path in (folder / "out").glob("*") if (path / "run.json").exists()):
            judged = subprocess.run(
                [sys.executable, "-m", "reports", str(run)], cwd=checkout, env=environment(), capture_output=True
            )
            assert judged.returncode == 6, judged.stdout
            assert json.loads((run / "verdict.json").read_text())["verdict"] == "HOLD"


@pytest.mark.drill
@pytest.mark.timeout(600)
@every_signal
def test_a_playground_that_is_ended_leaves_nothing(checkout: Path, tmp_path: Path, signals: tuple[int, ...]) -> None:
    """While it starts, or while it serves."""
    source = random.Random(f"playground {signals}")
    for number in range(OF_RUNS):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = folder / "sandbox.env"
        command = [sys.executable, "-m", "fixtures.sandbox", "--rows", "100", "--env-file", str(file)]

        ended = _ended(command, checkout, folder, source.uniform(STARTED_S, 8.0), signals)

        assert not ended.broke, ended.printed[-2000:]
        assert not ended.by_itself, ended.printed[-2000:]
        assert within(GONE_S, lambda: not _leftovers(tmp_path)), _leftovers(tmp_path)
        assert within(GONE_S, lambda folder=folder: not _entries(folder / "tmp")), _entries(folder / "tmp")
        assert within(GONE_S, lambda file=file: not file.exists())
