"""Exactness at the edge where it tips: which answers say something, how many it needs, what a mismatch carries."""

from dataclasses import replace

import pytest

from reports.records.known_difference import KnownDifference
from reports.records.records import (
    Comparison,
    Difference,
    DifferenceKind,
    Outcome,
    Provenance,
    Record,
)
from suites.selftest.support.phase_builders import (
    FALLBACK,
    SQL,
    UNKNOWN,
    VQL,
    criterion_of,
    fact_of,
    finding,
    plan_of,
    sampled,
    samples,
)

EXACT = criterion_of("exact", "x", least=10)
WRONG = Difference(path="a", kind=DifferenceKind.VALUE, expected="<1>", actual="<2>")


@pytest.mark.parametrize(
    ("records", "outcome", "needed", "message"),
    [
        ([*samples(10), plan_of()], "met", 0, "no mismatch in 10"),
        ([*samples(9), plan_of()], "unmeasured", 1, "no mismatch in 9; need 10, have 9"),
        ([*samples(9), plan_of(9)], "met", 0, "no mismatch in all 9"),
        ([*samples(9), plan_of(9), plan_of(10)], "unmeasured", 1, "need 10"),
        ([*samples(9), plan_of(9), plan_of(99, check="y")], "met", 0, "no mismatch in all 9"),
        ([*samples(10), plan_of(s=1)], "met", 0, "no mismatch"),
        ([*samples(10), plan_of(s=1, t=2, u=0)], "unmeasured", 1, "no sample of: x t"),
        ([*samples(10), plan_of(t=2, u=3)], "unmeasured", 2, "no sample of: x t, x u"),
        ([*samples(9), *samples(1), plan_of()], "unmeasured", 1, "no mismatch in 9"),
        ([*samples(10), plan_of(check="y", t=2)], "met", 0, "no mismatch in 10"),
        ([*samples(10), sampled(1, Outcome.DIFFERENT, check="y")], "met", 0, "no mismatch in 10"),
        ([*samples(9), *samples(1, Outcome.VOID, at=50)], "unmeasured", 1, "need 10, have 9 (left out: 1 void)"),
        ([*samples(10), *samples(5, Outcome.FAILED, UNKNOWN, at=50)], "met", 0, "no mismatch in 10"),
        (
            [*samples(17), sampled(50, Outcome.EQUAL, UNKNOWN, stratum="a"), sampled(50, Outcome.DIFFERENT, UNKNOWN)],
            "unmeasured",
            0,
            "1 answer differs, and it is unknown which path served it; first: 50",
        ),
        ([*samples(10, check="y"), plan_of()], "unmeasured", 10, "nothing was asked"),
        ([*samples(10), *samples(5, Outcome.FAILED, error="timeout", at=50)], "met", 0, "no mismatch in 10"),
        ([*samples(9), *samples(5, Outcome.FAILED, error="timeout", at=50)], "unmeasured", 1, "(left out: 5 failed)"),
        ([*samples(9), *samples(5, Outcome.EXCUSED, at=50)], "unmeasured", 1, "(left out: 5 excused)"),
        (samples(5, Outcome.FAILED, error="timeout"), "unmeasured", 10, "x: 5 of 5 requests failed (5 timeout)"),
        (samples(10, served=FALLBACK), "unmeasured", 10, "none of 10 answers counts (left out: 10 served by"),
        ([*samples(9), *samples(1, served=UNKNOWN, at=50)], "unmeasured", 1, "need 10"),
        (
            [*samples(17), *samples(2, served=UNKNOWN, at=50)],
            "unmeasured",
            0,
            "2 of 19 answers have unknown",
        ),
        ([*samples(18), *samples(2, served=UNKNOWN, at=50)], "met", 0, "no mismatch in 18"),
        ([*samples(18), *samples(2, Outcome.VOID, at=50)], "met", 0, "no mismatch in 18"),
        ([*samples(17), *samples(2, Outcome.VOID, at=50)], "unmeasured", 0, "2 of 19 samples are void"),
        ([*samples(17), *samples(2, Outcome.VOID)], "met", 0, "no mismatch in 17"),
        (
            [*samples(9), sampled(50, Outcome.DIFFERENT, UNKNOWN)],
            "unmeasured",
            1,
            "1 answer differs, and it is unknown",
        ),
        ([*samples(9), sampled(50, Outcome.DIFFERENT, FALLBACK)], "unmeasured", 1, "need 10"),
        ([*samples(9), sampled(50, Outcome.LAGGED)], "met", 0, "no mismatch in 10"),
        (
            [*samples(99), sampled(100, Outcome.DIFFERENT, differences=(WRONG,))],
            "missed",
            0,
            "1 of 100 answers differs (1 other value); first: 100",
        ),
    ],
)
def test_exactness_needs_enough_answers_that_count(
    records: list[Record], outcome: str, needed: int, message: str
) -> None:
    own_finding = finding(EXACT, records)

    assert (own_finding.outcome, own_finding.needed) == (outcome, needed), own_finding.sentence
    assert message in own_finding.sentence


