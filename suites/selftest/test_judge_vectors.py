"""The judge against golden vectors, made by another program with the same libraries."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports import measurements, rules
from reports.criteria import Criterion, Gate, Latency, Recheck
from reports.measurements import Measurement
from reports.observations import Pair

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("judge_vectors.json").read_text())
WORDS = {"met": "GO", "missed": "NO-GO", "unmeasured": "HOLD"}
LIMITS = {"fallback": (0.05, 0.10), "error": (0.01, 0.05)}
GATE = Gate(
    phase="p",
    title="t",
    flag="",
    guide="g",
    valid_hours=24,
    samples=1,
    criteria=(),
    latency=Latency(floor_ms=0),
    recheck=Recheck(live_s=(), sandbox_s=()),
)


def _criterion(target: float, alert: float, rule: str = "share", least: int = 1) -> Criterion:
    return Criterion(id="c", guide="g", rule=rule, reason="r", checks=("x",), target=target, alert=alert, least=least)


def _by_share(failures: int, count: int, target: float, alert: float) -> str:
    return WORDS[rules.by_limits(_criterion(target, alert), measurements.share(failures, count))]


@pytest.mark.parametrize(
    "case", VECTORS["proportion_pooled"]["cases"], ids=lambda case: f"{case['failures']}-of-{case['n']}"
)
def test_a_pooled_share(case: dict[str, Any]) -> None:
    assert measurements.exact_share(case["failures"], case["n"]) == pytest.approx(case["exact_0.997"], abs=1e-4)
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

    found = measurements.share_by_run(case["failures_per_run"], counts)

    assert found.interval == pytest.approx(case["ci_0.997"], abs=1e-4)
    assert measurements.effective_count(case["failures_per_run"], counts) == pytest.approx(case["n_eff"], rel=1e-4)
    verdict = case["verdict_target.05_alert.10"]
    assert WORDS[rules.by_limits(_criterion(0.05, 0.10), found)] == verdict


def test_zero_mismatches_in_an_unlimited_population() -> None:
    for entry in VECTORS["zero_mismatch"]["upper"]:
        count, at_95 = (entry["n"], entry["u95"]) if isinstance(entry, dict) else entry[:2]
        assert measurements.zero_bound(count) == pytest.approx(at_95, abs=1e-5)


@pytest.mark.parametrize(
    "case", VECTORS["zero_mismatch_finite"]["cases"], ids=lambda case: f"{case['n']}-of-{case['N']}"
)
def test_zero_mismatches_in_a_finite_population(case: dict[str, Any]) -> None:
    assert measurements.most_wrong(case["n"], case["N"]) == case["max_mismatches_95"]


@pytest.mark.parametrize("case", VECTORS["zero_mismatch_stratified"]["cases"], ids=lambda case: str(case["n"]))
def test_zero_mismatches_in_strata(case: dict[str, Any]) -> None:
    assert measurements.zero_bound_stratified(case["weights"], case["n"]) == pytest.approx(case["u95"], abs=1e-5)


def _pairs(case: dict[str, Any]) -> list[Pair]:
    return [
        Pair(phase="p", check="x", key=str(index), block=block, vql_ms=vql, direct_ms=direct, again_ms=direct)
        for block, run in enumerate(case["runs"])
        for index, (direct, vql) in enumerate(zip(run["a_ms"], run["b_ms"], strict=True))
    ]


@pytest.mark.parametrize("case", VECTORS["latency_by_run"]["cases"], ids=lambda case: case["name"])
def test_latency_by_block(case: dict[str, Any]) -> None:
    pairs = _pairs(case)
    seen = rules.Seen(samples=(), pairs=tuple(pairs), plans=(), facts=(), flag_on=True)

    found = measurements.latency_ratio(pairs)
    finding = rules.finding_of(_criterion(1.2, 1.5, "latency", 128), GATE, seen)

    assert found.value == pytest.approx(case["ratio"], abs=1e-4)
    assert found.interval == pytest.approx(case["ci_0.997"], abs=1e-4)
    assert WORDS[finding.outcome] == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["latency_verdict_only"], ids=str)
def test_latency_at_the_boundaries(case: dict[str, Any]) -> None:
    found = Measurement(value=case["ratio"], unit="ratio", count=case["n_pairs"], interval=(case["lo"], case["hi"]))

    outcome = rules.latency_outcome(_criterion(1.2, 1.5, "latency", 128), found, blocks=case["n_runs"])

    assert WORDS[outcome] == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["aa_noise_floor"]["cases"], ids=str)
def test_the_noise_floor(case: dict[str, Any]) -> None:
    floor = Measurement(value=case["ratio"], unit="ratio", count=128, interval=(case["lo"], case["hi"]))

    said = rules.unfit(_criterion(1.2, 1.5, "latency"), floor)

    assert measurements.noise_floor((case["lo"], case["hi"])) == pytest.approx(case["noise_floor"], abs=1e-5)
    assert ("OK" if not said else "NOISY" if "spreads" in said else "BIASED") == case["verdict"]


@pytest.mark.parametrize("case", VECTORS["single_run_alarm"]["cases"], ids=str)
def test_the_alarm_of_a_single_run(case: dict[str, Any]) -> None:
    count = case.get("m") or case.get("n") or case.get("requests")

    assert measurements.alarm_count(count, case["alert"]) == case["alarm_at_failures"]


@pytest.mark.slow
def test_the_tail_by_recipe() -> None:
    case = VECTORS["p95_pooled"]["cases"][0]
    random, pairs = np.random.default_rng(11), []
    for block in range(32):
        base = 20 * np.exp(0.4 * random.normal(size=32))
        direct = np.round(base * np.exp(0.35 * random.normal(size=32)), 1)
        vql = np.round(base * np.exp(0.35 * random.normal(size=32)), 1)
        pairs += [
            Pair(phase="p", check="x", key=f"{block}-{index}", block=block, vql_ms=float(b), direct_ms=float(a))
            for index, (a, b) in enumerate(zip(direct, vql, strict=True))
        ]

    found = measurements.p95_ratio(pairs)

    assert sum(pair.direct_ms for pair in pairs) == pytest.approx(case["sum_a"], abs=0.1)
    assert found.value == pytest.approx(case["p95_ratio"], abs=1e-4)
    assert found.interval is not None
    for mine, theirs in zip(found.interval, case["p95_ci_0.997_bootstrap_runs_seed0_9999"], strict=True):
        assert math.log(mine) == pytest.approx(math.log(theirs), abs=0.03)
