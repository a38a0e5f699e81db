"""Run folders: where they go, `latest` among them, and what is taken away when a run ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reports.environment import environment

FOLDER = pytest.StashKey[Path]()  # of this run
_FORGOTTEN = pytest.StashKey[Path]()  # what `latest` named when this process began
_SCRATCH = ".scratch"
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")  # of a run's folder: it sorts by the time of its start
_ABANDONED_S = 86_400.0  # a run without a verdict that was not written to for so long has been killed


def out(config: pytest.Config) -> Path:
    """The folder of run folders, made if need be; a usage error when it can't be written to."""
    chosen = config.option.out or environment().get("GATE_OUT")
    folder = Path(chosen).absolute() if chosen else config.rootpath / "reports" / "out"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise pytest.UsageError(f"--out {folder}: can't be written to: {error.strerror}") from None
    return folder


def point_latest(folder: Path) -> None:
    """`latest` names this run from its start: a stale GO must not be found there while this one is still open."""
    temporary = folder.parent / f".latest-{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.replace(folder.parent / "latest")


def forget_latest(config: pytest.Config) -> None:
    """Nor may it be found there when this run is refused, or selects nothing, before it begins."""
    latest = out(config) / "latest"
    if latest.is_symlink():
        config.stash[_FORGOTTEN] = latest.readlink()
        latest.unlink()


def restore_latest(config: pytest.Config) -> None:
    """`latest` as it was: nothing of the command line named a test, so no run was meant to take its place."""
    name = config.stash.get(_FORGOTTEN, None)
    if name is not None:
        point_latest(out(config) / name)


def scratch(folder: Path) -> Path:
    """A folder for what the processes of a run share while it lasts; inside the run's own, so that a kill of the run
    leaves nothing elsewhere."""
    shared = folder / _SCRATCH
    shared.mkdir(parents=True, exist_ok=True)
    return shared


def clear(folder: Path) -> None:
    """Take away what the run shared while it lasted, and all of a run that never began."""
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)
    if not (folder / "run.json").exists():
        shutil.rmtree(folder, ignore_errors=True)


def keep_trace(config: pytest.Config, name: str, text: str) -> str:
    """Write a redacted traceback beside what the run recorded, or into the folder of run folders; returns its path."""
    folder = config.stash.get(FOLDER, None) or out(config)
    path = (folder if (folder / "run.json").exists() else out(config)) / name
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return str(path)


def prune(out: Path, keep: int) -> None:
    """Delete the older run folders in `out`: the newest `keep` stay, and so does what a later phase rests on.

    That is each phase's newest run and its newest GO. Runs that may still go on stay too, what `latest` points to, and
    what is no run folder.
    """
    runs = sorted((path for path in out.iterdir() if _is_run(path)), key=lambda path: path.name, reverse=True)
    needed = {*_needed(runs), (out / "latest").resolve()}
    for folder in runs[keep:]:
        if folder not in needed and not _may_go_on(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_run(path: Path) -> bool:
    return bool(_NAME.fullmatch(path.name)) and not path.is_symlink() and (path / "run.json").is_file()


def _needed(newest_first: Sequence[Path]) -> Iterator[Path]:
    judged: set[str] = set()
    go: set[str] = set()
    for folder in newest_first:
        for phase, verdict in _verdicts(folder):
            if phase not in judged or (verdict == "GO" and phase not in go):
                yield folder
            judged.add(phase)
            go |= {phase} if verdict == "GO" else set()


def _verdicts(folder: Path) -> list[tuple[str, str]]:
    try:
        phases = json.loads((folder / "verdict.json").read_bytes())["phases"]
        return [(str(name), str(entry["verdict"])) for name, entry in phases.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _may_go_on(folder: Path) -> bool:
    if (folder / "verdict.json").exists():
        return (folder / _SCRATCH).exists()
    written = [path.stat().st_mtime for path in (folder, *(folder / "observations").glob("*"))]
    return time.time() - max(written) < _ABANDONED_S
