"""A bake's rules on a handful of earlier runs: what fills a window, what is pooled, and at which edge it tips."""

from dataclasses import replace
from typing import Any

import pytest

from reports.judge import statistics
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun
from suites.selftest.support.window_builders import ERRORS, FULL, PARITY, judged, run_ago


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        ([run_ago(ago) for ago in FULL], "met", "5 runs over 24 h"),
        ([run_ago(ago) for ago in (23.9, *FULL[1:])], "unmeasured", "5 runs over 23.9 h; need 24 h"),
        ([run_ago(23.9, lasts=0.2), *map(run_ago, FULL[1:])], "met", "over 24 h"),
        ([run_ago(ago) for ago in (24, 18, 11.8, 6, 0)], "unmeasured", "6.2 h without a run; at most 6 h"),
        ([run_ago(24), run_ago(18), run_ago(11.8, lasts=0.3), run_ago(6), run_ago(0)], "met", "over 24 h"),
        ([run_ago(ago + 6.1) for ago in FULL], "unmeasured", "6.1 h without a run"),
        ([run_ago(ago + 6) for ago in FULL], "met", "longest gap 6.0 h"),
        ([run_ago(24, lasts=24), run_ago(11)], "unmeasured", "13.0 h without a run"),
        ([run_ago(0, lasts=24), run_ago(6, lasts=1)], "unmeasured", "2 runs over 7.0 h"),
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
    finding = judged("window", runs)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence


def test_the_lack_of_a_window_is_given_in_hours() -> None:
    lacking = (
        [run_ago(20), run_ago(15)],
        [run_ago(20), run_ago(14)],
        [run_ago(20), run_ago(14.1)],
        [],
        [run_ago(ago) for ago in FULL],
    )

    assert [judged("window", runs).needed for runs in lacking] == [19, 18, 19, 24, 0]
    finding = judged("window", [run_ago(ago) for ago in FULL])
    assert (finding.value, finding.unit, finding.count) == (24.0, "h", 5)


def test_every_phase_has_a_window_of_its_own() -> None:
    runs_of_one, runs_of_two = [run_ago(ago) for ago in FULL], [run_ago(ago, of="two") for ago in (9, 4, 0)]

    both = judged("window", runs_of_one + runs_of_two, baked=("one", "two"))

    assert (both.outcome, both.value, both.count, both.needed) == ("unmeasured", 9.0, 8, 15)
    assert judged("window", runs_of_one + runs_of_two, baked=("one", "two"), checks=("one",)).outcome == "met"
    assert judged("window", runs_of_one, baked=()).sentence == "no phase has runs to judge"


@pytest.mark.parametrize(("hours", "reach"), [(None, 48), (100, 125)], ids=["the-bakes", "the-criterions"])
def test_runs_are_pooled_so_far_back_and_no_further(hours: float | None, reach: float) -> None:
    runs = [run_ago(reach + 0.1), run_ago(reach), run_ago(0)]

    finding = judged("window", runs, hours=hours)

    assert (finding.count, finding.value) == (2, reach)


def test_runs_that_differ_do_not_count_and_some_are_named() -> None:
    apart = [run_ago(number, differs=(why,)) for number, why in enumerate(["build"] * 4 + ["index", "moon"], 1)]

    finding = judged("window", [*(run_ago(ago) for ago in FULL), *apart])

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
    assert judged("window", [run_ago(1, differs=(differs,))]).sentence.endswith(f"; left out: 1 run {why} (r1)")


SHARE: dict[str, Any] = {"of": "errors", "target": 0.05, "alert": 0.1}


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        ([run_ago(ago) for ago in range(10)], "met", "0 of 400 (0.00 %; 99.7 %: 0.00 % to 1.61 %) in 10 runs"),
        ([run_ago(ago, failures=1) for ago in range(10)], "unmeasured", "10 of 400"),
        ([run_ago(0, failures=1), *(run_ago(ago) for ago in range(1, 10))], "unmeasured", "1 of 400"),
        ([*(run_ago(ago, count=0) for ago in range(9)), run_ago(9, count=400)], "unmeasured", "9 of 10 runs"),
        ([run_ago(0, count=0), *(run_ago(ago) for ago in range(1, 11))], "met", "0 of 400"),
        ([run_ago(ago, failures=10 * (ago < 8)) for ago in range(47)], "missed", "worse from 2026-"),
        ([run_ago(ago, failures=10) for ago in range(47)], "missed", "470 of 1880"),
        ([run_ago(ago, of="two") for ago in range(10)], "unmeasured", "one: no run to pool"),
        ([run_ago(ago, count=0) for ago in range(10)], "unmeasured", "one errors: no run counted it"),
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
    finding = judged("pooled-share", runs, least=400, **SHARE)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence
    assert finding.needed == (outcome == "unmeasured")


