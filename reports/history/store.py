"""The history of verdicts: one immutable file per run, merged by copying, and read back for trends and for the bake.

    <folder>/<run-id>.json

A file appears whole or not at all and is never overwritten, so concurrent runs and shards share a folder safely.
`read` takes what it can: a damaged file, or one of a version it does not know, is a problem to report, never fatal.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from reports.history.entry import CheckTally, FindingSummary, HistoryEntry, PairBlock, PhaseEntry, entry_of
from reports.records.records import Entry
from reports.records.run_ledger import RunRecords

SCHEMA = 1
_PLAIN_NAME = re.compile(r"[\w.-]+")


class AlreadyInHistory(ValueError):
    """The history holds a file of that run: it is never overwritten."""


def write(folder: Path, entry: HistoryEntry) -> Path:
    """Keep the entry: the whole file appears at once. Raises AlreadyInHistory; OSError for its folder."""
    if not _PLAIN_NAME.fullmatch(entry.run_id):
        raise ValueError(f"{entry.run_id!r} is no run id: it would be a path")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{entry.run_id}.json"
    temporary = folder / f".{entry.run_id}.{os.getpid()}"
    temporary.write_text(_text(entry), encoding="utf-8")
    try:
        _appear(temporary, path)
    except FileExistsError:
        raise AlreadyInHistory(f"{path} is there already; a history file is never overwritten") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(folder: Path) -> tuple[tuple[HistoryEntry, ...], tuple[str, ...]]:
    """(entries by the time they finished, problems as "<file>: <why>"). A folder that is not there holds nothing."""
    entries: list[HistoryEntry] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            entries.append(from_json(json.loads(path.read_bytes())))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
            problems.append(f"{path.name}: {_why(error)}")
    return tuple(sorted(entries, key=lambda each: (each.finished, each.run_id))), tuple(problems)


def remember(folder: Path, recorded: RunRecords, verdict: Entry) -> tuple[tuple[HistoryEntry, ...], list[str]]:
    """Keep this run and return the earlier runs of the same deployment, with a note for everything that went wrong."""
    entry = entry_of(recorded, verdict)
    notes: list[str] = []
    try:
        if recorded.run.options.get("shard"):
            notes.append("a shard is not added to the history: the run that it is merged into will be")
        else:
            write(folder, entry)
    except (AlreadyInHistory, OSError) as error:
        notes.append(f"this run is not added to the history: {error}")
    try:
        entries, problems = read(folder)
    except OSError as error:
        return (), [*notes, f"the history can't be read: {error}"]
    if problems:
        notes.append(f"{len(problems)} history files can't be read, first {problems[0]}")
    return like(entries, entry), notes


def like(entries: Iterable[HistoryEntry], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    """The earlier runs that asked the same deployment."""
    return tuple(
        each
        for each in entries
        if (each.target, each.where) == (entry.target, entry.where)
        and each.run_id != entry.run_id
        and each.finished <= entry.finished
    )


def from_json(entry: Any) -> HistoryEntry:
    """The entry that a file's content stands for; keys it does not know are left out. Raises ValueError and kin."""
    if not isinstance(entry, dict):
        raise ValueError(f"expected a JSON object, found {type(entry).__name__}")
    version = entry.get("schema")
    if version not in _READERS:
        raise ValueError(f"schema {version!r} is not known; this suite reads {', '.join(map(str, _READERS))}")
    return _READERS[version](entry)


def _read_1(entry: Mapping[str, Any]) -> HistoryEntry:
    phases = {name: _read_phase(phase) for name, phase in entry.get("phases", {}).items()}
    found: HistoryEntry = _made(HistoryEntry, {**entry, "phases": phases})
    for name in ("run_id", "target", "finished", "verdict"):
        if not isinstance(getattr(found, name), str):
            raise ValueError(f"{name} is not a text")
    return found


_READERS = {1: _read_1}  # by schema: a later version is read by a reader of its own, so old files stay readable


def _read_phase(entry: Mapping[str, Any]) -> PhaseEntry:
    listed = {"criteria": FindingSummary, "tallies": CheckTally, "blocks": PairBlock}
    parts = {name: tuple(_made(kind, each) for each in entry.get(name, ())) for name, kind in listed.items()}
    found: PhaseEntry = _made(PhaseEntry, {**entry, **parts})
    for block in found.blocks:
        times = (*block.vql_ms, *block.direct_ms, *block.again_ms)
        if len(block.vql_ms) != len(block.direct_ms) or not block.vql_ms or min(times) <= 0:
            raise ValueError(f"block {block.number} of {block.check} holds no pairs of times")
    return found


def _made(kind: type[Any], entry: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    return kind(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items() if name in known}
    )


def _text(entry: HistoryEntry) -> str:
    return json.dumps({"schema": SCHEMA, **asdict(entry)}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _appear(temporary: Path, path: Path) -> None:
    """Give the file its name only if nobody has it; file systems without hard links get an exclusive create."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        with path.open("x", encoding="utf-8") as file:
            file.write(temporary.read_text(encoding="utf-8"))


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "not JSON: torn or damaged"
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return " ".join(str(error).split())[:200] or type(error).__name__
