"""Run folders: where they go, `latest` among them, and what is taken away when a run ends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reports.environment import environment

FOLDER = pytest.StashKey[Path]()  # of this run
_SCRATCH = ".scratch"


def out(config: pytest.Config) -> Path:
    """The folder of run folders, made if need be; a usage error when it can't be written to."""
    given = config.option.out or environment().get("GATE_OUT")
    folder = Path(given).absolute() if given else config.rootpath / "reports" / "out"
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
        latest.unlink()


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
