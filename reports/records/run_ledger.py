"""The run folder: what a run was, and every record as it happened. Nothing recorded is lost by a kill.

reports/out/<run-id>/
    run.json                 what was targeted, with which gates (their text included), seed and flags
    observations/<worker>.jsonl   one line per record, flushed as it happens
    verdict.json, summary.md, summary.html, junit.xml, metrics.prom, allure-results/, evidence/
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from reports.records.decoding import decoded
from reports.records.known_difference import KnownDifference, require_usable
from reports.records.records import Event, Record, from_line, to_json
from reports.records.redaction import Scrubber

RUN_SCHEMA = 2
GUARDED_SCHEMA = 2  # from this format on, guards leave records and the judge demands them
_READABLE = (1, 2)
_ENDS = ("run-finished", "worker-finished")  # last line of a record file; its count is the lines written


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFile:
    """A phase's gate file as it was when the run began: judged later by this text, not by what the file became."""

    path: str  # relative to the checkout
    sha256: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run was bound to. Written once, at the start; holds no secret and no personal value."""

    run_id: str
    started: str  # ISO 8601, UTC
    target: str  # sandbox or live
    seed: int
    contract: str
    flags: Mapping[str, bool | None]  # guide's names; None: not known
    fingerprint: Mapping[str, Any]  # backend, connectra, index{name, mapping_sha256}
    gates: Mapping[str, GateFile]  # by phase
    options: Mapping[str, Any] = field(default_factory=dict)
    described: Mapping[str, str] = field(default_factory=dict)  # the run header: what is targeted, secrets masked
    known: tuple[KnownDifference, ...] = ()  # the contract's known differences
    mandatory: bool = False  # by the contract there are no flags: VQL serves everything
    schema: int = 1  # the format of the run folder, see RUN_SCHEMA

    @property
    def known_sha256(self) -> str:
        """A hash over the known differences that the run allowed for."""
        text = json.dumps([asdict(known_difference) for known_difference in self.known], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def flag_on(self, flag: str) -> bool | None:
        """Whether the phase's flag is in force: its own switch and CONNECTRA_ENABLED; None when not known."""
        if self.mandatory:
            return True
        switches = (self.flags.get("CONNECTRA_ENABLED"), self.flags.get(flag))
        if False in switches:
            return False
        return None if None in switches else True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """A run folder as read back: the run, its records in file order, and the lines that could not be read."""

    run: Run
    records: tuple[Record, ...]
    unreadable: tuple[str, ...] = ()  # "<file>:<line>: <why>"
    files: tuple[FileLines, ...] = ()
    sha256: str = ""  # of run.json and every record file; '' for records that were never in a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLines:
    """How many lines a record file holds, and how many were written into it by its own last line (None: no such)."""

    name: str
    lines: int
    written: int | None


class DamagedRun(ValueError):
    """The folder holds no run that could be judged; the message says what was looked for and where."""


class RecordNotWritten(OSError):
    """A record could not be written: a disk is full, a limit reached. What was written before stays readable."""


class RecordSink(Protocol):
    """Where records go."""

    def append(self, record: Record) -> None:
        """Keep it."""


class Writer:
    """Appends records to one worker's file; each line is handed to the kernel before `append` returns.

    `clean` looks over every text that is written; `heard` gets every record. Raises Unrecorded.
    """

    def __init__(
        self, folder: Path, worker: str, *, clean: Scrubber | None = None, heard: Callable[[Record], None] | None = None
    ) -> None:
        self._lock = Lock()
        self._clean = clean
        self._heard = heard
        self._torn = False
        self.lines = 0
        path = folder / "observations" / f"{worker}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, record: Record) -> None:
        line = _line(to_json(record))
        if self._clean is not None and self._clean(line) != line:
            line = _line(self._clean.entry(to_json(record)))
        data = line.encode(errors="replace")  # half of a surrogate pair has no encoding, and must not end the record
        with self._lock:
            try:
                self._write(data)
                self.lines += 1
            except OSError as error:
                raise RecordNotWritten(error.errno, f"{error.strerror}: this can't be recorded") from None
        if self._heard is not None:
            self._heard(record)

    def _write(self, data: bytes) -> None:
        if self._torn:  # by a record that found no room: the next one begins a line of its own
            data = b"\n" + data
        self._torn = True
        while data:
            data = data[os.write(self._file, data) :]
        self._torn = False

    def close(self) -> None:
        os.close(self._file)


def _line(entry: Mapping[str, Any]) -> str:
    return _JSON.encode(entry) + "\n"


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def begin(folder: Path, run: Run) -> None:
    """Make the run folder and write run.json into it. It must hold no run yet; renderers may have made it."""
    (folder / "observations").mkdir(parents=True)
    write_text(folder / "run.json", json.dumps(asdict(run), indent=1) + "\n")


def read(folder: Path) -> RunRecords:
    """Everything recorded in a run folder. A torn last line, or any damaged one, is reported, never fatal."""
    run = read_run(folder)
    digest = hashlib.sha256((folder / "run.json").read_bytes())
    records: list[Record] = []
    unreadable: list[str] = []
    files: list[FileLines] = []
    for path in sorted((folder / "observations").glob("*.jsonl")):
        data = path.read_bytes()
        digest.update(f"{path.name} {len(data)} ".encode() + data)
        first = len(records)
        lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
        for number, line in lines:
            try:
                records.append(from_line(line))
            except ValueError as error:
                unreadable.append(f"{path.name}:{number}: {error}")
        files.append(FileLines(name=path.name, lines=len(lines), written=_written(records[first:])))
    return RunRecords(
        run=run,
        records=tuple(records),
        unreadable=tuple(unreadable),
        files=tuple(files),
        sha256=digest.hexdigest(),
    )


def _written(records: Sequence[Record]) -> int | None:
    """How many lines the file's last record says that there are."""
    ends = [record.count for record in records if isinstance(record, Event) and record.name in _ENDS and record.count]
    return ends[-1] if ends else None


def read_run(folder: Path) -> Run:
    """What the run in this folder was bound to; raises DamagedRun."""
    path = folder / "run.json"
    try:
        data = path.read_bytes()
        if decoded(_Version, data).schema not in _READABLE:
            raise ValueError(f"its schema is none of {', '.join(map(str, _READABLE))}")
        run = decoded(Run, data)
        for known_difference in run.known:
            require_usable(known_difference)
        return run
    except FileNotFoundError:
        lacking = "no run.json in it" if path.parent.is_dir() else "no such folder"
        raise DamagedRun(f"{path.parent}: {lacking}; a run folder is reports/out/<run-id>") from None
    except ValueError as error:
        raise DamagedRun(f"{path}: not the record of a run: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader never meets half of it; what fails or is interrupted leaves none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """The version of the format of a run.json."""

    schema: Any = None
