"""Runs beside each other: none takes another's place."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suites.selftest.support.pytest_runs import env_file, run

CANARY = ("-m", "phase1 and canary", "--out-of-order", "--samples", "4", "--max-rps", "500")


def test_runs_beside_each_other_are_both_whole(checkout: Path, tmp_path: Path, calm: Mapping[str, str]) -> None:
    """Into one place, with one history, and pruned by both: each keeps its own folder and is judged by it."""
    out, live = tmp_path / "out", ("--env-file", str(env_file(tmp_path / "live.env", calm)))
    shared = ("--history", str(tmp_path / "history"), "--keep", "1")

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, checkout, out, *CANARY, *live, *shared, timeout_s=240) for _ in range(2)]
        ended = [of_one.result() for of_one in runs]

    printed = [of_one.printed for of_one in ended]
    assert [of_one.code for of_one in ended] == [6, 6], printed
    kept = [path for path in out.iterdir() if path.is_dir() and not path.is_symlink()]
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in kept]
    assert len(kept) in (1, 2)
    assert {verdict["verdict"] for verdict in verdicts} == {"HOLD"}
    assert {verdict["incidents"] == [] for verdict in verdicts} == {True}
    assert (out / "latest").resolve() in kept
    assert len(list((tmp_path / "history").rglob("*.json"))) == 2
    assert [text for text in printed if "Traceback" in text] == []
