"""Guards that have to have looked: each leaves a record of its own, and a run that lacks one is HOLD.

Runs of format 1 recorded nothing of the kind: they are judged by the incidents they tell of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from reports.records.inputs.traffic import TrafficProfile
from reports.records.records import Event
from reports.records.run_ledger import GUARDED_SCHEMA, FileLines, Run, RunRecords
from reports.records.wording import counted

TARGET_LOOKED, PRIVACY_LOOKED, LOG_LOOKED, GUARDING = "target-looked", "privacy-looked", "log-looked", "guarding"
ORACLE_LOOKED = "oracle-looked"
PLUGINS = (  # in each process that asks
    "gate-failure-redaction",
    "gate-output-redaction",
    "gate-write-failures",
    "gate-allure-steps",
)
FORMER_NAMES = dict(  # what recorded runs of before 2026-12 call them
    zip(("gate-discretion", "gate-censor", "gate-bystanders", "gate-witness"), PLUGINS, strict=True)
)
CONTROLLER_PLUGINS = (*PLUGINS, "gate-incidents")
_HASH = re.compile(r"[0-9a-f]{64}")
_LOOKS = {
    TARGET_LOOKED: "the target was not checked again at the end: a deployment during the run would go unnoticed",
    PRIVACY_LOOKED: "the run's files were not checked for personal values and secrets",
}


def lacking(recorded: RunRecords) -> tuple[str, ...]:
    """What a run that ended in order should have on record and has not; and gates that are not what they were."""
    return (*_changed_gates(recorded.run), *_unlooked(recorded))


def _changed_gates(run: Run) -> list[str]:
    """A gate is judged by its text, and bound to by its hash: they have to belong together."""
    return [
        f"the recorded gate of {phase} does not match its hash: it was changed after the run began"
        for phase, file in sorted(run.gates.items())
        if (run.schema >= GUARDED_SCHEMA or _HASH.fullmatch(file.sha256)) and _sha256(file.text) != file.sha256
    ]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unlooked(recorded: RunRecords) -> tuple[str, ...]:
    events = [record for record in recorded.records if isinstance(record, Event)]
    names = {event.name for event in events}
    if recorded.run.schema < GUARDED_SCHEMA:
        newer = sorted(names & {TARGET_LOOKED, PRIVACY_LOOKED, GUARDING})
        return (f"its format is {recorded.run.schema}, but it holds records of a later format",) if newer else ()
    if "interrupted" in names or "run-finished" not in names:
        return ()  # an incident already, and there was no end to look at
    missing = [look for name, look in _LOOKS.items() if name not in names]
    if recorded.run.options.get("log") and LOG_LOOKED not in names:
        missing.append("the configured log was not read at the end of the run")
    if recorded.run.options.get("traffic") and not any(
        isinstance(record, TrafficProfile) for record in recorded.records
    ):
        missing.append("the given access log was not read: the run has no profile of it")
    if recorded.run.options.get("oracle") and ORACLE_LOOKED not in names:
        missing.append("PostgreSQL was not checked again at the end: a change of the server would go unnoticed")
    if recorded.run.options.get("shard"):
        missing.append(
            f"it is shard {recorded.run.options['shard']} of a run: join the shards with `python -m reports merge`"
        )
    missing += _unmerged(recorded)
    missing += _unguarded(events)
    missing += [sentence for file in recorded.files if (sentence := _lost(file))]
    return tuple(missing)


def _unmerged(recorded: RunRecords) -> list[str]:
    """Of a run that was joined: the shards whose records, or whose ends, are not there."""
    ended = {file.name for file in recorded.files if file.written is not None}
    return [
        f"the records of {name}, a shard of this run, are missing"
        for name in recorded.run.options.get("merged", ())
        if f"{name}.controller.jsonl" not in ended
    ]


def _unguarded(events: Sequence[Event]) -> list[str]:
    """Per process of the run: the plugins that watched over it, by their own record."""
    active = {event.worker: _plugins(event) for event in events if event.name == GUARDING}
    workers = {event.worker for event in events if event.name in ("worker-started", "worker-expected")}
    demanded = {"controller": CONTROLLER_PLUGINS, **dict.fromkeys(workers, PLUGINS)}
    return [
        f"{worker} did not record that these plugins ran: {', '.join(absent)}"
        for worker, plugins in sorted(demanded.items())
        if (absent := [name for name in plugins if name not in active.get(worker, ())])
    ]


def _plugins(event: Event) -> set[str]:
    return {FORMER_NAMES.get(name, name) for name in event.detail.split()}


def _lost(file: FileLines) -> str:
    """Why a record file is not whole; '' if it holds as many lines as were written."""
    if file.written is None or file.written == file.lines:
        return ""  # without a last line, the run or its worker never finished: an incident of its own
    return f"{file.name} holds {file.lines} of the {counted(file.written, 'line')} written: records are lost"
