"""The bake judges the history it was given: calm is GO, and whatever can be wrong with it breaks its criterion."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.sandbox.faults import history_faults
from fixtures.sandbox.faults.history_faults import CALM, HistoryFault, HistoryRegime, LatencyRegime, scheduled, write
from fixtures.session.earlier_runs import records, records_of
from reports.history import store
from reports.history.entry import HistoryEntry
from reports.judge.criteria import GateError, read_gate
from reports.judge.rules.dispatch import Finding, evidence_of, finding_of
from reports.judge.verdict import PhaseVerdict, judge
from reports.records import run_ledger
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun, EarlierTimes
from reports.records.records import Event, Fact, Record, from_json, to_json
from reports.records.run_ledger import GateFile, Run, RunRecords

BAKED = ("phase1", "phase3")  # one of 24 hours and one of 48; the drills judge all four
NOT_BAKED = re.compile(r'\[\[bake\]\]\s*\nphase = "phase[24]"\nhours.*\nlongest.*\n')
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def run(checkout: Path) -> Run:
    """A run that is about to judge: phase 5's own gate, for two phases, and phase 1's under the names of both."""
    text = (checkout / "suites/phase1_single_record/gate.toml").read_text(encoding="utf-8")
    gates = {name: GateFile(path=name, sha256=name, text=text.replace('"phase1"', f'"{name}"')) for name in BAKED}
    gate_of_all = (checkout / "suites/phase5_bake/gate.toml").read_text(encoding="utf-8")
    gate_text, left_out = NOT_BAKED.subn("", gate_of_all)
    assert left_out == 2
    probe = (checkout / "suites/availability/gate.toml").read_text(encoding="utf-8")
    return Run(
        run_id="now",
        started=NOW.isoformat(),
        target="sandbox",
        seed=1,
        contract="guide",
        flags={"CONNECTRA_ENABLED": True},
        fingerprint={"backend": {"version": "new"}, "index": {"name": "i"}},
        gates={
            **gates,
            "phase5": GateFile(path="phase5", sha256="5", text=gate_text),
            "availability": GateFile(path="availability", sha256="a", text=probe),
        },
    )


def _verdict(run: Run, entries: Sequence[HistoryEntry]) -> PhaseVerdict:
    """The verdict of phase 5 when these are the history."""
    in_order = sorted(entries, key=lambda entry: (entry.ended_at, entry.run_id))
    return _judged(run, records_of(in_order, (), run, "phase5"))


def _judged(run: Run, past: Sequence[Record]) -> PhaseVerdict:
    """The way from records to a verdict, without a sandbox."""
    own = Fact(phase="phase5", name="fallback-timeout", ok=True)
    events = [Event(name="collected", phases=("phase5",)), Event(name="run-finished", at=NOW.timestamp() + 60)]
    (phase,) = judge(RunRecords(run=run, records=(*past, own, *events)), now=NOW.isoformat()).phases
    return phase


def _findings(phase: PhaseVerdict) -> dict[str, Finding]:
    return {finding.criterion: finding for finding in phase.findings}


@pytest.mark.parametrize("past", history_faults.CATALOGUE, ids=lambda past: past.fault.name)
def test_what_is_wrong_with_a_history_breaks_its_criterion_and_no_other(
    run: Run, tmp_path: Path, past: HistoryFault
) -> None:
    if past.torn:
        past.write(tmp_path, run, BAKED)
        phase = _judged(run, records(str(tmp_path), run, "phase5"))
    else:
        phase = _verdict(run, past.entries(run, BAKED))

    body = {finding.criterion: finding.outcome for finding in phase.findings if finding.kind == "blocking"}
    missed = {name for name, outcome in body.items() if outcome == "missed"}
    assert phase.verdict == past.fault.verdict, body
    if past.fault.verdict == "HOLD":
        assert missed == set()
        assert set(past.fault.criteria) <= {name for name, outcome in body.items() if outcome == "unmeasured"}
    else:
        assert set(past.fault.criteria) <= missed <= {*past.fault.criteria, *past.fault.may_also}


def test_a_phase_that_asks_for_its_bake_is_judged_by_it(run: Run) -> None:
    """The window of that phase alone, beside its own criteria, which nothing answers here."""

    def outcomes(entries: Sequence[HistoryEntry]) -> dict[str, str]:
        asking = replace(run, options={"bake": True})
        kept = [*records_of(entries, (), asking, "phase1"), Event(name="collected", phases=("phase1",))]
        (phase,) = judge(RunRecords(run=asking, records=tuple(kept)), now=NOW.isoformat()).phases
        assert phase.verdict == "HOLD"
        return {
            finding.criterion: finding.outcome
            for finding in phase.findings
            if "bake" in finding.criterion or finding.criterion.startswith(("burn", "history", "two"))
        }

    calm, without = outcomes([*scheduled(run, BAKED), *history_faults.moments(run)]), outcomes(())

    assert set(calm.values()) == {"met"}, calm
    assert {"bake-windows", "bake-fallbacks", "bake-latency", "burn-errors", "history-readable"} <= set(calm)
    assert "two-weeks-stable" not in calm
    assert without["bake-windows"] == "unmeasured"


def test_without_asking_for_it_a_phase_has_no_bake(run: Run) -> None:
    kept = (Event(name="collected", phases=("phase1",)),)

    (phase,) = judge(RunRecords(run=run, records=kept), now=NOW.isoformat()).phases

    assert "bake-windows" not in {finding.criterion for finding in phase.findings}


def test_without_a_history_nothing_is_decided(run: Run) -> None:
    kept = [*records(None, run, "phase5"), Event(name="run-finished", at=NOW.timestamp())]

    verdict = judge(RunRecords(run=run, records=tuple(kept)), now=NOW.isoformat())

    assert verdict.verdict == "HOLD"
    assert "--history" in _findings(verdict.phases[0])["history-readable"].sentence


def test_an_empty_history_is_none(run: Run, tmp_path: Path) -> None:
    assert _judged(run, records(str(tmp_path / "nowhere"), run, "phase5")).verdict == "HOLD"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fingerprint": {"backend": {"version": "old"}, "index": {"name": "i"}}}, "of another build"),
        ({"fingerprint": {"backend": {"version": "new"}, "index": {"name": "j"}}}, "of another index"),
        ({"flags": {"CONNECTRA_ENABLED": False}}, "with other flags"),
        ({"options": {"faults": ["connectra-slow"]}}, "with faults on purpose"),
        ({"finished": (NOW + timedelta(hours=2)).isoformat()}, "from the future"),
    ],
    ids=["build", "index", "flags", "faults", "clock"],
)
def test_a_run_that_is_bound_to_something_else_is_left_out_and_named(
    run: Run, change: dict[str, object], why: str
) -> None:
    bad = HistoryRegime(shares={"errors": 1.0}, mismatches=9)
    entries = scheduled(run, BAKED, lambda ago: bad if 9 < ago < 11 else CALM, hours=50, every=2.0)
    entries = [replace(entry, **change) if entry.phases["phase1"].criteria[0].value else entry for entry in entries]  # type: ignore[arg-type]

    findings = _findings(_verdict(run, entries))

    assert findings["bake-windows"].outcome == "met"
    assert f"left out: 1 run {why} (2026" in findings["bake-windows"].sentence
    assert "missed" not in {finding.outcome for name, finding in findings.items() if name != "two-weeks-faster"}


def test_a_run_under_another_gate_is_left_out(run: Run) -> None:
    entries = scheduled(run, BAKED)
    other = replace(run, gates={**run.gates, "phase3": replace(run.gates["phase3"], sha256="changed")})

    finding = _findings(_verdict(other, entries))["bake-windows"]

    assert finding.outcome == "unmeasured"
    assert "phase3: no run" in finding.sentence
    assert "under another gate" in finding.sentence
    assert "phase1" not in finding.sentence.split(";")[0]


def test_another_deployments_runs_are_not_even_named(run: Run) -> None:
    elsewhere = [replace(entry, where="https://elsewhere") for entry in scheduled(run, BAKED)]

    findings = _findings(_verdict(run, elsewhere))

    assert "left out" not in findings["bake-windows"].sentence
    assert "none of 71 runs" in findings["history-readable"].sentence


def test_the_verdict_needs_no_history_once_it_was_recorded(run: Run, tmp_path: Path) -> None:
    doubted = HistoryRegime(shares={"errors": 0.5}, mismatches=1, unknown=0.08, lost=0.11, unfit="void")
    entries = scheduled(run, BAKED, lambda _: doubted, hours=8)
    write(tmp_path / "history", [replace(entries[0], withheld=("a worker crashed",)), *entries[1:]])
    kept = [*records(str(tmp_path / "history"), run, "phase5"), Event(name="run-finished", at=NOW.timestamp())]
    run_ledger.begin(tmp_path / "run", run)
    writer = run_ledger.Writer(tmp_path / "run", "controller")
    for record in kept:
        writer.append(record)
    writer.close()

    recorded = run_ledger.read(tmp_path / "run")

    assert recorded.unreadable == ()
    assert recorded.records == tuple(kept)
    assert judge(recorded, now="").phases == judge(RunRecords(run=run, records=tuple(kept)), now="").phases


def test_seeds_that_were_asked_again_prove_nothing_new(run: Run) -> None:
    same_seed = [replace(entry, seed=7) for entry in scheduled(run, BAKED)]

    finding = _findings(_verdict(run, same_seed))["two-weeks-exactness"]

    assert (finding.outcome, finding.count) == ("unmeasured", history_faults.PROBES)


def _pooled(run: Run, criterion: str, regime: history_faults.Regimes, **schedule: float) -> Finding:
    """What one criterion finds about phase 1 alone."""
    past = records_of(scheduled(run, ("phase1",), regime, **schedule), (), run, "phase5")  # type: ignore[arg-type]
    gate = read_gate(run.gates["phase5"].text, "phase5")
    gates = {"phase1": read_gate(run.gates["phase1"].text, "phase1")}
    evidence = evidence_of(past, "phase5", None, now=NOW.isoformat(), gates=gates)
    (judged_criterion,) = (own_criterion for own_criterion in gate.criteria if own_criterion.id == criterion)
    return finding_of(replace(judged_criterion, checks=("phase1",)), gate, evidence)


def test_errors_that_come_together_make_a_share_less_sure(run: Run) -> None:
    """The same share of errors: spread evenly, or all of them in a quarter of the runs."""

    def interval(regime: history_faults.Regimes) -> float:
        low, high = _pooled(run, "two-weeks-errors", regime).interval or (0, 0)
        return high - low

    even = interval(lambda _: HistoryRegime(shares={"errors": 0.03}))
    together = interval(lambda ago: HistoryRegime(shares={"errors": 0.12 if 30 < ago % 48 < 43 else 0.0}))

    assert together > 2 * even


@pytest.mark.parametrize(("wandering", "units"), [(0.0, 96), (0.05, 24)], ids=["steady", "wandering"])
def test_latency_that_wanders_is_pooled_by_four_runs(run: Run, wandering: float, units: int) -> None:
    times = HistoryRegime(times=LatencyRegime(wandering=wandering))

    finding = _pooled(run, "bake-latency", lambda _: times, hours=48, every=0.5)

    assert f"in {units} groups of runs" in finding.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"finished": "yesterday"},
        {"finished": "2026-01-01T00:00:00"},
        {"started": "2026-01-02T00:00:00+00:00"},
        {"counts": [{"criterion": "c", "failures": 2, "count": 1}]},
        {"counts": [{"criterion": "c", "failures": "1", "count": 1}]},
        {"times": [{"check": "c", "vql_ms": [1.0], "direct_ms": []}]},
        {"times": [{"check": "c", "vql_ms": [1.0], "direct_ms": [0.0]}]},
    ],
    ids=str,
)
def test_a_past_that_can_not_have_been_is_no_record(change: dict[str, object]) -> None:
    entry = to_json(
        EarlierRun(
            phase="p",
            run="r",
            of="phase1",
            started="2026-01-01T00:00:00+00:00",
            finished="2026-01-01T01:00:00+00:00",
            verdict="GO",
            counts=(EarlierCount(criterion="c", failures=0, count=1),),
            times=(EarlierTimes(check="c", vql_ms=(1.0,), direct_ms=(1.0,)),),
        )
    )
    assert isinstance(from_json(json.loads(json.dumps(entry))), EarlierRun)

    with pytest.raises(ValueError, match="damaged pastrun"):
        from_json({**entry, **change})


@pytest.mark.parametrize(("hours", "longest"), [(0, 1), (2, 1), (-1, 1)])
def test_a_window_is_no_longer_than_what_is_pooled(checkout: Path, hours: float, longest: float) -> None:
    text = (checkout / "suites/phase5_bake/gate.toml").read_text(encoding="utf-8")

    with pytest.raises(GateError, match="hours <= longest"):
        read_gate(text + f'\n[[bake]]\nphase = "x"\nhours = {hours}\nlongest = {longest}\n', "g")


def test_a_history_file_is_read_as_it_was_written(run: Run, tmp_path: Path) -> None:
    entries = scheduled(run, BAKED, hours=8)
    write(tmp_path, entries)

    assert store.read(tmp_path) == (tuple(entries), ())
