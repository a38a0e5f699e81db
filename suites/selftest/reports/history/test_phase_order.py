"""A later phase waits for a GO of the one before it; a pipeline's lock opens only for one that still holds."""

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reports import check_verdict
from reports.__main__ import main
from reports.history import phase_order
from reports.history.entry import FindingSummary, HistoryEntry, PhaseEntry
from reports.judge.criteria import Gate, read_gate
from reports.judge.integrity.suite import identity
from reports.judge.verdict import judge, to_json, validate
from reports.records import run_ledger
from reports.records.records import ORDER_FACT, Event, Fact
from reports.records.run_ledger import RUN_SCHEMA, GateFile, Run, RunRecords

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def run(checkout: Path) -> Run:
    """A live run that asks phase 2."""
    texts = {path.parent.name: path.read_text(encoding="utf-8") for path in checkout.glob("suites/*/gate.toml")}
    gates = {
        read_gate(text, name).phase: GateFile(path=name, sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)
        for name, text in texts.items()
    }
    return Run(
        run_id="now",
        started=NOW.isoformat(),
        target="live",
        seed=1,
        contract="guide",
        flags={"CONNECTRA_ENABLED": True, "VQL_SINGLE_RECORD_RETRIEVAL": True},
        schema=RUN_SCHEMA,
        described={"backend": "https://api.example"},
        fingerprint={"backend": {"version": "1"}, "connectra": {"status": "ok"}, "index": {"name": "i"}},
        gates=gates,
    )


@pytest.fixture(scope="module")
def gate(run: Run) -> Gate:
    return read_gate(run.gates["phase2"].text, "phase2")


def _entry(run: Run, *, verdict: str = "GO", hours_ago: float = 1, **different: Any) -> HistoryEntry:
    entry = HistoryEntry(
        run_id=f"{verdict}-{hours_ago:g}",
        target="live",
        where="https://api.example",
        verdict=verdict,
        started="",
        finished=(NOW - timedelta(hours=hours_ago)).isoformat(),
        contract=run.contract,
        flags=dict(run.flags),
        fingerprint=run.fingerprint,
        known_sha256=run.known_sha256,
        suite=identity(),
        run_schema=RUN_SCHEMA,
        phases={"phase1": _phase_entry(verdict, run.gates["phase1"].sha256)},
    )
    return replace(entry, **different)


def _phase_entry(verdict: str, gate_sha256: str) -> PhaseEntry:
    outcome = {"GO": "met", "HOLD": "unmeasured", "NO-GO": "missed"}[verdict]
    finding = FindingSummary(criterion="c", outcome=outcome, kind="blocking", unit="mismatches")
    return PhaseEntry(
        phase="phase1",
        verdict=verdict,
        flag="VQL_SINGLE_RECORD_RETRIEVAL",
        flag_on=True,
        gate_sha256=gate_sha256,
        criteria=(finding,),
    )


def _standing(run: Run, gate: Gate, entries: Sequence[HistoryEntry]) -> Fact:
    return phase_order.standing(run, gate, phase_order.results_of_history(entries, run), judge=identity()["sha256"])


def test_the_phases_wait_for_each_other_in_the_guides_order(run: Run) -> None:
    after = {name: read_gate(file.text, file.path).after for name, file in run.gates.items()}

    assert {name: before for name, before in after.items() if before} == {
        "phase1": "phase0",
        "phase2": "phase1",
        "phase3": "phase2",
        "phase4": "phase3",
    }


def test_a_go_that_holds_lets_the_next_phase_on(run: Run, gate: Gate) -> None:
    fact = _standing(run, gate, [_entry(run)])

    assert fact.ok is True
    assert fact.sentence == "phase1 is GO by GO-1"


def test_flags_may_change_between_two_phases(run: Run, gate: Gate) -> None:
    assert _standing(run, gate, [_entry(run, flags={"VQL_COMPANY_CONTACTS": True})]).ok is True


