"""The benchmark of the judge simulates what the judge does, and its simulated hosts are as noisy as they say."""

from pathlib import Path

import numpy as np
import pytest

from reports.benchmarks import bake, latency, shares
from reports.benchmarks.__main__ import BEGIN, END, main
from reports.benchmarks.noise import DRIFTING, NOISY, TYPICAL, Noise, blocks
from reports.benchmarks.tables import Claim


@pytest.mark.parametrize("noise", [TYPICAL, NOISY, DRIFTING], ids=lambda noise: noise.name)
@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5])
def test_the_rules_judge_as_the_simulation_does(noise: Noise, ratio: float) -> None:
    assert latency.check(noise, ratio, rollouts=12, seed=5) == 12


@pytest.mark.parametrize(
    ("noise", "tail"), [(TYPICAL, 3.2), (NOISY, 5.6), (DRIFTING, 3.3)], ids=["typical", "noisy", "drift"]
)
def test_the_hosts_are_as_noisy_as_they_say(noise: Noise, tail: float) -> None:
    """p95 over p50 of single requests, as the noise models of the rules' simulations give it."""
    drawn_blocks = blocks(noise, 1.0, rollouts=200, count=4, pairs=16, gap=150, random=np.random.default_rng(3))
    direct = np.concatenate([block[1] for block in drawn_blocks], axis=1)

    assert np.quantile(direct, 0.95) / np.median(direct) == pytest.approx(tail, rel=0.2)


def test_a_steady_slowdown_beyond_the_alert_is_never_a_go() -> None:
    cell_outcome = latency.ours(TYPICAL, 2.0, rollouts=50, seed=1)

    assert (cell_outcome.go, cell_outcome.no_go) == (0.0, 1.0)
    assert cell_outcome.hold == 0.0


def test_old_then_new_errs_where_pairs_do_not() -> None:
    pairs = latency.medians(NOISY, 1.0, rollouts=200, seed=1, in_turn=False)
    in_turn = latency.medians(NOISY, 1.0, rollouts=200, seed=1, in_turn=True)

    assert in_turn.no_go > 2 * pairs.no_go


def test_probes_that_fail_together_fool_those_who_take_them_for_independent() -> None:
    failures = bake.failures_of(0.05, 0.2, 0.5, 80, 2)
    ours = bake.share_over_runs("fallback", 0.05, 0.2, 0.5, rollouts=80, seed=2, every=16)
    theirs = shares.pooled_as_if_independent("fallback", failures)

    assert ours.no_go <= 0.03
    assert theirs.no_go > 0.1


@pytest.mark.parametrize(("ratio", "noticed"), [(1.0, {False}), (1.32, {False, True}), (1.6, {True})])
def test_a_change_is_seen_by_the_rule_and_by_the_simulation_alike(ratio: float, noticed: set[bool]) -> None:
    both = bake.change_by_rules(TYPICAL, bake.step(ratio, bake.DAY), rollouts=60, seed=5)

    assert all(theirs == ours for theirs, ours in both)
    assert {theirs for theirs, _ in both} == noticed


@pytest.mark.parametrize(
    ("claim", "broken"),
    [
        (Claim(sentence="false GO", measured=0.01, most=0.01), False),
        (Claim(sentence="false GO", measured=0.011, most=0.01), True),
        (Claim(sentence="found", measured=0.5, least=0.5), False),
        (Claim(sentence="found", measured=0.49, least=0.5), True),
    ],
)
def test_a_claim_is_held_to_its_bound(claim: Claim, broken: bool) -> None:
    assert claim.is_broken is broken


def test_the_tables_of_the_documentation_are_there(checkout: Path) -> None:
    text = (checkout / "docs" / "judge.md").read_text(encoding="utf-8")
    tables = text.partition(BEGIN)[2].partition(END)[0]

    assert [tables.count(f"| latency, {name} |") for name in ("typical", "noisy", "host drift")] == [1, 1, 1]
    assert tables.count("| yes |") > 50
    assert "| no |" not in tables


@pytest.mark.slow
def test_one_command_prints_every_table_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.benchmarks.__main__.CHECKED", 4)
    monkeypatch.setattr("reports.benchmarks.__main__.RATIOS", (1.0, 1.2, 2.0))
    page = tmp_path / "judge.md"
    page.write_text(f"before\n{BEGIN}old\n{END}\nafter\n")

    main(["--rollouts", "4", "--seed", "3", "--write", str(page)])

    printed, written = capsys.readouterr().out, page.read_text()
    for text in (printed, written):
        assert [text.count(f"| latency, {name} |") for name in ("typical", "noisy", "host drift")] == [1, 1, 1]
        assert text.count("| this judge |") == 7
        assert text.count("Mann-Whitney") == 6
    assert "the rules judge 40 of 40" in printed
    assert "old" not in written.replace("hold", "").replace("old then new", "")
    assert (written.startswith("before\n"), written.endswith("after\n")) == (True, True)
