"""The page of a run that still goes on: rewritten every few seconds, and loaded anew by the browser itself.

No server and no script: `summary.html` carries a refresh until the run writes the last one. It is judged and drawn by a
process of its own, of low priority, so that nothing that the run measures waits for it.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.history import store
from reports.history.entry import entry_of
from reports.judge.verdict import judge, to_json
from reports.output.html import history_page, page
from reports.records import run_ledger
from reports.records.records import Comparison, Entry, Event
from reports.records.run_ledger import RunRecords, write_text
from reports.records.wording import counted

EVERY_S = 15  # from one page to the next
RESTS = 5  # a page that takes long to draw is drawn less often: at most a sixth of the time is spent on it
_UNFINISHED = "never finished"  # of incidents that are true of each run that still goes on


def keep_fresh(path: Path, every_s: int, is_over: Callable[[float], bool]) -> None:
    """Rewrite the page of a run folder until it is judged, or that of a history; `is_over` waits so many seconds."""
    write = _write_run if (path / "run.json").exists() else _write_history
    while True:
        begun = time.monotonic()
        if not write(path, every_s):
            return
        if is_over(max(every_s, RESTS * (time.monotonic() - begun))):
            return


def stdin_closes(seconds: float) -> bool:
    """Whether the process that started this one has ended, or wants it to end, within so many seconds."""
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable)


def sleeps(seconds: float) -> bool:
    """Never over: Ctrl-C ends it."""
    time.sleep(seconds)
    return False


def html(recorded: RunRecords, now: datetime, every_s: int, history: Path | None = None) -> str:
    """The page so far, which a browser loads anew after `every_s`."""
    verdict = to_json(judge(recorded, now=now.isoformat(timespec="seconds")))
    earlier = store.like(store.read(history)[0], entry_of(recorded, verdict)) if history else ()
    return page.html(going_on(verdict, recorded, now, every_s), recorded, earlier=earlier, refresh=every_s)


def going_on(verdict: Entry, recorded: RunRecords, now: datetime, every_s: int) -> dict[str, Any]:
    """The verdict so far, marked as such; that the run has not finished is no incident yet."""
    samples = sum(isinstance(record, Comparison) for record in recorded.records)
    text = f"{counted(samples, 'sample')} so far, {now:%H:%M:%S} UTC; the page renews itself every {every_s} s"
    incidents = [incident for incident in verdict["incidents"] if _UNFINISHED not in incident]
    return {**verdict, "incidents": incidents, "going_on": text, "valid_until": None}


def _write_run(folder: Path, every_s: int) -> bool:
    """Write the page of a run that goes on; False once it is over."""
    recorded = run_ledger.read(folder)
    if any(isinstance(record, Event) and record.name == "run-finished" for record in recorded.records):
        return False
    options = recorded.run.options.get("given") or {}
    history = Path(options["history"]) if options.get("history") else None
    write_text(folder / "summary.html", html(recorded, datetime.now(UTC), every_s, history))
    return True


def _write_history(folder: Path, every_s: int) -> bool:
    entries, problems = store.read(folder)
    write_text(folder / "trend.html", history_page.html(entries, problems, refresh=every_s))
    return True
