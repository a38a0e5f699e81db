"""What happened to a run, in sentences: each incident keeps it from a GO. Pure."""

from __future__ import annotations

from collections import Counter

from reports.judge.integrity.guards import lacking
from reports.records.records import Event
from reports.records.run_ledger import RunRecords

LAST_MOMENT = 253_402_300_799.0  # the end of the year 9999, in epoch seconds
_INCIDENTS = {
    "worker-crashed": "a worker crashed ({worker}): its open samples are lost",
    "interrupted": "the run was interrupted: {detail}",
    "rerun": "a test was run again ({detail}): a flaky check is a bug in the check",
    "stopped": "{detail}",
    "test-error": "a check could not run: {detail}",
    "target-changed": "the target changed during the run: {detail}",
    "target-silent": "the target's version could not be read at the end of the run: {detail}",
    "log-silent": "the configured log could not be read at the end of the run: {detail}",
    "oracle-doubted": "PostgreSQL may not be a reliable reference: {detail}",
    "leaked": "{detail}",
    "clock-set": "the system clock changed by {detail}, or the machine slept: row ages and the verdict's "
    "validity are unreliable",
    "unrecorded": "some records could not be written ({worker}): {detail}",
}


def incidents_of(recorded: RunRecords) -> tuple[str, ...]:
    """The incidents on record, each once, and what is missing from the record."""
    events = [record for record in recorded.records if isinstance(record, Event)]
    sentences = [
        _INCIDENTS[event.name].format(worker=event.worker, detail=event.detail)
        for event in events
        if event.name in _INCIDENTS
    ]
    names = Counter(event.name for event in events)
    if not names["run-finished"] and not names["interrupted"]:
        sentences.append("the run never finished: it was killed, or is still running")
    begun = {event.worker for event in events if event.name in ("worker-started", "worker-expected")}
    ended = {event.worker for event in events if event.name == "worker-finished"}
    crashed = {event.worker for event in events if event.name == "worker-crashed"}
    sentences += [f"worker {worker} never finished" for worker in sorted(begun - ended - crashed)]
    strange = next((event for event in events if not 0 <= event.at < LAST_MOMENT), None)
    if strange is not None:
        sentences.append(f"{strange.name} was recorded at {strange.at:g} s, an impossible time")
    if recorded.unreadable:
        sentences.append(
            f"{len(recorded.unreadable)} recorded lines can't be read, first {recorded.unreadable[0][:120]}"
        )
    sentences += lacking(recorded)
    return tuple(dict.fromkeys(sentences))
