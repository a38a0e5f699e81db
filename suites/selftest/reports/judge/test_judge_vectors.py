"""The judge against golden vectors, made by another program with the same libraries."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.judge import statistics
from reports.judge.criteria import Criterion, Latency
from reports.judge.rules import dispatch
from reports.judge.statistics import Measurement
from reports.records.records import CheckPlan, Comparison, Outcome, Pair
from suites.selftest.support.phase_builders import gate_of

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("judge_vectors.json").read_text())
WORDS = {"met": "GO", "missed": "NO-GO", "unmeasured": "HOLD"}
LIMITS = {"fallback": (0.05, 0.10), "error": (0.01, 0.05)}
GATE = gate_of(valid_hours=24, latency=Latency(floor_ms=0))


def _criterion(target: float, alert: float, rule: str = "share", least: int = 1) -> Criterion:
    return Criterion(id="c", guide="g", rule=rule, reason="r", checks=("x",), target=target, alert=alert, least=least)


def _by_share(failures: int, count: int, target: float, alert: float) -> str:
    return WORDS[dispatch.by_limits(_criterion(target, alert), statistics.share(failures, count))]


@pytest.mark.parametrize(
    "case", VECTORS["proportion_pooled"]["cases"], ids=lambda case: f"{case['failures']}-of-{case['n']}"
)
def test_a_pooled_share(case: dict[str, Any]) -> None:
    assert statistics.exact_share(case["failures"], case["n"]) == pytest.approx(case["exact_0.997"], abs=1e-4)
    for name, (target, alert) in LIMITS.items():
        expected = case[f"verdict_{name}_target{target}_alert{alert:.2f}".replace("0.", ".")]
        assert _by_share(case["failures"], case["n"], target, alert) == expected


@pytest.mark.parametrize(
    ("name", "target", "alert"),
    [
        ("fallback_or_vql_failure target .05 alert .10", 0.05, 0.10),
        ("error_or_export_failure target .01 alert .05", 0.01, 0.05),
        ("unavailability target .001 alert .01", 0.001, 0.01),
    ],
)
def test_the_acceptance_numbers(name: str, target: float, alert: float) -> None:
    for count, most_good, least_bad in VECTORS["acceptance_numbers"][name]:
        if most_good is not None:
            assert _by_share(most_good, count, target, alert) == "GO"
            assert _by_share(most_good + 1, count, target, alert) != "GO"
        else:
            assert _by_share(0, count, target, alert) == "HOLD"
        assert _by_share(least_bad, count, target, alert) == "NO-GO"
        assert _by_share(least_bad - 1, count, target, alert) != "NO-GO"


@pytest.mark.parametrize("case", VECTORS["proportion_by_run"]["cases"], ids=lambda case: case["name"])
def test_a_share_by_run(case: dict[str, Any]) -> None:
    counts = [case["requests_per_run"]] * len(case["failures_per_run"])

    measurement = statistics.share_by_run(case["failures_per_run"], counts)

    assert measurement.interval == pytest.approx(case["ci_0.997"], abs=1e-4)
    assert statistics.effective_count(case["failures_per_run"], counts) == pytest.approx(case["n_eff"], rel=1e-4)
    verdict = case["verdict_target.05_alert.10"]
    assert WORDS[dispatch.by_limits(_criterion(0.05, 0.10), measurement)] == verdict


@pytest.mark.parametrize("case", VECTORS["zero_mismatch"]["upper"], ids=lambda case: str(case["n"]))
def test_zero_mismatches_in_an_unlimited_population(case: dict[str, Any]) -> None:
    assert statistics.zero_bound(case["n"]) == pytest.approx(case["u95"], abs=1e-5)
    assert statistics.zero_bound(case["n"], confidence=0.99) == pytest.approx(case["u99"], abs=1e-5)


@pytest.mark.parametrize("case", VECTORS["zero_mismatch"]["needed_n"], ids=lambda case: str(case["p"]))
def test_how_many_exclude_a_share_of_wrong_ones(case: dict[str, Any]) -> None:
    for count, confidence in ((case["n95"], 0.95), (case["n99"], 0.99)):
        assert statistics.zero_bound(count, confidence=confidence) <= case["p"]
        assert statistics.zero_bound(count - 1, confidence=confidence) > case["p"]


@pytest.mark.parametrize(
    "case", VECTORS["zero_mismatch_finite"]["cases"], ids=lambda case: f"{case['n']}-of-{case['N']}"
)
def test_zero_mismatches_in_a_finite_population(case: dict[str, Any]) -> None:
    assert statistics.most_wrong(case["n"], case["N"]) == case["max_mismatches_95"]


@pytest.mark.parametrize(
    "case",
    VECTORS["zero_mismatch_finite"]["needed_n_to_claim_fewer_than_D"],
    ids=lambda case: f"{case['D']}-of-{case['N']}",
)
def test_how_many_of_a_finite_population_exclude_that_many_wrong_ones(case: dict[str, Any]) -> None:
    assert statistics.most_wrong(case["n95"], case["N"]) < case["D"]
    assert statistics.most_wrong(case["n95"] - 1, case["N"]) >= case["D"]


@pytest.mark.parametrize("case", VECTORS["zero_mismatch_stratified"]["cases"], ids=lambda case: str(case["n"]))
def test_zero_mismatches_in_strata(case: dict[str, Any]) -> None:
    assert statistics.zero_bound_stratified(case["weights"], case["n"]) == pytest.approx(case["u95"], abs=1e-5)


@pytest.mark.parametrize("case", VECTORS["exactness_verdict"], ids=lambda case: case["verdict"] + f"-{case['n']}")
def test_exactness(case: dict[str, Any]) -> None:
    """Strata that are not covered: one that the plan knows and no sample is of."""
    wrong, void = case["confirmed"], round(case["inconclusive_share"] * case["n"])
    outcomes = [Outcome.DIFFERENT] * wrong + [Outcome.EQUAL] * (case["n"] - wrong) + [Outcome.VOID] * void
    strata = {"s": 10} if case["strata_ok"] else {"s": 10, "unseen": 1}
    plan = CheckPlan(phase="p", check="x", population=1_000_000, planned=case["n"], strata=strata)
    samples = [
        Comparison(phase="p", check="x", key=str(index), stratum="s", outcome=outcome, answers=())
        for index, outcome in enumerate(outcomes)
    ]
    criterion = Criterion(id="c", guide="g", rule="exact", reason="r", checks=("x",), least=case["n_min"])

    finding = dispatch.finding_of(criterion, GATE, dispatch.evidence_of([plan, *samples], "p", True))

    assert WORDS[finding.outcome] == case["verdict"]


def _pairs(case: dict[str, Any]) -> list[Pair]:
    return [
        Pair(phase="p", check="x", key=str(index), block=block, vql_ms=vql, direct_ms=direct, again_ms=direct)
        for block, run in enumerate(case["runs"])
        for index, (direct, vql) in enumerate(zip(run["a_ms"], run["b_ms"], strict=True))
    ]


@pytest.mark.parametrize("case", VECTORS["latency_by_run"]["cases"], ids=lambda case: case["name"])
def test_latency_by_block(case: dict[str, Any]) -> None:
    pairs = _pairs(case)
    evidence = dispatch.PhaseEvidence(samples=(), pairs=tuple(pairs), plans=(), facts=(), flag_on=True)

    measurement = statistics.latency_ratio(pairs)
    finding = dispatch.finding_of(_criterion(1.2, 1.5, "latency", 128), GATE, evidence)

    assert measurement.value == pytest.approx(case["ratio"], abs=1e-4)
    assert measurement.interval == pytest.approx(case["ci_0.997"], abs=1e-4)
    assert WORDS[finding.outcome] == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["latency_verdict_only"], ids=str)
def test_latency_at_the_boundaries(case: dict[str, Any]) -> None:
    measurement = Measurement(
        value=case["ratio"], unit="ratio", count=case["n_pairs"], interval=(case["lo"], case["hi"])
    )

    outcome = dispatch.latency_outcome(_criterion(1.2, 1.5, "latency", 128), measurement, blocks=case["n_runs"])

    assert WORDS[outcome] == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["aa_noise_floor"]["cases"], ids=str)
def test_the_noise_floor(case: dict[str, Any]) -> None:
    floor = Measurement(value=case["ratio"], unit="ratio", count=128, interval=(case["lo"], case["hi"]))

    sentence = dispatch.unfit(floor)

    assert statistics.noise_floor((case["lo"], case["hi"])) == pytest.approx(case["noise_floor"], abs=1e-5)
    assert ("BIASED" if sentence else "OK") == case.get("changed", case)["verdict"]


@pytest.mark.parametrize("case", VECTORS["single_run_alarm"]["cases"], ids=str)
def test_the_alarm_of_a_single_run(case: dict[str, Any]) -> None:
    count = case.get("m") or case.get("n") or case.get("requests")

    assert statistics.alarm_count(count, case["alert"]) == case["alarm_at_failures"]


def _by_recipe(tail_only: bool) -> list[Pair]:
    """The two recipes of the vectors: equal paths, and every twelfth VQL request four times slower."""
    random, pairs = np.random.default_rng(11), []
    for block in range(32):
        base = 20 * np.exp(0.4 * random.normal(size=32))
        direct = np.round(base * np.exp(0.35 * random.normal(size=32)), 1)
        vql = np.round(base * np.exp(0.35 * random.normal(size=32)), 1)
        for index, (a, b) in enumerate(zip(direct, vql, strict=True)):
            slow = tail_only and (block * 7 + index) % 12 == 0
            time = round(4 * float(b), 1) if slow else float(b)
            pairs.append(
                Pair(
                    phase="p",
                    check="x",
                    key=f"{block}-{index}",
                    block=block,
                    vql_ms=time,
                    direct_ms=float(a),
                    again_ms=float(a),
                )
            )
    return pairs


@pytest.mark.parametrize(("number", "tail_only"), [(0, False), (1, True)], ids=["equal", "tail-only"])
def test_the_tail_by_recipe(number: int, tail_only: bool) -> None:
    case, pairs = VECTORS["p95_pooled"]["cases"][number], _by_recipe(tail_only)
    evidence = dispatch.PhaseEvidence(samples=(), pairs=tuple(pairs), plans=(), facts=(), flag_on=True)

    measurement = statistics.p95_ratio(pairs)
    tail = dispatch.finding_of(_criterion(1.2, 1.5, "p95", 1024), GATE, evidence)
    typical = dispatch.finding_of(_criterion(1.2, 1.5, "latency", 128), GATE, evidence)

    assert sum(pair.vql_ms for pair in pairs) == pytest.approx(case["sum_b"], abs=0.1)
    assert measurement.value == pytest.approx(case["p95_ratio"], abs=1e-4)
    assert measurement.interval is not None
    for mine, theirs in zip(measurement.interval, case["p95_ci_0.997_bootstrap_runs_seed0_9999"], strict=True):
        assert math.log(mine) == pytest.approx(math.log(theirs), abs=0.03)
    assert typical.value == pytest.approx(case["typical_ratio"], abs=1e-4)
    assert (WORDS[tail.outcome], WORDS[typical.outcome]) == (case["p95_verdict"], case["typical_verdict"])


def test_the_quick_bootstrap_is_numpys_quantile_of_every_resample() -> None:
    pairs = [
        Pair(
            phase="p",
            check="x",
            key=f"{block}-{n}",
            block=block,
            vql_ms=1 + (7 * n + block) % 13,
            direct_ms=1 + (5 * n + 3 * block) % 11,
        )
        for block in range(9)
        for n in range(2 + block)
    ]
    blocks = [[(pair.vql_ms, pair.direct_ms) for pair in pairs if pair.block == block] for block in range(9)]
    scale = float(np.median([pair.direct_ms for pair in pairs]))
    draws = np.random.default_rng(0).integers(0, 9, size=(9_999, 9))
    pooled = [np.concatenate([blocks[block] for block in draw]) / scale for draw in draws]
    ratios = [np.quantile(group[:, 0], 0.95) / np.quantile(group[:, 1], 0.95) for group in pooled]

    measurement = statistics.p95_ratio(pairs)

    assert measurement.interval == pytest.approx(tuple(np.quantile(ratios, [0.0015, 0.9985])))


def test_scipy_is_the_one_the_vectors_were_made_with() -> None:
    case = VECTORS["scipy_cross_checks"]
    measurement = statistics.ratio_of_means(case["log_ratios"], 12)

    assert measurement.interval == pytest.approx([math.exp(entry) for entry in case["t_0.997"]], abs=1e-4)


NOT_OURS = {
    "_meta": "tells how the vectors were made",
    "optional_always_valid": "for a monitor that must look after every request; this judge looks at doubling sizes",
}


def test_every_section_of_the_vectors_is_looked_at_or_left_out_for_a_reason(checkout: Path) -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    used = {section for section in VECTORS if f'VECTORS["{section}"]' in text}

    assert set(VECTORS) == used | set(NOT_OURS)
