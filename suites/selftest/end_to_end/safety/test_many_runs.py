"""Runs beside each other: none takes another's place."""

import json
from collections.abc import Mapping
from pathlib import Path

from suites.selftest.support.pytest_runs import env_file, start

CANARY = ("-m", "phase1 and canary", "--out-of-order", "--samples", "4", "--max-rps", "500")


def test_runs_beside_each_other_are_both_whole(checkout: Path, tmp_path: Path, calm: Mapping[str, str]) -> None:
    """Into one place, with one history, and pruned by both: each keeps its own folder and is judged by it."""
    out, live = tmp_path / "out", ("--env-file", str(env_file(tmp_path / "live.env", calm)))
    shared = ("--history", str(tmp_path / "history"), "--keep", "2")
    children = [start(checkout, out, tmp_path / f"log{number}", *CANARY, *live, *shared) for number in range(3)]

    codes = [child.wait(timeout=240) for child in children]

    printed = [(tmp_path / f"log{number}").read_text() for number in range(3)]
    assert codes == [6, 6, 6], printed
    kept = [path for path in out.iterdir() if path.is_dir() and not path.is_symlink()]
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in kept]
    assert len(kept) in (2, 3)
    assert {verdict["verdict"] for verdict in verdicts} == {"HOLD"}
    assert {verdict["incidents"] == [] for verdict in verdicts} == {True}
    assert (out / "latest").resolve() in kept
    assert len(list((tmp_path / "history").rglob("*.json"))) == 3
    assert [text for text in printed if "Traceback" in text] == []
