"""Latency beyond the golden vectors: how much evidence it wants, which pairs count, and when sampling may stop."""

from dataclasses import replace
from typing import Any

import pytest

from reports.judge.criteria import Criterion, Gate, Latency
from reports.judge.rules.dispatch import Finding, evidence_of, finding_of
from reports.judge.rules.latency import at_look, latency_outcome, unfit
from reports.judge.statistics import Measurement
from reports.judge.verdict import decided
from reports.records.records import CheckPlan, Comparison, Fact, Observation, Outcome, Pair, Provenance, Record
from reports.records.run_ledger import GateFile, Run, RunRecords
from suites.selftest.support.phase_builders import gate_of

SLOW = Criterion(id="slow", guide="g", rule="latency", reason="r", checks=("a",), target=1.2, alert=1.5, least=128)
TAIL = replace(SLOW, id="tail", rule="p95", kind="veto", least=1024)
BOTH = replace(SLOW, checks=("a", "b"))


def _gate(*criteria: Criterion, floor_ms: float = 5.0) -> Gate:
    return gate_of(*criteria, latency=Latency(floor_ms=floor_ms))


def _pairs(
    blocks: int = 8,
    number: int = 16,
    *,
    check: str = "a",
    ratio: float = 1.0,
    ms: float = 100.0,
    direct_by: str = "baseline",
    noise: float = 0.01,
) -> list[Pair]:
    """Steady pairs: block 2 a little faster than block 1, block 3 a little slower, and so on."""
    return [
        Pair(
            phase="p",
            check=check,
            key=f"{block}-{index}",
            block=block,
            direct_ms=ms,
            again_ms=ms * swing,
            vql_ms=ms * ratio * swing,
            direct_by=direct_by,
        )
        for block in range(1, blocks + 1)
        for index in range(number)
        for swing in [1 + noise * (-1) ** block]
    ]


def _lost(count: int, outcome: Outcome = Outcome.FAILED) -> list[Comparison]:
    error = "timeout" if outcome is Outcome.FAILED else None
    return [
        Comparison(
            phase="p",
            check="a",
            key=f"lost-{number}",
            stratum="s",
            outcome=outcome,
            attempt=True,
            answers=(Observation(side="backend", error=error, provenance=Provenance.FALLBACK),),
        )
        for number in range(count)
    ]


def _judged(criterion: Criterion, *records: Record, floor_ms: float = 5.0) -> Finding:
    return finding_of(criterion, _gate(criterion, floor_ms=floor_ms), evidence_of(records, "p", True))


@pytest.mark.parametrize(
    ("records", "outcome", "says"),
    [
        (_pairs(), "met", "1.00 times direct"),
        (_pairs(7, 20), "unmeasured", "7 blocks"),
        (_pairs(8, 15), "unmeasured", "1.00 times"),
        (_pairs(ratio=1.3), "missed", "1.30 times"),
        (_pairs(8, 2, ratio=1.3), "missed", "1.30 times"),
        (_pairs(ms=4.0, ratio=1.2), "met", "too fast to matter"),
        (_pairs(7, 20, ms=4.0), "unmeasured", "7 blocks"),
        (_pairs(ms=4.9, ratio=1.3), "missed", "1.30 times"),
    ],
    ids=["steady", "few-blocks", "few-pairs", "slow", "slow-and-few", "fast", "fast-and-few", "one-side-fast"],
)
def test_a_slowdown_is_judged_by_block_from_enough_of_them(records: list[Pair], outcome: str, says: str) -> None:
    finding = _judged(SLOW, *records)

    assert finding.outcome == outcome
    assert says in finding.sentence


@pytest.mark.parametrize(
    ("again", "says"),
    [(lambda ms, block: ms * 1.08, "by a factor of 1.08"), (lambda ms, block: ms * 0.9, "by a factor of 0.90")],
)
@pytest.mark.parametrize("criterion", [SLOW, replace(TAIL, least=128)], ids=["typical", "tail"])
@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_an_instrument_that_differs_from_itself_judges_nothing(
    criterion: Criterion, again: object, says: str, ratio: float
) -> None:
    pairs = [replace(pair, again_ms=again(pair.direct_ms, pair.block)) for pair in _pairs(ratio=ratio)]  # type: ignore[operator]

    finding = _judged(criterion, *pairs)

    assert finding.outcome == "unmeasured"
    assert "measurement too noisy" in finding.sentence
    assert says in finding.sentence


@pytest.mark.parametrize(("ratio", "outcome"), [(1.0, "met"), (3.0, "missed")])
def test_an_instrument_that_spreads_holds_nothing_by_itself(ratio: float, outcome: str) -> None:
    pairs = [replace(pair, again_ms=pair.direct_ms * 2 ** (pair.block % 2)) for pair in _pairs(ratio=ratio)]

    assert _judged(SLOW, *pairs).outcome == outcome


