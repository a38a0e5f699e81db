"""Every rule of the judge at the edge where it tips: what counts, what is needed, and what a finding carries."""

from collections import Counter
from typing import Any

import pytest

from reports.judge.findings import by_key, by_limits, evidence_of, listed
from reports.judge.statistics import Measurement
from reports.records.records import (
    Attestation,
    Fact,
    Outcome,
)
from suites.selftest.support.phase_builders import (
    criterion_of,
    fact_of,
    finding,
    sampled,
    samples,
)

# --- around every rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flag_on", "is_asked"), [(True, True), (None, True), (False, False)])
def test_what_needs_its_flag_is_not_asked_while_that_is_off(flag_on: bool | None, is_asked: bool) -> None:
    own_finding = finding(criterion_of("fact", "a", needs_flag=True), [fact_of()], flag_on)

    assert (own_finding.outcome, own_finding.kind) == (("met", "blocking") if is_asked else ("unmeasured", "advisory"))
    assert finding(criterion_of("fact", "a"), [fact_of()], flag_on).outcome == "met"


def test_a_baseline_taken_instead_is_named() -> None:
    facts = [fact_of("a-baseline", value=value, sentence=str(value)) for value in (5.0, 7.0, 30.0)]
    other_records = [fact_of("b-baseline", value=99.0), fact_of("a", value=99.0), fact_of("a-baseline")]

    own_finding = finding(
        criterion_of("latency", "a", needs_flag=True, target=1.2, alert=1.5), [*facts, *other_records], False
    )

    assert own_finding.sentence.endswith("the direct path takes 7.0 ms (median of 3 blocks)")


@pytest.mark.parametrize(
    ("ok", "kind", "outcome"),
    [
        (False, "veto", "blocking"),
        (True, "veto", "advisory"),
        (None, "veto", "advisory"),
        (False, "advisory", "advisory"),
        (False, "blocking", "blocking"),
        (True, "blocking", "blocking"),
    ],
)
def test_a_veto_blocks_only_where_it_is_missed(ok: bool | None, kind: str, outcome: str) -> None:
    assert finding(criterion_of("fact", "a", kind=kind), [fact_of(ok=ok)]).kind == outcome


def test_reasons_for_left_out_checks_are_given_only_where_something_is_open() -> None:
    not_asked = [fact_of("not-asked", None, sentence="why")]

    assert finding(criterion_of("fact", "a"), [fact_of(ok=None), *not_asked, *not_asked]).sentence == "a!; why"
    assert finding(criterion_of("fact", "a"), [fact_of(), *not_asked]).sentence == "a!"


def test_a_finding_carries_the_texts_of_its_criterion() -> None:
    own_finding = finding(
        criterion_of("limit", "a", target=1.0, alert=2.0, lines=("l",), unit="MB"), [fact_of(value=1.0)]
    )

    assert (own_finding.criterion, own_finding.guide, own_finding.target, own_finding.alert, own_finding.lines) == (
        "c",
        "g",
        1.0,
        2.0,
        ("l",),
    )
    assert (own_finding.value, own_finding.unit, own_finding.count, own_finding.needed) == (1.0, "MB", 1, 0)


@pytest.mark.parametrize(
    ("value", "interval", "outcome"),
    [
        (0.05, (0.04, 0.09), "met"),
        (0.05, (0.04, 0.10), "unmeasured"),
        (0.051, (0.04, 0.09), "unmeasured"),
        (0.09, (0.05, 0.2), "unmeasured"),
        (0.09, (0.051, 0.2), "missed"),
        (0.05, None, "unmeasured"),
        (None, (0.04, 0.09), "unmeasured"),
    ],
)
def test_an_interval_is_held_against_target_and_alert(value: float, interval: Any, outcome: str) -> None:
    criterion = criterion_of("share", target=0.05, alert=0.10)

    assert by_limits(criterion, Measurement(value=value, unit="share", count=9, interval=interval)) == outcome


