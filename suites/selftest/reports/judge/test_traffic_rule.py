"""The rule for customers' requests: what a draw proves, what it does not, and how often its bound holds."""

import random
import re
from dataclasses import replace
from functools import cache

import pytest

from fixtures.contracts.contract import load
from fixtures.traffic.census import TrafficCensus
from fixtures.traffic.log.forms import Row
from fixtures.traffic.reservoir import Reservoir
from reports.judge.criteria import Criterion
from reports.judge.findings import Finding, evidence_of
from reports.judge.policy import POLICY
from reports.judge.rules.dispatch import finding_of
from reports.judge.rules.traffic import wrong_at_most
from reports.records.inputs.traffic import GONE, TrafficDraw
from reports.records.records import Comparison, Observation, Outcome, Provenance, Record
from suites.selftest.support.phase_builders import gate_of

NOW = "2026-11-30T04:00:00+00:00"
CRITERION = Criterion(id="traffic-parity", guide="g", rule="traffic", reason="r", checks=("traffic-x",), least=512)
GATE = gate_of(CRITERION, flag="F", valid_hours=24, latency=None)


def draw(**of: object) -> TrafficDraw:
    usual: dict[str, object] = {"population": 4_213_077, "drawn": 512, "lines": 9, "since": "2026-11-23"}
    return TrafficDraw(phase="p", **{**usual, "until": "2026-11-29", **of})  # type: ignore[arg-type]


def samples(
    count: int,
    outcome: Outcome = Outcome.EQUAL,
    *,
    first: int = 1,
    stratum: str = "contact",
    served_by: Provenance = Provenance.VQL,
) -> list[Record]:
    answer = Observation(side="backend", provenance=served_by)
    return [
        Comparison(
            phase="p", check="traffic-x", key=f"request {n}", stratum=stratum, outcome=outcome, answers=(answer,)
        )
        for n in range(first, first + count)
    ]


def judged(*records: Record, flag_on: bool | None = True) -> Finding:
    return finding_of(CRITERION, GATE, evidence_of(records, "p", flag_on, now=NOW))


def test_the_sentence_says_how_many_requests_would_be_answered_wrong() -> None:
    finding = judged(draw(), *samples(512))

    assert (finding.outcome, finding.kind) == ("met", "blocking")
    assert finding.sentence == (
        "no mismatch in 512 of customers' requests drawn from 4,213,077: at most 0.6 % of last week's requests would "
        "be answered wrong, at 95 %"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (draw(), draw(broken="cut")),
        (draw(), draw(broken="cut", population=600)),
        (draw(), draw(unjudged={"gone": 400})),
        (draw(), draw(unreadable=8)),
    ],
)
def test_of_two_draws_on_record_the_one_that_demands_more_is_judged(first: TrafficDraw, second: TrafficDraw) -> None:
    assert judged(first, *samples(512)).outcome == "met"
    assert judged(first, second, *samples(512)) == judged(second, first, *samples(512))
    assert judged(first, second, *samples(512)).outcome == "unmeasured"


def test_without_a_log_it_advises() -> None:
    finding = judged(*samples(600))

    assert (finding.outcome, finding.kind) == ("unmeasured", "advisory")
    assert "--traffic" in finding.sentence


def test_one_wrong_answer_is_missed_whatever_served_it() -> None:
    wrong = samples(1, Outcome.DIFFERENT, first=512, served_by=Provenance.FALLBACK)

    finding = judged(draw(), *samples(511), *wrong)

    assert finding.outcome == "missed"
    assert finding.sentence.startswith("1 of 512 of customers' requests drawn from 4,213,077 are answered wrong")


def test_answers_that_cannot_be_judged_widen_the_bounds_of_wrong_ones() -> None:
    plain = judged(draw(), *samples(1, Outcome.DIFFERENT), *samples(99, first=2)).sentence
    wide = judged(draw(unjudged={"no body": 256}), *samples(1, Outcome.DIFFERENT), *samples(99, first=2)).sentence

    assert "1 of 100 of customers' requests drawn from 4,213,077 are answered wrong" in plain
    assert "0.025 % to 5.5 % of last week's requests, at 95 %" in plain
    assert "0.012 % to 57.7 % of last week's requests, at 95 %" in wide


