"""Which run folders `--keep` deletes, and which it never does."""

import json
import os
from pathlib import Path

import pytest

from reports.plugin.run_folder import prune

LONG_AGO = 1_700_000_000.0


def run(out: Path, day: int, verdict: str | None = "HOLD", phase: str = "phase1") -> Path:
    """A run folder of that day of a month; without a verdict one that was killed long ago."""
    folder = out / f"202611{day:02}T094640Z-00000{day % 10}"
    (folder / "observations").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    if verdict is not None:
        (folder / "verdict.json").write_text(json.dumps({"phases": {phase: {"verdict": verdict}}}))
    for path in (folder / "observations", folder):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def days(out: Path) -> list[int]:
    return sorted(int(path.name[6:8]) for path in out.iterdir() if path.name.startswith("2026"))


def test_the_newest_stay(tmp_path: Path) -> None:
    for day in range(1, 11):
        run(tmp_path, day)

    prune(tmp_path, 3)

    assert days(tmp_path) == [8, 9, 10]


def test_the_newest_go_of_a_phase_stays_and_so_does_its_newest_run(tmp_path: Path) -> None:
    run(tmp_path, 1, "GO", "phase1")
    run(tmp_path, 2, "GO", "phase1")
    run(tmp_path, 3, "HOLD", "phase2")
    for day in range(4, 11):
        run(tmp_path, day, "HOLD", "phase1")

    prune(tmp_path, 1)

    assert days(tmp_path) == [2, 3, 10]


def test_the_run_that_latest_points_to_stays(tmp_path: Path) -> None:
    """Runs that begin within one second have no order by their names."""
    latest = run(tmp_path, 1)
    for day in range(2, 5):
        run(tmp_path, day)
    (tmp_path / "latest").symlink_to(latest.name)

    prune(tmp_path, 1)

    assert days(tmp_path) == [1, 4]


def test_a_killed_run_goes_and_one_that_goes_on_stays(tmp_path: Path) -> None:
    run(tmp_path, 1, None)
    going = run(tmp_path, 2, None)
    (going / "observations" / "gw0.jsonl").write_text("")
    run(tmp_path, 3)

    prune(tmp_path, 1)

    assert days(tmp_path) == [2, 3]


def test_a_folder_that_is_no_run_folder_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    run(elsewhere, 1)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "run.json").write_text("{}")
    (tmp_path / "20261101T094640Z-aaaaaa").symlink_to(elsewhere / "20261101T094640Z-000001")
    (tmp_path / "20261102T094640Z-bbbbbb").mkdir()
    run(tmp_path, 3)
    (tmp_path / "latest").symlink_to("20261103T094640Z-000003")

    prune(tmp_path, 1)

    assert days(tmp_path) == [1, 2, 3]
    assert (elsewhere / "20261101T094640Z-000001" / "run.json").exists()
    assert (tmp_path / "notes").is_dir()
    assert (tmp_path / "latest").is_dir()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"phases": 1}', '{"phases": {"phase1": 1}}'])
def test_a_damaged_verdict_is_an_ordinary_old_run(tmp_path: Path, text: str) -> None:
    (run(tmp_path, 1) / "verdict.json").write_text(text)
    run(tmp_path, 2)

    prune(tmp_path, 1)

    assert days(tmp_path) == [2]
