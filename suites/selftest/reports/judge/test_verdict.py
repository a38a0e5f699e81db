"""The verdict: the worst of what was found, held back by whatever happened to the run, and what it is written with."""

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from reports.judge.criteria import Criterion, read_gate
from reports.judge.findings import Finding, finding
from reports.judge.verdict import EXIT_CODES, decided, is_missed, judge, phase_verdict, to_json, worst
from reports.records.known_difference import KnownDifference
from reports.records.records import (
    ORDER_FACT,
    Attestation,
    Comparison,
    Event,
    Fact,
    Observation,
    Outcome,
    Provenance,
    Record,
)
from reports.records.run_ledger import GateFile, Run, RunRecords

NOW = "2026-11-25T12:00:00+00:00"
GATE = """
schema = 1
phase = "{phase}"
title = "t"
flag = "{flag}"
guide = "g"
valid_hours = {hours}
samples = 1
recheck = {{live_s = [], sandbox_s = []}}
[[criterion]]
id = "fact"
guide = "g"
rule = "fact"
reason = "r"
checks = ["a"]
"""
FACT = Fact(phase="one", name="a", ok=True)
WHOLE = (Event(name="collected", phases=("one",)), Event(name="run-finished"))


def _run(flag: str = "", **more: Any) -> Run:
    texts = {"one": GATE.format(phase="one", flag=flag, hours=5), "two": GATE.format(phase="two", flag="", hours=2)}
    gates = {name: GateFile(path=name, sha256=f"of {name}", text=text) for name, text in texts.items()}
    body = {"target": "live", "flags": {}, "fingerprint": {"backend": 1}} | more
    return Run(run_id="r", started=NOW, seed=3, contract="guide", gates=gates, **body)


def _judged(*records: Record, run: Run | None = None, unreadable: tuple[str, ...] = ()) -> Any:
    return judge(RunRecords(run=run or _run(), records=records, unreadable=unreadable), now=NOW)


def _finding(outcome: str, kind: str = "blocking") -> Finding:
    return finding(Criterion(id="c", guide="g", rule="fact", reason="r", kind=kind), outcome, "s")


@pytest.mark.parametrize(
    ("verdicts", "verdict_word"),
    [
        (["GO", "GO"], "GO"),
        (["GO", "HOLD"], "HOLD"),
        (["HOLD", "NO-GO", "GO"], "NO-GO"),
        ([], "HOLD"),
    ],
)
def test_the_worst_of_several_counts(verdicts: list[str], verdict_word: str) -> None:
    assert worst(verdicts) == verdict_word


@pytest.mark.parametrize(
    ("findings", "verdict_word"),
    [
        ([_finding("met"), _finding("met")], "GO"),
        ([_finding("met"), _finding("unmeasured")], "HOLD"),
        ([_finding("unmeasured"), _finding("missed")], "NO-GO"),
        ([_finding("met"), _finding("missed", "advisory")], "GO"),
        ([_finding("met", "advisory")], "HOLD"),
        ([], "HOLD"),
    ],
    ids=["all", "one-open", "one-missed", "advice", "advice-only", "nothing"],
)
def test_a_phase_is_go_when_everything_that_blocks_is_met(findings: list[Finding], verdict_word: str) -> None:
    assert phase_verdict(findings) == verdict_word


def test_a_go_holds_for_the_hours_of_its_shortest_gate() -> None:
    two = Fact(phase="two", name="a", ok=True)

    one_phase, both, none = _judged(FACT, *WHOLE), _judged(FACT, two, *WHOLE), _judged(*WHOLE)

    assert (one_phase.verdict, one_phase.finished, one_phase.valid_until) == ("GO", NOW, "2026-11-25T17:00:00+00:00")
    assert (both.verdict, both.valid_until) == ("GO", "2026-11-25T14:00:00+00:00")
    assert (none.verdict, none.valid_until) == ("HOLD", None)