def test_what_can_not_be_judged_counts_as_wrong() -> None:
    finding = judged(draw(unjudged={"its body is not logged": 10}), *samples(502))

    assert finding.outcome == "met"
    assert finding.interval == (0.0, pytest.approx(0.0329, abs=2e-4))
    assert "10 of 512 that can't be judged are counted as wrong (10 its body is not logged)" in finding.sentence


@pytest.mark.parametrize(
    ("left_out", "why"),
    [
        (samples(60, Outcome.VOID), "the database changed meanwhile"),
        (samples(60, Outcome.FAILED), "an error instead of an answer"),
        (samples(60, stratum=GONE), GONE),
        (samples(60, served_by=Provenance.FALLBACK), "served by fallback"),
        (samples(60, served_by=Provenance.UNKNOWN), "served by unknown"),
    ],
    ids=["void", "failed", "gone", "fallback", "unknown"],
)
def test_more_than_a_tenth_unjudged_is_held(left_out: list[Record], why: str) -> None:
    finding = judged(draw(), *left_out, *samples(452, first=61))

    assert finding.outcome == "unmeasured"
    assert f"60 of 512 drawn requests can't be judged (60 {why})" in finding.sentence


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"population": 0, "drawn": 0}, "the log holds no request of this phase"),
        ({"broken": "access.log.gz: the compressed file is truncated"}, "ends early"),
        ({"lines": 1000, "unreadable": 101}, "101 of 1,000 lines of the log can't be read"),
        ({"drawn": 300}, "300 requests were drawn; need 512"),
        ({"drawn": 513}, "1 of 513 drawn requests were not asked"),
    ],
)
def test_a_log_that_proves_too_little_is_held(changed: dict[str, object], why: str) -> None:
    finding = judged(draw(**changed), *samples(512 if changed.get("drawn", 512) in (512, 513) else 0))

    assert finding.outcome == "unmeasured"
    assert why in finding.sentence


def test_a_small_log_is_asked_as_a_whole() -> None:
    finding = judged(draw(population=40, drawn=40), *samples(40))

    assert finding.outcome == "met"
    assert finding.interval == (0.0, 0.0)
    assert "all 40" in finding.sentence


def test_an_old_log_is_not_last_weeks() -> None:
    finding = judged(draw(since="2026-03-01", until="2026-03-07"), *samples(512))

    assert "of the requests of 2026-03-01 to 2026-03-07" in finding.sentence


def test_with_the_flag_off_the_direct_path_is_what_counts() -> None:
    finding = judged(draw(), *samples(512, served_by=Provenance.DIRECT), flag_on=False)

    assert finding.outcome == "met"
    assert "this verifies the direct path" in finding.sentence


TARGETS = tuple(f"/api/v1/contacts/{number:08d}-0000-4000-8000-000000000000/" for number in range(1_000))


@pytest.fixture(scope="module")
def draws() -> list[list[str]]:
    """What the census draws of a log of these targets, 200 times by other seeds."""
    rows: list[Row] = [(b"GET", target.encode(), b"200", b"", None, None) for target in TARGETS]
    return [_drawn(rows, seed) for seed in range(200)]


def _drawn(rows: list[Row], seed: int) -> list[str]:
    census = TrafficCensus(load("guide"), draw=96, seed=seed)
    census.take(rows)
    assert census.requests_by_phase["phase1"] == len(rows)
    return [request.target.decode() for request in census.drawn()["phase1"]]