@pytest.mark.parametrize("ratio", [1.0, 3.0])
@pytest.mark.parametrize("criterion", [SLOW, replace(TAIL, least=128)], ids=["typical", "tail"])
def test_pairs_without_a_second_direct_call_judge_nothing(criterion: Criterion, ratio: float) -> None:
    finding = _judged(criterion, *[replace(pair, again_ms=None) for pair in _pairs(ratio=ratio)])

    assert finding.outcome == "unmeasured"
    assert "none has a second direct call" in finding.sentence


def test_both_direct_calls_count() -> None:
    pairs = [replace(pair, vql_ms=120.0, again_ms=144.0) for pair in _pairs(16, 8)]
    turned = [replace(pair, direct_ms=pair.again_ms or 0, again_ms=pair.direct_ms) for pair in pairs[::2]]

    assert _judged(SLOW, *pairs[1::2], *turned).value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("lost", "blocks", "slow_ms", "outcome"),
    [(0, 16, 4.0, "met"), (9, 16, 4.0, "unmeasured"), (0, 15, 4.0, "unmeasured"), (0, 16, 3000.0, "missed")],
    ids=["fast", "with-losses", "few-pairs", "with-a-tail"],
)
def test_too_fast_to_matter_comes_after_every_other_reason(
    lost: int, blocks: int, slow_ms: float, outcome: str
) -> None:
    """VQL 4 ms, direct 1 ms: four times slower, too fast to matter; but not with a slow tail, losses or few pairs."""
    pairs = [
        replace(pair, direct_ms=1.0, again_ms=1.0, vql_ms=slow_ms if number % 5 == 0 else 4.0)
        for number, pair in enumerate(_pairs(blocks, 8))
    ]

    assert _judged(SLOW, *pairs, *_lost(lost)).outcome == outcome


@pytest.mark.parametrize(("slow_ms", "outcome"), [(4.9, "unmeasured"), (40.0, "missed")])
def test_a_tail_is_slow_only_above_the_floor(slow_ms: float, outcome: str) -> None:
    pairs = [
        replace(pair, direct_ms=1.0, again_ms=1.0, vql_ms=slow_ms if number % 9 == 0 else 1.0)
        for number, pair in enumerate(_pairs(16, 16))
    ]

    assert _judged(TAIL, *pairs).outcome == outcome
    assert _judged(replace(TAIL, least=256), *pairs).outcome == ("met" if slow_ms < 5 else "missed")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.VOID], ids=["failed", "served-by-sql"])
def test_calls_without_a_time_hold_a_go_and_excuse_no_slowdown(outcome: Outcome) -> None:
    assert _judged(SLOW, *_pairs(), *_lost(6, outcome)).outcome == "met"
    assert _judged(SLOW, *_pairs(), *_lost(8, outcome)).outcome == "unmeasured"
    assert _judged(SLOW, *_pairs(ratio=1.3), *_lost(80, outcome)).outcome == "missed"


def test_pairs_against_plain_sql_only_advise() -> None:
    finding = _judged(SLOW, *_pairs(ratio=3, direct_by="sql"))

    assert (finding.outcome, finding.kind) == ("missed", "advisory")
    assert "plain SQL" in finding.sentence


@pytest.mark.parametrize("criterion", [SLOW, replace(TAIL, least=128)], ids=["typical", "tail"])
def test_pairs_against_plain_sql_take_nothing_from_better_ones(criterion: Criterion) -> None:
    finding = _judged(criterion, *_pairs(ratio=2), *_pairs(ratio=0.5, direct_by="sql"))

    assert (finding.outcome, finding.kind) == ("missed", "blocking")


def test_every_check_that_a_criterion_names_needs_its_own_blocks() -> None:
    assert _judged(BOTH, *_pairs()).sentence == "no pairs of b"
    assert _judged(BOTH, *_pairs(), *_pairs(2, check="b")).outcome == "unmeasured"
    assert _judged(BOTH, *_pairs(), *_pairs(check="b")).outcome == "met"


def test_pairs_of_other_checks_do_not_count() -> None:
    assert _judged(SLOW, *_pairs(), *_pairs(check="b", ratio=9.0)).outcome == "met"


def test_checks_of_one_criterion_weigh_the_same() -> None:
    finding = _judged(BOTH, *_pairs(8, 100), *_pairs(8, 4, check="b", ratio=1.21))

    assert finding.value == pytest.approx(1.1, rel=1e-3)


