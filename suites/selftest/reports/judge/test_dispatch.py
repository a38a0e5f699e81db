"""Criteria that are no statistics: facts, limits and sign-offs. A criterion without a record is never met."""

import pytest

from reports.judge.criteria import Criterion
from reports.judge.rules.dispatch import Finding, evidence_of, finding_of
from reports.records.records import Attestation, CheckPlan, Comparison, Event, Fact, Outcome, Pair, Provenance, Record
from reports.records.records import Observation as Told
from suites.selftest.support.phase_builders import gate_of

NOW = "2026-11-25T12:00:00+00:00"


def _criterion(rule: str, *checks: str, **more: object) -> Criterion:
    return Criterion(id="c", guide="g", rule=rule, reason="r", checks=checks, **more)  # type: ignore[arg-type]


def _judged(criterion: Criterion, *records: Record, target: str = "live", **more: object) -> Finding:
    gate = gate_of(criterion, phase="phase0")
    return finding_of(criterion, gate, evidence_of(records, "phase0", None, target=target, now=NOW, **more))  # type: ignore[arg-type]


def _fact(name: str, ok: bool | None = True, value: float | None = None) -> Fact:
    return Fact(phase="phase0", name=name, ok=ok, value=value, sentence=f"{name} is {ok}", cause=None)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ((_fact("a"), _fact("b-1")), "met"),
        ((_fact("a"), _fact("b-1"), _fact("b-2", False)), "missed"),
        ((_fact("a"),), "unmeasured"),
        ((_fact("a"), _fact("b-1", None)), "unmeasured"),
        ((_fact("a", False),), "missed"),
        ((), "unmeasured"),
        ((_fact("other"),), "unmeasured"),
    ],
    ids=["all", "one-is-not", "one-unseen", "one-open", "not-and-unseen", "nothing", "others-only"],
)
def test_facts_are_met_only_when_each_was_found_so(facts: tuple[Fact, ...], outcome: str) -> None:
    assert _judged(_criterion("fact", "a", "b-*"), *facts).outcome == outcome


def test_a_fact_of_another_phase_does_not_count() -> None:
    other = Fact(phase="phase1", name="a", ok=True)

    assert _judged(_criterion("fact", "a"), other).outcome == "unmeasured"


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ((1.0, 2.0), "met"),
        ((1.0, 3.0), "unmeasured"),
        ((1.0, 9.0), "missed"),
        ((), "unmeasured"),
        ((None,), "unmeasured"),
    ],
)
def test_the_largest_value_counts_against_a_limit(values: tuple[float | None, ...], outcome: str) -> None:
    facts = [_fact(f"m-{number}", None, value) for number, value in enumerate(values)]

    finding = _judged(_criterion("limit", "m-*", target=2.0, alert=5.0, unit="MB"), *facts)

    assert finding.outcome == outcome


def test_a_limit_wants_a_value_of_everything_it_names() -> None:
    criterion = _criterion("limit", "a", "b", target=2.0, alert=5.0, unit="MB")

    assert _judged(criterion, _fact("a", None, 1.0)).sentence == "no value of b"
    assert _judged(criterion, _fact("a", None, 9.0)).outcome == "missed"
    assert _judged(criterion, _fact("a", None, 1.0), _fact("b", None, 1.0)).outcome == "met"


def _sign_off(line: str = "a", when: str = "2026-11-20", until: str = "2026-11-30") -> Attestation:
    return Attestation(line=line, who="Jane", when=when, until=until)


@pytest.mark.parametrize(
    ("sign_offs", "outcome"),
    [
        ((_sign_off(),), "met"),
        ((_sign_off(until="2026-11-25"),), "met"),
        ((_sign_off(until="2026-11-24"),), "unmeasured"),
        ((_sign_off(until="2026-11-25T11:59:59+00:00"),), "unmeasured"),
        ((_sign_off(until="2026-11-25T12:00:01+00:00"),), "met"),
        ((_sign_off(when="2026-11-26"),), "unmeasured"),
        ((_sign_off("b"),), "unmeasured"),
        ((), "unmeasured"),
    ],
    ids=["holds", "last-day", "expired", "expired-by-a-second", "a-second-left", "not-yet", "another-line", "missing"],
)
def test_a_sign_off_counts_while_it_is_valid(sign_offs: tuple[Attestation, ...], outcome: str) -> None:
    finding = _judged(_criterion("attested", "a"), *sign_offs)

    assert (finding.outcome, finding.kind) == (outcome, "blocking")


def test_of_two_sign_offs_of_a_line_one_valid_one_is_enough() -> None:
    sign_offs = [_sign_off(until="2026-11-24"), _sign_off(until="2026-11-30")]

    assert _judged(_criterion("attested", "a"), *sign_offs).outcome == "met"
    assert _judged(_criterion("attested", "a"), *reversed(sign_offs)).outcome == "met"


def test_a_rehearsal_needs_no_sign_off() -> None:
    finding = _judged(_criterion("attested", "a"), target="sandbox")

    assert (finding.outcome, finding.kind) == ("unmeasured", "advisory")
    assert "not asked" in finding.sentence


def _answered(key: str, error: str | None = None) -> Comparison:
    outcome = Outcome.FAILED if error else Outcome.EQUAL
    answer = Told(side="backend", error=error, provenance=Provenance.UNKNOWN if error else Provenance.VQL)
    return Comparison(
        phase="phase0",
        check=key.partition("-")[0],
        key=key,
        stratum="s",
        outcome=outcome,
        answers=(answer,),
        attempt=True,
    )