@pytest.mark.parametrize(
    ("different", "why"),
    [
        ({"verdict": "NO-GO"}, "NO-GO-1: it says NO-GO"),
        ({"hours_ago": 30}, "GO-30: it ended at 2026-11-24T06:00:00+00:00, and its GO held for 24 h"),
        ({"hours_ago": -1}, "no run has judged it"),
        ({"finished": "2026-11-24T03:00:00-05:00"}, "and its GO held for 24 h"),
        ({"fingerprint": {"backend": {"version": "2"}}}, "changed since then: the build, the index"),
        ({"phases": {"phase1": _phase_entry("GO", "old")}}, "changed since then: the gate"),
        ({"contract": "ours.toml"}, "changed since then: the contract"),
        ({"known_sha256": "0" * 64}, "changed since then: the known differences"),
        ({"suite": {"version": "0.0.9", "sha256": "0" * 64}}, "changed since then: the judge"),
        ({"suite": {}}, "changed since then: the judge"),
        ({"run_schema": 1}, "no run has judged it"),
        ({"altered": "it is not signed"}, "no run has judged it"),
        ({"withheld": ("a worker crashed (gw0)",)}, "no run has judged it"),
        ({"incidents": 1}, "no run has judged it"),
        ({"flags": {"CONNECTRA_ENABLED": False, "VQL_SINGLE_RECORD_RETRIEVAL": True}}, "no run has judged it"),
        ({"flags": {"CONNECTRA_ENABLED": True, "VQL_SINGLE_RECORD_RETRIEVAL": False}}, "no run has judged it"),
        ({"where": "https://staging.example"}, "no run has judged it"),
        ({"target": "sandbox", "where": "sandbox"}, "no run has judged it"),
        ({"verdict": "HOLD"}, "no run has judged it"),
    ],
    ids=[
        "no-go",
        "too-old",
        "future",
        "too-old-elsewhere",
        "another-build",
        "another-gate",
        "another-contract",
        "other-known-differences",
        "another-judge",
        "no-judge",
        "unguarded",
        "unsigned",
        "incident",
        "counted-incident",
        "connectra-off",
        "flag-off",
        "another-deployment",
        "rehearsal",
        "undecided",
    ],
)
def test_nothing_else_does(run: Run, gate: Gate, different: dict[str, Any], why: str) -> None:
    fact = _standing(run, gate, [_entry(run, **different)])

    assert fact.ok is None
    assert fact.sentence.startswith("phase1 has no valid GO for this deployment: ")
    assert why in fact.sentence
    assert "--out-of-order" in fact.sentence


@pytest.mark.parametrize(
    ("different", "ok"),
    [
        ({"hours_ago": 24}, True),
        ({"hours_ago": 24.001}, None),
        ({"fingerprint": {"backend": {"version": "2"}, "connectra": {"status": "ok"}, "index": {"name": "i"}}}, None),
        ({"fingerprint": {"backend": {"version": "1"}, "connectra": {"version": "2"}, "index": {"name": "i"}}}, None),
        ({"fingerprint": {"backend": {"version": "1", "uptime": 9}, "connectra": {}, "index": {"name": "i"}}}, True),
        ({"fingerprint": {"backend": {"version": "1"}, "connectra": {"status": "ok"}, "index": {"name": "j"}}}, None),
        ({"phases": {}}, None),
        ({"target": "sandbox"}, None),
    ],
    ids=["to-the-hour", "over", "build", "connectra", "uptime", "index", "not-asked", "sandbox"],
)
def test_a_go_tips_at_its_edges(run: Run, gate: Gate, different: dict[str, Any], ok: bool | None) -> None:
    assert _standing(run, gate, [_entry(run, **different)]).ok is ok


def test_the_newest_decision_counts_and_canaries_take_nothing_back(run: Run, gate: Gate) -> None:
    older, newer = _entry(run, hours_ago=5), _entry(run, verdict="NO-GO", hours_ago=2)
    canary = _entry(run, verdict="HOLD", hours_ago=1)

    assert _standing(run, gate, [newer, older]).ok is None
    assert _standing(run, gate, [_entry(run, verdict="NO-GO", hours_ago=5), _entry(run, hours_ago=2)]).ok is True
    assert _standing(run, gate, [older, canary]).ok is True


