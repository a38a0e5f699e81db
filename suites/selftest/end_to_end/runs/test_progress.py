"""The progress line: its text, that it reads the written records, and that it is only shown on a terminal."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.output import next_steps, presentation
from reports.output.html import live_page
from reports.plugin.progress import Meter, ProgressCounts, RecordCounter
from reports.records.records import CheckPlan, Comparison, Event, Observation, Outcome, Pair
from reports.records.run_ledger import Writer
from suites.selftest.support import verdict_builders
from suites.selftest.support.gate_runs import CALM, rehearse

LONG = """
import time
@pytest.mark.parametrize("part", range(4), ids=lambda part: f"part-{part}")
def test_records(recorder, part):
    recorder.writer.append(CheckPlan(phase="phase1", check="contact-endpoint", population=99, planned=64))
    for number in range(16):
        recorder.writer.append(sample(16 * part + number))
    if not part:
        time.sleep(0.6)  # longer than the line's own interval, so that it is there
"""

WATCHED = """
import time
def test_records(recorder):
    for number in range(16):
        recorder.writer.append(sample(number))
    page, until = recorder.folder / "summary.html", time.monotonic() + 60
    while not page.exists() and time.monotonic() < until:
        time.sleep(0.05)
    (recorder.folder / "seen.html").write_text(page.read_text())
"""


def _sample(key: str) -> Comparison:
    return Comparison(
        phase="phase2", check="c", key=key, stratum="s", outcome=Outcome.EQUAL, answers=(Observation(side="backend"),)
    )


def test_the_growth_of_every_workers_file_is_counted(tmp_path: Path) -> None:
    growth = RecordCounter(tmp_path)
    first, second = Writer(tmp_path, "gw0"), Writer(tmp_path, "gw1")
    first.append(CheckPlan(phase="phase2", check="c", population=9, planned=40))
    second.append(CheckPlan(phase="phase2", check="c", population=9, planned=40))
    first.append(_sample("a"))

    assert growth.look().samples == 1
    second.append(_sample("b"))
    second.append(Pair(phase="phase2", check="c", key="k", block=1, vql_ms=1.0, direct_ms=1.0))

    counts = growth.look()
    assert (counts.phase, counts.samples, counts.pairs) == ("phase2", 2, 1)
    assert sum(counts.planned.values()) == 40, "two workers plan the same check"
    first.close()
    second.close()


def test_a_line_still_being_written_is_counted_once_it_is_whole(tmp_path: Path) -> None:
    growth = RecordCounter(tmp_path)
    path = tmp_path / "observations" / "gw0.jsonl"
    path.parent.mkdir()
    line = json.dumps({"type": "sample", "phase": "phase1"}).encode() + b"\n"

    path.write_bytes(line + line[:9])
    assert growth.look().samples == 1
    path.write_bytes(line + line + b"not json\n[]\n")
    assert growth.look().samples == 2


def test_the_line_says_phase_samples_pace_and_time_left() -> None:
    meter = Meter(begun=0)
    counts = ProgressCounts(phase="phase1", planned={"a": 300, "b": 100})
    meter.line(counts, now=10, tests=1, of_tests=20)
    counts.samples, counts.pairs = 100, 16

    line = meter.line(counts, now=20, tests=5, of_tests=20)

    assert line == "phase1, 100 of 400 samples, 16 pairs, 10/s, test 5 of 20, about 1 min left"


def test_the_line_says_why_it_goes_slowly(tmp_path: Path) -> None:
    growth, writer = RecordCounter(tmp_path), Writer(tmp_path, "gw0")
    for number in range(3):
        writer.append(Event(name="slowed", count=1, detail=f"connectra answered 429 ({number})"))
    writer.append(Event(name="stopped", detail="connectra got no more requests"))
    writer.close()

    line = Meter(begun=0).line(growth.look(), now=0, tests=0, of_tests=9)

    assert "slowed down 3 times, a service gets no more requests" in line


def test_time_left_is_not_guessed_from_nothing() -> None:
    line = Meter(begun=0).line(ProgressCounts(), now=0, tests=0, of_tests=0)

    assert line == "starting, 0 of 0 samples, test 0 of 0"


def test_on_a_terminal_the_line_is_there_and_the_counts_are_right(tmp_path: Path) -> None:
    run = rehearse(tmp_path, LONG, on_terminal=True)

    assert "phase1, 16 of 64 samples" in run.printed
    assert "4 passed" in run.printed
    assert ".py ...." not in run.printed, "the line is instead of the dots"
    assert run.code == 0


@pytest.mark.parametrize(
    ("options", "environ", "on_terminal"),
    [((), {"CI": "true"}, True), ((), {}, False), (("-v",), {}, True)],
    ids=["ci", "no-terminal", "verbose"],
)
def test_without_a_terminal_no_progress_is_shown(
    tmp_path: Path, options: tuple[str, ...], environ: dict[str, str], on_terminal: bool
) -> None:
    run = rehearse(tmp_path, LONG, *options, environ=environ, on_terminal=on_terminal)

    assert "of 64 samples" not in run.printed
    assert run.code == 0


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_watched_run_has_a_page_that_a_browser_loads_anew_until_the_last_one(tmp_path: Path, workers: str) -> None:
    run = rehearse(tmp_path, WATCHED, "--watch", "-n", workers)

    during, after = (run.folder / "seen.html").read_text(), (run.folder / "summary.html").read_text()
    assert '<meta http-equiv="refresh" content="15">' in during
    assert "<title>Running: HOLD" in during
    assert re.search(r"\d+ samples? so far", during)
    assert "never finished" not in during
    assert "Wait for the end of the run" in during
    assert "refresh" not in after
    assert "Running" not in after
    assert not [note for note in run.printed.splitlines() if "was not refreshed" in note]


def test_without_watch_no_page_is_there_before_the_end(tmp_path: Path) -> None:
    run = rehearse(tmp_path, WATCHED.replace("+ 60", "+ 1"))

    assert "FileNotFoundErr" in run.printed


def test_a_history_is_drawn_anew_while_a_bake_goes_on(tmp_path: Path) -> None:
    rehearse(tmp_path, CALM, "--history", str(tmp_path / "kept"))
    waits = iter([False, True])

    live_page.keep_fresh(tmp_path / "kept", 9, lambda _: next(waits))

    page = (tmp_path / "kept" / "trend.html").read_text()
    assert '<meta http-equiv="refresh" content="9">' in page
    assert "1 run" in page


def test_what_is_missed_already_is_shown_while_the_run_goes_on() -> None:
    verdict = verdict_builders.verdict("NO-GO", 15) | {"incidents": ["the run never finished: it was killed"]}
    now = datetime(2026, 11, 25, 9, 46, 40, tzinfo=UTC)

    shown = live_page.going_on(verdict, verdict_builders.recorded(), now, 15)

    assert shown["verdict"] == "NO-GO"
    assert shown["incidents"] == []
    assert any("Roll back now" in step.text for step in next_steps.steps(shown))
    assert "the run goes on: " in presentation.meaning(shown)
