"""`python -m reports.benchmarks`: how often the judge errs, as tables; exit code 1 when it errs more than is claimed.

False GO: a GO where the truth is the alert level. False NO-GO: a NO-GO where the truth is fine (up to the target).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from reports.benchmarks import bake, latency, shares
from reports.benchmarks.noise import CACHED, DRIFTING, NOISY, TYPICAL, Noise
from reports.benchmarks.tables import MOST, MOST_HARD, CellOutcome, Claim, Table, errors
from reports.environment import CommandParser, run_command

RATIOS = (1.0, 1.1, 1.2, 1.3, 1.5, 2.0)
RATES = {
    "fallback": (0.0, 0.01, 0.03, 0.05, 0.07, 0.10),
    "error": (0.0, 0.001, 0.005, 0.01, 0.03, 0.05),
    "availability": (0.0, 0.0002, 0.0005, 0.001, 0.005, 0.01),
}
POOLED = (0.0, 0.01, 0.03, 0.05, 0.10)
DEPENDENT = (  # correlation in a run, between runs, and what is claimed of either error; None: nothing
    (0.0, 0.0, MOST),
    (0.05, 0.5, MOST_HARD),
    (0.2, 0.5, MOST_HARD),
    (0.2, 0.8, None),
    (1.0, 0.0, None),
)
CHECKED = 25  # rollouts per cell that the rules themselves judge too
BEGIN, END = "<!-- tables -->\n", "<!-- /tables -->"
CLAIMS = "| claim: measured, bound | holds |\n|---|---|"
Section = tuple[Table, list[Claim]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = CommandParser(prog="python -m reports.benchmarks", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2000, help="simulated rollouts per cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, metavar="FILE", help="also put the tables between the marks of this page")
    options = parser.parse_args(arguments)
    begun, sections = time.monotonic(), list[Section]()
    head = f"{options.rollouts:,} rollouts a cell, seed {options.seed}: GO / NO-GO / HOLD in % (mean pairs or answers)"
    print(f"{head}\n")
    for section in _sections(options.rollouts, options.seed):
        print(f"{section[0]}\n", flush=True)
        sections.append(section)
    same = _checked(options.seed)
    print(f"the rules judge {same} of {same} of these rollouts as simulated; {time.monotonic() - begun:.0f} s")
    claims = [claim for _, section_claims in sections for claim in section_claims]
    if options.write:
        _write(options.write, head, sections, claims)
    for claim in claims:
        if claim.is_broken:
            print(f"not as claimed: {claim}", file=sys.stderr)
    return 1 if any(claim.is_broken for claim in claims) else 0


def _sections(rollouts: int, seed: int) -> Iterator[Section]:
    for noise in (TYPICAL, NOISY, DRIFTING, CACHED):
        yield _latency(noise, rollouts, seed)
    yield _tail(rollouts, seed)
    yield _change(rollouts, seed)
    for kind in shares.LIMITS:
        yield _session(kind, rollouts, seed)
    yield _bursts(rollouts, seed)
    for kind in ("fallback", "error"):
        yield _pooled(kind, max(rollouts // 2, 2), seed)
    yield _moments(max(rollouts // 2, 2), seed)


def _latency(noise: Noise, rollouts: int, seed: int) -> Section:
    """One run: the rule and design that ship, beside a burst of pairs and two ways in which others decide."""
    table = Table(f"latency, {noise.name}", [f"{ratio:g}x" for ratio in RATIOS])
    rivals: dict[str, Callable[[Noise, float], CellOutcome]] = {
        "this judge, one burst": lambda noise, ratio: latency.ours(noise, ratio, rollouts=rollouts, seed=seed, gap=0)
    }
    for order, in_turn in (("same pairs", False), ("old then new", True)):
        for name, decide in (("medians", latency.medians), ("Mann-Whitney", latency.mann_whitney)):
            rivals[f"{name}, {order}"] = lambda noise, ratio, decide=decide, in_turn=in_turn: decide(  # type: ignore[misc]
                noise, ratio, rollouts=rollouts, seed=seed, in_turn=in_turn
            )
    cells = [latency.ours(noise, ratio, rollouts=rollouts, seed=seed) for ratio in RATIOS]
    table.add("this judge", cells)
    late = [latency.ours(noise, ratio, rollouts=rollouts, seed=seed, late=2.0) for ratio in RATIOS]
    table.add("this judge, twice as slow in the last quarter", late)
    for name, rival in rivals.items() if noise is not CACHED else ():
        table.add(name, [rival(noise, ratio) for ratio in RATIOS])
    title = f"latency, {noise.name}"
    claims = errors(title, RATIOS, cells, fine=latency.TARGET, alert=latency.ALERT)
    if noise is not CACHED:
        least = 0.80 if noise is NOISY else 0.95
        claims.append(Claim(sentence=f"{title}: GO at 1x", measured=cells[0].go, least=least))
        claims.append(Claim(sentence=f"{title}: NO-GO at 2x", measured=cells[-1].no_go, least=0.95))
    return table, claims


def _tail(rollouts: int, seed: int) -> Section:
    """The sign test: VQL four times slower in a share of its calls."""
    sizes = (128, 256, 512, 1024)
    table = Table("tail: NO-GO by the sign test", [f"{size:,} pairs" for size in sizes])
    slow = [latency.tail(TYPICAL, 1.0, 0.08, size, rollouts=rollouts, seed=seed) for size in sizes]
    fine = [latency.tail(TYPICAL, latency.TARGET, 0.0, size, rollouts=rollouts, seed=seed) for size in sizes]
    table.add("8 % of the calls four times slower", slow)
    table.add("every call 1.2 times slower", fine)
    claims = [
        Claim(sentence="tail: false NO-GO at a uniform 1.2x", measured=cell_outcome.no_go, most=MOST)
        for cell_outcome in fine
    ]
    return table, [*claims, Claim(sentence="tail: found in 1,024 pairs", measured=slow[-1].no_go, least=0.90)]


def _change(rollouts: int, seed: int) -> Section:
    """A bake of two days with a canary every half hour: the change is found within so many runs."""
    within = (1, 2, 3, 8, 16, 24)
    truths = ["NO-GO before any change", *(f"within {runs}" for runs in within)]
    table, claims = Table("latency of a bake: NO-GO in %", truths), list[Claim]()

    def add(name: str, noise: Noise, ratios: bake.Ratios, change: int, *, alike: float = 0.0) -> bake.Detection:
        wander = 0.05 if alike else 0.0
        how = {"change": change, "rollouts": rollouts, "seed": seed}
        detection = bake.latency_change(noise, ratios, **how, wander=wander, alike=alike)
        shown = [f"{100 * detection.by(runs):.1f}" if change < bake.RUNS else "" for runs in within]
        table.add(name, [f"{100 * detection.before:.1f}", *shown])
        return detection

    always = ((1.0, TYPICAL, 0.0, MOST), (1.2, TYPICAL, 0.0, MOST), (1.2, TYPICAL, 0.5, MOST_HARD))
    for ratio, noise, alike, most in (*always, (1.2, NOISY, 0.0, MOST_HARD), (1.2, DRIFTING, 0.0, MOST_HARD)):
        name = f"always {ratio:g}x, {noise.name}" + (f", runs alike ({alike:g})" if alike else "")
        detection = add(name, noise, bake.step(ratio), bake.RUNS, alike=alike)
        claims.append(Claim(sentence=f"bake, latency {name}: false NO-GO", measured=detection.before, most=most))
    for ratio, runs in ((1.5, 8), (2.0, 3), (3.0, 2)):
        detection = add(f"1x, then {ratio:g}x", TYPICAL, bake.step(ratio, bake.DAY), bake.DAY)
        sentence = f"bake, latency: a step to {ratio:g}x is found within {runs} runs in half of the histories"
        claims.append(Claim(sentence=sentence, measured=detection.by(runs), least=0.5))
    detection = add("2x in the last quarter", TYPICAL, bake.step(2.0, 73), 73)
    claims.append(
        Claim(sentence="bake, latency: 2x in the last quarter is found", measured=detection.by(24), least=0.95)
    )
    detection = add("2x for four busy hours", TYPICAL, bake.step(2.0, 56, 64), 56)
    claims.append(Claim(sentence="bake, latency: four hours of 2x are found", measured=detection.by(8), least=0.95))
    return table, claims


def _session(kind: str, rollouts: int, seed: int) -> Section:
    target, alert = shares.LIMITS[kind]
    table = Table(
        f"{kind}, target {100 * target:g} %, alert {100 * alert:g} %", [f"{100 * rate:g} %" for rate in RATES[kind]]
    )
    cells = [shares.in_one_session(kind, rate, rollouts=rollouts, seed=seed) for rate in RATES[kind]]
    table.add("this judge", cells)
    fixed = [shares.threshold(kind, rate, rollouts=rollouts, seed=seed) for rate in RATES[kind]]
    table.add("k/n of 128 against target", fixed)
    return table, errors(kind, RATES[kind], cells, fine=target, alert=alert)


def _bursts(rollouts: int, seed: int) -> Section:
    """Failures of one session come in bursts: at the target and at the alert level."""
    lengths = (0.05, 0.25, 1.0, 5.0)
    table = Table("one session, failures in bursts of", [f"{length:g} s" for length in lengths])
    claims = []
    for kind in ("fallback", "error"):
        target, alert = shares.LIMITS[kind]
        for name, rate in (("target", target), ("alert", alert)):
            cells = [shares.in_bursts(kind, rate, length, rollouts=rollouts, seed=seed) for length in lengths]
            table.add(f"{kind} at its {name}", cells)
            for length, cell in zip(lengths, cells, strict=True):
                error, wrong = ("false NO-GO", cell.no_go) if name == "target" else ("false GO", cell.go)
                if length < 1.0 or (length == 1.0 and (kind, name) != ("error", "alert")):
                    most = MOST if length < 1.0 else MOST_HARD
                    sentence = f"{kind} in bursts of {length:g} s: {error}"
                    claims.append(Claim(sentence=sentence, measured=wrong, most=most))
    return table, claims


def _pooled(kind: str, rollouts: int, seed: int) -> Section:
    target, alert = shares.LIMITS[kind]
    truths = [rate for rate in POOLED if rate <= alert]
    table = Table(f"{kind} over the runs of two days", [f"{100 * rate:g} %" for rate in truths])
    claims = []
    for together, alike, most in DEPENDENT:
        cells = [bake.share_over_runs(kind, rate, together, alike, rollouts=rollouts, seed=seed) for rate in truths]
        name = "whole runs fail" if together == 1 else f"correlation {together:g} in a run, {alike:g} between runs"
        table.add(name, cells)
        if most is not None:
            claims += errors(f"{kind} over runs, {name}", truths, cells, fine=target, alert=alert, most=most)
    alone = [bake.failures_of(rate, 0.2, 0.5, rollouts, seed) for rate in truths]
    table.add("0.2 and 0.5, taken as independent", [shares.pooled_as_if_independent(kind, group) for group in alone])
    return table, claims


def _moments(rollouts: int, seed: int) -> Section:
    rates = (0.0, 0.0005, 0.001, 0.005, 0.01)
    table = Table("availability by probes, three days", [f"{100 * rate:g} % out" for rate in rates])
    claims = []
    for name, alike in (("single probes", 0.0), ("outages of a quarter of an hour", 0.67)):
        cells = [bake.availability(rate, alike, rollouts=rollouts, seed=seed) for rate in rates]
        table.add(name, cells)
        alert = 0.01 if not alike else 2.0  # nothing is claimed of a false GO where outages last
        claims += errors(f"availability, {name}", rates, cells, fine=0.001, alert=alert)
    return table, claims


def _checked(seed: int) -> int:
    """How many rollouts the rules themselves judge as simulated: all of them, or AssertionError."""
    same = sum(
        latency.check(noise, ratio, rollouts=CHECKED, seed=seed)
        for noise in (TYPICAL, NOISY, DRIFTING)
        for ratio in RATIOS
    )
    both = bake.change_by_rules(TYPICAL, lambda run: 1.4 if run >= bake.DAY else 1.0, rollouts=CHECKED, seed=seed)
    assert all(theirs == ours for theirs, ours in both), "the rule and the simulation see other changes"
    return same + len(both)


def _write(path: Path, head: str, sections: Sequence[Section], claims: Sequence[Claim]) -> None:
    """Put the tables and the claims that rest on them between the marks of the page."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n\n".join(str(table) for table, _ in sections)
    sentence = "\n".join(f"| {claim} | {'no' if claim.is_broken else 'yes'} |" for claim in claims)
    intro = "What is claimed of these cells; the command ends with 1 where a claim does not hold:"
    claimed = f"{intro}\n\n{CLAIMS}\n{sentence}"
    path.write_text(f"{before}{BEGIN}\n{head}\n\n{tables}\n\n{claimed}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_command(main, "python -m reports.benchmarks"))