def test_a_share_of_another_kind_is_no_part_of_it() -> None:
    runs = [run_ago(ago, failures=20) for ago in range(10)]

    assert judged("pooled-share", runs, **SHARE | {"of": "fallbacks"}).sentence == "no phase counts it"
    assert judged("pooled-share", runs, criteria=(PARITY,), **SHARE).outcome == "unmeasured"


def test_the_worst_phase_speaks_and_of_equals_the_larger_value() -> None:
    calm, bad = [run_ago(ago) for ago in range(10)], [run_ago(ago, of="two", failures=9) for ago in range(10)]
    worse = [replace(run, of="one", counts=(EarlierCount(criterion="errors", failures=11, count=40),)) for run in bad]

    met = judged("pooled-share", calm + [replace(run, of="two") for run in calm], baked=("one", "two"), **SHARE)
    missed = judged("pooled-share", calm + bad, baked=("one", "two"), **SHARE)
    both = judged("pooled-share", worse + bad, baked=("two", "one"), **SHARE)
    gateless = judged("pooled-share", calm, baked=("one", "two"), gates=("one",), **SHARE)

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
        ([run_ago(0, failures=21)], "missed"),
        ([run_ago(0, failures=20)], "met"),
        ([run_ago(0, failures=2, count=2)], "missed"),
        ([run_ago(0, failures=1, count=1)], "met"),
        ([run_ago(1, failures=1, count=1), run_ago(0, failures=1, count=1)], "missed"),
        ([run_ago(1.01, failures=1, count=1), run_ago(0, failures=1, count=1)], "met"),
        ([run_ago(0.5, failures=40), run_ago(0, failures=0, count=1)], "met"),
        ([run_ago(0.5, failures=0, count=400), run_ago(0, failures=40)], "met"),
        ([run_ago(1 / 12, failures=40), run_ago(0, failures=0, count=10)], "missed"),
        ([run_ago(0.1, failures=40), run_ago(0, failures=0, count=10)], "met"),
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
    assert judged("burn", runs, criteria=DEAF, **BURN).outcome == outcome


def test_a_newest_run_may_be_an_outage_by_itself() -> None:
    enough = statistics.alarm_count(110, 0.1)
    loud = [run_ago(3, failures=50, count=110), run_ago(0, failures=enough, count=110)]
    quiet = [run_ago(3, failures=50, count=110), run_ago(0, failures=enough - 1, count=110)]

    assert judged("burn", loud, **BURN).outcome == "met"
    assert "alert: " in judged("burn", loud, **BURN).sentence
    assert "failed in the newest run, r0: above the alert level" in judged("burn", loud, **BURN).sentence
    assert judged("burn", quiet, **BURN).outcome == "met"
    for other in (replace(ERRORS, of="fallbacks"), replace(ERRORS, rule="pooled-share")):
        assert judged("burn", loud, criteria=(*DEAF, other), **BURN).outcome == "met"


def test_the_slower_of_two_burn_alarms_is_shown() -> None:
    finding = judged("burn", [run_ago(0.5, failures=10), run_ago(0, failures=10, count=20)], criteria=DEAF, **BURN)

    assert finding.value == pytest.approx(100 * 20 / 60)
    assert (finding.unit, finding.count) == ("times the budget", 60)


@pytest.mark.parametrize(
    ("runs", "outcome", "count"),
    [
        ([run_ago(1, samples=50), run_ago(0, samples=50)], "met", 100),
        ([run_ago(1, samples=50), run_ago(0, samples=49)], "unmeasured", 99),
        ([run_ago(1, samples=50, wrong=1), run_ago(0, samples=50)], "missed", 100),
        ([run_ago(1, samples=9, is_census=True), run_ago(0, samples=9)], "met", 18),
        ([run_ago(1, samples=60, seed=1), run_ago(0, samples=50, seed=1)], "unmeasured", 60),
        ([run_ago(1, samples=50, seed=1), run_ago(0, samples=60, seed=1), run_ago(2, samples=40)], "met", 100),
        ([], "unmeasured", 0),
    ],
    ids=["enough", "too-few", "wrong", "census", "asked-again", "the-larger-counts", "none"],
)
def test_exactness_is_pooled_over_different_questions(runs: list[EarlierRun], outcome: str, count: int) -> None:
    advice = replace(PARITY, id="errors", kind="advisory")

    finding = judged("pooled-exact", runs, criteria=(PARITY, ERRORS, advice), least=100)

    assert (finding.outcome, finding.count) == (outcome, count), finding.sentence
