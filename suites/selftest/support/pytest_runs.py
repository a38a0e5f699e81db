"""Runs of pytest as children of a self-test: as a user starts them, each with an environment and output of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.session.rootdir import joined
from fixtures.settings.settings import NAMES
from suites.selftest.support import warm_python
from suites.selftest.support.process_tree import within

_UNUSED = ("cacheprovider", "hypothesispytest", "pytest_httpserver", "anyio", "platformdirs")
LEAN = tuple(part for plugin in _UNUSED for part in ("-p", f"no:{plugin}"))  # half of what a run here would load
OURS = ("GATE_", "SANDBOX_", "PYTEST_", "COV_")


@dataclass(frozen=True, kw_only=True)
class CompletedRun:
    """How a run ended, everything it printed, and where its run folder is."""

    code: int
    printed: str
    out: Path

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.out / "latest" / "verdict.json").read_text())
        return verdict

    def errors(self) -> list[str]:
        """The sentences for the user."""
        return [line for line in self.printed.splitlines() if line.startswith(("ERROR:", "Exit:"))]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without anything that would steer a run, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES and not name.startswith(OURS)}
    return {**kept, **(extra or {})}


def command(out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *LEAN, *joined(("--out", str(out), *options))]


def run(
    checkout: Path,
    out: Path,
    *options: str,
    extra: Mapping[str, str] | None = None,
    timeout_s: float = 120,
    as_typed: bool = False,
) -> CompletedRun:
    """A run from its start to its end. Paths are given as `--option=PATH`: pytest has no need to start again for them.

    `as_typed`: the options as they are.
    """
    typed = ("--out", str(out), *options)
    arguments = (*LEAN, *(typed if as_typed else joined(typed)))
    completed = warm_python.run("pytest", *arguments, cwd=checkout, env=environment(extra), timeout_s=timeout_s)
    return CompletedRun(code=completed.returncode, printed=completed.stdout + completed.stderr, out=out)


@contextmanager
def begun(checkout: Path, out: Path, *options: str, timeout_s: float = 60) -> Iterator[Callable[[], CompletedRun]]:
    """A run that has recorded samples, while the test does something to its target; call what comes in for its end."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, checkout, out, *options)
        assert within(timeout_s, lambda: recorded(out) or running.done())
        yield running.result


def start(
    checkout: Path, out: Path, log: Path, *options: str, extra: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A run in a process of its own that goes on while the test does something to the process."""
    with log.open("wb") as printed:
        return subprocess.Popen(
            command(out, *options),
            cwd=checkout,
            env=environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def recorded(out: Path, text: str = '"type":"sample"') -> bool:
    """Whether the run in `out` has recorded something with this text."""
    return any(text in path.read_text() for path in (out / "latest" / "observations").glob("*.jsonl"))


def env_file(path: Path, values: Mapping[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path