def test_a_share_that_names_checks_looks_at_no_other() -> None:
    samples = [_answered(f"export-{n}", "timeout") for n in range(40)] + [_answered(f"list-{n}") for n in range(400)]
    limits = {"target": 0.01, "alert": 0.05, "of": "errors"}

    assert _judged(_criterion("share", "list", **limits), *samples).outcome == "met"
    assert _judged(_criterion("share", "export", **limits), *samples).outcome == "missed"


def _attempts(vql: int = 0, fallback: int = 0, unknown: int = 0, pairs: int = 0) -> list[Record]:
    """Attempts by who served them; pairs of latency are attempts that VQL served."""
    served = [Provenance.VQL] * vql + [Provenance.FALLBACK] * fallback + [Provenance.UNKNOWN] * unknown
    samples = [
        Comparison(
            phase="phase0",
            check="list",
            key=str(number),
            stratum="s",
            outcome=Outcome.EQUAL,
            attempt=True,
            answers=(Told(side="backend", provenance=provenance),),
        )
        for number, provenance in enumerate(served)
    ]
    timed = [
        Pair(phase="phase0", check="t", key=str(number), block=1, vql_ms=1, direct_ms=1) for number in range(pairs)
    ]
    return [*samples, *timed]


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        (_attempts(vql=100), "met"),
        (_attempts(vql=36, pairs=64), "met"),
        (_attempts(vql=36, fallback=12, pairs=64), "unmeasured"),
        (_attempts(vql=100, fallback=3), "unmeasured"),
        (_attempts(vql=200, fallback=30), "missed"),
        (_attempts(vql=90, unknown=11), "unmeasured"),
        (_attempts(vql=98, unknown=2), "unmeasured"),
        (_attempts(vql=200, unknown=2), "met"),
        (_attempts(vql=180, fallback=40, unknown=5), "missed"),
        (_attempts(vql=180, fallback=22, unknown=21), "unmeasured"),
    ],
    ids=[
        "all",
        "with-pairs",
        "too-many",
        "not-sure",
        "beyond",
        "hardly-known",
        "may-be-fallbacks",
        "few-unknown",
        "beyond-anyway",
        "beyond-if-unknown-are-left-out",
    ],
)
def test_a_share_of_fallbacks_counts_only_answers_of_known_provenance(records: list[Record], outcome: str) -> None:
    criterion = _criterion("share", of="fallbacks", target=0.05, alert=0.10)

    assert _judged(criterion, *records).outcome == outcome


def test_a_share_wants_its_least_good_ones() -> None:
    criterion = _criterion("share", of="fallbacks", target=0.05, alert=0.10, least=200)

    assert _judged(criterion, *_attempts(vql=199, fallback=2)).outcome == "unmeasured"
    assert _judged(criterion, *_attempts(vql=200, fallback=2)).outcome == "met"


def test_failures_do_not_make_a_void_sample_lighter() -> None:
    criterion = _criterion("exact", "x", least=9)
    observations = (Told(side="backend", provenance=Provenance.VQL),)
    outcomes = [Outcome.EQUAL] * 9 + [Outcome.VOID] * 2
    samples = [
        Comparison(phase="phase0", check="x", key=str(number), stratum="s", outcome=outcome, answers=observations)
        for number, outcome in enumerate(outcomes)
    ]
    failed = [
        Comparison(
            phase="phase0", check="x", key=f"f{number}", stratum="s", outcome=Outcome.FAILED, answers=observations
        )
        for number in range(50)
    ]

    assert _judged(criterion, *samples).outcome == "unmeasured"
    assert _judged(criterion, *samples, *failed).outcome == "unmeasured"
    assert _judged(criterion, *samples[:-1], *samples[:5]).outcome == "met"


@pytest.mark.parametrize(
    ("served", "flag_on"),
    [
        ({Provenance.VQL, Provenance.DIRECT}, True),
        ({Provenance.FALLBACK}, True),
        ({Provenance.DIRECT}, False),
        ({Provenance.DIRECT, Provenance.UNKNOWN}, None),
        ({Provenance.UNKNOWN}, None),
        (set(), None),
    ],
)
def test_an_unknown_flag_is_off_only_if_every_answer_is_direct(served: set[Provenance], flag_on: bool | None) -> None:
    samples = [
        Comparison(
            phase="phase0",
            check="x",
            key=provenance,
            stratum="s",
            outcome=Outcome.EQUAL,
            answers=(Told(side="backend", provenance=provenance),),
        )
        for provenance in served
    ]

    assert evidence_of(samples, "phase0", None).flag_on is flag_on


@pytest.mark.parametrize(("sentences", "message"), [((), False), (("not-asked",), True)])
def test_left_out_checks_are_named_where_the_criterion_needs_them(sentences: tuple[str, ...], message: bool) -> None:
    facts = [Fact(phase="phase0", name=name, ok=None, sentence="to allow it: --allow-cost 5") for name in sentences]

    finding = _judged(_criterion("exact", "a"), *facts)

    assert ("--allow-cost 5" in finding.sentence) is message


def test_an_event_is_no_fact() -> None:
    assert _judged(_criterion("fact", "run-finished"), Event(name="run-finished")).outcome == "unmeasured"


def test_a_plan_alone_proves_nothing() -> None:
    plan = CheckPlan(phase="phase0", check="a", population=0, planned=0)

    assert _judged(_criterion("exact", "a"), plan).outcome == "unmeasured"
