"""A bake keeps the doubts of its runs: unknown answers, unfit evidence, incidents and lost calls never help it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reports.judge.rules.bake.missing import doubted, is_missing
from reports.judge.rules.bake.pooling import PooledCriterion
from reports.judge.rules.bake.window import RunWindow
from reports.judge.statistics import Measurement
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _run(name: str = "r", *, incident: str = "", qualified: bool = True, **count: Any) -> EarlierRun:
    kept = EarlierCount(**{"criterion": "c", "failures": 0, "count": 100, "unit": "share"} | count)
    time = NOW.isoformat()
    return EarlierRun(
        phase="p",
        run=name,
        of="q",
        started=time,
        finished=time,
        verdict="",
        counts=(kept,),
        incident=incident,
        qualified=qualified,
    )


def _window(*runs: EarlierRun) -> RunWindow:
    return RunWindow(phase="q", hours=1, runs=runs, left_out={}, now=NOW)


def _judged(window: RunWindow) -> PooledCriterion:
    """met up to 5 %, missed beyond 10 %."""
    counts = [count for run in window.runs if (count := run.counted("c"))]
    failures, count = sum(count.failures for count in counts), sum(count.count for count in counts)
    share = failures / count if count else 1.0
    outcome = "met" if share <= 0.05 else "missed" if share > 0.1 else "unmeasured"
    measurement = Measurement(value=share, unit="share", count=count)
    return PooledCriterion(name="q c", outcome=outcome, sentence=f"{failures} of {count}", measured=measurement)


FINE = tuple(_run(f"r{number}") for number in range(20))


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        (FINE, "met", "0 of 2000"),
        ([*FINE, _run(incident="a worker crashed")], "met", ""),
        (
            [*FINE[:8], _run("x", incident="a worker crashed")],
            "unmeasured",
            "1 of 9 runs (11.1 %) cannot be used as evidence",
        ),
        ([*FINE[:8], _run("x", unfit="25 of 100 samples are void")], "unmeasured", "x: 25 of 100 samples are void"),
        ([*FINE[:8], _run("x", count=0)], "unmeasured", "no answer counts"),
        ([*FINE[:8], _run("x", criterion="d")], "unmeasured", "c was not checked"),
        ([_run(unknown=4)] * 20, "met", ""),
        ([_run(unknown=8)] * 20, "unmeasured", "160 answers of unknown provenance count as failures"),
        ([_run(unknown=13)] * 20, "unmeasured", "have unknown provenance"),
        ([_run(failures=12, unknown=9)] * 20, "missed", ""),
        ([_run(failures=11, unknown=15)] * 20, "unmeasured", "undecided: 300 answers"),
        ([_run(failures=0, unit="ratio", lost=6)] * 20, "unmeasured", "gave no pair of times"),
        ([_run(failures=0, unit="ratio", lost=5)] * 20, "met", ""),
        ([_run(unit="mismatches", unknown=8)] * 20, "met", ""),
        ([_run(qualified=False)] * 20, "unmeasured", "all runs are of an older history format"),
        ([*FINE, *[_run(qualified=False)] * 20], "met", "20 runs of an older history format can only count against"),
        ([*FINE, *[_run(qualified=False, failures=60)] * 20], "missed", "older history format"),
        ([*FINE[:3], *[_run(failures=70)] * 10], "missed", "700 of 1300"),
        ([*FINE, *[_run(failures=70, incident="interrupted")] * 10], "missed", "700 of 3000"),
    ],
)
def test_doubts_turn_an_outcome_into_unmeasured_and_never_help(runs: list[EarlierRun], outcome: str, says: str) -> None:
    part = doubted(_window(*runs), "c", _judged)

    assert part.outcome == outcome, part.sentence
    assert says in part.sentence


def test_a_run_whose_successes_are_all_that_make_it_a_go_is_not_enough() -> None:
    """Without the run that met an incident, too many failed."""
    bad = [_run(f"b{number}", failures=6) for number in range(19)]
    part = doubted(_window(*bad, _run("big", count=2000, incident="a worker crashed")), "c", _judged)

    assert part.outcome == "unmeasured"
    assert "HOLD: counting only the 19 of 20 runs that are evidence" in part.sentence


def test_why_a_run_is_missing() -> None:
    assert is_missing(_run(), "c") == ""
    assert is_missing(replace(_run(), counts=()), "c") == "c was not checked"
    assert is_missing(_run(incident="reset", unfit="void"), "c") == "reset"
