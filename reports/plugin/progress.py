"""Where a long run is: one line on an interactive terminal, kept up to date; nothing in CI or into a file. With
`--watch` its page as well.

It reads what the workers write, as they write it: the growth of `observations/*.jsonl`, so one worker or ten are the
same to it. pytest's own dots would run into the line, so they are left out while it is there; failures are shown at the
end as always.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reports.records.wording import times

EVERY_S = 0.5
PACE_OVER_S = 20.0  # the pace is that of the last so many seconds
VARIABLES = {"GATE_QUIET": "set: no progress line", "CI": "set, as CI systems do: no progress line"}
ROOT = Path(__file__).parents[2]
STOP_S = 20.0  # for a page that is being drawn to be finished
_CLEAR = "\r\x1b[2K"

_WATCHED = pytest.StashKey["WatchedPage"]()


@dataclass(slots=True, kw_only=True)
class ProgressCounts:
    """What was found in the observation files so far. `planned` by check: questions it set out to ask.

    `slowed` is how often the pace gave way, `stopped` the services that are not asked any more.
    """

    phase: str = ""
    samples: int = 0
    pairs: int = 0
    slowed: int = 0
    stopped: int = 0
    planned: dict[str, int] = field(default_factory=dict)


class RecordCounter:
    """Counts records in a folder's observation files, reading only what is new since the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "observations"
        self._offsets: dict[Path, int] = {}
        self.counts = ProgressCounts()

    def look(self) -> ProgressCounts:
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                data = file.read()
            complete = data.rfind(b"\n") + 1
            self._offsets[path] = self._offsets.get(path, 0) + complete
            for line in data[:complete].splitlines():
                self._take(line)
        return self.counts

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            kind, phase = entry["type"], str(entry.get("phase") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        self.counts.phase = phase or self.counts.phase
        if kind == "sample":
            self.counts.samples += 1
        elif kind == "pair":
            self.counts.pairs += 1
        elif kind == "event":
            self.counts.slowed += entry.get("name") == "slowed"
            self.counts.stopped += entry.get("name") == "stopped"
        elif kind == "plan":
            self.counts.planned[f"{phase} {entry.get('check')}"] = int(entry.get("planned") or 0)


class Meter:
    """Pace and time left, from what is done at which time. Pure: times are given, in seconds."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._counts_over_time: list[tuple[float, int]] = []

    def line(self, counts: ProgressCounts, *, now: float, tests: int, of_tests: int) -> str:
        """The line: phase, samples done of planned, pace, time left, tests."""
        self._counts_over_time = [
            (at, samples) for at, samples in self._counts_over_time if now - at <= PACE_OVER_S
        ] + [(now, counts.samples)]
        planned = max(sum(counts.planned.values()), counts.samples)
        parts = [counts.phase or "starting", f"{counts.samples:,} of {planned:,} samples"]
        if counts.pairs:
            parts.append(f"{counts.pairs:,} pairs")
        if counts.slowed:
            parts.append(f"slowed down {times(counts.slowed)}")
        if counts.stopped:
            parts.append("a service gets no more requests")
        pace = self._pace()
        if pace:
            parts.append(f"{pace:.0f}/s" if pace >= 10 else f"{pace:.1f}/s")
        parts.append(f"test {tests} of {of_tests}")
        seconds_left = self._seconds_left(now, planned - counts.samples, pace, tests, of_tests)
        if seconds_left is not None:
            parts.append(f"about {_duration(seconds_left)} left")
        return ", ".join(parts)

    def _pace(self) -> float:
        (first, before), (last, after) = self._counts_over_time[0], self._counts_over_time[-1]
        return (after - before) / (last - first) if last > first else 0.0

    def _seconds_left(self, now: float, samples: int, pace: float, tests: int, of_tests: int) -> float | None:
        """The longer of two guesses: by samples at the present pace, by tests at the pace so far."""
        if not tests or tests >= of_tests:
            return None
        by_tests = (now - self._begun) / tests * (of_tests - tests)
        return max(by_tests, samples / pace if pace and samples > 0 else 0.0)


class Progress:
    """Plugin of the controller: rewrites the line until the run is over."""

    def __init__(self, folder: Path, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._growth = RecordCounter(folder)
        self._meter = Meter(clock())
        self._write = write
        self._clock = clock
        self._tests = 0
        self._of_tests = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_showing, name="gate-progress", daemon=True)

    def show(self) -> None:
        line = self._meter.line(self._growth.look(), now=self._clock(), tests=self._tests, of_tests=self._of_tests)
        self._write(_CLEAR + line[: shutil.get_terminal_size().columns - 1])

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        self._of_tests = self._of_tests or session.testscollected
        self._thread.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._of_tests = len(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Counted as ever, but without a letter: the line is instead of the dots."""
        if report.when == "call" or report.outcome != "passed":
            outcome = "error" if report.failed and report.when != "call" else str(report.outcome)
            return outcome, "", ""
        return None

    def pytest_runtest_logfinish(self) -> None:
        self._tests += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(2 * EVERY_S + 1)
        self._write(_CLEAR)

    def _keep_showing(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                self.show()
            except (OSError, ValueError):
                return  # the terminal is gone: the run goes on


def install(config: pytest.Config, folder: Path, environ: Mapping[str, str]) -> None:
    """Show the line where a person can see it: a terminal, no CI, and neither -v nor -q asked for otherwise."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or not reporter.isatty or any(environ.get(name) for name in VARIABLES) or config.option.verbose:
        return
    try:
        terminal = os.open("/dev/tty", os.O_WRONLY)  # pytest captures the usual ways out while a test runs
    except OSError:
        return

    def write(text: str) -> None:
        os.write(terminal, text.encode(errors="replace"))

    config.pluginmanager.register(Progress(folder, write), "gate-progress")
    config.add_cleanup(lambda: os.close(terminal))


class WatchedPage:
    """`--watch`: a process of low priority that rewrites the run's page until this one stops it, or ends."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "reports", "watch", str(folder), "--until-stdin-closes"]
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def stop(self) -> str:
        """End it before the last page is written; returns why the page was not refreshed, '' where it was."""
        try:
            _, printed = self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return ""
        lines = printed.strip().splitlines()
        return (
            f"the page was not refreshed: {lines[-1] if lines else 'no reason given'}"
            if self._process.returncode
            else ""
        )


def watch(config: pytest.Config, folder: Path) -> None:
    """Start to keep the page fresh, if `--watch` asks for it."""
    if not config.option.watch:
        return
    config.stash[_WATCHED] = WatchedPage(folder)
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"watch: {folder}/summary.html")


def stop_watching(config: pytest.Config) -> list[str]:
    """End it; a note where it failed."""
    watched = config.stash.get(_WATCHED, None)
    note = watched.stop() if watched is not None else ""
    return [note] if note else []


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
