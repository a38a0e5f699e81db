"""Which keys are still wrong by what earlier runs of the same deployment found, by the history and the run folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.history import run_folders
from reports.history.entry import HistoryEntry, where
from reports.records.commands import GIVEN
from reports.records.decoding import converted
from reports.records.inputs.wrong_keys import WrongKey
from reports.records.run_ledger import Run

SAME_SANDBOX = ("rows", "shape", "fault")  # others hold other keys, or answer wrongly on purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMemory:
    """What one run of a phase found: keys still wrong at its end, and keys that it found right again."""

    phase: str
    finished: datetime
    wrong: tuple[WrongKey, ...]
    right: tuple[WrongKey, ...]


def outstanding(memories: Iterable[RunMemory], phases: Iterable[str]) -> tuple[WrongKey, ...]:
    """Keys of these phases that no later run found right, those found last first."""
    asked_phases, wrong_keys = set(phases), dict[tuple[str, str, str], WrongKey]()
    for memory in sorted(memories, key=lambda run_memory: run_memory.finished):
        if memory.phase in asked_phases:
            wrong_keys |= {(wrong_key.phase, wrong_key.check, wrong_key.token): wrong_key for wrong_key in memory.wrong}
            for wrong_key in memory.right:
                wrong_keys.pop((wrong_key.phase, wrong_key.check, wrong_key.token), None)
    return tuple(reversed(wrong_keys.values()))


def of_history(entries: Iterable[HistoryEntry], run: Run) -> Iterator[RunMemory]:
    """What the history's runs of the deployment that this run asks found."""
    for entry in entries:
        if (entry.target, entry.where) == (run.target, where(run)) and _is_same(entry.options, run):
            for name, phase in entry.phases.items():
                yield RunMemory(phase=name, finished=entry.ended_at, wrong=phase.wrong_keys, right=phase.right_again)


def of_folders(out: Path, run: Run) -> Iterator[RunMemory]:
    """What the run folders in `out` say of it, as far as they can be read."""
    for _, earlier, verdict in run_folders.verdicts(out):
        if (earlier.target, where(earlier)) == (run.target, where(run)) and _is_same(earlier.options, run):
            with suppress(ValueError):  # a time or a key that cannot be read
                yield from _of_verdict(verdict)


def _of_verdict(verdict: dict[str, Any]) -> Iterator[RunMemory]:
    finished = datetime.fromisoformat(verdict["finished"])
    for name, phase in verdict["phases"].items():
        wrong, right = (converted(tuple[WrongKey, ...], phase.get(kind, [])) for kind in ("wrong_keys", "right_again"))
        yield RunMemory(phase=name, finished=finished, wrong=wrong, right=right)


def _is_same(options: Any, run: Run) -> bool:
    """A live target is asked again; an embedded sandbox is another one, the same if it was started in the same way."""
    if run.target != "sandbox":
        return True
    then, now = options.get(GIVEN, {}), run.options.get(GIVEN, {})
    return all(then.get(name) == now.get(name) for name in SAME_SANDBOX)
