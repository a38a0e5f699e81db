"""`python -m reports.benchmarks`: the judge's operating characteristics, as tables; exit code 1 when it errs too often.

False GO: a GO where the truth is the alert level. False NO-GO: a NO-GO where the truth is fine (up to the target).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from reports.benchmarks import latency, shares
from reports.benchmarks.latency import CellOutcome
from reports.benchmarks.noise import DRIFTING, NOISY, TYPICAL, Noise
from reports.environment import run_command

RATIOS = (1.0, 1.1, 1.2, 1.3, 1.5, 2.0)
RATES = {
    "fallback": (0.0, 0.01, 0.03, 0.05, 0.07, 0.10),
    "error": (0.0, 0.001, 0.005, 0.01, 0.03, 0.05),
    "availability": (0.0, 0.0002, 0.0005, 0.001, 0.005, 0.01),
}
MOST = 0.01  # of either error
CHECKED = 25  # rollouts per cell that the rules themselves judge too


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reports.benchmarks", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2000, help="simulated rollouts per cell")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    print(f"{options.rollouts} rollouts a cell, seed {options.seed}: GO / NO-GO / HOLD in % (mean pairs or requests)\n")
    wrong = [*_latency(options.rollouts, options.seed), *_shares(options.rollouts, options.seed)]
    same = sum(
        latency.check(noise, ratio, rollouts=CHECKED, seed=options.seed)
        for noise in (TYPICAL, NOISY, DRIFTING)
        for ratio in RATIOS
    )
    print(f"\nthe rules judge {same} of {same} of these rollouts as simulated; {time.monotonic() - begun:.0f} s")
    for each in wrong:
        print(f"errs too often: {each}", file=sys.stderr)
    return 1 if wrong else 0


def _latency(rollouts: int, seed: int) -> list[str]:
    """The latency table; returns what errs too often of the rows that are ours."""
    ways: dict[str, Callable[[Noise, float], CellOutcome]] = {
        "this judge": lambda noise, ratio: latency.ours(noise, ratio, rollouts=rollouts, seed=seed),
        "this judge, one burst": lambda noise, ratio: latency.ours(noise, ratio, rollouts=rollouts, seed=seed, gap=0),
        "medians, same pairs": lambda noise, ratio: latency.medians(
            noise, ratio, rollouts=rollouts, seed=seed, in_turn=False
        ),
        "medians, old then new": lambda noise, ratio: latency.medians(
            noise, ratio, rollouts=rollouts, seed=seed, in_turn=True
        ),
        "Mann-Whitney, same pairs": lambda noise, ratio: latency.mann_whitney(
            noise, ratio, rollouts=rollouts, seed=seed, in_turn=False
        ),
        "Mann-Whitney, old then new": lambda noise, ratio: latency.mann_whitney(
            noise, ratio, rollouts=rollouts, seed=seed, in_turn=True
        ),
    }
    wrong = []
    for noise in (TYPICAL, NOISY, DRIFTING):
        _head(f"latency, {noise.name}", [f"{ratio:g}x" for ratio in RATIOS])
        for name, way in ways.items():
            cells = [way(noise, ratio) for ratio in RATIOS]
            _row(name, cells)
            if name == "this judge":
                wrong += _too_often(f"latency, {noise.name}", RATIOS, cells, fine=latency.TARGET, alert=latency.ALERT)
    return wrong


def _shares(rollouts: int, seed: int) -> list[str]:
    wrong = []
    for kind, (target, alert) in shares.LIMITS.items():
        told = [f"{100 * rate:g} %" for rate in RATES[kind]]
        _head(f"{kind}, target {100 * target:g} %, alert {100 * alert:g} %", told)
        cells = [shares.in_one_session(kind, rate, rollouts=rollouts, seed=seed) for rate in RATES[kind]]
        _row("this judge", cells)
        wrong += _too_often(kind, RATES[kind], cells, fine=target, alert=alert)
        _row(
            "k/n of 128 against target",
            [shares.threshold(kind, rate, rollouts=rollouts, seed=seed) for rate in RATES[kind]],
        )
    for together, alike in ((0.05, 0.0), (0.05, 0.5), (0.20, 0.0)):
        _over_runs(together, alike, rollouts, seed)
    return wrong


def _over_runs(together: float, alike: float, rollouts: int, seed: int) -> None:
    rates = RATES["fallback"][1:]
    title = f"fallback over runs of 32, intra-run correlation {together:g}, between runs {alike:g}"
    _head(title, [f"{100 * rate:g} %" for rate in rates])
    for name, way in (("this judge, by run", shares.over_runs), ("as if independent", shares.independent)):
        _row(name, [way("fallback", rate, together, alike, rollouts=rollouts, seed=seed) for rate in rates])


def _too_often(
    what: str, truths: Sequence[float], cells: Sequence[CellOutcome], *, fine: float, alert: float
) -> list[str]:
    found = []
    for truth, cell in zip(truths, cells, strict=True):
        if truth <= fine and cell.no_go > MOST:
            found.append(f"{what}: {100 * cell.no_go:.2f} % false NO-GO at {truth:g}")
        if truth >= alert and cell.go > MOST:
            found.append(f"{what}: {100 * cell.go:.2f} % false GO at {truth:g}")
    return found


def _head(title: str, truths: Sequence[str]) -> None:
    print(f"\n| {title} | " + " | ".join(truths) + " |\n|---|" + "---|" * len(truths))


def _row(name: str, cells: Sequence[CellOutcome]) -> None:
    told = (
        f"{100 * each.go:.1f} / {100 * each.no_go:.1f} / {100 * each.hold:.1f} ({each.pairs:,.0f})" for each in cells
    )
    print(f"| {name} | " + " | ".join(told) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main, "python -m reports.benchmarks"))
