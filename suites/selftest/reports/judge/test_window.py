"""A bake's rules on a handful of earlier runs: what fills a window, what is pooled, and at which edge it tips."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from reports.judge import statistics
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


def _gate(phase: str, *criteria: Criterion, baked: Sequence[str] = ()) -> Gate:
    return gate_of(*criteria, phase=phase, bake=tuple(Bake(phase=text, hours=24, longest=48) for text in baked))


def _run(
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


def _judged(
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
        runs, "bake", None, now=NOW.isoformat(), gates={name: _gate(name, *criteria) for name in gates}
    )
    return finding_of(criterion, _gate("bake", criterion, baked=baked), evidence)


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        ([_run(ago) for ago in FULL], "met", "5 runs over 24 h"),
        ([_run(ago) for ago in (23.9, *FULL[1:])], "unmeasured", "5 runs over 23.9 h; need 24 h"),
        ([_run(23.9, lasts=0.2), *map(_run, FULL[1:])], "met", "over 24 h"),
        ([_run(ago) for ago in (24, 18, 11.8, 6, 0)], "unmeasured", "6.2 h without a run; at most 6 h"),
        ([_run(24), _run(18), _run(11.8, lasts=0.3), _run(6), _run(0)], "met", "over 24 h"),
        ([_run(ago + 6.1) for ago in FULL], "unmeasured", "6.1 h without a run"),
        ([_run(ago + 6) for ago in FULL], "met", "longest gap 6.0 h"),
        ([_run(24, lasts=24), _run(11)], "unmeasured", "13.0 h without a run"),
        ([_run(0, lasts=24), _run(6, lasts=1)], "unmeasured", "2 runs over 7.0 h"),
        ([], "unmeasured", "no run in the last 24 h"),
    ],
    ids=[
        "full",
        "short",
        "begun-early",
        "gap",
        "run-fills-gap",
        "silent-since",
        "just-not-silent",
        "late-end",
        "one-within-another",
        "none",
    ],
)
def test_a_window_is_full_when_it_is_long_enough_and_has_no_gap(
    runs: list[EarlierRun], outcome: str, says: str
) -> None:
    finding = _judged("window", runs)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence


def test_the_lack_of_a_window_is_given_in_hours() -> None:
    lacking = ([_run(20), _run(15)], [_run(20), _run(14)], [_run(20), _run(14.1)], [], [_run(ago) for ago in FULL])

    assert [_judged("window", runs).needed for runs in lacking] == [19, 18, 19, 24, 0]
    finding = _judged("window", [_run(ago) for ago in FULL])
    assert (finding.value, finding.unit, finding.count) == (24.0, "h", 5)


def test_every_phase_has_a_window_of_its_own() -> None:
    runs_of_one, runs_of_two = [_run(ago) for ago in FULL], [_run(ago, of="two") for ago in (9, 4, 0)]

    both = _judged("window", runs_of_one + runs_of_two, baked=("one", "two"))

    assert (both.outcome, both.value, both.count, both.needed) == ("unmeasured", 9.0, 8, 15)
    assert _judged("window", runs_of_one + runs_of_two, baked=("one", "two"), checks=("one",)).outcome == "met"
    assert _judged("window", runs_of_one, baked=()).sentence == "no phase has runs to judge"


@pytest.mark.parametrize(("hours", "reach"), [(None, 48), (100, 125)], ids=["the-bakes", "the-criterions"])
def test_runs_are_pooled_so_far_back_and_no_further(hours: float | None, reach: float) -> None:
    runs = [_run(reach + 0.1), _run(reach), _run(0)]

    finding = _judged("window", runs, hours=hours)

    assert (finding.count, finding.value) == (2, reach)


def test_runs_that_differ_do_not_count_and_some_are_named() -> None:
    apart = [_run(number, differs=(why,)) for number, why in enumerate(["build"] * 4 + ["index", "moon"], 1)]

    finding = _judged("window", [*(_run(ago) for ago in FULL), *apart])

    assert finding.count == 5
    assert finding.sentence.endswith(
        "; left out: 4 runs of another build (r4, r3, r2, ...), 1 run of another index (r5), 1 run with moon (r6)"
    )


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ("build", "of another build"),
        ("connectra", "of another Connectra"),
        ("flags", "with other flags"),
        ("index", "of another index"),
        ("gate", "under another gate"),
        ("clock", "from the future"),
    ],
)
def test_the_reason_for_leaving_a_run_out_is_given(differs: str, why: str) -> None:
    assert _judged("window", [_run(1, differs=(differs,))]).sentence.endswith(f"; left out: 1 run {why} (r1)")


SHARE: dict[str, Any] = {"of": "errors", "target": 0.05, "alert": 0.1}


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        ([_run(ago) for ago in range(10)], "met", "0 of 400 (0.00 %; 99.7 %: 0.00 % to 1.61 %) in 10 runs"),
        ([_run(ago, failures=1) for ago in range(10)], "unmeasured", "10 of 400"),
        ([_run(0, failures=1), *(_run(ago) for ago in range(1, 10))], "unmeasured", "1 of 400"),
        ([*(_run(ago, count=0) for ago in range(9)), _run(9, count=400)], "unmeasured", "9 of 10 runs"),
        ([_run(0, count=0), *(_run(ago) for ago in range(1, 11))], "met", "0 of 400"),
        ([_run(ago, failures=10 * (ago < 8)) for ago in range(47)], "missed", "worse from 2026-"),
        ([_run(ago, failures=10) for ago in range(47)], "missed", "470 of 1880"),
        ([_run(ago, of="two") for ago in range(10)], "unmeasured", "one: no run to pool"),
        ([_run(ago, count=0) for ago in range(10)], "unmeasured", "one errors: no run counted it"),
    ],
    ids=[
        "none-failed",
        "few-good",
        "one-short",
        "one-counted",
        "one-uncounted",
        "lately",
        "all",
        "another-phase",
        "uncounted",
    ],
)
def test_a_share_is_pooled_over_runs_and_the_last_ones_may_not_be_bad(
    runs: list[EarlierRun], outcome: str, says: str
) -> None:
    finding = _judged("pooled-share", runs, least=400, **SHARE)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence
    assert finding.needed == (outcome == "unmeasured")


def test_a_share_of_another_kind_is_no_part_of_it() -> None:
    runs = [_run(ago, failures=20) for ago in range(10)]

    assert _judged("pooled-share", runs, **SHARE | {"of": "fallbacks"}).sentence == "no phase counts it"
    assert _judged("pooled-share", runs, criteria=(PARITY,), **SHARE).outcome == "unmeasured"


def test_the_worst_phase_speaks_and_of_equals_the_larger_value() -> None:
    calm, bad = [_run(ago) for ago in range(10)], [_run(ago, of="two", failures=9) for ago in range(10)]
    worse = [replace(run, of="one", counts=(EarlierCount(criterion="errors", failures=11, count=40),)) for run in bad]

    met = _judged("pooled-share", calm + [replace(run, of="two") for run in calm], baked=("one", "two"), **SHARE)
    missed = _judged("pooled-share", calm + bad, baked=("one", "two"), **SHARE)
    both = _judged("pooled-share", worse + bad, baked=("two", "one"), **SHARE)
    gateless = _judged("pooled-share", calm, baked=("one", "two"), gates=("one",), **SHARE)

    assert met.sentence.startswith("one errors: 0 of 400")
    assert met.sentence.endswith("in 10 runs; and 1 similar")
    assert (missed.outcome, missed.value, missed.count) == ("missed", 0.225, 400)
    assert (both.value, both.sentence.count("in 10 runs")) == (0.275, 2)
    assert (gateless.outcome, gateless.sentence) == ("unmeasured", "two: it has no gate")


BURN: dict[str, Any] = {"of": "errors", "target": 0.01, "alert": 50}
DEAF = (replace(ERRORS, alert=0.9),)  # no single run is an outage by itself


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        ([_run(0, failures=21)], "missed"),
        ([_run(0, failures=20)], "met"),
        ([_run(0, failures=2, count=2)], "missed"),
        ([_run(0, failures=1, count=1)], "met"),
        ([_run(1, failures=1, count=1), _run(0, failures=1, count=1)], "missed"),
        ([_run(1.01, failures=1, count=1), _run(0, failures=1, count=1)], "met"),
        ([_run(0.5, failures=40), _run(0, failures=0, count=1)], "met"),
        ([_run(0.5, failures=0, count=400), _run(0, failures=40)], "met"),
        ([_run(1 / 12, failures=40), _run(0, failures=0, count=10)], "missed"),
        ([_run(0.1, failures=40), _run(0, failures=0, count=10)], "met"),
    ],
    ids=[
        "beyond",
        "at-the-limit",
        "two",
        "a-single-one",
        "an-hour",
        "over-an-hour",
        "it-is-over",
        "only-just-begun",
        "five-minutes",
        "six-minutes",
    ],
)
def test_a_budget_burns_when_the_hour_and_the_last_minutes_are_too_fast(runs: list[EarlierRun], outcome: str) -> None:
    assert _judged("burn", runs, criteria=DEAF, **BURN).outcome == outcome


def test_a_newest_run_may_be_an_outage_by_itself() -> None:
    enough = statistics.alarm_count(110, 0.1)
    loud = [_run(3, failures=50, count=110), _run(0, failures=enough, count=110)]
    quiet = [_run(3, failures=50, count=110), _run(0, failures=enough - 1, count=110)]

    assert _judged("burn", loud, **BURN).outcome == "met"
    assert "alert: " in _judged("burn", loud, **BURN).sentence
    assert "failed in the newest run, r0: above the alert level" in _judged("burn", loud, **BURN).sentence
    assert _judged("burn", quiet, **BURN).outcome == "met"
    for other in (replace(ERRORS, of="fallbacks"), replace(ERRORS, rule="pooled-share")):
        assert _judged("burn", loud, criteria=(*DEAF, other), **BURN).outcome == "met"


def test_the_slower_of_two_burn_alarms_is_shown() -> None:
    finding = _judged("burn", [_run(0.5, failures=10), _run(0, failures=10, count=20)], criteria=DEAF, **BURN)

    assert finding.value == pytest.approx(100 * 20 / 60)
    assert (finding.unit, finding.count) == ("times the budget", 60)


def _timed(
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
    return _run(ago, times=(times,), counts=counts)


LATENCY: dict[str, Any] = {"criteria": (SLOW,), "target": 1.2, "alert": 1.5}


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        (
            [_timed(ago) for ago in range(8)],
            "met",
            "1.00 times direct (99.7 %: 0.98 to 1.02); 128 pairs in 8 groups",
        ),
        ([_timed(ago, pairs=20) for ago in range(7)], "unmeasured", "140 pairs in 7 groups"),
        ([_timed(ago, pairs=15) for ago in range(8)], "unmeasured", "120 pairs in 8 groups"),
        ([_timed(ago, ratio=1.3) for ago in range(8)], "missed", "1.30 times direct"),
        ([_timed(ago, ms=4, ratio=1.2) for ago in range(8)], "met", "too fast to matter: both medians under 5 ms"),
        ([_timed(ago, ms=4, ratio=1.2) for ago in range(7)], "unmeasured", "7 groups"),
        ([_timed(ago, again=1.0) for ago in range(8)], "met", "1.00 times"),
        (
            [_timed(ago, again=1.08) for ago in range(8)],
            "unmeasured",
            "noisy: timed twice, the direct path differs by a factor of 1.08",
        ),
        ([_timed(ago, again=None) for ago in range(8)], "unmeasured", "no pair was taken"),
        ([_timed(ago, ratio=2.0 if ago < 2 else 1.0) for ago in range(40)], "missed", "slower from 2026-"),
        ([_timed(ago, ratio=1.5 if ago < 8 else 1.0) for ago in range(40)], "missed", "slower from 2026-"),
        ([_timed(ago, ratio=1.4 if ago < 2 else 1.0) for ago in range(40)], "met", "1.0"),
        ([_timed(ago, ratio=3.0 if ago % 24 in (7, 8, 9) else 1.0) for ago in range(48)], "missed", "slower from"),
        ([_timed(ago, ratio=1.28 if ago % 24 < 6 else 1.0) for ago in range(72)], "missed", "UTC it is 1.28 times"),
        ([_run(ago) for ago in range(8)], "unmeasured", "one slow: no pair was taken"),
        ([_timed(ago, check="other") for ago in range(8)], "unmeasured", "no pair was taken"),
        (
            [*(_timed(ago) for ago in range(8)), *(_timed(ago, ratio=1.3, check="b") for ago in range(8, 16))],
            "missed",
            "one b: 1.30 times",
        ),
    ],
    ids=[
        "steady",
        "few-runs",
        "few-pairs",
        "slow",
        "fast",
        "fast-and-few",
        "fit",
        "biased",
        "no-second-direct-call",
        "twice-as-slow-lately",
        "slower-lately",
        "a-little-slower-for-two-runs",
        "slow-for-some-hours",
        "busy-hours",
        "no-times",
        "others",
        "one-check-slow",
    ],
)
def test_latency_is_pooled_by_run_and_judged_check_by_check(runs: list[EarlierRun], outcome: str, says: str) -> None:
    finding = _judged("pooled-latency", runs, least=128, **LATENCY)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        ([_timed(ago) for ago in range(8)], "met"),
        ([_timed(ago, pairs=15) for ago in range(8)], "unmeasured"),
        ([_timed(ago, pairs=20) for ago in range(7)], "unmeasured"),
        ([_timed(ago, tail=3) for ago in range(8)], "missed"),
        (
            [*(_timed(ago, pairs=8) for ago in range(8)), *(_timed(ago, pairs=8, check="b") for ago in range(8, 16))],
            "met",
        ),
        ([], "unmeasured"),
    ],
    ids=["steady", "few-pairs", "few-runs", "slow-tail", "two-checks-together", "none"],
)
def test_a_tail_is_pooled_over_all_checks_of_a_phase(runs: list[EarlierRun], outcome: str) -> None:
    assert _judged("pooled-p95", runs, least=128, criteria=(TAIL, SLOW), target=1.2, alert=1.5).outcome == outcome


@pytest.mark.parametrize(
    ("runs", "outcome", "count"),
    [
        ([_run(1, samples=50), _run(0, samples=50)], "met", 100),
        ([_run(1, samples=50), _run(0, samples=49)], "unmeasured", 99),
        ([_run(1, samples=50, wrong=1), _run(0, samples=50)], "missed", 100),
        ([_run(1, samples=9, is_census=True), _run(0, samples=9)], "met", 18),
        ([_run(1, samples=60, seed=1), _run(0, samples=50, seed=1)], "unmeasured", 60),
        ([_run(1, samples=50, seed=1), _run(0, samples=60, seed=1), _run(2, samples=40)], "met", 100),
        ([], "unmeasured", 0),
    ],
    ids=["enough", "too-few", "wrong", "census", "asked-again", "the-larger-counts", "none"],
)
def test_exactness_is_pooled_over_different_questions(runs: list[EarlierRun], outcome: str, count: int) -> None:
    advice = replace(PARITY, id="errors", kind="advisory")

    finding = _judged("pooled-exact", runs, criteria=(PARITY, ERRORS, advice), least=100)

    assert (finding.outcome, finding.count) == (outcome, count), finding.sentence
