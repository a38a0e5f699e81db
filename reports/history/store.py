"""The history of verdicts: one immutable file per run, merged by copying, and read back for trends and for the bake.

    <folder>/<run-id>.json

A file appears whole or not at all and is never overwritten, so concurrent runs and shards share a folder safely.
`read` takes what it can: a damaged file, or one of a version it does not know, is a problem to report, never fatal.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from reports.history.entry import SCHEMA, HistoryEntry, PhaseEntry, entry_of
from reports.judge.integrity.signature import signed, why_unsigned
from reports.records.decoding import decoded
from reports.records.records import Entry
from reports.records.run_ledger import RunRecords

_PLAIN_NAME = re.compile(r"[\w.-]+")


class AlreadyInHistory(ValueError):
    """The history holds a file of that run: it is never overwritten."""


def write(folder: Path, entry: HistoryEntry, *, key: str = "") -> Path:
    """Keep the entry, signed if there is a key: the whole file appears at once.

    Raises AlreadyInHistory; OSError for its folder.
    """
    if not _PLAIN_NAME.fullmatch(entry.run_id):
        raise ValueError(f"{entry.run_id!r} is not a run id: it looks like a path")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{entry.run_id}.json"
    temporary = folder / f".{entry.run_id}.{os.getpid()}"
    try:
        temporary.write_text(_text(entry, key), encoding="utf-8")
        _appear(temporary, path)
    except FileExistsError:
        raise AlreadyInHistory(f"{path} exists already; a history file is never overwritten") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(folder: Path, *, key: str = "") -> tuple[tuple[HistoryEntry, ...], tuple[str, ...]]:
    """(entries by the time they finished, problems as "<file>: <why>"). A folder that is not there holds nothing.

    With a key, an entry that is not signed with it is `altered`. A run that is there twice counts once.
    """
    entries: list[HistoryEntry] = []
    problems: list[str] = []
    first_files: dict[str, str] = {}  # what makes a run the same -> its first file
    for path in sorted(folder.glob("*.json")):
        try:
            data = path.read_bytes()
            entry = from_json(data)
            _require_first(entry, path, first_files)
            entries.append(replace(entry, altered=why_unsigned(json.loads(data), key)))
        except (ValueError, OSError, RecursionError) as error:
            problems.append(f"{path.name}: {_why(error)}")
    return tuple(sorted(entries, key=lambda earlier: (earlier.ended_at, earlier.run_id))), tuple(problems)


def _require_first(entry: HistoryEntry, path: Path, first_files: dict[str, str]) -> None:
    """Raises ValueError for a run that another file holds already, under the same name or another one."""
    text = entry.recorded_sha256 or msgspec.json.encode(replace(entry, run_id="", signature="", altered="")).decode()
    for mark in (entry.run_id, text):
        first = first_files.setdefault(mark, path.name)
        if first != path.name:
            raise ValueError(f"it holds the same run as {first}: a run is counted once")


def remember(
    folder: Path, recorded: RunRecords, verdict: Entry, *, key: str = ""
) -> tuple[tuple[HistoryEntry, ...], list[str]]:
    """Keep this run and return the earlier runs of the same deployment, with a note for everything that went wrong."""
    entry = entry_of(recorded, verdict)
    notes: list[str] = []
    try:
        if recorded.run.options.get("shard"):
            notes.append("a shard is not added to the history: the run that it is merged into will be")
        else:
            write(folder, entry, key=key)
    except (AlreadyInHistory, OSError) as error:
        notes.append(f"this run is not added to the history: {error}")
    try:
        entries, problems = read(folder, key=key)
    except OSError as error:
        return (), [*notes, f"the history can't be read: {error}"]
    if problems:
        notes.append(f"{len(problems)} history files can't be read, first {problems[0]}")
    return like(entries, entry), notes


def like(entries: Iterable[HistoryEntry], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    """The earlier runs that asked the same deployment."""
    return tuple(
        earlier
        for earlier in entries
        if (earlier.target, earlier.where) == (entry.target, entry.where)
        and earlier.run_id != entry.run_id
        and earlier.ended_at <= entry.ended_at
    )


def from_json(data: bytes) -> HistoryEntry:
    """The entry that a file holds; keys it does not know are left out. Raises ValueError."""
    version = decoded(_Version, data).schema
    if not isinstance(version, int) or version not in _READERS:
        raise ValueError(f"schema {version!r} is not known; this suite reads {', '.join(map(str, _READERS))}")
    return _READERS[version](data)


def _read(data: bytes) -> HistoryEntry:
    entry = replace(decoded(HistoryEntry, data), altered="")
    _require_moment("finished", entry.finished)
    if entry.started:
        _require_moment("started", entry.started)
    for phase in entry.phases.values():
        _require_possible(phase)
    return entry


_READERS = {1: _read, SCHEMA: _read}  # by schema: format 1 lacks what a later one added, and is read as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """The version of the format of a history file."""

    schema: Any = None


def _require_moment(name: str, text: str) -> None:
    """Times are compared as instants, so each needs its zone."""
    try:
        zone = datetime.fromisoformat(text).tzinfo
    except ValueError:
        raise ValueError(f"{name} = {text!r:.60} is not an ISO time") from None
    if zone is None:
        raise ValueError(f"{name} = {text!r:.60} has no time zone: expected one like 2026-11-20T08:00:00+00:00")


def _require_possible(phase: PhaseEntry) -> None:
    """Raises ValueError for counts that no run can have counted, and for times that are no pairs."""
    for criterion in phase.criteria:
        if criterion.count < 0 or (criterion.failures is not None and not 0 <= criterion.failures <= criterion.count):
            raise ValueError(
                f"{criterion.criterion}: {criterion.failures} of {criterion.count} were counted: impossible"
            )
    for block in phase.blocks:
        times = (*block.vql_ms, *block.direct_ms, *block.again_ms)
        if len(block.vql_ms) != len(block.direct_ms) or not block.vql_ms or min(times) <= 0:
            raise ValueError(f"block {block.number} of {block.check} holds no pairs of times")


def _text(entry: HistoryEntry, key: str) -> str:
    content = {
        name: value
        for name, value in msgspec.to_builtins(entry, str_keys=True).items()
        if name not in ("signature", "altered")
    }
    return json.dumps(signed(content, key), ensure_ascii=False, separators=(",", ":")) + "\n"


def _appear(temporary: Path, path: Path) -> None:
    """Give the file its name only if no file has it; file systems without hard links get an exclusive create."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        with path.open("x", encoding="utf-8") as file:
            file.write(temporary.read_text(encoding="utf-8"))


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
