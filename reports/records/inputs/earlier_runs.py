"""Earlier runs, as records of the run that judges them: what a bake pools, and nothing that could change afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCount:
    """What a run counted for one criterion: failures (or mismatches) of count; `whole`: of all that there are."""

    criterion: str
    failures: int
    count: int
    unit: str = ""  # of its finding: share, mismatches, ratio (pairs of times); '' in records of older runs
    whole: bool = False
    unknown: int = 0  # answers beside `count` that do not tell who served them
    void: int = 0
    lost: int = 0
    excused: int = 0
    unfit: str = ""  # why this evidence is no ground to build on: the run is missing for this criterion

    @property
    def is_share(self) -> bool:
        return self.unit == "share"

    @property
    def is_timed(self) -> bool:
        return self.unit == "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTimes:
    """The latency pairs of one check in an earlier run, in milliseconds: position i of each is one question."""

    check: str
    vql_ms: tuple[float, ...]
    direct_ms: tuple[float, ...]
    again_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """One phase of an earlier run, from the history: what a bake pools.

    `phase` is the phase that judges, `of` the one that was asked. `differs` names what the run was bound to and this
    one is not (build, connectra, flags, index, gate), and whatever else keeps it out of the pool.
    """

    phase: str
    run: str
    of: str
    started: str  # ISO 8601, UTC
    finished: str
    verdict: str
    seed: int = 0
    differs: tuple[str, ...] = ()
    qualified: bool = True  # False: from a history of format 1, which kept no doubts; it counts against a GO only
    incident: str = ""  # what happened to it: then it is missing for a GO, and what it saw counts against one
    counts: tuple[EarlierCount, ...] = ()
    times: tuple[EarlierTimes, ...] = ()

    def counted(self, criterion: str) -> EarlierCount | None:
        return next((count for count in self.counts if count.criterion == criterion), None)

    @property
    def begun_at(self) -> datetime:
        return datetime.fromisoformat(self.started)

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.finished)


def require_possible(run: EarlierRun) -> None:
    """Raises ValueError for what no run can have counted."""
    if run.begun_at.tzinfo is None or run.ended_at.tzinfo is None or run.begun_at > run.ended_at:
        raise ValueError(f"from {run.started!r} to {run.finished!r}: it ends before it begins")
    for count in run.counts:
        doubts = (count.unknown, count.void, count.lost, count.excused)
        if not 0 <= count.failures <= count.count or min(doubts) < 0:
            raise ValueError(f"{count.criterion}: {count.failures} of {count.count}")
    for times in run.times:
        if len(times.vql_ms) != len(times.direct_ms) or len(times.again_ms) not in (0, len(times.vql_ms)):
            raise ValueError(f"{times.check}: its times are not pairs")
        if not all(0 < time < math.inf for time in (*times.vql_ms, *times.direct_ms, *times.again_ms)):
            raise ValueError(f"{times.check}: its times are not numbers above 0")
