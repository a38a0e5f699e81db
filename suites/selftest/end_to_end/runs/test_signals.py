"""Signals end a run in order: a recorded HOLD, no traceback, also when they come again while it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reports.environment import ENDS, run_command
from suites.selftest.support.gate_runs import CALM, Rehearsal, rehearse, write
from suites.selftest.support.pytest_runs import LEAN

SENDING = """
import os, signal, time

def test_first(recorder):
    for number in range(3):
        recorder.writer.append(sample(number))

@pytest.fixture
def slow_to_end():
    yield
    for number in AGAIN:
        os.kill(os.getpid(), number)

def test_interrupted(recorder, slow_to_end):
    os.kill(os.getpid(), FIRST)
    time.sleep(30)
"""


def _interrupted(tmp_path: Path, first: signal.Signals, *again: signal.Signals) -> Rehearsal:
    return rehearse(tmp_path, f"FIRST, AGAIN = {int(first)}, {[int(signals) for signals in again]}\n{SENDING}")


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda entry: entry.name)
def test_one_signal_is_a_recorded_hold(tmp_path: Path, first: signal.Signals) -> None:
    run = _interrupted(tmp_path, first)

    assert (run.code, run.verdict["verdict"]) == (2, "HOLD")
    assert "Traceback" not in run.printed
    assert not (run.folder / ".scratch").exists()


def test_further_signals_while_it_ends_change_nothing(tmp_path: Path) -> None:
    run = _interrupted(tmp_path, signal.SIGINT, signal.SIGINT, signal.SIGHUP)

    assert (run.code, run.verdict["verdict"]) == (2, "HOLD")
    assert run.printed.count("The run is ending") == 2
    assert "Traceback" not in run.printed


@pytest.mark.parametrize("plugin", ["no:terminal", "no:junitxml", "no:logging", "no:warnings"])
def test_a_run_without_a_plugin_of_pytests_own_is_judged(tmp_path: Path, plugin: str) -> None:
    run = rehearse(tmp_path, CALM, "-p", plugin)

    assert run.code in (0, 6)
    assert {0: "GO", 6: "HOLD"}[run.code] == run.verdict["verdict"]
    assert "INTERNALERROR" not in run.printed


def test_a_run_under_nohup_goes_on(tmp_path: Path) -> None:
    code = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    write(tmp_path, "import os, signal\ndef test_it(recorder):\n    os.kill(os.getpid(), signal.SIGHUP)\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    completed = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "pytest", *LEAN, "-m", "phase1"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert completed.returncode == 6, completed.stdout + completed.stderr
    assert "1 passed" in completed.stdout


COMMAND = """
import sys, time
from reports.environment import run_command

def main():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("cleared up", flush=True)
        time.sleep(0.2)

sys.exit(run_command(main, "python -m it"))
"""


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGTERM,) * 3],
    ids=lambda group: " ".join(number.name for number in group),
)
def test_a_command_that_is_ended_clears_up_and_decides_nothing(
    checkout: Path, signals: tuple[signal.Signals, ...]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"

    for number in signals:
        process.send_signal(number)
    printed, errors = process.communicate(timeout=30)

    assert (process.returncode, printed) == (6, "cleared up\n")
    sentence = f"python -m it: HOLD: ended by {signals[0].name} before it was done: nothing was decided"
    assert errors.strip() == sentence


def test_every_command_ends_in_order(checkout: Path) -> None:
    mains = [path for top in ("fixtures", "reports") for path in (checkout / top).rglob("__main__.py")]

    assert len(mains) >= 7
    assert [str(path) for path in mains if "sys.exit(run_command(main, " not in path.read_text()] == []


def test_a_command_that_ended_by_itself_leaves_the_signals_as_they_were() -> None:
    before = [signal.getsignal(number) for number in ENDS]

    assert run_command(lambda: 0, "python -m it") == 0
    assert [signal.getsignal(number) for number in ENDS] == before