def test_every_check_of_an_exact_criterion_is_needed() -> None:
    both = criterion_of("exact", "x", "y", least=10)
    why = fact_of("y", None, sentence="y is switched off")

    assert finding(both, samples(20)).sentence == "y: nothing was asked"
    assert finding(both, [*samples(20), why]).sentence == "y: y is switched off"
    assert finding(both, [why]).sentence == "y is switched off"
    assert finding(both, [*samples(19), sampled(1, check="y")]).outcome == "met"
    assert finding(both, samples(20)).needed == 10
    assert finding(both, samples(3)).needed == 7
    other_facts = [fact_of("y", True, sentence="fine"), fact_of("x", None, sentence="another")]
    assert finding(both, [*samples(20), *other_facts]).sentence == "y: nothing was asked"


@pytest.mark.parametrize(
    "useless", [samples(5, Outcome.FAILED, error="timeout", check="y"), samples(5, served=FALLBACK, check="y")]
)
@pytest.mark.parametrize(("count", "needed"), [(20, 10), (3, 7)])
def test_a_check_without_an_answer_that_counts_needs_more(useless: list[Comparison], count: int, needed: int) -> None:
    assert finding(criterion_of("exact", "x", "y", least=10), [*samples(count), *useless]).needed == needed


def test_too_few_answers_are_reported_with_their_number() -> None:
    failed = [
        sampled(50, Outcome.FAILED, error="timeout", cause="index-stale"),
        sampled(51, cause="ghost-in-index"),
    ]

    some, none = finding(EXACT, [*samples(8), *failed]), finding(EXACT, failed[:1])

    assert finding(EXACT, [*samples(9), plan_of()]).sentence == "no mismatch in 9; need 10, have 9"
    assert (some.value, some.unit, some.count) == (0.0, "mismatches", 9)
    assert some.cause is not None
    assert some.cause.code == "index-stale"
    assert (none.value, none.count) == (None, 0)


def test_only_a_fact_of_the_check_itself_explains_its_silence() -> None:
    other_facts = [fact_of("x", True, sentence="fine"), fact_of("y", None, sentence="another")]

    assert finding(EXACT, other_facts).sentence == "nothing was asked"
    assert finding(EXACT, [*other_facts, fact_of("x", None, sentence="switched off")]).sentence == "switched off"


def test_a_mismatch_carries_its_count_its_cause_and_its_evidence() -> None:
    wrong = [sampled(number, Outcome.DIFFERENT, cause="index-stale") for number in (7, 7, 8)]

    own_finding = finding(EXACT, [*samples(5), *wrong])

    assert (own_finding.value, own_finding.unit, own_finding.count, own_finding.evidence) == (
        2.0,
        "mismatches",
        7,
        ("evidence/c.jsonl",),
    )
    assert own_finding.cause
    assert own_finding.cause.share == "2 of 2"


def test_no_mismatch_carries_the_bound_it_proves() -> None:
    own_finding = finding(EXACT, [*samples(59), plan_of(200_000)])

    assert (own_finding.value, own_finding.unit, own_finding.count) == (0.0, "mismatches", 59)
    assert own_finding.interval == (0.0, pytest.approx(0.0495, abs=1e-4))


