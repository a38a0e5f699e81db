"""Shards joined give the verdict of the whole; runs that do not belong together are refused."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.judge.verdict import judge, to_json
from reports.merge_shards import IncompatibleShards, merge
from reports.records import run_ledger
from reports.records.records import Comparison, Event, Observation, Outcome, Provenance
from reports.records.run_ledger import GateFile, Run, Writer

GATE = """
schema = 1
phase = "phase1"
title = "t"
flag = "F"
guide = "g"
valid_hours = 1
samples = 100
[recheck]
live_s = []
sandbox_s = []
[[criterion]]
id = "parity"
guide = "g"
rule = "exact"
checks = ["c"]
least = 100
reason = "r"
"""
RUN = Run(
    run_id="whole",
    started="2026-01-01T00:00:00+00:00",
    target="live",
    seed=1,
    contract="guide",
    flags={"CONNECTRA_ENABLED": True, "F": True},
    fingerprint={"backend": "b1"},
    gates={"phase1": GateFile(path="p", sha256="s", text=GATE)},
)
NOW = "2026-01-01T01:00:00+00:00"


def _sample(number: int, outcome: Outcome = Outcome.EQUAL) -> Comparison:
    return Comparison(
        phase="phase1",
        check="c",
        key=f"k{number}",
        stratum="s",
        outcome=outcome,
        answers=(Observation(side="backend", provenance=Provenance.VQL),),
        attempt=True,
    )


def _written(folder: Path, samples: list[Comparison], at: float = 1.0, **changes: Any) -> Path:
    run_ledger.begin(folder, replace(RUN, run_id=folder.name, **changes))
    writer = Writer(folder, "controller")
    for record in (*samples, Event(name="collected", phases=("phase1",)), Event(name="run-finished", at=at)):
        writer.append(record)
    writer.close()
    return folder


@pytest.mark.parametrize("wrong", [(), (7,)], ids=["right", "one-wrong"])
def test_shards_together_give_the_verdict_of_the_whole(tmp_path: Path, wrong: tuple[int, ...]) -> None:
    samples = [_sample(number, Outcome.DIFFERENT if number in wrong else Outcome.EQUAL) for number in range(100)]
    unsharded = _written(tmp_path / "whole", samples)
    shards = [_written(tmp_path / f"s{k}", samples[k::3], options={"shard": f"{k + 1}/3"}) for k in range(3)]

    merge(shards, tmp_path / "merged")

    unsharded_verdict, merged_verdict = (
        to_json(judge(run_ledger.read(folder), now=NOW)) for folder in (unsharded, tmp_path / "merged")
    )
    assert merged_verdict["phases"] == unsharded_verdict["phases"]
    assert merged_verdict["verdict"] == unsharded_verdict["verdict"] == ("NO-GO" if wrong else "GO")


def test_a_shard_alone_is_not_enough(tmp_path: Path) -> None:
    shard = _written(tmp_path / "s", [_sample(number) for number in range(50)], options={"shard": "1/2"})

    assert judge(run_ledger.read(shard), now=NOW).verdict == "HOLD"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"target": "sandbox"}, "target"),
        ({"seed": 2}, "seed"),
        ({"fingerprint": {"backend": "b2"}}, "fingerprint"),
        ({"flags": {"F": False}}, "flags"),
        ({"gates": {"phase1": GateFile(path="p", sha256="other", text=GATE)}}, "gates"),
        ({"options": {"shard": "1/2"}}, "shard 1/2 was run twice"),
        ({}, "is not a shard: it was run without --shard"),
        ({"options": {"shard": "2/3"}}, "shards of 2 and of 3 parts"),
        ({"options": {"shard": "3/2"}}, "shard 2/2 is missing"),
        ({"options": {"shard": "2/2"}, "started": "2026-01-01T01:00:01+00:00"}, "more than an hour after"),
        ({"options": {"shard": "2/2"}, "started": "2025-12-31T22:00:00-00:59"}, "more than an hour after"),
    ],
    ids=[
        "target",
        "seed",
        "build",
        "flags",
        "gate",
        "same-shard",
        "whole",
        "of-another-n",
        "beyond-n",
        "later",
        "earlier-in-another-zone",
    ],
)
def test_runs_that_are_no_shards_of_one_are_refused(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    first = _written(tmp_path / "a", [], options={"shard": "1/2"})
    second = _written(tmp_path / "b", [], **changes)

    with pytest.raises(IncompatibleShards, match=named):
        merge([first, second], tmp_path / "merged")


def test_a_shard_that_is_left_out_may_be_the_no_go(tmp_path: Path) -> None:
    shards = [_written(tmp_path / f"s{k}", [], options={"shard": f"{k}/3"}) for k in (1, 2)]

    with pytest.raises(IncompatibleShards, match="shard 3/3 is missing"):
        merge(shards, tmp_path / "merged")


def test_what_is_joined_is_as_old_as_its_oldest_shard(tmp_path: Path) -> None:
    shards = [_written(tmp_path / f"s{k}", [], at=60.0 * k, options={"shard": f"{k}/2"}) for k in (1, 2)]

    merge(shards, tmp_path / "merged")

    verdict = judge(run_ledger.read(tmp_path / "merged"), now=NOW)
    assert verdict.finished == "1970-01-01T00:01:00+00:00"


def test_a_run_is_not_merged_with_itself(tmp_path: Path) -> None:
    folder = _written(tmp_path / "a", [])

    with pytest.raises(IncompatibleShards, match="given twice"):
        merge([folder, folder], tmp_path / "merged")


@pytest.mark.parametrize(
    ("flags", "by", "verdict"),
    [
        ({"CONNECTRA_ENABLED": True, "F": False}, Provenance.DIRECT, "GO"),
        ({}, Provenance.DIRECT, "HOLD"),
        ({}, Provenance.VQL, "GO"),
        ({"CONNECTRA_ENABLED": True}, Provenance.DIRECT, "HOLD"),
    ],
    ids=["told-off", "untold-and-direct", "untold-and-vql", "half-told-and-direct"],
)
def test_sql_alone_is_hold_unless_the_flag_is_off(
    tmp_path: Path, flags: dict[str, bool], by: Provenance, verdict: str
) -> None:
    answers = (Observation(side="backend", provenance=by),)
    samples = [replace(_sample(number), answers=answers) for number in range(100)]

    judged = judge(run_ledger.read(_written(tmp_path / "run", samples, flags=flags)), now=NOW)

    assert (judged.verdict, judged.phases[0].verdict) == (verdict, verdict)


def test_a_merge_that_breaks_off_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the shards must not be judged as all of them; a second attempt is not in the first one's way."""
    samples = [_sample(number) for number in range(100)]
    shards = [_written(tmp_path / f"s{k}", samples[k::2], options={"shard": f"{k + 1}/2"}) for k in range(2)]
    into, copied = tmp_path / "merged", shutil.copyfile

    def interrupted(source: Path, target: Path) -> None:
        assert not into.exists()
        copied(source, target)
        if "s1" in str(target):
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(shards, into)
    monkeypatch.undo()

    assert not into.exists()
    into.mkdir()  # `mktemp -d` makes one
    merge(shards, into)
    assert len(run_ledger.read(into).records) == 104
    with pytest.raises(FileExistsError, match="name a new folder"):
        merge(shards, into)
