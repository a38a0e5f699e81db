"""Run folders and a history of format 1, written on 2026-11-30, are judged as they were when they were recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.history import store
from reports.judge.verdict import judge, to_json
from reports.records import run_ledger

RECORDED = Path(__file__).parent / "recorded_format"
RUNS = sorted((RECORDED / "runs").iterdir())


@pytest.mark.parametrize("folder", RUNS, ids=["go", "no-go"])
def test_a_recorded_run_is_judged_as_it_was(folder: Path) -> None:
    recorded = run_ledger.read(folder)

    assert recorded.unreadable == ()
    judged = json.dumps(to_json(judge(recorded, now="2026-11-30T04:00:00+00:00")))
    assert _read(judged) == _read((folder / "verdict.json").read_text())


def _read(text: str) -> Any:
    """The verdict, its numbers to nine digits: the last ones are those of a library's version."""
    return json.loads(text, parse_float=lambda digits: f"{float(digits):.9g}")


def test_a_recorded_history_is_read_whole() -> None:
    entries, problems = store.read(RECORDED / "history")

    assert problems == ()
    assert [(entry.run_id, entry.phases["phase1"].verdict) for entry in entries] == [
        (RUNS[0].name, "GO"),
        (RUNS[1].name, "NO-GO"),
    ]
