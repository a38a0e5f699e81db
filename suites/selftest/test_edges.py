"""Every rule of the judge at the edge where it tips: what counts, what is needed, and what a finding carries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reports.criteria import Criterion, Gate, Latency, Recheck
from reports.findings import by_key, by_limits, listed, percent, seen_of
from reports.known import Known
from reports.measurements import Measurement
from reports.observations import (
    Answer,
    Attestation,
    Difference,
    DifferenceKind,
    Fact,
    Outcome,
    Pair,
    Plan,
    Provenance,
    Record,
    Sample,
)
from reports.rules import Finding, finding_of
from reports.shares import concerns

VQL, SQL, FALLBACK, UNKNOWN = Provenance.VQL, Provenance.DIRECT, Provenance.FALLBACK, Provenance.UNKNOWN


def _criterion(rule: str, *checks: str, **more: Any) -> Criterion:
    return Criterion(**{"id": "c", "guide": "g", "rule": rule, "reason": "r", "checks": checks} | more)


def _judged(criterion: Criterion, records: Sequence[Record], flag_on: bool | None = True, **more: Any) -> Finding:
    gate = Gate(phase="p", title="t", flag="", guide="g", valid_hours=1, samples=1, latency=Latency(),
                recheck=Recheck(live_s=(), sandbox_s=()), criteria=(criterion,))  # fmt: skip
    return finding_of(criterion, gate, seen_of(records, "p", flag_on, **{"now": "2026-11-25T12:00:00+00:00"} | more))


def _sample(key: object, outcome: Outcome = Outcome.EQUAL, served: Provenance = VQL, *, check: str = "x",
            side: str = "backend", error: str | None = None, attempt: bool = True, **more: Any) -> Sample:  # fmt: skip
    answer = Answer(side=side, provenance=served, error=error)
    return Sample(**{"phase": "p", "check": check, "key": str(key), "stratum": "s", "outcome": outcome,
                     "answers": (answer,), "attempt": attempt} | more)  # fmt: skip


def _samples(count: int, *args: Any, at: int = 0, **more: Any) -> list[Sample]:
    return [_sample(at + number, *args, **more) for number in range(count)]


def _fact(name: str = "a", ok: bool | None = True, value: float | None = None, **more: Any) -> Fact:
    return Fact(**{"phase": "p", "name": name, "ok": ok, "value": value, "sentence": f"{name}!"} | more)


# --- around every rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("flag_on", "asked"), [(True, True), (None, True), (False, False)])
def test_what_needs_its_flag_is_not_asked_while_that_is_off(flag_on: bool | None, asked: bool) -> None:
    found = _judged(_criterion("fact", "a", needs_flag=True), [_fact()], flag_on)

    assert (found.outcome, found.kind) == (("met", "blocking") if asked else ("unmeasured", "advisory"))
    assert _judged(_criterion("fact", "a"), [_fact()], flag_on).outcome == "met"


def test_the_baseline_that_was_taken_instead_is_told() -> None:
    facts = [_fact("a-baseline", value=value, sentence=str(value)) for value in (5.0, 7.0, 30.0)]
    others = [_fact("b-baseline", value=99.0), _fact("a", value=99.0), _fact("a-baseline")]

    found = _judged(_criterion("latency", "a", needs_flag=True, target=1.2, alert=1.5), [*facts, *others], False)

    assert found.sentence.endswith("the direct path takes 7.0 ms (median of 3 blocks)")


@pytest.mark.parametrize(
    ("ok", "kind", "found"),
    [
        (False, "veto", "blocking"), (True, "veto", "advisory"), (None, "veto", "advisory"),
        (False, "advisory", "advisory"), (False, "blocking", "blocking"), (True, "blocking", "blocking"),
    ],
)  # fmt: skip
def test_a_veto_blocks_only_where_it_is_missed(ok: bool | None, kind: str, found: str) -> None:
    assert _judged(_criterion("fact", "a", kind=kind), [_fact(ok=ok)]).kind == found


def test_why_things_were_left_out_is_told_only_where_something_is_open() -> None:
    left = [_fact("not-asked", None, sentence="why")]

    assert _judged(_criterion("fact", "a"), [_fact(ok=None), *left, *left]).sentence == "a!; why"
    assert _judged(_criterion("fact", "a"), [_fact(), *left]).sentence == "a!"


def test_a_finding_carries_what_its_criterion_says() -> None:
    found = _judged(_criterion("limit", "a", target=1.0, alert=2.0, lines=("l",), unit="MB"), [_fact(value=1.0)])

    assert (found.criterion, found.guide, found.target, found.alert, found.lines) == ("c", "g", 1.0, 2.0, ("l",))
    assert (found.value, found.unit, found.count, found.needed) == (1.0, "MB", 1, 0)


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
    criterion = _criterion("share", target=0.05, alert=0.10)

    assert by_limits(criterion, Measurement(value=value, unit="share", count=9, interval=interval)) == outcome


@pytest.mark.parametrize(("value", "said"), [(0, "0.00 %"), (0.0994, "9.94 %"), (0.0996, "10.0 %"), (1, "100.0 %")])
def test_small_shares_are_told_more_exactly(value: float, said: str) -> None:
    assert percent(value) == said


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
    late = [_sample(f"late {lag}", Outcome.LAGGED, lag_s=lag) for lag in lags]
    others = [_sample("y", Outcome.LAGGED, check="y", lag_s=99.0), _sample("v", Outcome.VOID, lag_s=99.0)]

    found = _judged(_criterion("lag", "x", target=2.0, alert=5.0), [*_samples(3), *late, *others])

    assert (found.outcome, found.value, found.unit) == (outcome, max(lags, default=0.0), "s")
    assert (found.count, found.cause and found.cause.share) == (3 + len(lags), cause)


@pytest.mark.parametrize("outcome", [Outcome.VOID, Outcome.FAILED, Outcome.EXCUSED])
def test_what_was_not_compared_has_no_lag(outcome: Outcome) -> None:
    assert _judged(_criterion("lag", "x", target=2.0, alert=5.0), [_sample(1, outcome)]).outcome == "unmeasured"


@pytest.mark.parametrize(
    ("facts", "count", "needed", "value", "said"),
    [
        ([_fact(value=3.0, unit="ms")], 1, 0, 3.0, "a!"),
        ([_fact(value=3.0), _fact("b")], 2, 0, None, "a!; b!"),
        ([_fact(f"a{n}") for n in range(3)], 3, 0, None, "a0!; a1!; a2!"),
        ([_fact(f"a{n}") for n in range(4)], 4, 0, None, "4 of 4 are as they have to be"),
        ([_fact(ok=None)], 1, 0, None, "a!"),
        ([_fact("b")], 1, 1, None, "not looked at: a*"),
        ([_fact(f"a{n}", False, float(n), unit="ms") for n in range(4)], 4, 0, 0.0, "a0!; a1!; a2!; and 1 more"),
        ([_fact(), _fact("b", False, 7.0)], 2, 0, 7.0, "b!"),
        ([_fact("a1", False), _fact("a2", False), _fact("a3", False)], 3, 0, None, "a1!; a2!; a3!"),
    ],
)
def test_facts_are_told_by_what_is_worst_of_them(
    facts: list[Fact], count: int, needed: int, value: float | None, said: str
) -> None:
    found = _judged(_criterion("fact", "a*", "*"), facts)

    assert (found.count, found.needed, found.value, found.sentence) == (count, needed, value, said)


@pytest.mark.parametrize(("count", "outcome", "needed"), [(2, "unmeasured", 1), (3, "met", 0)])
def test_facts_have_to_be_as_many_as_was_said(count: int, outcome: str, needed: int) -> None:
    found = _judged(_criterion("fact", "a*", least=3), [_fact(f"a{n}") for n in range(count)])

    assert (found.outcome, found.needed) == (outcome, needed)


def test_the_cause_of_what_is_missed_is_named() -> None:
    wrong = [_fact(f"a{n}", False, cause=cause) for n, cause in enumerate(["index-stale", "index-stale", None])]
    large = [_fact("a", value=9.0, cause="index-stale"), _fact("a2", value=1.0, cause="ghost-in-index")]
    limits = _criterion("limit", "a*", target=2.0, alert=5.0)

    facts, limit = _judged(_criterion("fact", "a*"), wrong).cause, _judged(limits, large).cause

    assert facts
    assert (facts.code, facts.share) == ("index-stale", "2 of 3")
    assert limit
    assert limit.code == "index-stale"
    assert _judged(limits, large[1:]).cause is None


@pytest.mark.parametrize(
    ("value", "outcome"), [(2.0, "met"), (2.01, "unmeasured"), (5.0, "unmeasured"), (5.01, "missed")]
)
def test_a_limit_is_met_up_to_its_target_and_missed_beyond_its_alert(value: float, outcome: str) -> None:
    assert _judged(_criterion("limit", "a", target=2.0, alert=5.0), [_fact(value=value)]).outcome == outcome


@pytest.mark.parametrize(
    ("facts", "needed", "said"),
    [
        ([_fact("a", value=1.0)], 1, "no value of b"),
        ([_fact("a", value=1.0), _fact("b", None)], 1, "b!"),
        ([_fact("a", value=1.0), _fact("b", value=1.0)], 1, "2 values; need 3"),
        ([], 3, "no value of a"),
        ([_fact("a", value=1.0), _fact("b", None, sentence="")], 2, "no value of b"),
    ],
)
def test_a_limit_tells_which_value_it_lacks(facts: list[Fact], needed: int, said: str) -> None:
    found = _judged(_criterion("limit", "a", "b", target=2.0, alert=5.0, least=3), facts)

    assert (found.outcome, found.sentence) == ("unmeasured", said)
    assert found.needed == max(3 - len([each for each in facts if each.value]), needed if not facts else 1)


def test_the_largest_value_speaks() -> None:
    facts = [_fact("a", value=1.0), _fact("b", value=3.0), _fact("other", value=9.0)]

    found = _judged(_criterion("limit", "a", "b", target=2.0, alert=5.0, unit="MB"), facts)

    assert (found.value, found.count, found.sentence) == (3.0, 2, "b!")
    silent = _judged(_criterion("limit", "a", target=2.0, alert=5.0, unit="MB"), [_fact(value=1.5, sentence="")])
    assert silent.sentence == "at most 1.5 MB"


def _word(line: str, until: str = "2026-11-30", when: str = "2026-11-20") -> Attestation:
    return Attestation(line=line, who="Jane", when=when, until=until)


@pytest.mark.parametrize(
    ("words", "count", "needed", "said"),
    [
        ([_word("a"), _word("b")], 2, 0, "a: Jane, 2026-11-20, until 2026-11-30; b: Jane"),
        ([_word("a")], 1, 1, "nobody attests: b (--attestations)"),
        ([_word("a"), _word("b", "2026-11-24")], 1, 1, "b: Jane's word held until 2026-11-24"),
        ([_word("a", "2026-11-24")], 0, 2, "nobody attests: b"),
        ([_word("a"), _word("b", when="2026-11-25")], 2, 0, "a: Jane"),
        ([_word("a"), _word("b", when="2026-11-25T12:00:01")], 1, 1, "b: Jane's"),
        ([_word("a"), _word("b"), _word("c")], 2, 0, "a: Jane"),
    ],
)
def test_every_line_needs_a_word_that_holds(words: list[Attestation], count: int, needed: int, said: str) -> None:
    found = _judged(_criterion("attested", "a", "b"), words)

    assert (found.outcome == "met", found.count, found.needed) == (needed == 0, count, needed)
    assert found.sentence.startswith(said)


# --- shares ----------------------------------------------------------------------------------------------------------

SHARE = {"target": 0.05, "alert": 0.10}


@pytest.mark.parametrize(
    ("of", "sample", "counted", "offends"),
    [
        ("errors", _sample(1, served=UNKNOWN), True, False),
        ("errors", _sample(1, error="timeout"), True, True),
        ("errors", _sample(1, side="connectra", error="timeout"), False, False),
        ("fallbacks", _sample(1), True, False),
        ("fallbacks", _sample(1, served=FALLBACK), True, True),
        ("fallbacks", _sample(1, served=SQL), True, True),
        ("fallbacks", _sample(1, error="timeout"), False, False),
        ("fallbacks", _sample(1, attempt=False), False, False),
        ("fallbacks", _sample(1, side="connectra"), False, False),
        ("vql-failures", _sample(1), True, False),
        ("vql-failures", _sample(1, served=FALLBACK), True, True),
        ("vql-failures", _sample(1, error="timeout"), True, True),
        ("vql-failures", _sample(1, served=FALLBACK, attempt=False), False, False),
        ("connectra-errors", _sample(1, side="connectra"), True, False),
        ("connectra-errors", _sample(1, side="connectra", error="timeout"), True, True),
        ("connectra-errors", _sample(1, error="timeout"), False, False),
    ],
)
def test_what_a_share_counts_and_what_offends_it(of: str, sample: Sample, counted: bool, offends: bool) -> None:
    found = _judged(_criterion("share", of=of, **SHARE), [sample])

    assert (found.count, found.value) == ((1, float(offends)) if counted else (0, None))
    assert concerns(_criterion("share", of=of), "x", seen_of([sample], "p", True)) is counted
    assert not concerns(_criterion("share", of=of), "y", seen_of([sample], "p", True))


@pytest.mark.parametrize(
    ("of", "count"), [("errors", 1), ("fallbacks", 1), ("vql-failures", 1), ("connectra-errors", 0)]
)
def test_a_latency_pair_is_an_answer_of_the_backend(of: str, count: int) -> None:
    pair = Pair(phase="p", check="x", key="1", block=1, vql_ms=1, direct_ms=1)

    assert _judged(_criterion("share", of=of, **SHARE), [pair]).count == count
    assert _judged(_criterion("share", "y", of=of, **SHARE), [pair]).count == 0
    assert concerns(_criterion("share", of=of), "x", seen_of([pair], "p", True)) is bool(count)
    assert not concerns(_criterion("share", of=of), "y", seen_of([pair], "p", True))


def test_of_several_askings_the_worst_counts() -> None:
    twice = [
        replace(_sample(1, served=served, cause=cause), answers=(Answer(side="backend", provenance=served, at=at),))
        for at, (served, cause) in enumerate([(VQL, None), (UNKNOWN, None), (FALLBACK, "index-stale"), (VQL, None)])
    ]

    found = _judged(_criterion("share", of="fallbacks", **SHARE), [*twice, *_samples(9, at=2)])

    assert (found.count, found.value) == (10, 0.1)
    assert found.cause
    assert (found.cause.code, found.cause.share) == ("index-stale", "1 of 1")


@pytest.mark.parametrize(
    ("good", "bad", "unknown", "outcome", "needed", "said"),
    [
        (100, 0, 0, "met", 0, "0 of 100 (0.00 %; 99.7 %: 0.00 % to 6.30 %)"),
        (20, 0, 0, "unmeasured", 44, "; need 64, have 20"),
        (90, 10, 0, "unmeasured", 156, "; need 256, have 100"),
        (0, 0, 0, "unmeasured", 64, "nothing was asked"),
        (90, 0, 10, "unmeasured", 1, "; undecided while 10 answers do not tell who served them"),
        (89, 0, 11, "unmeasured", 0, "11 of 100 answers do not tell who served them: no share can be told"),
        (50, 30, 20, "missed", 0, "; 30 of all 100 offend even so (30.0 %)"),
        (300, 0, 2, "met", 0, "0 of 300 (0.00 %; 99.7 %: 0.00 % to 2.14 %)"),
    ],
)
def test_a_share_tells_how_many_more_it_needs(
    good: int, bad: int, unknown: int, outcome: str, needed: int, said: str
) -> None:
    records = [*_samples(good), *_samples(bad, served=FALLBACK, at=1000), *_samples(unknown, served=UNKNOWN, at=2000)]

    found = _judged(_criterion("share", of="fallbacks", **SHARE), records)

    assert (found.outcome, found.needed) == (outcome, needed), found.sentence
    assert found.sentence.endswith(said)
    assert (found.interval is None) is (good + bad == 0 or unknown == 11)
    assert found.count == good + bad + (unknown if outcome == "missed" else 0)


@pytest.mark.parametrize("bad", [0, 5])
def test_good_answers_have_to_be_as_many_as_was_said(bad: int) -> None:
    records = [*_samples(40), *_samples(bad, served=FALLBACK, at=1000)]

    assert _judged(_criterion("share", of="fallbacks", least=300, **SHARE), records).needed == 260


def test_what_is_met_has_no_cause() -> None:
    records = [*_samples(999), _sample(1000, served=FALLBACK, cause="index-stale")]

    found = _judged(_criterion("share", of="fallbacks", **SHARE), records)

    assert (found.outcome, found.cause) == ("met", None)


# --- exactness -------------------------------------------------------------------------------------------------------


def _plan(population: int = 1000, check: str = "x", **strata: int) -> Plan:
    return Plan(phase="p", check=check, population=population, planned=9, strata=strata)


EXACT = _criterion("exact", "x", least=10)
WRONG = Difference(path="a", kind=DifferenceKind.VALUE, expected="<1>", actual="<2>")


@pytest.mark.parametrize(
    ("records", "outcome", "needed", "said"),
    [
        ([*_samples(10), _plan()], "met", 0, "no mismatch in 10"),
        ([*_samples(9), _plan()], "unmeasured", 1, "no mismatch in 9; need 10, have 9"),
        ([*_samples(9), _plan(9)], "met", 0, "no mismatch in 9: at most 0.00 % wrong"),
        ([*_samples(9), _plan(9), _plan(10)], "unmeasured", 1, "need 10"),
        ([*_samples(9), _plan(9), _plan(99, check="y")], "met", 0, "no mismatch in 9"),
        ([*_samples(10), _plan(s=1)], "met", 0, "no mismatch"),
        ([*_samples(10), _plan(s=1, t=2, u=0)], "unmeasured", 1, "no sample of: x t"),
        ([*_samples(10), _plan(t=2, u=3)], "unmeasured", 2, "no sample of: x t, x u"),
        ([*_samples(9), *_samples(1), _plan()], "unmeasured", 1, "no mismatch in 9"),
        ([*_samples(10), _plan(check="y", t=2)], "met", 0, "no mismatch in 10"),
        ([*_samples(10), _sample(1, Outcome.DIFFERENT, check="y")], "met", 0, "no mismatch in 10"),
        ([*_samples(9), *_samples(1, Outcome.VOID, at=50)], "unmeasured", 1, "need 10, have 9 (left out: 1 void)"),
        ([*_samples(10), *_samples(5, Outcome.FAILED, UNKNOWN, at=50)], "met", 0, "no mismatch in 10"),
        ([*_samples(17), _sample(50, Outcome.EQUAL, UNKNOWN, stratum="a"), _sample(50, Outcome.DIFFERENT, UNKNOWN)],
         "unmeasured", 0, "1 answers differ and do not tell who served them; first: 50"),
        ([*_samples(10, check="y"), _plan()], "unmeasured", 10, "nothing was asked"),
        ([*_samples(10), *_samples(5, Outcome.FAILED, error="timeout", at=50)], "met", 0, "no mismatch in 10"),
        ([*_samples(9), *_samples(5, Outcome.FAILED, error="timeout", at=50)], "unmeasured", 1, "(left out: 5 failed)"),
        ([*_samples(9), *_samples(5, Outcome.EXCUSED, at=50)], "unmeasured", 1, "(left out: 5 excused)"),
        (_samples(5, Outcome.FAILED, error="timeout"), "unmeasured", 10, "x: 5 of 5 requests failed (5 timeout)"),
        (_samples(10, served=FALLBACK), "unmeasured", 10, "none of 10 answers counts (left out: 10 served by"),
        ([*_samples(9), *_samples(1, served=UNKNOWN, at=50)], "unmeasured", 1, "need 10"),
        ([*_samples(17), *_samples(2, served=UNKNOWN, at=50)], "unmeasured", 0, "2 of 19 answers do not tell who"),
        ([*_samples(18), *_samples(2, served=UNKNOWN, at=50)], "met", 0, "no mismatch in 18"),
        ([*_samples(18), *_samples(2, Outcome.VOID, at=50)], "met", 0, "no mismatch in 18"),
        ([*_samples(17), *_samples(2, Outcome.VOID, at=50)], "unmeasured", 0, "2 of 19 samples are void"),
        ([*_samples(17), *_samples(2, Outcome.VOID)], "met", 0, "no mismatch in 17"),
        ([*_samples(9), _sample(50, Outcome.DIFFERENT, UNKNOWN)], "unmeasured", 1, "1 answers differ and do not tell"),
        ([*_samples(9), _sample(50, Outcome.DIFFERENT, FALLBACK)], "unmeasured", 1, "need 10"),
        ([*_samples(9), _sample(50, Outcome.LAGGED)], "met", 0, "no mismatch in 10"),
        ([*_samples(99), _sample(100, Outcome.DIFFERENT, differences=(WRONG,))], "missed", 0,
         "1 of 100 answers differ (1 value); first: 100"),
    ],
)  # fmt: skip
def test_exactness_wants_enough_answers_that_say_something(
    records: list[Record], outcome: str, needed: int, said: str
) -> None:
    found = _judged(EXACT, records)

    assert (found.outcome, found.needed) == (outcome, needed), found.sentence
    assert said in found.sentence


def test_every_check_of_an_exact_criterion_is_needed() -> None:
    both = _criterion("exact", "x", "y", least=10)
    why = _fact("y", None, sentence="y is switched off")

    assert _judged(both, _samples(20)).sentence == "y: nothing was asked"
    assert _judged(both, [*_samples(20), why]).sentence == "y: y is switched off"
    assert _judged(both, [why]).sentence == "y is switched off"
    assert _judged(both, [*_samples(19), _sample(1, check="y")]).outcome == "met"
    assert _judged(both, _samples(20)).needed == 10
    assert _judged(both, _samples(3)).needed == 7
    others = [_fact("y", True, sentence="fine"), _fact("x", None, sentence="another")]
    assert _judged(both, [*_samples(20), *others]).sentence == "y: nothing was asked"


@pytest.mark.parametrize(
    "useless", [_samples(5, Outcome.FAILED, error="timeout", check="y"), _samples(5, served=FALLBACK, check="y")]
)
@pytest.mark.parametrize(("count", "needed"), [(20, 10), (3, 7)])
def test_a_check_without_an_answer_that_counts_needs_more(useless: list[Sample], count: int, needed: int) -> None:
    assert _judged(_criterion("exact", "x", "y", least=10), [*_samples(count), *useless]).needed == needed


def test_what_is_not_enough_yet_is_told_with_what_there_is() -> None:
    failed = [_sample(50, Outcome.FAILED, error="timeout", cause="index-stale"), _sample(51, cause="ghost-in-index")]

    some, none = _judged(EXACT, [*_samples(8), *failed]), _judged(EXACT, failed[:1])

    assert _judged(EXACT, [*_samples(9), _plan()]).sentence == "no mismatch in 9; need 10, have 9"
    assert (some.value, some.unit, some.count) == (0.0, "mismatches", 9)
    assert some.cause is not None
    assert some.cause.code == "index-stale"
    assert (none.value, none.count) == (None, 0)


def test_only_what_was_said_of_the_check_itself_explains_its_silence() -> None:
    others = [_fact("x", True, sentence="fine"), _fact("y", None, sentence="another")]

    assert _judged(EXACT, others).sentence == "nothing was asked"
    assert _judged(EXACT, [*others, _fact("x", None, sentence="switched off")]).sentence == "switched off"


def test_a_mismatch_carries_its_count_its_cause_and_its_evidence() -> None:
    wrong = [_sample(number, Outcome.DIFFERENT, cause="index-stale") for number in (7, 7, 8)]

    found = _judged(EXACT, [*_samples(5), *wrong])

    assert (found.value, found.unit, found.count, found.evidence) == (2.0, "mismatches", 7, ("evidence/c.jsonl",))
    assert found.cause
    assert found.cause.share == "2 of 2"


def test_no_mismatch_carries_the_bound_it_proves() -> None:
    found = _judged(EXACT, [*_samples(59), _plan(200_000)])

    assert (found.value, found.unit, found.count) == (0.0, "mismatches", 59)
    assert found.interval == (0.0, pytest.approx(0.0495, abs=1e-4))


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
    found = _judged(replace(EXACT, served_by=served_by), _samples(10, served=served), flag_on)

    assert found.outcome == outcome
    assert ("verifies the direct path" in found.sentence) is (outcome == "met" and flag_on is False)


def test_connectras_own_answers_need_no_provenance() -> None:
    assert _judged(EXACT, _samples(10, served=UNKNOWN, side="connectra")).outcome == "met"
    assert "direct path" not in _judged(EXACT, _samples(10, side="connectra"), False).sentence


@pytest.mark.parametrize(("covered", "outcome"), [(1, "met"), (2, "unmeasured")])
def test_a_known_difference_that_covers_too_much_holds_the_criterion(covered: int, outcome: str) -> None:
    known = Known(id="k", checks=("x",), field="a", by="vql", reason="r", ticket="t", until="2026-12-31", cap=0.1)
    marked = replace(WRONG, excused_by="k")
    records = [*_samples(10), *_samples(covered, Outcome.EXCUSED, at=50, differences=(marked,))]

    found = _judged(EXACT, records, known=[known])

    assert found.outcome == outcome
    assert ("the known difference k covers 2 of 12" in found.sentence) is (outcome == "unmeasured")


# --- what is seen ----------------------------------------------------------------------------------------------------


def test_only_records_of_the_phase_are_seen_each_once_and_in_order() -> None:
    facts = [_fact("b"), _fact("a", False), _fact("a"), _fact("b"), _fact("a", phase="q")]

    seen = seen_of([*facts, *_samples(2, phase="q"), _sample(2), _sample(1), _sample(1)], "p", None)

    assert [(each.name, each.ok) for each in seen.facts] == [("a", False), ("a", True), ("b", True)]
    assert [each.key for each in seen.samples] == ["1", "2"]


def test_a_key_counts_once_per_check() -> None:
    assert len(by_key([_sample(1), _sample(1, Outcome.DIFFERENT), _sample(1, check="y")])) == 2
    assert by_key([_sample(1), _sample(1, Outcome.DIFFERENT)])["x", "1"].outcome is Outcome.EQUAL


def test_counts_are_listed_by_size_and_then_by_name() -> None:
    assert listed(Counter({"b": 1, "a": 1, "c": 3})) == "3 c, 1 a, 1 b"
