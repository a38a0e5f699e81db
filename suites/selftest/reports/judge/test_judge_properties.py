"""What must hold for whatever was recorded: failures never help, nor does not knowing, nor saying a thing twice."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.judge.criteria import RULES, Bake, Criterion, Latency
from reports.judge.rules.dispatch import Finding, evidence_of, finding_of
from reports.judge.verdict import phase_verdict
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun, EarlierTimes
from reports.records.inputs.traffic import TrafficDraw
from reports.records.records import (
    Attestation,
    CheckPlan,
    Comparison,
    Difference,
    DifferenceKind,
    Fact,
    Observation,
    Outcome,
    Pair,
    Provenance,
    Record,
)
from suites.selftest.support.phase_builders import gate_of

LEISURELY = settings(deadline=None, max_examples=60)  # the machine may be busy with other things
RANK = {"met": 2, "unmeasured": 1, "missed": 0}
LIMITS = {"target": 0.3, "alert": 0.9}
CRITERIA = (
    Criterion(id="parity", guide="g", rule="exact", reason="r", checks=("x",), least=4),
    Criterion(id="consistency", guide="g", rule="exact", reason="r", checks=("x", "y"), least=4, served_by="any"),
    Criterion(id="customers", guide="g", rule="traffic", reason="r", checks=("x",), least=4),
    Criterion(id="errors", guide="g", rule="share", reason="r", of="errors", **LIMITS),
    Criterion(id="fallbacks", guide="g", rule="share", reason="r", of="fallbacks", needs_flag=True, **LIMITS),
    Criterion(id="vql", guide="g", rule="share", reason="r", of="vql-failures", needs_flag=True, least=3, **LIMITS),
    Criterion(id="up", guide="g", rule="share", reason="r", of="connectra-errors", kind="veto", **LIMITS),
    Criterion(id="lag", guide="g", rule="lag", reason="r", checks=("x",), target=1, alert=5),
    Criterion(id="slow", guide="g", rule="latency", reason="r", checks=("t",), target=1.2, alert=1.5, least=9),
    Criterion(id="tail", guide="g", rule="p95", reason="r", checks=("t",), target=1.2, alert=1.5, least=9),
    Criterion(id="health", guide="g", rule="fact", reason="r", checks=("h*",)),
    Criterion(id="size", guide="g", rule="limit", reason="r", checks=("m",), target=2, alert=5),
    Criterion(id="people", guide="g", rule="attested", reason="r", checks=("a",)),
    Criterion(id="window", guide="g", rule="window", reason="r", checks=("*",)),
    Criterion(id="past-parity", guide="g", rule="pooled-exact", reason="r", checks=("*",), least=9),
    Criterion(
        id="past-moments", guide="g", rule="pooled-availability", reason="r", checks=("*",), of="errors", **LIMITS
    ),
    Criterion(id="past-errors", guide="g", rule="pooled-share", reason="r", checks=("*",), of="errors", **LIMITS),
    Criterion(id="past-slow", guide="g", rule="pooled-latency", reason="r", checks=("*",), target=1.2, alert=1.5),
    Criterion(id="past-tail", guide="g", rule="pooled-p95", reason="r", checks=("*",), target=1.2, alert=1.5, least=9),
    Criterion(id="alert", guide="g", rule="burn", reason="r", checks=("*",), of="errors", target=0.01, alert=14.4),
)
GATE = gate_of(*CRITERIA, valid_hours=24, latency=Latency(floor_ms=0), bake=(Bake(phase="q", hours=12, longest=24),))
NOW = "2026-11-25T23:30:00+00:00"

keys = st.integers(0, 30).map(str)
causes = st.sampled_from([None, "index-stale", "connectra-down"])
provenances = st.sampled_from(Provenance)


@st.composite
def samples(draw: st.DrawFn) -> Comparison:
    outcome = draw(st.sampled_from(Outcome))
    error = draw(st.sampled_from(["timeout", "http-500"])) if outcome is Outcome.FAILED else None
    provenance = Provenance.UNKNOWN if error else draw(provenances)
    answer = Observation(side=draw(st.sampled_from(["backend", "connectra"])), error=error, provenance=provenance)
    kind = draw(st.sampled_from(DifferenceKind))
    differs = (Difference(path="p", kind=kind, expected="<a>", actual="<b>"),) if outcome is Outcome.DIFFERENT else ()
    return Comparison(
        phase="p",
        check=draw(st.sampled_from(["x", "y"])),
        key=draw(keys),
        outcome=outcome,
        stratum=draw(st.sampled_from(["s", "t"])),
        answers=(answer,),
        attempt=draw(st.booleans()),
        differences=differs,
        lag_s=draw(st.floats(0, 9)) if outcome is Outcome.LAGGED else None,
        cause=draw(causes),
    )


times = st.floats(1, 1000)
pairs = st.builds(
    Pair,
    phase=st.just("p"),
    check=st.just("t"),
    key=keys,
    block=st.integers(1, 9),
    vql_ms=times,
    direct_ms=times,
    again_ms=st.none() | times,
    direct_by=st.sampled_from(["baseline", "sql"]),
)
facts = st.builds(
    Fact,
    phase=st.just("p"),
    name=st.sampled_from(["h1", "h2", "m"]),
    ok=st.none() | st.booleans(),
    value=st.none() | st.floats(0, 9),
    sentence=st.sampled_from(["so", "not so"]),
    cause=causes,
)
words = st.builds(
    Attestation,
    line=st.just("a"),
    who=st.sampled_from(["Jane", "John"]),
    when=st.sampled_from(["2026-11-20", "2026-11-26"]),
    until=st.sampled_from(["2026-11-24", "2026-11-30"]),
)
strata = st.dictionaries(st.sampled_from(["s", "t"]), st.integers(0, 3))
plans = st.builds(
    CheckPlan,
    phase=st.just("p"),
    check=st.sampled_from(["x", "y"]),
    population=st.integers(0, 40),
    planned=st.just(1),
    strata=strata,
)

drawn = st.builds(
    TrafficDraw,
    phase=st.just("p"),
    population=st.integers(0, 40),
    drawn=st.integers(0, 9),
    unjudged=st.dictionaries(st.sampled_from(["gone", "odd"]), st.integers(0, 2)),
    lines=st.just(50),
    unreadable=st.integers(0, 9),
    broken=st.sampled_from(["", "cut"]),
    since=st.just("2026-11-19"),
    until=st.just("2026-11-25"),
)


@st.composite
def runs(draw: st.DrawFn) -> EarlierRun:
    """Runs of phase q, whose gate is that of p, in the last day; names are few, so that some are the same run."""
    hours = draw(st.integers(1, 23))
    counts = tuple(
        EarlierCount(criterion=name, failures=draw(st.integers(0, 2)), count=draw(st.integers(2, 90)))
        for name in draw(st.sets(st.sampled_from(["errors", "parity", "consistency"])))
    )
    pair_times = tuple(draw(st.lists(st.tuples(times, times), max_size=3)))
    timed = EarlierTimes(
        check="t", vql_ms=tuple(vql for vql, _ in pair_times), direct_ms=tuple(direct for _, direct in pair_times)
    )
    return EarlierRun(
        phase="p",
        run=f"r{hours}",
        of="q",
        started=f"2026-11-25T{hours - 1:02}:30:00+00:00",
        seed=hours,
        finished=f"2026-11-25T{hours:02}:00:00+00:00",
        verdict="GO",
        counts=counts,
        times=(timed,),
        differs=draw(st.sampled_from([(), (), ("build",)])),
    )


recorded = st.lists(samples() | pairs | facts | words | plans | drawn | runs(), max_size=60)
flags = st.none() | st.booleans()


def _findings(records: list[Record], flag_on: bool | None) -> list[Finding]:
    evidence = evidence_of(records, "p", flag_on, now=NOW, gates={"q": GATE})
    return [finding_of(criterion, GATE, evidence) for criterion in CRITERIA]


def _outcomes(records: list[Record], flag_on: bool | None) -> dict[str, str]:
    return {finding.criterion: finding.outcome for finding in _findings(records, flag_on)}


def test_every_rule_is_among_the_criteria() -> None:
    assert {criterion.rule for criterion in CRITERIA} == set(RULES)


@LEISURELY
@given(records=recorded, flag_on=flags, random=st.randoms(use_true_random=False))
def test_the_order_of_records_decides_nothing(records: list[Record], flag_on: bool | None, random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert _findings(shuffled, flag_on) == _findings(records, flag_on)


@LEISURELY
@given(records=recorded, flag_on=flags, data=st.data())
def test_a_record_that_is_written_twice_counts_once(
    records: list[Record], flag_on: bool | None, data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(records), max_size=40)) if records else []

    assert _findings([*records, *again], flag_on) == _findings(records, flag_on)


BAD = {
    "mismatch": (Outcome.DIFFERENT, None, Provenance.VQL),
    "direct-mismatch": (Outcome.DIFFERENT, None, Provenance.DIRECT),
    "error": (Outcome.FAILED, "http-500", Provenance.UNKNOWN),
    "fallback": (Outcome.EQUAL, None, Provenance.FALLBACK),
}


@LEISURELY
@given(records=recorded, flag_on=flags, key=keys, side=st.sampled_from(["backend", "connectra"]))
@pytest.mark.parametrize("bad", BAD)
def test_one_more_failure_never_helps(
    records: list[Record], flag_on: bool | None, key: str, side: str, bad: str
) -> None:
    outcome, error, provenance = BAD[bad]
    answer = Observation(side=side, error=error, provenance=provenance)
    failure = Comparison(phase="p", check="x", key=key, stratum="s", outcome=outcome, answers=(answer,), attempt=True)
    concerned = {"errors", "fallbacks", "vql", "up"} if bad != "fallback" else {"fallbacks", "vql"}
    concerned |= {"parity", "consistency"} if outcome is not Outcome.EQUAL else set()
    if flag_on is None:
        flag_on = evidence_of(records, "p", None).flag_on  # the failure must not tell more about the flag than itself

    before, after = _outcomes(records, flag_on), _outcomes([*records, failure], flag_on)

    got_better = {name for name in concerned if RANK[after[name]] > RANK[before[name]]}
    assert not got_better - _fed_by(failure), f"{before} became {after}"


def _fed_by(failure: Comparison) -> set[str]:
    """Criteria for which the failure of one kind is a proper answer of another kind."""
    if failure.outcome is Outcome.DIFFERENT:
        wrong_but_served = {"errors", "fallbacks", "vql"} if failure.answers[0].side == "backend" else {"up"}
        return wrong_but_served | ({"parity"} if failure.answers[0].provenance is Provenance.DIRECT else set())
    return set()


def test_a_pair_shows_the_flag() -> None:
    """VQL answered in the pairs, so direct answers besides are silent, not a flag that is off: known or forgotten."""
    timed = [Pair(phase="p", check="t", key=str(n), block=1, vql_ms=1, direct_ms=1, again_ms=1) for n in range(3)]
    answers = [*timed, _sample("known", Provenance.DIRECT)]
    forgotten = [*timed, _sample("known", Provenance.UNKNOWN)]

    before, after = _outcomes(answers, None), _outcomes(forgotten, None)

    assert (evidence_of(answers, "p", None).flag_on, evidence_of(forgotten, "p", None).flag_on) == (True, True)
    assert not [name for name in after if after[name] == "met" and before[name] != "met"]


def _sample(key: str, by: Provenance) -> Comparison:
    answer = Observation(side="backend", provenance=by)
    return Comparison(phase="p", check="x", key=key, stratum="s", outcome=Outcome.EQUAL, answers=(answer,))


@LEISURELY
@given(records=recorded, flag_on=flags, data=st.data())
def test_unknown_provenance_never_helps(records: list[Record], flag_on: bool | None, data: st.DataObject) -> None:
    forgotten = [
        replace(record, answers=tuple(replace(answer, provenance=Provenance.UNKNOWN) for answer in record.answers))
        if isinstance(record, Comparison) and data.draw(st.booleans())
        else record
        for record in records
    ]

    before, after = _findings(records, flag_on), _findings(forgotten, flag_on)

    assert not [new for old, new in zip(before, after, strict=True) if new.outcome == "met" and old.outcome != "met"]
    assert phase_verdict(after) != "GO" or phase_verdict(before) == "GO"


@LEISURELY
@given(records=recorded, flag_on=st.booleans(), key=keys)
@pytest.mark.parametrize("outcome", [Outcome.VOID, Outcome.EXCUSED, Outcome.FAILED, Outcome.DIFFERENT], ids=str)
def test_a_no_go_never_becomes_a_go_by_evidence_that_is_not_good(
    records: list[Record], flag_on: bool, key: str, outcome: Outcome
) -> None:
    answer = Observation(side="backend", error="timeout" if outcome is Outcome.FAILED else None)
    more = Comparison(phase="p", check="x", key=key, stratum="s", outcome=outcome, answers=(answer,), attempt=True)

    before, after = _outcomes(records, flag_on), _outcomes([*records, more], flag_on)

    assert not [name for name, was in before.items() if was == "missed" and after[name] == "met"]


@given(
    blocks=st.lists(st.lists(st.tuples(times, times), min_size=2, max_size=4), min_size=8, max_size=12),
    factor=st.floats(1, 5),
)
@LEISURELY
def test_slower_by_a_factor_is_never_better(blocks: list[list[tuple[float, float]]], factor: float) -> None:
    def judged(slower: float) -> dict[str, str]:
        return _outcomes(
            [
                Pair(
                    phase="p",
                    check="t",
                    key=f"{number}-{index}",
                    block=number,
                    vql_ms=vql * slower,
                    direct_ms=direct,
                    again_ms=direct,
                )
                for number, block in enumerate(blocks)
                for index, (vql, direct) in enumerate(block)
            ],
            True,
        )

    before, after = judged(1), judged(factor)

    assert all(RANK[after[name]] <= RANK[before[name]] for name in ("slow", "tail"))


@pytest.mark.parametrize("flag_on", [None, True, False])
def test_nothing_recorded_is_a_hold(flag_on: bool | None) -> None:
    findings = _findings([], flag_on)

    assert {finding.outcome for finding in findings} == {"unmeasured"}
    assert phase_verdict(findings) == "HOLD"
    assert phase_verdict([]) == "HOLD"