def test_a_run_ended_when_its_last_event_did() -> None:
    events = (Event(name="requests", at=1_800_000_000.0), Event(name="requests", at=1_700_000_000.0))

    assert _judged(FACT, *WHOLE, *events).finished == "2027-01-15T08:00:00+00:00"


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (WHOLE, None),
        (WHOLE[:1], "the run never finished: it was killed, or is still running"),
        ((*WHOLE[:1], Event(name="interrupted", detail="by hand")), "the run was interrupted: by hand"),
        ((*WHOLE, Event(name="interrupted", detail="by hand")), "the run was interrupted: by hand"),
        ((*WHOLE, Event(name="worker-crashed", worker="gw0")), "a worker crashed (gw0): its open samples are lost"),
        ((*WHOLE, Event(name="rerun", detail="x")), "a test was run again (x): a flaky check is a bug in the check"),
        ((*WHOLE, Event(name="stopped", detail="no credits left")), "no credits left"),
        ((*WHOLE, Event(name="test-error", detail="x")), "a check could not run: x"),
        ((*WHOLE, Event(name="worker-started", worker="gw0")), "worker gw0 never finished"),
        ((*WHOLE, Event(name="worker-started", worker="gw0"), Event(name="worker-finished", worker="gw0")), None),
        ((*WHOLE, *[Event(name="test-error", detail="x")] * 2), "a check could not run: x"),
    ],
    ids=[
        "whole",
        "unfinished",
        "interrupted",
        "interrupted-late",
        "crashed",
        "rerun",
        "stopped",
        "error",
        "left",
        "came-home",
        "twice",
    ],
)
def test_incidents_of_a_run_make_it_hold(events: tuple[Event, ...], message: str | None) -> None:
    verdict = _judged(FACT, *events)

    assert verdict.incidents == ((message,) if message else ())
    assert verdict.verdict == ("HOLD" if message else "GO")


def test_a_crashed_worker_is_reported_once() -> None:
    events = [Event(name=name, worker="gw0") for name in ("worker-started", "worker-crashed")]

    assert len(_judged(FACT, *WHOLE, *events).incidents) == 1


def test_lines_that_can_not_be_read_hold_a_go_and_soften_no_no_go() -> None:
    wrong = Fact(phase="one", name="a", ok=False)

    undecided, missed = (_judged(fact, *WHOLE, unreadable=("x:1: {", "x:2: {")) for fact in (FACT, wrong))

    assert (undecided.verdict, undecided.incidents) == ("HOLD", ("2 recorded lines can't be read, first x:1: {",))
    assert missed.verdict == "NO-GO"


def _sample(number: int, served: Provenance = Provenance.VQL, side: str = "backend", **more: Any) -> Comparison:
    return Comparison(
        phase="one",
        check="x",
        key=str(number),
        stratum="s",
        outcome=Outcome.EQUAL,
        answers=(Observation(side=side, provenance=served, **more),),
    )


def test_answers_are_counted_by_who_served_them() -> None:
    served = [Provenance.VQL, Provenance.VQL, Provenance.FALLBACK]
    other_samples = [_sample(8, side="connectra"), _sample(9, error="timeout")]

    verdict = _judged(*map(_sample, range(3), served), *other_samples, *WHOLE)

    assert verdict.provenance == {"vql": 2, "fallback": 1, "direct": 0, "unknown": 0}


def test_costs_of_a_run_are_added_up() -> None:
    events = [
        Event(name="requests", count=3, credits=1),
        Event(name="requests", count=4, credits=2),
        Event(name="slowed", count=5),
        Event(name="slowed", count=1),
    ]

    verdict = _judged(*WHOLE, *events)

    assert (verdict.requests, verdict.credits, verdict.slowed) == (7, 3, 6)
    assert to_json(verdict)["cost"] == {"requests": 7, "credits": 3, "slowed": 6}


@pytest.mark.parametrize(
    ("flags", "served", "verdict_word"),
    [
        ({}, Provenance.DIRECT, "HOLD"),
        ({}, Provenance.VQL, "GO"),
        ({}, Provenance.UNKNOWN, "GO"),
        ({"F": False}, Provenance.DIRECT, "GO"),
        ({"CONNECTRA_ENABLED": True, "F": True}, Provenance.DIRECT, "GO"),
    ],
    ids=["untold-and-direct", "untold-and-vql", "nothing-shown", "told-off", "told-on"],
)
def test_an_unknown_flag_holds_what_sql_answered(flags: dict[str, bool], served: Provenance, verdict_word: str) -> None:
    verdict = _judged(FACT, _sample(1, served), *WHOLE, run=_run("F", flags=flags))

    assert verdict.verdict == verdict.phases[0].verdict == verdict_word
    assert len(verdict.incidents) == (verdict_word == "HOLD")


def test_a_phase_without_a_flag_needs_none_to_be_known() -> None:
    assert _judged(FACT, _sample(1, Provenance.DIRECT), *WHOLE).verdict == "GO"


@pytest.mark.parametrize(("ok", "verdict_word"), [(True, "GO"), (None, "HOLD"), (False, "HOLD")])
def test_a_phase_that_comes_too_early_is_held(ok: bool | None, verdict_word: str) -> None:
    early = Fact(phase="one", name=ORDER_FACT, ok=ok, sentence="phase0 first")

    assert _judged(FACT, early, *WHOLE).verdict == verdict_word


