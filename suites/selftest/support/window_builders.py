"""A few earlier runs, some hours ago, and what a bake's rule finds of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reports.judge.criteria import Bake, Criterion, Gate
from reports.judge.rules.dispatch import Finding, evidence_of, finding_of
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun, EarlierTimes
from suites.selftest.support.phase_builders import gate_of

NOW = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
FULL = (24, 18, 12, 6, 0)  # hours ago: as far apart as runs may be
ERRORS = Criterion(id="errors", guide="g", rule="share", reason="r", of="errors", target=0.05, alert=0.1)
PARITY = Criterion(id="parity", guide="g", rule="exact", reason="r", checks=("x",))
SLOW = Criterion(id="slow", guide="g", rule="latency", reason="r", checks=("a", "b"), target=1.2, alert=1.5)
TAIL = replace(SLOW, id="tail", rule="p95")


def gate(phase: str, *criteria: Criterion, baked: Sequence[str] = ()) -> Gate:
    return gate_of(*criteria, phase=phase, bake=tuple(Bake(phase=text, hours=24, longest=48) for text in baked))


def run_ago(
    ago: float,
    *,
    lasts: float = 0,
    of: str = "one",
    failures: int = 0,
    count: int = 40,
    wrong: int = 0,
    samples: int = 0,
    is_census: bool = False,
    **more: Any,
) -> EarlierRun:
    """A run that ended so many hours ago, after so many hours; its errors, and its mismatches."""
    ended = NOW - timedelta(hours=ago)
    counts = (
        EarlierCount(criterion="errors", failures=failures, count=count, unit="share"),
        EarlierCount(criterion="parity", failures=wrong, count=samples, whole=is_census, unit="mismatches"),
    )
    body = {"seed": int(100 * ago), "counts": counts} | more
    return EarlierRun(
        phase="bake",
        run=f"r{ago:g}",
        of=of,
        started=(ended - timedelta(hours=lasts)).isoformat(),
        finished=ended.isoformat(),
        verdict="GO",
        **body,
    )


def judged(
    rule: str,
    runs: Sequence[EarlierRun],
    *,
    criteria: Sequence[Criterion] = (ERRORS,),
    baked: Sequence[str] = ("one",),
    gates: Sequence[str] = ("one", "two"),
    **more: Any,
) -> Finding:
    criterion = Criterion(id="c", guide="g", rule=rule, reason="r", **{"checks": ("*",)} | more)
    evidence = evidence_of(
        runs, "bake", None, now=NOW.isoformat(), gates={name: gate(name, *criteria) for name in gates}
    )
    return finding_of(criterion, gate("bake", criterion, baked=baked), evidence)


def timed(
    ago: float,
    *,
    ratio: float = 1.0,
    ms: float = 100.0,
    pairs: int = 16,
    check: str = "a",
    again: float | None = 1.0,
    tail: float = 1.0,
) -> EarlierRun:
    """A run whose pairs wander a little from run to run; `tail`: how much slower every fourth call is."""
    swing = 1.01 if ago % 2 else 0.99
    direct = (ms,) * pairs
    vql = tuple(ms * ratio * swing * (tail if number % 4 == 0 else 1) for number in range(pairs))
    times = EarlierTimes(check=check, vql_ms=vql, direct_ms=direct, again_ms=(ms * again,) * pairs if again else ())
    counts = tuple(EarlierCount(criterion=name, failures=0, count=pairs, unit="ratio") for name in ("slow", "tail"))
    return run_ago(ago, times=(times,), counts=counts)
