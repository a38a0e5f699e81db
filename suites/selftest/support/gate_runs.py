"""A gate without a target: a small checkout whose tests record what a self-test wants, run by a pytest of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.session.rootdir import joined
from suites.selftest.support import warm_python
from suites.selftest.support.pytest_runs import LEAN

CHECKOUT = Path(__file__).parents[3]
_CONFTEST = """
import pytest
from reports.plugin import gate, selection
from reports.records.run_ledger import Run

pytest_plugins = ["reports.plugin.selection", "reports.plugin.gate"]

def pytest_addoption(parser):
    for name in ("target", "contract", "seed"):
        parser.addoption(f"--{name}")

@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    config = session.config
    if not hasattr(config, "workerinput") and selection.wanted(config):
        run = Run(run_id=gate.run_id(config), started=gate.started(config), target="live", seed=7, contract="guide",
                  flags={"CONNECTRA_ENABLED": True, "VQL_SINGLE_RECORD_RETRIEVAL": True},
                  fingerprint=FINGERPRINT, gates=selection.gates(config),
                  described={"target": "live", "backend": BACKEND})
        gate.begin(config, run, secrets=SECRETS)
"""
_GATE = """
schema = 1
phase = "phase1"
title = "Single record retrieval"
flag = "VQL_SINGLE_RECORD_RETRIEVAL"
guide = "Rollout Phases, Phase 1"
valid_hours = 24
samples = 59
[recheck]
live_s = [1]
sandbox_s = [1]
[[criterion]]
id = "contact-endpoint-parity"
guide = "Phase 1, Validation Checks: Single contact retrieval works correctly"
rule = "exact"
checks = ["contact-endpoint"]
least = 32
reason = "r"
[[criterion]]
id = "error-rate"
guide = "Phase 1, Success Criteria: Error rate < 1%"
rule = "share"
of = "errors"
target = 0.1
alert = 0.5
reason = "r"
"""
_PYPROJECT = """
[tool.pytest]
testpaths = ["suites"]
junit_family = "xunit1"
addopts = ["-p", "no:faker", "--import-mode=importlib", "-p", "no:cacheprovider"]
markers = ["phase1: one", "canary: light"]
"""
PRELUDE = """
import pytest
from reports.plugin.gate import Mismatch
from reports.records.records import *

def sample(number, outcome=Outcome.EQUAL, **changes):
    answer = Observation(side="backend", status=200, elapsed_ms=40.0, at=1795600000.0 + number,
                    provenance=Provenance.VQL,
                    request=f"GET /api/v1/contacts/{number}/")
    known = dict(phase="phase1", check="contact-endpoint", key=f"00000000-0000-4000-8000-{number:012d}",
                 stratum="ordinary", outcome=outcome, answers=(answer,), attempt=True, again="pytest -k it")
    return Comparison(**(known | changes))
"""
CALM = """
@pytest.mark.parametrize("part", range(4), ids=lambda part: f"part-{part}")
def test_records(recorder, part):
    for number in range(16):
        recorder.writer.append(sample(16 * part + number))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A run that has ended: its exit code, its output, its folder, and the verdict in it."""

    code: int
    printed: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        verdict: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return verdict


def rehearse(
    root: Path,
    tests: str = CALM,
    *options: str,
    secrets: tuple[str, ...] = (),
    fingerprint: dict[str, Any] | None = None,
    backend: str = "https://contact360.example",
    environ: dict[str, str] | None = None,
    on_terminal: bool = False,
) -> Rehearsal:
    """Run `pytest -m phase1` over tests that record anything; `root` may be used again for a further run."""
    write(root, tests, secrets=secrets, fingerprint=fingerprint, backend=backend)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GATE_", "PYTEST_", "GITHUB_", "SANDBOX_")) and name != "CI"
    }
    environment = {**inherited, "PYTHONPATH": str(CHECKOUT), **(environ or {})}
    arguments = (*LEAN, "-m", "phase1", *joined(options))
    completed = warm_python.run("pytest", *arguments, cwd=root, env=environment, on_terminal=on_terminal)
    folder = root / "reports" / "out" / "latest"
    assert folder.exists(), completed.stdout + completed.stderr
    return Rehearsal(code=completed.returncode, printed=completed.stdout + completed.stderr, folder=folder.resolve())


def write(
    root: Path,
    tests: str = CALM,
    *,
    secrets: tuple[str, ...] = (),
    fingerprint: dict[str, Any] | None = None,
    backend: str = "https://contact360.example",
) -> None:
    """The small checkout, in `root`."""
    body = {"SECRETS": secrets, "FINGERPRINT": fingerprint or {"backend": {"version": "2.14.1"}}, "BACKEND": backend}
    suite = root / "suites" / "phase1_single_record"
    suite.mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(_PYPROJECT)
    (root / "conftest.py").write_text("\n".join(f"{name} = {value!r}" for name, value in body.items()) + _CONFTEST)
    (suite / "gate.toml").write_text(_GATE)
    (suite / "test_it.py").write_text(PRELUDE + tests)
