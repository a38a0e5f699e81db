"""A guard that left no record did not look: whatever line of a GO is taken away, it is a GO no more."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.judge.integrity.guards import FORMER_NAMES
from reports.merge_shards import merge
from reports.records.records import Event, Fact
from suites.selftest.support import guarded_runs
from suites.selftest.support.guarded_runs import folder, judged, records, run

BOTH = records("phase1", "phase2")
SECOND = records("phase2")


def test_a_run_whose_guards_looked_is_go(tmp_path: Path) -> None:
    assert judged(folder(tmp_path / "r", run(), BOTH))["verdict"] == "GO"


@pytest.mark.parametrize("kept", [BOTH, SECOND], ids=["both", "second"])
def test_each_line_that_is_taken_away_holds_the_run(tmp_path: Path, kept: list[Any]) -> None:
    path = folder(tmp_path / "r", run(), kept) / "observations" / "controller.jsonl"
    lines = path.read_text().splitlines(keepends=True)

    verdicts = []
    for number in range(len(lines)):
        path.write_text("".join(lines[:number] + lines[number + 1 :]))
        verdicts.append(judged(tmp_path / "r")["verdict"])

    assert verdicts == ["HOLD"] * len(lines)


@pytest.mark.parametrize(
    "name", ["log-looked", "target-looked", "guarding", "privacy-looked"], ids=lambda name: str(name)
)
def test_a_guard_that_did_not_look_holds_the_run(tmp_path: Path, name: str) -> None:
    kept = [record for record in BOTH if not (isinstance(record, Event) and record.name == name)]

    verdict = judged(folder(tmp_path / "r", run(), kept))

    assert verdict["verdict"] == "HOLD"
    assert len(verdict["incidents"]) == 1


def test_a_plugin_that_was_left_out_is_named(tmp_path: Path) -> None:
    kept = [
        replace(record, detail="gate-output-redaction")
        if isinstance(record, Event) and record.name == "guarding"
        else record
        for record in BOTH
    ]

    (incident,) = judged(folder(tmp_path / "r", run(), kept))["incidents"]

    assert "gate-incidents" in incident


def test_a_run_that_calls_its_guards_by_their_former_names_is_judged_as_before(tmp_path: Path) -> None:
    former = {name: earlier for earlier, name in FORMER_NAMES.items()}
    kept = [
        replace(record, detail=" ".join(former.get(name, name) for name in record.detail.split()))
        if isinstance(record, Event) and record.name == "guarding"
        else record
        for record in BOTH
    ]

    assert any(name in record.detail for record in kept if isinstance(record, Event) for name in FORMER_NAMES)
    assert judged(folder(tmp_path / "r", run(), kept))["verdict"] == "GO"


def test_a_worker_whose_whole_file_is_lost_is_missed(tmp_path: Path) -> None:
    kept = [*BOTH, Event(name="worker-expected", worker="gw0")]

    assert "worker gw0 never finished" in judged(folder(tmp_path / "r", run(), kept))["incidents"]


def _order(ok: bool | None = True, phase: str = "phase2") -> Fact:
    return Fact(phase=phase, name="order", ok=ok, sentence="phase1 has no valid GO")


@pytest.mark.parametrize(
    ("kept", "different", "verdict_word"),
    [
        (records("phase2", order=False), {}, "HOLD"),
        ([*records("phase2", order=False), _order(None)], {}, "HOLD"),
        ([*records("phase2", order=False), _order(phase="phase1")], {}, "HOLD"),
        (records("phase2"), {}, "GO"),
        (records("phase1", "phase2", order=False), {}, "GO"),
        (records("phase2", order=False), {"target": "sandbox"}, "GO"),
        (records("phase2", order=False), {"options": {"out_of_order": True}}, "GO"),
        (records("phase2", order=False), {"options": {"out_of_order": "yes"}}, "HOLD"),
        (
            records("phase1", "phase2", order=False),
            {"flags": {"CONNECTRA_ENABLED": True, "F1": False, "F2": True}},
            "HOLD",
        ),
    ],
    ids=["unasked", "refused", "another's", "asked", "own-go", "sandbox", "waived", "half-waived", "own-direct-path"],
)
def test_the_order_of_the_phases_is_demanded(
    tmp_path: Path, kept: list[Any], different: dict[str, Any], verdict_word: str
) -> None:
    assert judged(folder(tmp_path / "r", run(**different), kept))["phases"]["phase2"]["verdict"] == verdict_word


def test_a_no_go_before_it_in_the_same_run_holds_a_phase_whatever_an_earlier_run_was(tmp_path: Path) -> None:
    wrong = Fact(phase="phase1", name="health", ok=False, sentence="it is ill")

    verdict = judged(folder(tmp_path / "r", run(), [*BOTH, wrong]))

    assert [phase["verdict"] for phase in verdict["phases"].values()] == ["NO-GO", "HOLD"]


def test_a_run_of_the_earlier_format_is_judged_by_what_it_recorded(tmp_path: Path) -> None:
    kept = [Event(name="collected", phases=("phase1",)), Fact(phase="phase1", name="health", ok=True)]

    assert judged(folder(tmp_path / "r", run(schema=1), kept))["verdict"] == "GO"
    assert judged(folder(tmp_path / "s", run(schema=1), BOTH))["verdict"] == "HOLD"


def test_a_gate_whose_text_was_changed_holds_the_run(tmp_path: Path) -> None:
    file = replace(guarded_runs.GATES["phase1"], text=guarded_runs.GATES["phase1"].text + "\n# laxer\n")
    changed = run(gates={**guarded_runs.GATES, "phase1": file})

    (incident,) = judged(folder(tmp_path / "r", changed, BOTH))["incidents"]

    assert "phase1" in incident


# ---------------------------------------------------------------------------------------------------- the lock


@pytest.fixture
def locked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    gate = tmp_path / "gate.toml"
    gate.write_text(guarded_runs.GATES["phase2"].text)

    def locked(path: Path, *options: str, phase: str = "phase2") -> tuple[int, str]:
        code = main(["check", str(path), "--phase", phase, "--gate", str(gate), *options])
        return code, capsys.readouterr().out

    return locked


Locked = Callable[..., tuple[int, str]]


def test_the_lock_opens_for_a_folder_and_for_its_file_alone(tmp_path: Path, locked: Locked) -> None:
    path = folder(tmp_path / "r", run(), BOTH)
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "verdict.json").write_text((path / "verdict.json").read_text())

    assert locked(path) == (0, "GO: r says GO for phase2\n")
    assert locked(tmp_path / "alone" / "verdict.json", "--require-suite")[0] == 0


def test_a_verdict_that_was_edited_to_go_passes_nothing(tmp_path: Path, locked: Locked) -> None:
    wrong = Fact(phase="phase2", name="health", ok=False, sentence="it is ill")
    path = folder(tmp_path / "r", run(), [*BOTH, wrong])
    verdict = json.loads((path / "verdict.json").read_text())
    verdict["verdict"] = verdict["phases"]["phase2"]["verdict"] = "GO"
    alone = tmp_path / "verdict.json"
    alone.write_text(json.dumps(verdict))

    assert locked(alone)[0] == 1
    verdict["phases"]["phase2"]["findings"][0]["outcome"] = "met"
    (path / "verdict.json").write_text(json.dumps(verdict))
    assert locked(path)[0] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--require-suite", "ab" * 32], "another judge"),
        (["--require-live"], ""),
        (["--max-age", "1s"], "held for"),
    ],
    ids=["suite", "live", "age"],
)
def test_what_a_pipeline_demands(tmp_path: Path, locked: Locked, options: list[str], message: str) -> None:
    path = folder(tmp_path / "r", run(), BOTH)
    if "--max-age" in options:
        _age(path)

    code, printed = locked(path, *options)

    assert code == (6 if message else 0)
    assert message in printed


def _age(path: Path) -> None:
    """Have the run end ten seconds ago."""
    file = path / "observations" / "controller.jsonl"
    *lines, last = file.read_text().splitlines()
    end = json.loads(last)
    file.write_text("\n".join([*lines, json.dumps({**end, "at": end["at"] - 10})]) + "\n")
    (path / "verdict.json").write_text(json.dumps(judged(path)))


def test_another_gate_opens_nothing(tmp_path: Path) -> None:
    path = folder(tmp_path / "r", run(), BOTH)

    assert main(["check", str(path), "--phase", "phase2"]) == 6


def test_with_a_key_only_a_signed_verdict_opens(
    tmp_path: Path, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_SIGNING_KEY", "a key of the pipeline")
    signed = folder(tmp_path / "signed", run(), BOTH, key="a key of the pipeline")
    unsigned = folder(tmp_path / "unsigned", run(), BOTH)
    foreign = folder(tmp_path / "foreign", run(), BOTH, key="another key")

    assert [locked(path)[0] for path in (signed, unsigned, foreign)] == [0, 6, 6]


def test_with_a_key_no_field_of_a_verdict_can_be_changed(
    tmp_path: Path, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATE_SIGNING_KEY", "k" * 20)
    path = folder(tmp_path / "r", run(), BOTH, key="k" * 20) / "verdict.json"
    verdict = json.loads(path.read_text())
    alone = tmp_path / "verdict.json"

    for name in verdict:
        changed = {**verdict, name: f"{verdict[name]}x" if isinstance(verdict[name], str) else [verdict[name]]}
        alone.write_text(json.dumps(changed))

        assert locked(alone)[0] in (4, 6), name


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values that hold no others, and of all lists and tables that hold some."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in inner:
        yield from _leaves(entry, (*path, name))


def _changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return {str: f"{value}x", dict: {}, list: []}.get(type(value), "x")


def test_no_value_of_a_verdict_can_be_changed_beside_its_observations(tmp_path: Path, locked: Locked) -> None:
    """Each value of verdict.json in turn, however deep; the judge's own name and hash are the lock's to compare."""
    path = folder(tmp_path / "r", run(), BOTH)
    file = path / "verdict.json"
    text = file.read_text()
    assert locked(path)[0] == 0
    opened = []

    for place in _leaves(json.loads(text)):
        verdict = json.loads(text)
        at = verdict
        for name in place[:-1]:
            at = at[name]
        before, at[place[-1]] = at[place[-1]], _changed(at[place[-1]])
        file.write_text(json.dumps(verdict))
        if place[0] != "suite" and at[place[-1]] != before and locked(path)[0] == 0:
            opened.append(place)

    assert opened == []


def test_a_phase_needs_the_one_before_it_in_the_same_run(tmp_path: Path, locked: Locked) -> None:
    verdict = judged(folder(tmp_path / "r", run(), BOTH))
    verdict["phases"]["phase1"]["findings"][0]["outcome"] = "missed"

    alone = tmp_path / "verdict.json"
    alone.write_text(json.dumps(verdict))

    assert locked(alone)[0] == 6


# ---------------------------------------------------------------------------------------------------- shards


def _shards(path: Path, count: int = 2) -> list[Path]:
    options = [{"log": True, "shard": f"{number}/{count}"} for number in range(1, count + 1)]
    return [
        folder(path / f"s{number}", run(f"s{number}", options=option), BOTH) for number, option in enumerate(options)
    ]


def test_joined_shards_are_go_and_named(tmp_path: Path) -> None:
    merge(_shards(tmp_path), tmp_path / "joined")

    verdict = judged(tmp_path / "joined")

    assert (verdict["verdict"], verdict["shards"]) == ("GO", ["1/2 s0", "2/2 s1"])


def test_a_shard_alone_is_held(tmp_path: Path) -> None:
    assert [judged(path)["verdict"] for path in _shards(tmp_path)] == ["HOLD", "HOLD"]


def test_a_shard_whose_records_went_after_joining_is_missed(tmp_path: Path) -> None:
    merge(_shards(tmp_path), tmp_path / "joined")
    (tmp_path / "joined" / "observations" / "s1.controller.jsonl").unlink()

    assert "the records of s1, a shard of this run, are missing" in judged(tmp_path / "joined")["incidents"]


@pytest.mark.parametrize("at", [1e12, -1.0, 1e300])
def test_a_time_that_no_clock_shows_holds_the_run(tmp_path: Path, at: float) -> None:
    verdict = judged(folder(tmp_path / "r", run(), [*BOTH, Event(name="slowed", at=at)]))

    assert verdict["verdict"] == "HOLD"
    assert any("an impossible time" in entry for entry in verdict["incidents"])
