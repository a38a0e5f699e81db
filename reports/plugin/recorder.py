"""What a process of the run records with, and how what happens to the run gets on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.judge.verdict import EXIT_CODES
from reports.records import run_ledger
from reports.records.records import Event, Record
from reports.records.redaction import Pseudonymizer
from reports.records.run_ledger import DamagedRun, RecordNotWritten, RunRecords, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What a process of the run needs for recording: the folder, its own file, and the run's redaction."""

    folder: Path
    writer: Writer
    redactor: Pseudonymizer


RECORDER = pytest.StashKey[Recorder]()
_UNRECORDED = pytest.StashKey[list[Event]]()  # what happened when nothing could be written any more
_LAST_WORDS = pytest.StashKey[list[Callable[[], Event | None]]]()


def recorder_of(config: pytest.Config) -> Recorder | None:
    return config.stash.get(RECORDER, None)


def keep(config: pytest.Config, records: Sequence[Record]) -> None:
    """Record what the controller knows before anything is asked."""
    for record in records:
        config.stash[RECORDER].writer.append(record)


def happened(config: pytest.Config, event: Event) -> None:
    """Record what has just happened to the run; what can't be recorded any more is kept for the verdict."""
    recorder = recorder_of(config)
    if recorder is None:
        return
    event = replace(event, at=epoch(), worker=event.worker or worker_of(config))
    try:
        recorder.writer.append(event)
    except RecordNotWritten as error:
        full = Event(name="unrecorded", at=epoch(), worker=worker_of(config), detail=str(error.strerror))
        config.stash.setdefault(_UNRECORDED, [full]).append(event)


def at_end(config: pytest.Config, told: Callable[[], Event | None]) -> None:
    """Have `told` asked for one more event, or none, when everything has been asked, before the run is judged."""
    config.stash.setdefault(_LAST_WORDS, []).append(told)


def say_last_words(config: pytest.Config) -> None:
    for told in config.stash.get(_LAST_WORDS, []):
        event = told()
        if event is not None:
            happened(config, event)


def recorded_by(config: pytest.Config) -> RunRecords:
    """What is on record, and what happened when nothing could be written any more; without a record there is HOLD."""
    try:
        found = run_ledger.read(config.stash[RECORDER].folder)
    except (DamagedRun, OSError) as error:
        pytest.exit(f"HOLD: what this run recorded can't be read back: {error}", returncode=EXIT_CODES["HOLD"])
    left: list[Event] = config.stash.get(_UNRECORDED, [])
    return besides(found, left)


def besides(recorded: RunRecords, events: Sequence[Event]) -> RunRecords:
    return replace(recorded, records=(*recorded.records, *events))


def worker_of(config: pytest.Config) -> str:
    given = getattr(config, "workerinput", None)
    return str(given["workerid"]) if given else "controller"


def epoch() -> float:
    return round(datetime.now(UTC).timestamp(), 3)
