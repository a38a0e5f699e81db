"""Every fault breaks the criterion it was made for, by the right cause; a calm sandbox breaks none."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox.faults import CATALOGUE, Fault

FAULTS = [fault for fault in CATALOGUE if fault.phase == "phase1" and fault.name != "calm"]
EXIT_CODES = {"GO": 0, "NO-GO": 1, "HOLD": 6}
QUICK = ("--rows", "1000", "--samples", "128")  # enough to be sure of a fault; a GO needs the full count


def _rehearse(checkout: Path, out: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Phase 1 on a sandbox of its own: (exit code, verdict, what it printed)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GATE_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-m", "phase1", "--target", "sandbox", "--seed", "7", "--out", str(out),
               "-p", "no:cacheprovider", *options]  # fmt: skip
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=400)
    path = out / "latest" / "verdict.json"
    assert path.exists(), done.stdout[-3000:] + done.stderr[-2000:]
    return done.returncode, json.loads(path.read_text()), done.stdout


def _missed(verdict: dict[str, Any]) -> dict[str, str | None]:
    """Missed criteria, each with the cause it was given."""
    return {
        finding["criterion"]: (finding["cause"] or {}).get("code")
        for finding in verdict["phases"]["phase1"]["findings"]
        if finding["outcome"] == "missed"
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_breaks_its_criterion(checkout: Path, tmp_path: Path, fault: Fault) -> None:
    code, verdict, printed = _rehearse(checkout, tmp_path, "--fault", fault.name, *QUICK)

    missed = _missed(verdict)
    assert verdict["verdict"] == fault.verdict, printed[-4000:]
    assert code == EXIT_CODES[fault.verdict]
    for criterion in fault.criteria:
        assert missed.get(criterion) == fault.cause, f"{criterion}: missed are {missed}"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_calm_breaks_nothing(checkout: Path, tmp_path: Path, seed: str) -> None:
    code, verdict, printed = _rehearse(checkout, tmp_path, "--seed", seed)

    assert _missed(verdict) == {}
    assert (code, verdict["verdict"]) == (0, "GO"), printed[-4000:]


def test_two_workers_find_what_one_finds(checkout: Path, tmp_path: Path) -> None:
    runs = [
        _rehearse(checkout, tmp_path / name, "--fault", "stale-record", *QUICK, *options)
        for name, options in (("one", ()), ("two", ("-n", "2")))
    ]

    (one, first, _), (two, second, _) = runs
    assert one == two
    assert _missed(first) == _missed(second)