def test_a_phase_that_comes_too_early_says_so_and_is_hold(run: Run, gate: Gate) -> None:
    fact = _standing(run, gate, [])
    events = (Event(name="collected", phases=("phase2",)), Event(name="run-finished"))

    verdict = judge(RunRecords(run=run, records=(fact, *events)), now=NOW.isoformat())

    assert verdict.verdict == "HOLD"
    assert fact.sentence in verdict.incidents


def test_run_folders_are_read_and_damaged_ones_passed_over(run: Run, gate: Gate, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "earlier", run)
    for name, text in (("torn", "{"), ("other", "[]"), ("empty", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "verdict.json").write_text(text)
    (tmp_path / "latest").symlink_to(folder)

    results = list(phase_order.results_of_folders(tmp_path, run))

    assert [phase_result.run for phase_result in results] == ["earlier"]


def test_a_folder_whose_verdict_its_observations_do_not_come_to_opens_nothing(
    run: Run, gate: Gate, tmp_path: Path
) -> None:
    folder = _folder(tmp_path / "earlier", run)
    verdict = json.loads((folder / "verdict.json").read_text())
    for finding in verdict["phases"]["phase1"]["findings"]:
        finding["outcome"] = "met"
    verdict["verdict"] = verdict["phases"]["phase1"]["verdict"] = "GO"
    verdict["incidents"] = []
    (folder / "verdict.json").write_text(json.dumps(verdict))

    fact = phase_order.standing(run, gate, phase_order.results_of_folders(tmp_path, run), judge=identity()["sha256"])

    assert fact.ok is None
    assert "not follow from its observations" in fact.sentence


def _folder(folder: Path, run: Run) -> Path:
    """The folder of a run of phase 1 that recorded nothing but its end, an hour ago."""
    run_ledger.begin(folder, replace(run, run_id="earlier"))
    writer = run_ledger.Writer(folder, "controller")
    writer.append(Event(name="collected", phases=("phase1",)))
    writer.append(Event(name="run-finished", at=NOW.timestamp() - 3600, count=2))
    writer.close()
    verdict = to_json(judge(run_ledger.read(folder), now=NOW.isoformat()))
    (folder / "verdict.json").write_text(json.dumps(verdict))
    return folder


def _verdict(run: Run, verdict_word: str = "GO", **different: Any) -> dict[str, Any]:
    """A valid verdict.json of a run that asked phase 1, an hour ago."""
    events = (Event(name="collected", phases=("phase1",)), Event(name="run-finished", at=NOW.timestamp() - 3600))
    entry = copy.deepcopy(to_json(judge(RunRecords(run=run, records=events), now=NOW.isoformat())))
    entry["verdict"] = entry["phases"]["phase1"]["verdict"] = verdict_word
    entry["incidents"] = []
    for finding in entry["phases"]["phase1"]["findings"]:
        finding |= {"outcome": {"GO": "met", "HOLD": "unmeasured", "NO-GO": "missed"}[verdict_word], "kind": "blocking"}
    entry["valid_until"] = (NOW + timedelta(hours=23)).isoformat() if verdict_word == "GO" else None
    entry |= different
    validate(entry)
    return entry


Opened = Callable[..., tuple[str, str]]


@pytest.fixture
def opened(run: Run) -> Opened:
    def opened(
        phase: str = "phase1",
        *,
        verdict_word: str = "GO",
        require_live: bool = False,
        hours: float = 24,
        **different: Any,
    ) -> tuple[str, str]:
        return check_verdict.opened(
            _verdict(run, verdict_word, **different),
            phase,
            now=NOW,
            oldest=timedelta(hours=hours),
            require_live=require_live,
        )

    return opened


def test_the_lock_opens_for_a_go(opened: Opened) -> None:
    assert opened() == ("GO", "now says GO for phase1")


@pytest.mark.parametrize(
    ("inputs", "verdict_word", "why"),
    [
        ({"verdict_word": "NO-GO"}, "NO-GO", "said NO-GO for phase1"),
        ({"verdict_word": "HOLD"}, "HOLD", "it says HOLD"),
        ({"phase": "phase2"}, "HOLD", "did not test phase2; it tested phase1"),
        ({"hours": 0.5}, "HOLD", "its GO held for 0.5 h"),
        ({"valid_until": (NOW - timedelta(minutes=1)).isoformat()}, "HOLD", "it was valid until"),
        ({"finished": (NOW + timedelta(hours=1)).isoformat()}, "HOLD", "in the future"),
        ({"incidents": ["a worker crashed (gw0)"]}, "HOLD", "a worker crashed (gw0)"),
        ({"target": "sandbox", "require_live": True}, "HOLD", "not a live deployment"),
    ],
    ids=["no-go", "hold", "another-phase", "too-old", "expired", "future", "incident", "rehearsal"],
)
def test_the_lock_stays_shut(opened: Opened, inputs: dict[str, Any], verdict_word: str, why: str) -> None:
    ok, sentence = opened(**inputs)

    assert ok == verdict_word
    assert why in sentence


@pytest.mark.parametrize(
    ("inputs", "verdict_word"),
    [
        ({"hours": 1}, "GO"),
        ({"hours": 0.999}, "HOLD"),
        ({"valid_until": NOW.isoformat()}, "GO"),
        ({"finished": (NOW + timedelta(minutes=5)).isoformat()}, "GO"),
        ({"finished": (NOW + timedelta(minutes=5, seconds=1)).isoformat()}, "HOLD"),
        ({"valid_until": None}, "GO"),
        ({"valid_until": None, "hours": 24 * 60, "finished": (NOW - timedelta(hours=25)).isoformat()}, "HOLD"),
        ({"require_live": True}, "GO"),
    ],
    ids=[
        "as-old-as-may-be",
        "older",
        "to-the-end",
        "clocks-differ",
        "clocks-differ-more",
        "no-end",
        "no-end-but-the-gates",
        "live",
    ],
)
def test_the_lock_tips_at_its_edges(opened: Opened, inputs: dict[str, Any], verdict_word: str) -> None:
    assert opened(**inputs)[0] == verdict_word


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), ("24h", 86_400), ("2d", 172_800), ("0.5h", 1_800)]
)
def test_an_age_has_a_unit(text: str, seconds: float) -> None:
    assert check_verdict.age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["24", "h", "-1h", "24hh", "1w", "0.0d", "9" * 20 + "d", " 1h"])
