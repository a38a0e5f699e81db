"""The history: immutable, mergeable, readable whatever happened to it; and what phase 5 finds in it."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports import __main__ as command
from reports.history import store
from reports.history.entry import HistoryEntry, entry_of
from reports.history.store import AlreadyInHistory
from reports.output.html import history_page
from suites.selftest.support import verdict_builders
from suites.selftest.support.gate_runs import CALM, rehearse


@pytest.fixture(scope="module")
def entry() -> HistoryEntry:
    return entry_of(verdict_builders.recorded(), verdict_builders.verdict("NO-GO", 15))


def _many(entry: HistoryEntry, count: int) -> list[HistoryEntry]:
    return [
        replace(
            entry,
            run_id=f"run-{number:04d}",
            finished=f"2026-{1 + number // 60:02d}-{1 + number % 28:02d}T{number % 24:02d}:00:00+00:00",
        )
        for number in range(count)
    ]


def test_a_written_entry_is_read_back(tmp_path: Path, entry: HistoryEntry) -> None:
    path = store.write(tmp_path, entry)

    assert path.name == "20261125T094640Z-abcdef.json"
    assert store.read(tmp_path) == ((entry,), ())


def test_it_holds_the_k_and_n_and_the_blocks_that_runs_are_pooled_by(entry: HistoryEntry) -> None:
    phase = entry.phases["phase1"]
    (tally,) = phase.tallies
    fallback = next(criterion for criterion in phase.criteria if criterion.criterion == "criterion-2")

    assert sum(tally.outcomes.values()) == tally.attempts == 120
    assert tally.outcomes["excused"] == sum(tally.excused.values()) == 7
    assert (tally.errors, tally.fallbacks, tally.provenance["fallback"]) == (4, 13, 13)
    assert (fallback.failures, fallback.count) == (1, 299)
    assert len(phase.blocks) == 8
    block = phase.blocks[0]
    logs = [math.log(vql / direct) for vql, direct in zip(block.vql_ms, block.direct_ms, strict=True)]
    assert block.mean == pytest.approx(sum(logs) / 16)
    assert block.again_mean == pytest.approx(math.log(36.5 / 36), abs=0.01)


def test_it_holds_no_key_and_no_token(tmp_path: Path, entry: HistoryEntry) -> None:
    text = store.write(tmp_path, entry).read_text()

    assert "00000000-0000-4000" not in text
    assert "<str:" not in text


def test_a_file_is_never_overwritten(tmp_path: Path, entry: HistoryEntry) -> None:
    store.write(tmp_path, entry)

    with pytest.raises(AlreadyInHistory, match="never overwritten"):
        store.write(tmp_path, replace(entry, verdict="GO"))
    assert store.read(tmp_path)[0][0].verdict == "NO-GO"


def test_of_many_writers_of_one_run_one_wins_and_nothing_is_torn(tmp_path: Path, entry: HistoryEntry) -> None:
    def write(number: int) -> bool:
        try:
            store.write(tmp_path, replace(entry, seed=number, run_id="same"))
        except AlreadyInHistory:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(32)))

    assert sum(written) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["same.json"]
    assert len(store.read(tmp_path)[0]) == 1


def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, entry: HistoryEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any) -> None:
        raise OSError("not supported")

    monkeypatch.setattr("os.link", no_links)
    store.write(tmp_path, entry)

    assert store.read(tmp_path) == ((entry,), ())
    with pytest.raises(AlreadyInHistory):
        store.write(tmp_path, entry)


def test_histories_are_merged_by_copying(tmp_path: Path, entry: HistoryEntry) -> None:
    for shard, run in zip(("a", "b"), _many(entry, 2), strict=True):
        store.write(tmp_path / shard, run)
    for path in (tmp_path / "b").iterdir():
        (tmp_path / "a" / path.name).write_bytes(path.read_bytes())

    assert [earlier.run_id for earlier in store.read(tmp_path / "a")[0]] == ["run-0000", "run-0001"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "torn or damaged"),
        (b'{"schema": 1, "run_id"', "torn or damaged"),
        (b"\xff\xfe", "torn or damaged"),
        (b"[]", "expected a JSON object"),
        (b"{}", "schema None is not known"),
        (b'{"schema": 0}', "schema 0 is not known; this suite reads 1"),
        (b'{"schema": 99}', "schema 99 is not known"),
        (b'{"schema": 1}', "missing"),
        (
            b'{"schema": 1, "run_id": 3, "target": "t", "where": "w", "started": "s", "finished": "f",'
            b' "verdict": "GO"}',
            "run_id: expected a text",
        ),
        (b"[" * 100_000, "expected a JSON object"),
    ],
)
def test_a_damaged_file_is_reported_and_the_others_are_read(
    tmp_path: Path, entry: HistoryEntry, content: bytes, why: str
) -> None:
    store.write(tmp_path, entry)
    (tmp_path / "bad.json").write_bytes(content)

    entries, problems = store.read(tmp_path)

    assert entries == (entry,)
    assert len(problems) == 1
    assert problems[0].startswith("bad.json: ")
    assert why in problems[0]


def test_a_file_of_this_version_with_more_or_less_in_it_is_read(tmp_path: Path, entry: HistoryEntry) -> None:
    path = store.write(tmp_path, entry)
    body = json.loads(path.read_text())
    body["later"] = body["phases"]["phase1"]["later"] = body["phases"]["phase1"]["criteria"][0]["later"] = 1
    for name in ("options", "credits", "provenance", "contract"):
        del body[name]
    del body["phases"]["phase1"]["blocks"]
    path.write_text(json.dumps(body))

    ((read,), problems) = store.read(tmp_path)

    assert problems == ()
    assert read.phases["phase1"].criteria == entry.phases["phase1"].criteria
    assert read.phases["phase1"].blocks == ()


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert store.read(tmp_path / "nowhere") == ((), ())


def test_a_run_id_that_is_a_path_is_refused(tmp_path: Path, entry: HistoryEntry) -> None:
    with pytest.raises(ValueError, match="looks like a path"):
        store.write(tmp_path, replace(entry, run_id="../elsewhere"))


def test_only_earlier_runs_of_the_same_deployment_are_alike(entry: HistoryEntry) -> None:
    runs = _many(entry, 3)
    elsewhere = replace(runs[0], run_id="x", where="https://other.example")

    assert store.like([*runs, elsewhere], runs[1]) == (runs[0],)


def test_a_verdict_is_bound_to_build_flags_index_and_gate(entry: HistoryEntry) -> None:
    other = replace(
        entry,
        fingerprint={**entry.fingerprint, "backend": {"version": "2.15"}},
        flags={**entry.flags, "VQL_EXPORTS": False},
    )

    differing = {name for name, text in entry.bond("phase1").items() if text != other.bond("phase1")[name]}
    assert differing == {"build", "flags"}
    assert entry.bond("phase1")["gate"] == "cd" * 32


def test_a_run_is_kept_and_the_next_one_shows_the_trend(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = rehearse(tmp_path, CALM, "--history", str(kept))
    second = rehearse(tmp_path, CALM, environ={"GATE_HISTORY": str(kept)})

    assert {path.stem for path in kept.glob("*.json")} == {first.folder.name, second.folder.name}
    assert "Trend over earlier runs" not in (first.folder / "summary.html").read_text()
    assert "Trend over earlier runs" in (second.folder / "summary.html").read_text()
    assert json.loads((second.folder / "allurerc.json").read_text())["historyPath"] == str(kept / "allure.jsonl")


def test_a_history_that_can_not_be_used_costs_a_note(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    run = rehearse(tmp_path, CALM, "--history", str(tmp_path / "file"))

    assert run.code == 0
    assert "note: this run is not added to the history" in run.printed


def test_six_hundred_runs_are_listed_and_drawn(
    tmp_path: Path, entry: HistoryEntry, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in _many(entry, 600):
        store.write(tmp_path, run)
    (tmp_path / "bad.json").write_text("{")

    assert command.main(["history", str(tmp_path), "--last", "5"]) == 0

    printed = capsys.readouterr().out.splitlines()
    assert sum("NO-GO" in line for line in printed) == 5
    assert "600 runs, the last 5 shown" in printed
    assert "can't be read: bad.json: not JSON: torn or damaged" in printed
    assert "<svg" in (tmp_path / "trend.html").read_text()
    assert len(store.read(tmp_path)[0]) == 600, "the drawing is none of the runs"


def test_hostile_history_stays_text(entry: HistoryEntry) -> None:
    hostile = replace(entry, where="<script>x</script>", fingerprint={})
    html = history_page.html([hostile, replace(hostile, run_id="2")], ["<script>bad"])

    assert "<script" not in html


@pytest.mark.parametrize("arguments", [["history", "nowhere"], ["allure", "nowhere"], ["nowhere"]], ids=" ".join)
def test_a_command_about_nothing_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    paths = [str(tmp_path / argument) if argument == "nowhere" else argument for argument in arguments]

    assert command.main(paths) == 4
    assert capsys.readouterr().err.startswith("python -m reports: ")
