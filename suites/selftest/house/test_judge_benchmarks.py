"""The benchmark of the judge simulates what the judge does, and its simulated hosts are as noisy as they say."""

import numpy as np
import pytest

from reports.benchmarks import latency, shares
from reports.benchmarks.__main__ import main
from reports.benchmarks.noise import DRIFTING, NOISY, TYPICAL, Noise, blocks


@pytest.mark.parametrize("noise", [TYPICAL, NOISY, DRIFTING], ids=lambda noise: noise.name)
@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5])
def test_the_rules_judge_as_the_simulation_does(noise: Noise, ratio: float) -> None:
    assert latency.check(noise, ratio, rollouts=12, seed=5) == 12


@pytest.mark.parametrize(
    ("noise", "tail"), [(TYPICAL, 3.2), (NOISY, 5.6), (DRIFTING, 3.3)], ids=["typical", "noisy", "drift"]
)
def test_the_hosts_are_as_noisy_as_they_say(noise: Noise, tail: float) -> None:
    """p95 over p50 of single requests, as the noise models of the rules' simulations give it."""
    taken = blocks(noise, 1.0, rollouts=200, count=4, pairs=16, gap=150, random=np.random.default_rng(3))
    direct = np.concatenate([block[1] for block in taken], axis=1)

    assert np.quantile(direct, 0.95) / np.median(direct) == pytest.approx(tail, rel=0.2)


def test_a_steady_slowdown_beyond_the_alert_is_never_a_go() -> None:
    found = latency.ours(TYPICAL, 2.0, rollouts=50, seed=1)

    assert (found.go, found.no_go) == (0.0, 1.0)
    assert found.hold == 0.0


def test_old_then_new_errs_where_pairs_do_not() -> None:
    pairs = latency.medians(NOISY, 1.0, rollouts=200, seed=1, in_turn=False)
    in_turn = latency.medians(NOISY, 1.0, rollouts=200, seed=1, in_turn=True)

    assert in_turn.no_go > 2 * pairs.no_go


def test_probes_that_fail_together_fool_those_who_take_them_for_independent() -> None:
    ours = shares.over_runs("fallback", 0.05, 0.05, 0.0, rollouts=80, seed=2)
    theirs = shares.independent("fallback", 0.05, 0.05, 0.0, rollouts=80, seed=2)

    assert ours.no_go <= 0.03
    assert theirs.no_go > ours.no_go


@pytest.mark.slow
def test_one_command_prints_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rollouts", "4", "--seed", "3"])

    printed = capsys.readouterr().out
    assert [printed.count(f"| latency, {name} |") for name in ("typical", "noisy", "host drift")] == [1, 1, 1]
    assert printed.count("| this judge |") == 6
    assert printed.count("Mann-Whitney") == 6
    assert "the rules judge 450 of 450" in printed
