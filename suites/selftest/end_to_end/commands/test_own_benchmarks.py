"""The benchmarks against limits and peers: what they count, and that their damage is what they say."""

import csv
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from reports.comparison.csv_cells import cell
from reports.judge.verdict import judge
from reports.records import run_ledger
from suites.benchmarks import export_files, export_parity, overhead
from suites.benchmarks.aims import goal, lines
from suites.benchmarks.peers import NOT_INSTALLED, peak_megabytes
from suites.selftest.support.fake_backend import KIND


def test_a_goal_is_met_at_its_bound() -> None:
    goals = [goal("a", 1.5, 1.5), goal("b", 1.51, 1.5), goal("c", 4, 4, least=True), goal("d", 3.9, 4, least=True)]

    assert [entry["met"] for entry in goals] == [True, False, True, False]
    assert [line.split()[0] for line in lines(goals)] == ["met", "MISSED", "met", "MISSED"]


def test_every_planted_difference_of_a_file_is_reported(tmp_path: Path) -> None:
    complete, wrong = tmp_path / "whole.csv", tmp_path / "wrong.csv"
    with complete.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [[column.name for column in KIND.columns], *([f"{n:08x}", f"n {n}", "x", "", "", ""] for n in range(60))]
        )

    answers = export_files.damaged(complete, wrong, KIND, 60, cells=9, missing=3, extra=2, doubled=4)

    before, after = _read(complete), _read(wrong)
    keys = [row["uuid"] for row in after]
    met = {row["uuid"]: row for row in reversed(after)}
    differences = {(row["uuid"], "missing") for row in before if row["uuid"] not in met}
    differences |= {(key, "extra") for key in keys if key not in {row["uuid"] for row in before}}
    differences |= {(key, "doubled") for key in keys if keys.count(key) > 1}
    differences |= {
        (row["uuid"], column.name)
        for row in before
        if row["uuid"] in met
        for column in KIND.columns
        if cell(row[column.name], column.rules) != cell(met[row["uuid"]][column.name], column.rules)
    }
    assert differences == answers
    assert len(answers) == 18


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_peer_that_is_not_there_says_so(checkout: Path, tmp_path: Path) -> None:
    """Under an interpreter without packages."""
    script = checkout / "suites" / "benchmarks" / "peers.py"
    argv = [sys.executable, "-I", "-S", str(script), "datacompy", "none.csv", "--out", str(tmp_path / "out")]

    assert subprocess.run(argv, check=False).returncode == NOT_INSTALLED


def test_figures_count_what_was_missed_and_what_is_false() -> None:
    runs = [{"seconds": 3.0, "megabytes": 90.2, "differences": [["a", "name"], ["b", "missing"], ["z", "extra"]]}]

    figures = export_parity._figures("different", runs, [2.0], {("a", "name"), ("b", "missing"), ("c", "doubled")})

    assert figures == {"seconds": 3.0, "megabytes": 90, "x_copy": 1.5, "found": 2, "missed": 1, "false": 1}


def test_memory_is_this_process_s_own() -> None:
    """Not its parent's: a small child of a large process is small."""
    text = "x" * 300_000_000
    argv = [sys.executable, "-c", "from suites.benchmarks.peers import peak_megabytes; print(peak_megabytes())"]

    child = float(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)

    assert child < 60 < 300 < peak_megabytes()
    assert text


def test_the_recorded_run_that_is_timed_can_be_judged(tmp_path: Path) -> None:
    overhead.recorded(tmp_path / "run", 700)

    verdict = judge(run_ledger.read(tmp_path / "run"), now="2026-01-15T12:30:00+00:00")

    assert verdict.verdict == "HOLD"  # nothing but equal samples: latency is unmeasured


@pytest.mark.drill
def test_own_overhead_is_measured_on_the_calm_way() -> None:
    """Every sample is equal, or the benchmark itself fails."""
    report = overhead.run(Namespace(requests=64, samples=500, rounds=1))

    assert min(report["bare_rps"], report["verified_rps"], report["report_s"]) > 0
    assert json.dumps(report["goals"])
