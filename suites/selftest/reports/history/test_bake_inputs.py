"""What a bake remembers: which earlier runs, how far back, what sets them apart, and what of them can be pooled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reports.history.bake_inputs import recalled
from reports.history.entry import FindingSummary, HistoryEntry, PairBlock, PhaseEntry
from reports.judge.criteria import GateError
from reports.judge.effective_gate import gate_of
from reports.judge.integrity.suite import identity
from reports.records.inputs.earlier_runs import EarlierCount, EarlierTimes
from reports.records.run_ledger import GateFile, Run

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HEAD = 'schema = 1\ntitle = "t"\nflag = ""\nguide = "g"\nvalid_hours = 1\nsamples = 1\nphase = "{}"\n'
TABLES = "[recheck]\nlive_s = []\nsandbox_s = []\n"
OWN = '[[criterion]]\nid = "own"\nguide = "g"\nreason = "r"\nrule = "exact"\nchecks = ["x"]\n'
LINE = '[[criterion]]\nid = "{}"\nguide = "g"\nreason = "r"\nrule = "{}"\nchecks = ["{}"]\n'
BAKING = (
    HEAD.format("bake")
    + TABLES
    + '[[bake]]\nphase = "one"\nhours = 24\nlongest = 48\n[[bake]]\nphase = "two"\nhours = 48\nlongest = 72\n'
    + LINE.format("window", "window", "*")
    + LINE.format("history", "fact", "history")
    + LINE.format("alive", "fact", "fallback-timeout")
    + LINE.format("weeks", "window", "*")
    + "hours = 100\n"
)


def _run(baking: str = BAKING, **more: Any) -> Run:
    texts = {"bake": baking, **{name: HEAD.format(name) + TABLES + OWN for name in ("one", "two", "three")}}
    gates = {name: GateFile(path=name, sha256=f"of {name}", text=text) for name, text in texts.items()}
    return Run(
        run_id="now",
        started=NOW.isoformat(),
        target="sandbox",
        seed=1,
        contract="guide",
        flags={"F": True},
        fingerprint={"backend": 1, "connectra": 2, "index": 3},
        gates=gates,
        **more,
    )


def _entry(name: str = "r", ago: float = 1, *, of: str = "one", sha256: str = "", **more: Any) -> HistoryEntry:
    """A run that ended so many hours ago, bound to what `_run` is bound to."""
    parts = {key: more.pop(key) for key in ("criteria", "blocks") if key in more}
    ended = (NOW - timedelta(hours=ago)).isoformat()
    entry = PhaseEntry(phase=of, verdict="HOLD", gate_sha256=sha256 or f"of {of}", **parts)
    body = {
        "target": "sandbox",
        "where": "sandbox",
        "started": "",
        "seed": 7,
        "flags": {"F": True},
        "fingerprint": _run().fingerprint,
        "phases": {of: entry},
        "contract": _run().contract,
        "known_sha256": _run().known_sha256,
        "suite": identity(),
    } | more
    return HistoryEntry(run_id=name, finished=ended, verdict="GO", **body)


def test_a_run_is_remembered_as_it_was() -> None:
    (run,) = recalled([_entry(started="2026-11-25T10:00:00+00:00")], _run(), "bake")

    assert (run.phase, run.run, run.of, run.verdict, run.seed) == ("bake", "r", "one", "HOLD", 7)
    assert (run.started, run.finished) == ("2026-11-25T10:00:00+00:00", "2026-11-25T11:00:00+00:00")
    assert run.differs == ()


def test_a_run_that_kept_no_beginning_began_when_it_ended() -> None:
    (run,) = recalled([_entry()], _run(), "bake")

    assert run.started == run.finished


@pytest.mark.parametrize(("other", "count"), [({}, 1), ({"target": "live"}, 0), ({"where": "elsewhere"}, 0)])
def test_only_runs_of_this_deployment_are_remembered(other: dict[str, str], count: int) -> None:
    assert len(recalled([_entry(**other)], _run(), "bake")) == count


def test_runs_are_remembered_as_far_back_as_the_longest_window_reaches() -> None:
    within, short = [_entry("old", 125.1), _entry("edge", 125), _entry("new")], BAKING.replace("hours = 100\n", "")
    without = [_entry("old", 72.1), _entry("edge", 72), _entry("new")]

    assert [run.run for run in recalled(within, _run(), "bake")] == ["edge", "new"]
    assert [run.run for run in recalled(without, _run(short), "bake")] == ["edge", "new"]


def test_only_phases_that_are_baked_are_remembered() -> None:
    phases = {name: PhaseEntry(phase=name, verdict="GO", gate_sha256=f"of {name}") for name in ("two", "three", "one")}

    assert [run.of for run in recalled([_entry(phases=phases)], _run(), "bake")] == ["one", "two"]


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"fingerprint": {"backend": 9, "connectra": 2, "index": 3}}, ("build",)),
        ({"fingerprint": {"backend": 1, "connectra": 9, "index": 9}}, ("connectra", "index")),
        ({"flags": {"F": False}}, ("flags",)),
        ({"sha256": "of another"}, ("gate",)),
        ({"options": {"faults": ["slow-index"]}}, ("faults on purpose",)),
        ({"options": {"faults": []}}, ()),
        ({"ago": -5.1 / 60}, ("clock",)),
        ({"ago": -5 / 60}, ()),
    ],
    ids=str,
)
def test_what_sets_a_run_apart_is_named(change: dict[str, Any], differs: tuple[str, ...]) -> None:
    (run,) = recalled([_entry(**change)], _run(), "bake")

    assert run.differs == differs


def test_an_entry_whose_signature_does_not_hold_is_left_out() -> None:
    (run,) = recalled([replace(_entry(), altered="it is not signed")], _run(), "bake")

    assert run.differs == ("an invalid signature",)


def _kept(unit: str, **more: Any) -> FindingSummary:
    return FindingSummary(criterion="c", outcome="met", kind="blocking", unit=unit, count=50, **more)


SHARE: dict[str, Any] = {"criterion": "c", "count": 50, "unit": "share"}
WRONG: dict[str, Any] = {"criterion": "c", "count": 50, "unit": "mismatches"}


@pytest.mark.parametrize(
    ("kept", "count"),
    [
        (_kept("share", failures=0, value=0.0), EarlierCount(failures=0, **SHARE)),
        (_kept("share", failures=3, value=0.06, unknown=4), EarlierCount(failures=3, unknown=4, **SHARE)),
        (_kept("mismatches", value=2.0), EarlierCount(failures=2, **WRONG)),
        (_kept("mismatches", unfit="void"), EarlierCount(failures=0, unfit="void", **WRONG)),
        (_kept("mismatches", value=0.0, interval=(0.0, 0.03)), EarlierCount(failures=0, **WRONG)),
        (_kept("mismatches", value=0.0, interval=(0.0, 0.0)), EarlierCount(failures=0, whole=True, **WRONG)),
        (_kept("ratio", value=1.1, lost=2), EarlierCount(criterion="c", failures=0, count=50, lost=2, unit="ratio")),
        (_kept("h", value=24.0), None),
    ],
    ids=["none-failed", "some-failed", "wrong", "unfit", "sample", "census", "times", "hours"],
)
def test_what_was_counted_is_pooled_with_its_doubts(kept: FindingSummary, count: EarlierCount | None) -> None:
    (run,) = recalled([_entry(criteria=(kept,))], _run(), "bake")

    assert run.counts == ((count,) if count else ())


def test_times_are_pooled_by_check_and_those_against_plain_sql_left() -> None:
    blocks = (
        PairBlock(check="a", number=1, vql_ms=(1.0, 2.0), direct_ms=(3.0, 4.0), again_ms=(5.0, 6.0)),
        PairBlock(check="b", number=1, vql_ms=(9.0,), direct_ms=(9.0,)),
        PairBlock(check="a", number=2, vql_ms=(7.0,), direct_ms=(8.0,), again_ms=(9.0,)),
        PairBlock(check="a", number=3, vql_ms=(7.0,), direct_ms=(8.0,), direct_by="sql"),
    )

    (run,) = recalled([_entry(blocks=blocks)], _run(), "bake")

    assert run.times == (
        EarlierTimes(check="a", vql_ms=(1.0, 2.0, 7.0), direct_ms=(3.0, 4.0, 8.0), again_ms=(5.0, 6.0, 9.0)),
        EarlierTimes(check="b", vql_ms=(9.0,), direct_ms=(9.0,)),
    )


def test_second_calls_that_are_not_complete_are_none() -> None:
    blocks = (PairBlock(check="a", number=1, vql_ms=(1.0, 2.0), direct_ms=(3.0, 4.0), again_ms=(5.0,)),)

    (run,) = recalled([_entry(blocks=blocks)], _run(), "bake")

    assert run.times[0].again_ms == ()


def test_a_gate_that_bakes_nothing_remembers_nothing() -> None:
    assert recalled([_entry()], _run(), "one") == ()


@pytest.mark.parametrize(
    ("phase", "options", "criteria", "baked"),
    [
        ("one", {}, ["own"], []),
        ("one", {"bake": True}, ["own", "window", "history"], ["one"]),
        ("three", {"bake": True}, ["own"], []),
        ("bake", {"bake": True}, ["window", "history", "alive", "weeks"], ["one", "two"]),
    ],
    ids=["by-itself", "with-its-bake", "baked-by-none", "that-bakes"],
)
def test_a_phase_is_judged_over_its_bake_when_that_was_asked(
    phase: str, options: dict[str, bool], criteria: list[str], baked: list[str]
) -> None:
    gate = gate_of(_run(options=options), phase)

    assert [criterion.id for criterion in gate.criteria] == criteria
    assert [bake.phase for bake in gate.bake] == baked


def test_a_phase_whose_gate_was_not_kept_is_an_error() -> None:
    with pytest.raises(GateError, match="kept no gate file for it"):
        gate_of(replace(_run(), gates={}), "one")
