"""The process around the code: its environment, its streams, and the net under its commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from _pytest.outcomes import OutcomeException  # pytest.skip.Exception and its like, as a type

HELD = 6  # the exit code of HOLD: nothing was decided
USAGE = 4  # the exit code of what was given and can't be used, as pytest's own
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AT_ONCE_S = 10.0  # a command that was interrupted ends by then, whatever it waits for
_ROOT = Path(__file__).parents[1]


class CommandParser(argparse.ArgumentParser):
    """The parser of every command: a wrong option ends with the same exit code as a wrong value."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def environment() -> Mapping[str, str]:
    """The environment of this process, as it is now; outside the sandbox nothing else reads it."""
    return os.environ


def survive_output() -> None:
    """Escape what a stream can't encode: a terminal of another encoding must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def run_command(main: Callable[[], int], name: str) -> int:
    """The exit code of a command. An error that no other place foresaw is one sentence and 6, never 0 or 1.

    The same holds for a signal: the command clears up and ends with 6, within `AT_ONCE_S` seconds.
    """
    survive_output()
    before = _interrupt_by_signals()
    try:
        return main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing the stream would fail once more
        return HELD
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"\n{name}: HOLD: ended by {interrupt or 'Ctrl-C'} before it was done: nothing was decided\n")
        return HELD
    except OutcomeException as stopped:  # a service that gets no more requests ends a test, and so a command
        sys.stderr.write(f"{name}: HOLD: {stopped.msg}\n")
        return HELD
    except Exception as error:
        sys.stderr.write(f"{name}: {unforeseen(error)}\n")
        return HELD
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, handler)


def _interrupt_by_signals() -> Mapping[signal.Signals, Any]:
    """SIGINT, SIGTERM and SIGHUP interrupt the command as Ctrl-C does; what is ignored (nohup) stays ignored.

    Returns the handlers before, by signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in ENDS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    return before


def _interrupt(number: int, _: FrameType | None) -> None:
    """The first signal counts; further ones would only interrupt the clearing up."""
    for end in ENDS:
        signal.signal(end, signal.SIG_IGN)
    last = threading.Timer(AT_ONCE_S, os._exit, (HELD,))
    last.daemon = True
    last.start()
    raise KeyboardInterrupt(signal.Signals(number).name)


def unforeseen(error: BaseException, where: str = "") -> str:
    """One sentence: the kind of the error and the place of ours it came from; its own words may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    our_frames = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)] or frames
    place = f" at {Path(our_frames[-1].filename).name}:{our_frames[-1].lineno}" if our_frames else ""
    more = f"; more in {where}" if where else ""
    return f"HOLD: the gate itself failed ({type(error).__name__}{place}), which says nothing about the target{more}"
