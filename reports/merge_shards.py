"""Shards of one run, joined: what several machines saw becomes one run folder, judged as if one had seen it all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reports.records import run_ledger
from reports.records.run_ledger import Run

_BOUND = ("target", "seed", "contract", "flags", "fingerprint", "gates", "known", "mandatory", "schema")  # in common
UNFINISHED = ".merge-"  # begins the name of the folder in which a merge is made
TOGETHER = timedelta(hours=1)  # shards of one run begin within it: what lies further apart saw two deployments


class IncompatibleShards(ValueError):
    """Runs that can't be shards of one; the message says in what they differ."""


def merge(folders: Sequence[Path], into: Path) -> Run:
    """A new run folder at `into` with everything that the given runs recorded; they themselves stay as they are.

    It appears when it is whole: a merge that is killed leaves no folder that could be judged.

    Raises DamagedRun for a folder that holds no run; IncompatibleShards unless they are 1/N to N/N of one N, each once,
    begun within the hour, of one target, build, gate and seed; FileExistsError for an `into` that holds anything.
    """
    if len(folders) < 2:
        raise IncompatibleShards("at least two run folders are needed to merge")
    runs = [run_ledger.read_run(folder) for folder in folders]
    _require_alike(folders, runs)
    _require_together(runs)
    shards = _complete(folders, runs)
    first = min(runs, key=lambda run: datetime.fromisoformat(run.started))
    options = {name: value for name, value in first.options.items() if name != "shard"}
    options |= {"merged": [run.run_id for run in runs], "shards": shards}
    merged = replace(first, run_id=into.name, options=options)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise FileExistsError(f"{into} exists already: name a new folder, or an empty one")
    into.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=UNFINISHED, dir=into.parent) as unfinished:
        unfinished_run = Path(unfinished) / into.name
        run_ledger.begin(unfinished_run, merged)
        for folder, run in zip(folders, runs, strict=True):
            for path in sorted((folder / "observations").glob("*.jsonl")):
                shutil.copyfile(path, unfinished_run / "observations" / f"{run.run_id}.{path.name}")
        unfinished_run.rename(into)
    return merged


def _complete(folders: Sequence[Path], runs: Sequence[Run]) -> list[str]:
    """The shards' names, K/N, in the order of the runs; raises IncompatibleShards unless they are all of one N."""
    shards: dict[int, str] = {}
    names, parts = [], set()
    for folder, run in zip(folders, runs, strict=True):
        name = str(run.options.get("shard") or "")
        shard = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", name)
        if shard is None:
            raise IncompatibleShards(f"{folder} is not a shard: it was run without --shard K/N")
        number, part = int(shard[1]), int(shard[2])
        if number in shards:
            raise IncompatibleShards(f"shard {name} was run twice: its samples would count double")
        shards[number] = run.run_id
        names.append(name)
        parts.add(part)
    if len(parts) > 1:
        raise IncompatibleShards(f"shards of {' and of '.join(map(str, sorted(parts)))} parts do not belong to one run")
    (part,) = parts
    absent = [f"{number}/{part}" for number in range(1, part + 1) if number not in shards]
    if absent or len(shards) != part:
        raise IncompatibleShards(
            f"shard {', '.join(absent)} is missing, and its records may hold a NO-GO; give all {part} run folders"
        )
    return names


def _require_together(runs: Sequence[Run]) -> None:
    ranked = sorted(runs, key=lambda run: datetime.fromisoformat(run.started))
    first, last = ranked[0], ranked[-1]
    if datetime.fromisoformat(last.started) - datetime.fromisoformat(first.started) > TOGETHER:
        raise IncompatibleShards(
            f"{last.run_id} began at {last.started}, more than an hour after {first.run_id} ({first.started}): "
            "shards of one run begin within the hour; run all of them again"
        )


def _require_alike(folders: Sequence[Path], runs: Sequence[Run]) -> None:
    twice = {run.run_id for run in runs if sum(other.run_id == run.run_id for other in runs) > 1}
    if twice:
        raise IncompatibleShards(f"given twice: {', '.join(sorted(twice))}")
    for folder, run in zip(folders[1:], runs[1:], strict=True):
        for name in _BOUND:
            ours, theirs = _plain(runs[0], name), _plain(run, name)
            if ours != theirs:
                raise IncompatibleShards(
                    f"{folder} differs from {folders[0]} in {name}: {theirs!r:.200}, not {ours!r:.200}"
                )


def _plain(run: Run, name: str) -> Any:
    return asdict(run)[name] if name in ("gates", "known") else getattr(run, name)