def _claim(logged: list[str], is_wrong: frozenset[str], is_gone: frozenset[str]) -> Finding:
    """The finding on what was drawn of phase 1, where the requests for some keys are answered wrong or are gone.

    As in a run, requests are asked in stages, and no more of them once one was answered wrong.
    """
    strata = [GONE if key in is_gone else "contact" for key in logged]
    outcomes = [Outcome.DIFFERENT if key in is_wrong else Outcome.EQUAL for key in logged]
    ends = [end for end in (*POLICY.stages, len(logged)) if Outcome.DIFFERENT in outcomes[:end]]
    answered = [
        replace(sample, outcome=outcome, stratum=stratum)
        for sample, outcome, stratum in zip(samples(len(logged)), outcomes, strata, strict=True)
        if isinstance(sample, Comparison)
    ][: ends[0] if ends else None]
    drawn = draw(population=len(TARGETS), drawn=len(logged))
    return finding_of(replace(CRITERION, least=96), GATE, evidence_of([drawn, *answered], "p", True, now=NOW))


@pytest.mark.parametrize("share", [0.0, 0.002, 0.01, 0.03, 0.2])
def test_what_is_claimed_holds_from_the_log_to_the_sentence(draws: list[list[str]], share: float) -> None:
    """200 seeded rehearsals: read and drawn by the census, judged by the rule, held against what is true of the log."""
    is_wrong, is_gone = frozenset(TARGETS[: round(share * 1_000)]), frozenset(TARGETS[-30:])
    covered = 0

    for logged in draws:
        finding = _claim(logged, is_wrong, is_gone)
        low, high = finding.interval or (0.0, 1.0)
        if finding.outcome == "missed":
            match = re.search(r"([\d.]+) % to ([\d.]+) % of", finding.sentence)
            assert match is not None
            low, high = float(match[1]) / 100, float(match[2]) / 100
        covered += low <= share <= high

    assert covered >= 190


@cache
def _rehearsals(drawn: int, population: int) -> tuple[list[int], ...]:
    """200 seeded draws of numbers below the population."""
    source, rehearsals = random.Random(f"{drawn}:{population}"), []
    for _ in range(200):
        reservoir: Reservoir[int] = Reservoir(drawn, f"{source.random()}")
        while reservoir.wanted < population:  # the others would be passed over
            reservoir.put(reservoir.wanted)
        rehearsals.append(reservoir.drawn())
    return tuple(rehearsals)


def _covered(drawn: int, population: int, wrong: int, odd: int) -> int:
    """In how many of 200 seeded rehearsals of draw and claim the truth is within what is claimed."""
    covered = 0
    for kept_numbers in _rehearsals(drawn, population):
        unjudged = sum(wrong <= number < wrong + odd for number in kept_numbers)
        claims = not any(number < wrong for number in kept_numbers)
        covered += not claims or wrong_at_most(unjudged, drawn, population) >= wrong / population
    return covered


@pytest.mark.parametrize(("drawn", "population"), [(512, 20_000), (64, 300), (512, 150_000)])
@pytest.mark.parametrize("share", [0.0005, 0.003, 0.01, 0.05])
@pytest.mark.parametrize("odd", [0.0, 0.05])
def test_the_bound_holds_in_nineteen_of_twenty_rehearsals(
    drawn: int, population: int, share: float, odd: float
) -> None:
    assert _covered(drawn, population, round(share * population), round(odd * population)) >= 190


@pytest.mark.parametrize(("drawn", "population"), [(512, 20_000), (64, 300), (512, 150_000)])
def test_the_bound_holds_where_the_truth_is_worst(drawn: int, population: int) -> None:
    """Just above the bound, where one draw in twenty shows nothing: 180 of 200 is a thousandth's chance away."""
    worst = int(wrong_at_most(0, drawn, population) * population) + 1

    assert _covered(drawn, population, worst, 0) >= 180


def test_the_bound_is_the_exact_one() -> None:
    assert wrong_at_most(0, 512, 4_213_077) == pytest.approx(1 - 0.05 ** (1 / 512))
    assert wrong_at_most(0, 300, 300) == 0
    assert wrong_at_most(30, 300, 300) == 0.1
    assert wrong_at_most(0, 64, 300) < 1 - 0.05 ** (1 / 64)
    assert wrong_at_most(512, 512, 10**6) == 1