def test_the_tail_vetoes_from_the_first_blocks_on() -> None:
    slow_tail = [
        replace(pair, vql_ms=pair.vql_ms * (4 if number % 12 == 0 else 1)) for number, pair in enumerate(_pairs(32, 32))
    ]

    assert (_judged(TAIL, *slow_tail).outcome, _judged(TAIL, *slow_tail).kind) == ("missed", "blocking")
    assert (_judged(SLOW, *slow_tail).outcome, _judged(SLOW, *slow_tail).kind) == ("met", "blocking")
    assert (_judged(TAIL, *slow_tail[:256]).outcome, _judged(TAIL, *slow_tail[:256]).kind) == ("missed", "blocking")
    assert _judged(TAIL, *slow_tail[:64]).kind == "advisory"
    assert _judged(TAIL, *(replace(pair, direct_by="sql") for pair in slow_tail)).kind == "advisory", "no web layer"


@pytest.mark.parametrize(("blocks", "look"), [(0, 0), (7, 0), (8, 8), (15, 8), (16, 16), (31, 16), (100, 64)])
def test_looks_are_at_doubling_numbers_of_blocks(blocks: int, look: int) -> None:
    assert len({pair.block for pair in at_look(_pairs(blocks, 1))}) == look


PARITY = Criterion(id="parity", guide="g", rule="exact", reason="r", checks=("x",), least=20)
ERRORS = Criterion(id="errors", guide="g", rule="share", reason="r", of="errors", target=0.05, alert=0.5)
GATE_TEXT = GateFile(path="p", sha256="s", text="t")


def _samples(count: int, outcome: Outcome = Outcome.EQUAL) -> list[Record]:
    answer = Observation(side="backend", provenance=Provenance.VQL)
    return [
        CheckPlan(phase="p", check="x", population=1000, planned=count),
        *(
            Comparison(phase="p", check="x", key=str(number), stratum="s", outcome=outcome, answers=(answer,))
            for number in range(count)
        ),
    ]


def _decided(records: list[Record], *criteria: Criterion, check: str = "x") -> str | None:
    run = Run(
        run_id="r",
        started="",
        target="live",
        seed=1,
        contract="guide",
        flags={"F": True},
        fingerprint={},
        gates={"p": GATE_TEXT},
    )
    finding = decided(RunRecords(run=run, records=tuple(records)), _gate(*criteria), check)
    return finding.outcome if finding else None


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        (_samples(19), None),
        (_samples(20), "met"),
        (_samples(1, Outcome.DIFFERENT), "missed"),
        ([*_samples(20), *_lost(1)], "met"),
        ([*_samples(20), *_lost(20)], None),
        ([], None),
    ],
    ids=["not-enough", "enough", "a-mismatch", "one-error", "errors-undecided", "nothing"],
)
def test_asking_goes_on_until_every_criterion_that_looks_is_met_or_one_is_missed(
    records: list[Record], outcome: str | None
) -> None:
    assert _decided(records, PARITY, ERRORS) == outcome


def test_a_tail_that_still_wants_pairs_keeps_them_coming() -> None:
    assert _decided([*_pairs()], SLOW, check="a") == "met"
    assert _decided([*_pairs()], SLOW, TAIL, check="a") is None
    assert _decided([*_pairs(ratio=1.3)], SLOW, TAIL, check="a") == "missed"


def test_pairs_keep_coming_until_the_next_look_and_for_each_check() -> None:
    assert _decided([*_pairs(blocks=7)], replace(SLOW, least=112), check="a") is None
    assert _decided([*_pairs(blocks=8)], replace(BOTH, least=112), check="a") is None


@pytest.mark.parametrize(
    ("value", "interval", "says"),
    [
        (1.0, (0.9, 1.1), ""),
        (1.0, (0.8, 1.26), ""),
        (1.0, (0.8, 1.25), ""),
        (1.06, (1.01, 1.1), "by a factor of 1.06"),
        (0.94, (0.9, 0.99), "by a factor of 0.94"),
        (1.049, (1.01, 1.1), ""),
        (1.053, (1.01, 1.1), "by a factor of 1.05"),
        (1.06, (1.0, 1.1), ""),
        (0.94, (0.9, 1.0), ""),
        (1.2, None, ""),
        (None, (0.1, 9.0), ""),
    ],
)
def test_an_instrument_is_unfit_when_it_is_biased(value: float, interval: Any, says: str) -> None:
    assert unfit(Measurement(value=value, unit="ratio", count=9, interval=interval)).endswith(says)
    assert bool(unfit(Measurement(value=value, unit="ratio", count=9, interval=interval))) is bool(says)


