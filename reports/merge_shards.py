"""Shards of one run, joined: what several machines saw becomes one run folder, judged as if one had seen it all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from reports.records import run_ledger
from reports.records.run_ledger import Run

_BOUND = ("target", "seed", "contract", "flags", "fingerprint", "gates", "known")  # what shards must have in common
_OWN_OPTIONS = ("shard",)


class IncompatibleShards(ValueError):
    """Runs that can't be shards of one; the message says in what they differ."""


def merge(folders: Sequence[Path], into: Path) -> Run:
    """A new run folder at `into` with everything that the given runs recorded; they themselves stay as they are.

    Raises DamagedRun for a folder that holds no run; IncompatibleShards of another target, build, gate or seed and
    for a shard that is given twice.
    """
    if len(folders) < 2:
        raise IncompatibleShards("at least two run folders are needed to merge")
    runs = [run_ledger.read_run(folder) for folder in folders]
    _require_alike(folders, runs)
    first = min(runs, key=lambda run: run.started)
    options = {name: value for name, value in first.options.items() if name not in _OWN_OPTIONS}
    merged = replace(first, run_id=into.name, options={**options, "merged": [run.run_id for run in runs]})
    run_ledger.begin(into, merged)
    for folder, run in zip(folders, runs, strict=True):
        for path in sorted((folder / "observations").glob("*.jsonl")):
            shutil.copyfile(path, into / "observations" / f"{run.run_id}.{path.name}")
    return merged


def _require_alike(folders: Sequence[Path], runs: Sequence[Run]) -> None:
    twice = {run.run_id for run in runs if sum(other.run_id == run.run_id for other in runs) > 1}
    if twice:
        raise IncompatibleShards(f"given twice: {', '.join(sorted(twice))}")
    shards = [run.options.get("shard") for run in runs]
    for shard in {each for each in shards if each}:
        if shards.count(shard) > 1:
            raise IncompatibleShards(f"shard {shard} was run twice: its samples would count double")
    for folder, run in zip(folders[1:], runs[1:], strict=True):
        for name in _BOUND:
            ours, theirs = _plain(runs[0], name), _plain(run, name)
            if ours != theirs:
                raise IncompatibleShards(
                    f"{folder} differs from {folders[0]} in {name}: {theirs!r:.200}, not {ours!r:.200}"
                )


def _plain(run: Run, name: str) -> Any:
    return asdict(run)[name] if name in ("gates", "known") else getattr(run, name)
