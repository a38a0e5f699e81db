"""Earlier runs, as records of the run that judges them: what a bake pools, and nothing that could change afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCount:
    """What a run counted for one criterion: failures (or mismatches) of count; `whole`: of all that there are."""

    criterion: str
    failures: int
    count: int
    whole: bool = False


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
    counts: tuple[EarlierCount, ...] = ()
    times: tuple[EarlierTimes, ...] = ()

    def counted(self, criterion: str) -> EarlierCount | None:
        return next((each for each in self.counts if each.criterion == criterion), None)

    @property
    def begun_at(self) -> datetime:
        return datetime.fromisoformat(self.started)

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.finished)


def from_json(entry: Mapping[str, Any]) -> EarlierRun:
    """The record that a JSON object stands for; raises ValueError or TypeError for what no run can have counted."""
    counts = tuple(_made(EarlierCount, each) for each in entry.get("counts", ()))
    times = tuple(_made(EarlierTimes, each) for each in entry.get("times", ()))
    found: EarlierRun = _made(EarlierRun, {**entry, "counts": counts, "times": times})
    if found.begun_at.tzinfo is None or found.ended_at.tzinfo is None or found.begun_at > found.ended_at:
        raise ValueError(f"from {found.started!r} to {found.finished!r}: no span of time")
    for count in counts:
        if not all(isinstance(each, int) for each in (count.failures, count.count)):
            raise ValueError(f"{count.criterion}: {count.failures!r} of {count.count!r}")
        if not 0 <= count.failures <= count.count:
            raise ValueError(f"{count.criterion}: {count.failures} of {count.count}")
    for each in times:
        if len(each.vql_ms) != len(each.direct_ms) or len(each.again_ms) not in (0, len(each.vql_ms)):
            raise ValueError(f"{each.check}: its times are no pairs")
        if not all(0 < time < math.inf for time in (*each.vql_ms, *each.direct_ms, *each.again_ms)):
            raise ValueError(f"{each.check}: its times are no numbers above 0")
    return found


def _made(kind: type[Any], entry: Mapping[str, Any]) -> Any:
    """A part of a record: unknown keys left out, lists as tuples."""
    return kind(
        **{
            key: tuple(value) if isinstance(value, list) else value
            for key, value in entry.items()
            if key in kind.__dataclass_fields__
        }
    )
