"""What happens to the run itself, seen in the controller: whatever it was, it is on record before the run is judged."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from reports.judge.policy import POLICY
from reports.judge.verdict import EXIT_CODES
from reports.output.ci import allure_results
from reports.plugin.recorder import Recorder, happened
from reports.records.records import Event
from reports.records.wording import counted


class OrderlyEnd:
    """Handles SIGINT, SIGTERM and SIGHUP: the first one interrupts the run, which then ends with a recorded HOLD.

    While it ends, further ones change nothing: the verdict is written first. The fourth gives that up.
    """

    GIVE_UP = 4

    def __init__(self) -> None:
        self.ending = False
        self._count = 0
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: who started the run wants it to go on
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count >= self.GIVE_UP:
            os._exit(EXIT_CODES["HOLD"])
        if self._count == 1 and not self.ending:
            raise KeyboardInterrupt
        remaining = self.GIVE_UP - self._count
        with suppress(OSError):
            ways_out = f"{counted(remaining, 'more signal')} to end at once"
            os.write(2, f"\nThe run is ending and writes its verdict ({ways_out}).\n".encode())


class Incidents:
    """Reruns, crashed workers, interruptions, and a clock that was set."""

    def __init__(self, config: pytest.Config, recorder: Recorder) -> None:
        self._config = config
        self._recorder = recorder
        self._begun = clocks()
        self._interrupted = False

    def note(self, name: str, detail: str, worker: str = "controller") -> None:
        happened(self._config, Event(name=name, worker=worker, detail=detail))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.outcome) == "rerun":  # pytest-rerunfailures' own outcome: a flaky check is a bug in the check
            self.note("rerun", report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        if error:
            self.note("worker-crashed", str(error)[:200], node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        worker = getattr(getattr(report, "node", None), "gateway", None)
        allure_results.write_crash(self._recorder.folder / "allure-results", crashitem, getattr(worker, "id", ""))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._interrupted = True
        by_hand = excinfo.errisinstance(KeyboardInterrupt)
        self.note("interrupted", "by Ctrl-C or a signal" if by_hand else excinfo.typename)

    def conclude(self, exitstatus: int) -> None:
        """Note what is known only when everything has been asked."""
        if exitstatus in (2, 3) and not self._interrupted:
            why = "pytest was stopped before its end" if exitstatus == 2 else "pytest met an internal error"
            self.note("interrupted", why)
        ended = clocks()
        set_by = (ended[0] - self._begun[0]) - (ended[1] - self._begun[1])
        if abs(set_by) > POLICY.clock_s:
            self.note("clock-set", f"{set_by:+,.0f} s")


def clocks() -> tuple[float, float]:
    """The time of day and the time that only goes on, in seconds: unless the clock is set, both go on alike."""
    return time.time(), time.monotonic()