def test_a_run_that_was_killed_early_has_the_phases_it_recorded() -> None:
    verdict = _judged(Fact(phase="two", name="a", ok=False))

    assert [(phase.phase, phase.verdict) for phase in verdict.phases] == [("two", "NO-GO")]


@pytest.mark.parametrize(("ok", "missed"), [(True, False), (False, True), (None, False)])
def test_whether_a_criterion_is_missed_already(ok: bool | None, missed: bool) -> None:
    run = _run()
    gate = read_gate(run.gates["one"].text, "one")
    recorded = RunRecords(run=run, records=(Fact(phase="one", name="a", ok=ok),))

    assert is_missed(recorded, gate, "fact") is missed
    assert not is_missed(recorded, gate, "another")


def test_a_check_that_nothing_looks_at_is_never_decided() -> None:
    run = _run()
    gate = read_gate(run.gates["one"].text, "one")

    assert decided(RunRecords(run=run, records=(FACT,)), gate, "b") is None
    assert decided(RunRecords(run=run, records=(FACT,)), gate, "a") is not None


def test_what_is_written_says_what_it_is_bound_to() -> None:
    entry = to_json(_judged(FACT, *WHOLE, run=_run(flags={"F": True}, mandatory=True)))

    assert (entry["schema"], entry["verdict"], entry["run"], entry["seed"]) == (1, "GO", "r", 3)
    assert entry["fingerprint"] == {
        "backend": 1,
        "flags": {"F": True},
        "mandatory": True,
        "connectra": None,
        "index": None,
        "gate_sha256": {"one": "of one"},
    }
    (own_finding,) = entry["phases"]["one"]["findings"]
    assert (own_finding["criterion"], own_finding["outcome"], own_finding["interval"]) == ("fact", "met", None)


@pytest.mark.parametrize(("target", "label"), [("sandbox", "rehearsal on the sandbox"), ("live", "live deployment")])
def test_a_rehearsal_is_labelled_as_one(target: str, label: str) -> None:
    assert to_json(_judged(FACT, *WHOLE, run=_run(target=target)))["label"].startswith(label)


def test_each_verdict_has_its_exit_code() -> None:
    assert EXIT_CODES == {"GO": 0, "NO-GO": 1, "HOLD": 6}


def test_what_was_found_is_written_with_its_interval() -> None:
    shares = GATE.format(phase="one", flag="", hours=5).replace('rule = "fact"', 'rule = "share"\nof = "errors"')
    limits = 'checks = ["a"]\ntarget = 0.01\nalert = 0.05'
    text = shares.replace('checks = ["a"]', limits)
    run = replace(_run(), gates={"one": GateFile(path="one", sha256="s", text=text)})
    answer = Observation(
        side="backend", status=200, elapsed_ms=1.0, at=1.0, request="GET /x", provenance=Provenance.VQL
    )
    samples = [
        Comparison(phase="one", check="a", key=f"k{number}", stratum="s", outcome=Outcome.EQUAL, answers=(answer,))
        for number in range(32)
    ]

    own_finding = to_json(_judged(*samples, *WHOLE, run=run))["phases"]["one"]["findings"][0]

    assert own_finding["interval"][0] == 0.0
    assert 0.1 < own_finding["interval"][1] < 0.2


def test_known_differences_are_written_with_how_they_stand() -> None:
    known_difference = KnownDifference(
        id="k", checks=("x",), field="a", by="vql", reason="r", ticket="t", until="2100-01-01", cap=0.1
    )
    answer = Observation(
        side="backend", status=200, elapsed_ms=1.0, at=1.0, request="GET /x", provenance=Provenance.VQL
    )
    sample = Comparison(phase="one", check="x", key="k", stratum="s", outcome=Outcome.EQUAL, answers=(answer,))

    written = to_json(_judged(FACT, sample, *WHOLE, run=_run(known=(known_difference,))))["phases"]["one"]["known"]

    assert [(entry["id"], entry["of"], entry["stale"], entry["over"]) for entry in written] == [("k", 1, True, False)]


def test_an_invalid_verdict_is_not_written() -> None:
    with pytest.raises(jsonschema.ValidationError):
        to_json(replace(_judged(FACT, *WHOLE), verdict="MAYBE"))


def test_attestations_belong_to_no_phase() -> None:
    vouched = Attestation(line="l", who="w", when="2026-11-25", until="2026-12-25")

    assert [phase.phase for phase in _judged(vouched, FACT, *WHOLE).phases] == ["one"]