@pytest.mark.parametrize(
    ("blocks", "count", "outcome"), [(8, 128, "met"), (7, 128, "unmeasured"), (8, 127, "unmeasured")]
)
def test_a_go_wants_its_blocks_and_its_pairs(blocks: int, count: int, outcome: str) -> None:
    measurement = Measurement(value=1.1, unit="ratio", count=count, interval=(1.0, 1.2))

    assert latency_outcome(SLOW, measurement, blocks=blocks) == outcome
    assert latency_outcome(SLOW, replace(measurement, interval=(1.21, 1.3)), blocks=8) == "missed"


@pytest.mark.parametrize(
    ("records", "needed"),
    [
        (_pairs(), 0),
        (_pairs(8, 15), 8),
        (_pairs(7, 20), 1),
        (_pairs(4, 4), 112),
        ([], 128),
        (_pairs(ratio=1.3), 0),
        (_pairs(8, 20, noise=0.7), 160),
        (_pairs(8, 10, noise=0.7), 48),
    ],
    ids=["met", "few-pairs", "few-blocks", "few-of-both", "none", "missed", "wide", "wide-and-few"],
)
def test_a_slowdown_names_how_many_pairs_it_needs(records: list[Pair], needed: int) -> None:
    assert _judged(SLOW, *records).needed == needed


def test_the_tail_names_how_many_pairs_it_needs() -> None:
    few, blocks = _judged(TAIL, *_pairs(8, 16)), _judged(replace(TAIL, least=99), *_pairs(7, 20))

    assert (few.outcome, few.needed, few.count, few.unit) == ("unmeasured", 896, 128, "ratio")
    assert (blocks.outcome, blocks.needed, blocks.count) == ("unmeasured", 1, 140)


@pytest.mark.parametrize("criterion", [SLOW, replace(TAIL, least=128)], ids=["typical", "tail"])
def test_a_missed_latency_names_its_cause(criterion: Criterion) -> None:
    facts = [
        Fact(phase="p", name="a", ok=None, cause="index-stale"),
        *(Fact(phase="p", name="b", ok=None, cause="x", value=value) for value in (1.0, 2.0)),
    ]

    missed, met = _judged(criterion, *_pairs(ratio=1.6), *facts), _judged(criterion, *_pairs(), *facts)

    assert (missed.outcome, missed.cause and missed.cause.code) == ("missed", "index-stale")
    assert (met.outcome, met.cause) == ("met", None)


@pytest.mark.parametrize("criterion", [SLOW, replace(TAIL, least=128)], ids=["typical", "tail"])
def test_calls_without_a_time_hold_both(criterion: Criterion) -> None:
    other_samples = [replace(comparison, check="b") for comparison in _lost(99)]
    other_samples += [
        replace(comparison, key=f"fine {comparison.key}", outcome=Outcome.EQUAL) for comparison in _lost(99)
    ]

    assert _judged(criterion, *_pairs(), *_lost(6), *other_samples).outcome == "met"
    assert _judged(criterion, *_pairs(), *_lost(7)).outcome == "unmeasured"
    assert "7 of 135 samples gave no pair of times" in _judged(criterion, *_pairs(), *_lost(7)).sentence


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ([], "no pairs were taken: the tests that take them did not run"),
        (_lost(1), "no pair counts: calls failed (1 timeout at the backend)"),
        (
            [
                replace(
                    comparison,
                    outcome=Outcome.EQUAL,
                    answers=(Observation(side="backend", provenance=Provenance.FALLBACK),),
                )
                for comparison in _lost(1)
            ],
            "VQL served none of the calls",
        ),
        ([Fact(phase="p", name="a", ok=None, sentence="switched off")], "switched off"),
    ],
    ids=["nothing", "failed", "by-sql", "left-out"],
)
def test_the_reason_for_no_pair_is_given(records: list[Record], says: str) -> None:
    finding = _judged(SLOW, *records)

    assert (finding.outcome, finding.needed, finding.unit) == ("unmeasured", 128, "ratio")
    assert says in finding.sentence


def test_every_check_has_to_be_too_fast_to_matter() -> None:
    fast, slow = _pairs(ms=4.0, ratio=1.2), _pairs(check="b", ratio=1.4)

    assert _judged(BOTH, *fast, *_pairs(ms=4.0, ratio=1.2, check="b")).outcome == "met"
    assert "too fast" not in _judged(BOTH, *fast, *slow).sentence
    assert "too fast" not in _judged(BOTH, *_pairs(8, 40, ms=4.0, ratio=1.2), *slow).sentence
    assert "too fast" in _judged(replace(TAIL, least=128), *_pairs(ms=4.0, ratio=1.2)).sentence
    assert "too fast" not in _judged(SLOW, *_pairs(ms=5.0)).sentence


def test_each_check_is_looked_at_by_its_own_blocks() -> None:
    kept = at_look([*_pairs(8, 2), *_pairs(7, 2, check="b")])

    assert [pair.check for pair in kept] == ["a"] * 16
