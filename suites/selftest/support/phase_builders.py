"""One criterion of an invented phase, records for it, and the finding of the judge."""

from collections.abc import Sequence
from typing import Any

from reports.judge.criteria import Criterion, Gate, Latency, Recheck
from reports.judge.findings import evidence_of
from reports.judge.rules.dispatch import Finding, finding_of
from reports.records.records import (
    CheckPlan,
    Comparison,
    Fact,
    Observation,
    Outcome,
    Provenance,
    Record,
)

VQL, SQL, FALLBACK, UNKNOWN = Provenance.VQL, Provenance.DIRECT, Provenance.FALLBACK, Provenance.UNKNOWN


def criterion_of(rule: str, *checks: str, **more: Any) -> Criterion:
    return Criterion(**{"id": "c", "guide": "g", "rule": rule, "reason": "r", "checks": checks} | more)


def gate_of(*criteria: Criterion, **more: Any) -> Gate:
    body = {"phase": "p", "title": "t", "flag": "", "guide": "g", "valid_hours": 1, "samples": 1}
    recheck = Recheck(live_s=(), sandbox_s=())
    return Gate(**{**body, "latency": Latency(), "recheck": recheck, "criteria": criteria} | more)


def finding(criterion: Criterion, records: Sequence[Record], flag_on: bool | None = True, **more: Any) -> Finding:
    return finding_of(
        criterion, gate_of(criterion), evidence_of(records, "p", flag_on, **{"now": "2026-11-25T12:00:00+00:00"} | more)
    )


def sampled(
    key: object,
    outcome: Outcome = Outcome.EQUAL,
    served: Provenance = VQL,
    *,
    check: str = "x",
    side: str = "backend",
    error: str | None = None,
    attempt: bool = True,
    **more: Any,
) -> Comparison:
    answer = Observation(side=side, provenance=served, error=error)
    return Comparison(
        **{
            "phase": "p",
            "check": check,
            "key": str(key),
            "stratum": "s",
            "outcome": outcome,
            "answers": (answer,),
            "attempt": attempt,
        }
        | more
    )


def samples(count: int, *args: Any, at: int = 0, **more: Any) -> list[Comparison]:
    return [sampled(at + number, *args, **more) for number in range(count)]


def fact_of(name: str = "a", ok: bool | None = True, value: float | None = None, **more: Any) -> Fact:
    return Fact(**{"phase": "p", "name": name, "ok": ok, "value": value, "sentence": f"{name}!"} | more)


def plan_of(population: int = 1000, check: str = "x", **strata: int) -> CheckPlan:
    return CheckPlan(phase="p", check=check, population=population, planned=9, strata=strata)
