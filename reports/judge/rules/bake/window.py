"""Windows: which earlier runs a bake pools, whether they fill it, and who was left out and why. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from reports.judge.criteria import Bake, Criterion, Gate, covers
from reports.judge.findings import Finding, PhaseEvidence, finding
from reports.judge.policy import POLICY
from reports.records.inputs.earlier_runs import EarlierRun
from reports.records.wording import counted

SHOWN = 3  # runs named of those left out
_LEFT_OUT = {
    "build": "of another build",
    "connectra": "of another Connectra",
    "flags": "with other flags",
    "index": "of another index",
    "gate": "under another gate",
    "clock": "from the future",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWindow:
    """The runs of one phase that count, the oldest first. Times in hours."""

    phase: str
    hours: float  # how long it has to be
    runs: tuple[EarlierRun, ...]
    left_out: Mapping[str, tuple[str, ...]]  # why -> runs
    now: datetime

    @property
    def span(self) -> float:
        """Between the beginning of the first and the end of the last run."""
        return _hours(self.runs[-1].ended_at - self.runs[0].begun_at) if self.runs else 0.0

    @property
    def gap(self) -> float:
        """The longest time without a run, that since the last one included."""
        if not self.runs:
            return self.hours
        between = [_hours(later.begun_at - earlier.ended_at) for earlier, later in pairwise(self.runs)]
        return max([*between, _hours(self.now - self.runs[-1].ended_at), 0.0])

    def lacking(self) -> str:
        """Why the window is not full; '' if it is."""
        if not self.runs:
            return f"{self.phase}: no run in the last {self.hours:g} h"
        if self.span < self.hours:
            return f"{self.phase}: {counted(len(self.runs), 'run')} over {self.span:.1f} h; need {self.hours:g} h"
        if self.gap > POLICY.widest_gap * self.hours:
            return (
                f"{self.phase}: {self.gap:.1f} h without a run; at most {POLICY.widest_gap * self.hours:g} h may pass"
            )
        return ""


def window(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> Finding:
    """Each phase's window is full: long enough, without a gap, of runs that are bound to what this one is."""
    windows = windows_of(criterion, gate, evidence)
    shortest = min((window.span for window in windows), default=None)
    count = sum(len(window.runs) for window in windows)
    lacking = [sentence for window in windows if (sentence := window.lacking())]
    if lacking or not windows:
        needed = max(
            (math.ceil(window.hours - window.span) for window in windows if window.span < window.hours), default=0
        )
        sentence = "; ".join(lacking) or "no phase has runs to judge"
        return finding(
            criterion, "unmeasured", sentence + left_out(windows), value=shortest, unit="h", count=count, needed=needed
        )
    sentence = "; ".join(
        f"{window.phase}: {counted(len(window.runs), 'run')} over {window.span:.0f} h; longest gap {window.gap:.1f} h"
        for window in windows
    )
    return finding(criterion, "met", sentence + left_out(windows), value=shortest, unit="h", count=count)


def windows_of(criterion: Criterion, gate: Gate, evidence: PhaseEvidence) -> tuple[RunWindow, ...]:
    """The window of every phase that the criterion looks at, back from now."""
    return tuple(_window(bake, criterion.hours, evidence) for bake in gate.bake if covers(criterion, bake.phase))


def reach(bake: Bake, hours: float | None) -> float:
    """How many hours back runs are pooled: so far that a window of that length may end a gap before now."""
    return bake.longest if hours is None else hours * (1 + POLICY.widest_gap)


def left_out(windows: Sequence[RunWindow]) -> str:
    """'; left out: 2 runs of another build (r1, r2)', or '' when none was."""
    reasons: dict[str, list[str]] = {}
    for window in windows:
        for why, runs in window.left_out.items():
            reasons.setdefault(why, []).extend(runs)
    texts = []
    for why, listed in sorted(reasons.items()):
        names = list(dict.fromkeys(listed))
        more = ", ..." if names[SHOWN:] else ""
        texts.append(f"{counted(len(names), 'run')} {why} ({', '.join(names[:SHOWN])}{more})")
    return f"; left out: {', '.join(texts)}" if texts else ""


def _window(bake: Bake, hours: float | None, evidence: PhaseEvidence) -> RunWindow:
    now = datetime.fromisoformat(evidence.now)
    since = now - timedelta(hours=reach(bake, hours))
    runs = [run for run in evidence.past if run.of == bake.phase and run.ended_at >= since]
    left_out: dict[str, list[str]] = {}
    for run in runs:
        if run.differs:
            left_out.setdefault(_LEFT_OUT.get(run.differs[0], f"with {run.differs[0]}"), []).append(run.run)
    return RunWindow(
        phase=bake.phase,
        hours=bake.hours if hours is None else hours,
        runs=tuple(run for run in runs if not run.differs),
        left_out={why: tuple(names) for why, names in left_out.items()},
        now=now,
    )


def _hours(time: timedelta) -> float:
    return time.total_seconds() / 3600