# --- lag, facts, limits and words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lags", "outcome", "cause"),
    [
        ((), "met", None),
        ((2.0,), "met", None),
        ((1.0, 2.1), "unmeasured", "2 of 2"),
        ((5.0,), "unmeasured", "1 of 1"),
        ((5.1, 1.0), "missed", "2 of 2"),
    ],
)
def test_the_longest_lag_is_held_against_its_limits(lags: tuple[float, ...], outcome: str, cause: str | None) -> None:
    late = [sampled(f"late {lag}", Outcome.LAGGED, lag_s=lag) for lag in lags]
    other_records = [sampled("y", Outcome.LAGGED, check="y", lag_s=99.0), sampled("v", Outcome.VOID, lag_s=99.0)]

    own_finding = finding(criterion_of("lag", "x", target=2.0, alert=5.0), [*samples(3), *late, *other_records])

    assert (own_finding.outcome, own_finding.value, own_finding.unit) == (outcome, max(lags, default=0.0), "s")
    assert (own_finding.count, own_finding.cause and own_finding.cause.share) == (3 + len(lags), cause)


@pytest.mark.parametrize("outcome", [Outcome.VOID, Outcome.FAILED, Outcome.EXCUSED])
def test_samples_that_were_not_compared_have_no_lag(outcome: Outcome) -> None:
    assert finding(criterion_of("lag", "x", target=2.0, alert=5.0), [sampled(1, outcome)]).outcome == "unmeasured"


@pytest.mark.parametrize(
    ("facts", "count", "needed", "value", "message"),
    [
        ([fact_of(value=3.0, unit="ms")], 1, 0, 3.0, "a!"),
        ([fact_of(value=3.0), fact_of("b")], 2, 0, None, "a!; b!"),
        ([fact_of(f"a{n}") for n in range(3)], 3, 0, None, "a0!; a1!; a2!"),
        ([fact_of(f"a{n}") for n in range(4)], 4, 0, None, "4 of 4 are as required"),
        ([fact_of(ok=None)], 1, 0, None, "a!"),
        ([fact_of("b")], 1, 1, None, "not checked: a*"),
        ([fact_of(f"a{n}", False, float(n), unit="ms") for n in range(4)], 4, 0, 0.0, "a0!; a1!; a2!; and 1 more"),
        ([fact_of(), fact_of("b", False, 7.0)], 2, 0, 7.0, "b!"),
        ([fact_of("a1", False), fact_of("a2", False), fact_of("a3", False)], 3, 0, None, "a1!; a2!; a3!"),
    ],
)
def test_of_several_facts_the_worst_is_shown(
    facts: list[Fact], count: int, needed: int, value: float | None, message: str
) -> None:
    own_finding = finding(criterion_of("fact", "a*", "*"), facts)

    assert (own_finding.count, own_finding.needed, own_finding.value, own_finding.sentence) == (
        count,
        needed,
        value,
        message,
    )


@pytest.mark.parametrize(("count", "outcome", "needed"), [(2, "unmeasured", 1), (3, "met", 0)])
def test_facts_have_to_be_as_many_as_the_criterion_needs(count: int, outcome: str, needed: int) -> None:
    own_finding = finding(criterion_of("fact", "a*", least=3), [fact_of(f"a{n}") for n in range(count)])

    assert (own_finding.outcome, own_finding.needed) == (outcome, needed)


def test_the_cause_of_what_is_missed_is_named() -> None:
    wrong = [fact_of(f"a{n}", False, cause=cause) for n, cause in enumerate(["index-stale", "index-stale", None])]
    large = [fact_of("a", value=9.0, cause="index-stale"), fact_of("a2", value=1.0, cause="ghost-in-index")]
    limits = criterion_of("limit", "a*", target=2.0, alert=5.0)

    facts, limit = finding(criterion_of("fact", "a*"), wrong).cause, finding(limits, large).cause

    assert facts
    assert (facts.code, facts.share) == ("index-stale", "2 of 3")
    assert limit
    assert limit.code == "index-stale"
    assert finding(limits, large[1:]).cause is None


@pytest.mark.parametrize(
    ("value", "outcome"), [(2.0, "met"), (2.01, "unmeasured"), (5.0, "unmeasured"), (5.01, "missed")]
)
def test_a_limit_is_met_up_to_its_target_and_missed_beyond_its_alert(value: float, outcome: str) -> None:
    assert finding(criterion_of("limit", "a", target=2.0, alert=5.0), [fact_of(value=value)]).outcome == outcome