def test_an_invalid_age_is_refused(text: str) -> None:
    with pytest.raises(check_verdict.InvalidVerdict, match="age"):
        check_verdict.age(text)


def test_a_rehearsal_is_called_one(opened: Opened) -> None:
    assert opened(target="sandbox") == ("GO", "now says GO for phase1, a rehearsal on the sandbox")


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (None, [], "No such file"),
        ("{", [], "not JSON"),
        ("{}", [], "no verdict of this suite"),
        ("[" * 100_000, [], "not JSON"),
        ("{}", ["--max-age", "tomorrow"], "'tomorrow' is not an age"),
        ("{}", ["--max-age", "0h"], "'0h' is not an age"),
    ],
    ids=["missing", "torn", "foreign", "deep", "no-age", "zero-age"],
)
def test_an_invalid_verdict_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, arguments: list[str], message: str
) -> None:
    path = tmp_path / "verdict.json"
    if text is not None:
        path.write_text(text)

    code = main(["check", str(path), "--phase", "phase1", *arguments])

    assert code == 4
    assert message in capsys.readouterr().err


def test_the_command_speaks_and_exits_like_a_run(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    fresh = {"finished": now.isoformat(), "valid_until": (now + timedelta(hours=1)).isoformat()}
    (tmp_path / "verdict.json").write_text(json.dumps(_verdict(run, **fresh)))

    assert main(["check", str(tmp_path), "--phase", "phase1", "--max-age", "24h"]) == 0
    assert main(["check", str(tmp_path / "verdict.json"), "--phase", "phase3"]) == 6
    assert capsys.readouterr().out.splitlines()[0] == "GO: now says GO for phase1"


def test_only_facts_of_the_phase_itself_hold_it_back(run: Run) -> None:
    fact = Fact(phase="phase3", name=ORDER_FACT, ok=None, sentence="phase2 has no valid GO")
    events = (Event(name="collected", phases=("phase0",)), Event(name="run-finished"))

    verdict = judge(RunRecords(run=run, records=(fact, *events)), now=NOW.isoformat())

    (first, *_) = [phase for phase in verdict.phases if phase.phase == "phase0"]
    assert first.withheld == ()
