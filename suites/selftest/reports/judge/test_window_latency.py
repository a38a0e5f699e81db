"""Latency over a bake's runs: the typical slowdown, a change, busy hours and the tail, and at which edge each tips."""

from typing import Any

import pytest

from reports.records.inputs.earlier_runs import EarlierRun
from suites.selftest.support.window_builders import SLOW, TAIL, judged, run_ago, timed

LATENCY: dict[str, Any] = {"criteria": (SLOW,), "target": 1.2, "alert": 1.5}


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        (
            [timed(ago) for ago in range(8)],
            "met",
            "1.00 times direct (99.7 %: 0.98 to 1.02); 128 pairs in 8 groups",
        ),
        ([timed(ago, pairs=20) for ago in range(7)], "unmeasured", "140 pairs in 7 groups"),
        (
            [timed(ago, pairs=15) for ago in range(8)],
            "unmeasured",
            "120 pairs in 8 groups of runs; need 128 pairs, have 120",
        ),
        ([timed(ago, ratio=1.3) for ago in range(8)], "missed", "1.30 times direct"),
        ([timed(ago, ms=4, ratio=1.2) for ago in range(8)], "met", "too fast to matter: both medians under 5 ms"),
        ([timed(ago, ms=4, ratio=1.2, pairs=20) for ago in range(7)], "unmeasured", "7 groups"),
        ([timed(ago, ms=4, ratio=1.2, pairs=15) for ago in range(8)], "unmeasured", "need 128 pairs, have 120"),
        ([timed(ago, again=1.0) for ago in range(8)], "met", "1.00 times"),
        (
            [timed(ago, again=1.08) for ago in range(8)],
            "unmeasured",
            "noisy: timed twice, the direct path differs by a factor of 1.08",
        ),
        ([timed(ago, again=None) for ago in range(8)], "unmeasured", "no pair was taken"),
        (
            [timed(ago, ratio=2.0 if ago < 2 else 1.0) for ago in range(40)],
            "missed",
            "slower from 2026-11-25T11:00 on: 2.00 times direct over 2 runs (first r1)",
        ),
        ([timed(ago, ratio=3.0 if ago < 1 else 1.0) for ago in range(8)], "missed", "slower from 2026-"),
        ([timed(ago, ratio=3.0 if ago < 1 else 1.0, pairs=20) for ago in range(7)], "unmeasured", "140 pairs"),
        ([timed(ago, ratio=1.5 if ago < 8 else 1.0) for ago in range(40)], "missed", "slower from 2026-"),
        ([timed(ago, ratio=1.4 if ago < 2 else 1.0) for ago in range(40)], "met", "1.0"),
        ([timed(ago, ratio=3.0 if ago % 24 in (7, 8, 9) else 1.0) for ago in range(48)], "missed", "slower from"),
        ([timed(ago, ratio=1.28 if ago % 24 < 6 else 1.0) for ago in range(72)], "missed", "UTC it is 1.28 times"),
        ([run_ago(ago) for ago in range(8)], "unmeasured", "one slow: no pair was taken"),
        ([timed(ago, check="other") for ago in range(8)], "unmeasured", "no pair was taken"),
        (
            [*(timed(ago) for ago in range(8)), *(timed(ago, ratio=1.3, check="b") for ago in range(8, 16))],
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
        "fast-in-few-runs",
        "fast-in-few-pairs",
        "fit",
        "biased",
        "no-second-direct-call",
        "twice-as-slow-lately",
        "one-slow-run-of-enough",
        "one-slow-run-of-few",
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
    finding = judged("pooled-latency", runs, least=128, **LATENCY)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence


@pytest.mark.parametrize(
    ("runs", "outcome", "says"),
    [
        ([timed(ago) for ago in range(8)], "met", "128 pairs in 8 groups of runs"),
        ([timed(ago, pairs=15) for ago in range(8)], "unmeasured", "8 groups of runs; need 128 pairs, have 120"),
        ([timed(ago, pairs=20) for ago in range(7)], "unmeasured", "140 pairs in 7 groups of runs"),
        ([timed(ago, tail=3) for ago in range(8)], "missed", "p95 "),
        (
            [*(timed(ago, pairs=8) for ago in range(8)), *(timed(ago, pairs=8, check="b") for ago in range(8, 16))],
            "met",
            "one a, b: p95 1.0",
        ),
        ([timed(ago, again=1.08) for ago in range(8)], "unmeasured", "measurement too noisy: "),
        ([timed(ago, ms=4) for ago in range(8)], "met", "too fast to matter: p95 of VQL is under 5 ms; p95 1.0"),
        ([timed(ago, ms=4, pairs=15) for ago in range(8)], "unmeasured", "groups of runs; need 128 pairs, have 120"),
        ([timed(ago, again=None) for ago in range(8)], "unmeasured", "no pair was taken"),
        ([], "unmeasured", "no run to pool"),
    ],
    ids=[
        "steady",
        "few-pairs",
        "few-runs",
        "slow-tail",
        "two-checks-together",
        "biased",
        "fast",
        "fast-in-few-pairs",
        "no-second-direct-call",
        "none",
    ],
)
def test_a_tail_is_pooled_over_all_checks_of_a_phase(runs: list[EarlierRun], outcome: str, says: str) -> None:
    finding = judged("pooled-p95", runs, least=128, criteria=(TAIL, SLOW), target=1.2, alert=1.5)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence
    assert ("need" in finding.sentence) == ("need" in says)