@pytest.mark.parametrize(
    ("facts", "needed", "message"),
    [
        ([fact_of("a", value=1.0)], 1, "no value of b"),
        ([fact_of("a", value=1.0), fact_of("b", None)], 1, "b!"),
        ([fact_of("a", value=1.0), fact_of("b", value=1.0)], 1, "2 values; need 3"),
        ([], 3, "no value of a"),
        ([fact_of("a", value=1.0), fact_of("b", None, sentence="")], 2, "no value of b"),
    ],
)
def test_a_limit_names_the_value_it_lacks(facts: list[Fact], needed: int, message: str) -> None:
    own_finding = finding(criterion_of("limit", "a", "b", target=2.0, alert=5.0, least=3), facts)

    assert (own_finding.outcome, own_finding.sentence) == ("unmeasured", message)
    assert own_finding.needed == max(3 - len([fact for fact in facts if fact.value]), needed if not facts else 1)


def test_the_largest_value_speaks() -> None:
    facts = [fact_of("a", value=1.0), fact_of("b", value=3.0), fact_of("other", value=9.0)]

    own_finding = finding(criterion_of("limit", "a", "b", target=2.0, alert=5.0, unit="MB"), facts)

    assert (own_finding.value, own_finding.count, own_finding.sentence) == (3.0, 2, "b!")
    silent = finding(criterion_of("limit", "a", target=2.0, alert=5.0, unit="MB"), [fact_of(value=1.5, sentence="")])
    assert silent.sentence == "at most 1.5 MB"


def _sign_off(line: str, until: str = "2026-11-30", when: str = "2026-11-20") -> Attestation:
    return Attestation(line=line, who="Jane", when=when, until=until)


@pytest.mark.parametrize(
    ("sign_offs", "count", "needed", "message"),
    [
        ([_sign_off("a"), _sign_off("b")], 2, 0, "a: Jane, 2026-11-20, until 2026-11-30; b: Jane"),
        ([_sign_off("a")], 1, 1, "not signed off: b (--attestations)"),
        (
            [_sign_off("a"), _sign_off("b", "2026-11-24")],
            1,
            1,
            "b: Jane's sign-off expired on 2026-11-24 (--attestations)",
        ),
        ([_sign_off("a", "2026-11-24")], 0, 2, "not signed off: b"),
        ([_sign_off("a"), _sign_off("b", when="2026-11-25")], 2, 0, "a: Jane"),
        (
            [_sign_off("a"), _sign_off("b", when="2026-11-25T12:00:01")],
            1,
            1,
            "b: Jane's sign-off is dated 2026-11-25T12:00:01, which is in",
        ),
        ([_sign_off("a"), _sign_off("b"), _sign_off("c")], 2, 0, "a: Jane"),
    ],
)
def test_every_line_needs_a_valid_sign_off(sign_offs: list[Attestation], count: int, needed: int, message: str) -> None:
    own_finding = finding(criterion_of("attested", "a", "b"), sign_offs)

    assert (own_finding.outcome == "met", own_finding.count, own_finding.needed) == (needed == 0, count, needed)
    assert own_finding.sentence.startswith(message)


# --- what is seen ----------------------------------------------------------------------------------------------------


def test_only_records_of_the_phase_are_seen_each_once_and_in_order() -> None:
    facts = [fact_of("b"), fact_of("a", False), fact_of("a"), fact_of("b"), fact_of("a", phase="q")]

    evidence = evidence_of([*facts, *samples(2, phase="q"), sampled(2), sampled(1), sampled(1)], "p", None)

    assert [(fact.name, fact.ok) for fact in evidence.facts] == [("a", False), ("a", True), ("b", True)]
    assert [sample.key for sample in evidence.samples] == ["1", "2"]


def test_a_key_counts_once_per_check() -> None:
    assert len(by_key([sampled(1), sampled(1, Outcome.DIFFERENT), sampled(1, check="y")])) == 2
    assert by_key([sampled(1), sampled(1, Outcome.DIFFERENT)])["x", "1"].outcome is Outcome.EQUAL


def test_counts_are_listed_by_size_and_then_by_name() -> None:
    assert listed(Counter({"b": 1, "a": 1, "c": 3})) == "3 c, 1 a, 1 b"