@pytest.mark.parametrize(
    ("served_by", "flag_on", "served", "outcome"),
    [
        ("vql", True, SQL, "unmeasured"),
        ("vql", False, SQL, "met"),
        ("vql", False, VQL, "unmeasured"),
        ("vql", None, VQL, "met"),
        ("any", True, UNKNOWN, "met"),
        ("any", True, SQL, "met"),
    ],
)
def test_only_answers_of_the_path_in_question_count(
    served_by: str, flag_on: bool | None, served: Provenance, outcome: str
) -> None:
    own_finding = finding(replace(EXACT, served_by=served_by), samples(10, served=served), flag_on)

    assert own_finding.outcome == outcome
    assert ("verifies the direct path" in own_finding.sentence) is (outcome == "met" and flag_on is False)


def test_connectras_own_answers_need_no_provenance() -> None:
    assert finding(EXACT, samples(10, served=UNKNOWN, side="connectra")).outcome == "met"
    assert "direct path" not in finding(EXACT, samples(10, side="connectra"), False).sentence


@pytest.mark.parametrize(("covered", "outcome"), [(1, "met"), (2, "unmeasured")])
def test_a_known_difference_that_covers_too_much_holds_the_criterion(covered: int, outcome: str) -> None:
    known_difference = KnownDifference(
        id="k", checks=("x",), field="a", by="vql", reason="r", ticket="t", until="2026-12-31", cap=0.1
    )
    marked = replace(WRONG, excused_by="k")
    records = [*samples(10), *samples(covered, Outcome.EXCUSED, at=50, differences=(marked,))]

    own_finding = finding(EXACT, records, known_differences=[known_difference])

    assert own_finding.outcome == outcome
    assert ("the known difference k covers 2 of 12" in own_finding.sentence) is (outcome == "unmeasured")


def _drawn(check: str = "x", **strata: tuple[int, int]) -> list[Record]:
    """(members, asked) by stratum: the plan, and equal answers."""
    plan = plan_of(
        sum(members for members, _ in strata.values()), check, **{name: m for name, (m, _) in strata.items()}
    )
    equal = [
        sampled(f"{name}{number}", check=check, stratum=name)
        for name, (_, count) in strata.items()
        for number in range(count)
    ]
    return [plan, *equal]


def test_half_of_a_draw_in_risk_strata_proves_less_than_a_simple_sample() -> None:
    own_finding = finding(EXACT, _drawn(ordinary=(950_000, 150), risky=(50_000, 149)))

    assert own_finding.interval == (0.0, pytest.approx(0.0188, abs=2e-4))
    assert "at most 1.88 % wrong, at 95 %" in own_finding.sentence


@pytest.mark.parametrize("strata", [{"s": (9, 9)}, {"a": (5, 5), "b": (2, 2)}])
def test_a_census_claims_all(strata: dict[str, tuple[int, int]]) -> None:
    own_finding = finding(EXACT, _drawn(**strata))

    assert own_finding.sentence.startswith("no mismatch in all ")
    assert own_finding.interval == (0.0, 0.0)


def test_of_several_checks_the_weakest_speaks() -> None:
    own_finding = finding(criterion_of("exact", "x", "y"), [*_drawn(s=(10_000, 299)), *_drawn("y", s=(10_000, 32))])

    assert "in 331 of 2 checks: at most 8.9" in own_finding.sentence
    assert "wrong in y" in own_finding.sentence


@pytest.mark.parametrize(("lost", "outcome"), [(0, "met"), (1, "met"), (16, "met"), (17, "unmeasured")])
def test_in_a_census_the_tolerance_decides(lost: int, outcome: str) -> None:
    plan, *equal = _drawn(s=(162, 162))
    failed = [replace(record, outcome=Outcome.FAILED) for record in equal[:lost] if isinstance(record, Comparison)]

    own_finding = finding(replace(EXACT, least=299), [plan, *failed, *equal[lost:]])

    assert own_finding.outcome == outcome, own_finding.sentence
    assert own_finding.count == 162 - lost


def test_what_is_no_census_has_to_have_its_least() -> None:
    assert finding(replace(EXACT, least=299), _drawn(s=(1000, 298))).outcome == "unmeasured"
    assert finding(replace(EXACT, least=299), _drawn(s=(1000, 299))).outcome == "met"
