"""What a process of the run records with, and how what happens to the run gets on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.judge.integrity.guards import CONTROLLER_PLUGINS, GUARDING, PRIVACY_LOOKED
from reports.judge.verdict import EXIT_CODES
from reports.records import run_ledger
from reports.records.records import Event, Record
from reports.records.redaction import Pseudonymizer, Scrubber
from reports.records.run_ledger import DamagedRun, RecordNotWritten, RunRecords, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What a process of the run needs for recording: the folder, its own file, and the run's redaction."""

    folder: Path
    writer: Writer
    redactor: Pseudonymizer


RECORDER = pytest.StashKey[Recorder]()
_UNRECORDED = pytest.StashKey[list[Event]]()  # what happened when nothing could be written any more
_LAST_WORDS = pytest.StashKey[list[Callable[[], Sequence[Event]]]]()


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


def at_end(config: pytest.Config, look: Callable[[], Sequence[Event]]) -> None:
    """Have `look` asked for more events when everything has been asked, before the run is judged."""
    config.stash.setdefault(_LAST_WORDS, []).append(look)


def say_last_words(config: pytest.Config) -> None:
    for look in config.stash.get(_LAST_WORDS, []):
        for event in look():
            happened(config, event)


def say_guards(config: pytest.Config) -> None:
    """Record which of our plugins watch over this process: pytest's `-p no:NAME` leaves out any of them."""
    if not is_guarded(config):
        return
    active = [name for name in CONTROLLER_PLUGINS if config.pluginmanager.has_plugin(name)]
    happened(config, Event(name=GUARDING, detail=" ".join(active)))


def is_guarded(config: pytest.Config) -> bool:
    """Whether the run's format is one in which guards leave records; yes where the run can't be read back."""
    recorder = recorder_of(config)
    if recorder is None:
        return False
    try:
        return run_ledger.read_run(recorder.folder).schema >= run_ledger.GUARDED_SCHEMA
    except run_ledger.DamagedRun:
        return True


def privacy_look(folder: Path, clean: Scrubber) -> Event:
    """Whether all that was recorded is as redaction would have left it."""
    paths = sorted((folder / "observations").glob("*.jsonl"))
    lines = [line for path in paths for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if line]
    leaking = sum(clean(line) != line for line in lines)
    if leaking:
        return Event(
            name="leaked", count=leaking, detail=f"{leaking} recorded lines contain values that redaction would mask"
        )
    return Event(name=PRIVACY_LOOKED, count=len(lines))


def recorded_by(config: pytest.Config) -> RunRecords:
    """What is on record, and what happened when nothing could be written any more; without a record there is HOLD."""
    try:
        run_records = run_ledger.read(config.stash[RECORDER].folder)
    except (DamagedRun, OSError) as error:
        pytest.exit(f"HOLD: the records of this run can't be read back: {error}", returncode=EXIT_CODES["HOLD"])
    unwritten: list[Event] = config.stash.get(_UNRECORDED, [])
    return besides(run_records, unwritten)


def besides(recorded: RunRecords, events: Sequence[Event]) -> RunRecords:
    return replace(recorded, records=(*recorded.records, *events))


def worker_of(config: pytest.Config) -> str:
    worker_input = getattr(config, "workerinput", None)
    return str(worker_input["workerid"]) if worker_input else "controller"


def epoch() -> float:
    return round(datetime.now(UTC).timestamp(), 3)
