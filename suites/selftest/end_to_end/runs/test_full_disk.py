"""No room for the run folder: whenever it begins, the run ends in HOLD, and keeps what it has."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.session.rootdir import joined
from reports.records import run_ledger
from reports.records.records import Comparison, Event, from_line
from reports.records.run_ledger import RecordNotWritten, Writer
from suites.selftest.support import gate_runs, warm_python
from suites.selftest.support.gate_runs import CALM, rehearse
from suites.selftest.support.pytest_runs import LEAN, env_file, environment, run

# After that part no file of the process grows beyond MOST bytes: a disk that is full for whoever writes on.
FULL = """
import resource

@pytest.mark.parametrize("part", range(4), ids=lambda part: f"part-{part}")
def test_records(recorder, part):
    for number in range(16):
        recorder.writer.append(sample(16 * part + number))
    if part == AFTER:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, resource.RLIM_INFINITY))
"""
VANISHING = """
def test_records(recorder):
    import shutil
    recorder.writer.append(sample(1))
    shutil.rmtree(recorder.folder)
"""


def _full(most: int, *, after: int) -> str:
    return FULL.replace("MOST", str(most)).replace("AFTER", str(after))


def _samples(folder: Path) -> list[Comparison]:
    return [record for record in run_ledger.read(folder).records if isinstance(record, Comparison)]


def _ended(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run over the tests in `root`."""
    extra = {"PYTHONPATH": str(Path(__file__).parents[4])}
    return warm_python.run("pytest", *LEAN, "-m", "phase1", *joined(options), cwd=root, env=environment(extra))


@pytest.mark.parametrize("most", [1, 9_000, 17_000])
def test_a_disk_that_fills_up_holds_the_run_and_loses_nothing(tmp_path: Path, most: int) -> None:
    completed = rehearse(tmp_path, _full(most, after=1))

    assert completed.code not in (0, 1), completed.printed[-3000:]
    assert "can't be recorded" in completed.printed
    assert " HOLD " in completed.printed
    assert len(_samples(completed.folder)) >= 32
    assert not (completed.folder / "verdict.json").exists() or completed.verdict["verdict"] == "HOLD"


def test_a_worker_that_finds_no_room_holds_the_run(tmp_path: Path) -> None:
    completed = rehearse(tmp_path, _full(1, after=1), "-n", "1")

    assert completed.code in (2, 6), completed.printed[-3000:]
    assert completed.verdict["verdict"] == "HOLD"
    assert any("never finished" in entry for entry in completed.verdict["incidents"])
    assert len(_samples(completed.folder)) >= 32


def test_what_is_judged_again_when_there_is_room_holds(tmp_path: Path, checkout: Path) -> None:
    completed = rehearse(tmp_path, _full(400, after=1))

    judged = warm_python.run("reports", str(completed.folder), cwd=checkout, env=environment(), timeout_s=60)

    assert judged.returncode == 6, judged.stdout + judged.stderr
    assert "the run never finished" in judged.stdout


def test_a_verdict_that_can_not_be_written_is_hold(tmp_path: Path) -> None:
    completed = rehearse(tmp_path, _full(1, after=3))

    assert completed.code == 6, completed.printed[-3000:]
    assert "some records could not be written (controller): File too large" in completed.printed
    assert not (completed.folder / "verdict.json").exists()
    assert len(_samples(completed.folder)) == 64


def test_a_report_of_others_that_finds_no_room_costs_a_note(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    completed = rehearse(tmp_path, CALM, f"--junitxml={tmp_path}/file/junit.xml")

    assert (completed.code, completed.verdict["verdict"]) == (0, "GO"), completed.printed[-3000:]
    assert "note: junit.xml could not be written: " in completed.printed


def test_after_a_torn_record_the_next_begins_a_line_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, free_kb, really = Writer(tmp_path, "here"), [10], os.write

    def write(file: int, data: bytes) -> int:
        if not free_kb[0]:
            raise OSError(28, "No space left on device")
        count = really(file, data[: free_kb[0]])
        free_kb[0] -= count
        return count

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(RecordNotWritten, match="No space left on device: this can't be recorded"):
        writer.append(Event(name="first"))
    free_kb[0] = 10_000
    writer.append(Event(name="second"))
    writer.append(Event(name="third"))

    lines = (tmp_path / "observations" / "here.jsonl").read_text().splitlines()
    assert len(lines[0]) == 10
    assert [from_line(line.encode()).name for line in lines[1:]] == ["second", "third"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A real file system of that size, made when it is asked for."""
    folder = tmp_path / "tiny"
    folder.mkdir()

    def make(size: str) -> Path:
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True
        ).returncode:
            pytest.skip("only root can mount a small disk")
        return folder

    yield make
    subprocess.run(["umount", "-l", folder], capture_output=True)


@pytest.mark.parametrize("free_kb", [0, 12, 64], ids=lambda free_kb: f"{free_kb}-kB")
def test_a_disk_that_is_really_full_holds_the_run(small_disk: Path, tmp_path: Path, free_kb: int) -> None:
    gate_runs.write(tmp_path)
    (small_disk / "filler").write_bytes(b"x" * (512 - free_kb) * 1024)

    completed = _ended(tmp_path, "--out", str(small_disk / "out"))

    assert completed.returncode not in (0, 1), completed.stdout[-3000:]
    assert "No space left on device" in completed.stdout + completed.stderr


@pytest.mark.parametrize("size", ["4k", "8k", "16k"])
def test_a_disk_of_a_page_or_two_holds_the_run_in_a_sentence(
    tiny_disk: Callable[[str], Path], tmp_path: Path, size: str
) -> None:
    """A run folder has more parts than such a disk has room for: the first that fails ends the run."""
    gate_runs.write(tmp_path)
    disk = tiny_disk(size)

    runs = [_ended(tmp_path, "--out", str(disk / "out"), *workers) for workers in ((), ("-n", "1"))]

    for completed in runs:
        assert completed.returncode in (2, 4, 6), completed.stdout[-3000:] + completed.stderr[-3000:]
        assert "No space left on device" in completed.stdout + completed.stderr
        assert "Traceback" not in completed.stdout + completed.stderr
        assert "INTERNALERROR" not in completed.stdout + completed.stderr


@pytest.mark.parametrize("size", ["4k", "12k", "64k"])
def test_a_live_run_on_such_a_disk_holds_too(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], tiny_disk: Callable[[str], Path], size: str
) -> None:
    """What its workers share (pace, credits, circuit breakers) lies in the run folder as well."""
    file, disk = env_file(tmp_path / "live.env", calm), tiny_disk(size)

    completed = run(
        checkout, disk / "out", "-m", "phase1", "--samples", "4", "--env-file", str(file), "--max-rps", "500"
    )

    assert completed.code in (2, 4, 6), completed.printed[-3000:]
    assert "HOLD" in completed.printed or "No space left on device" in completed.printed
    assert "Traceback" not in completed.printed


def test_a_place_that_can_not_be_written_is_a_usage_error(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    completed = run(checkout, tmp_path / "file" / "out", "-m", "phase1")

    assert completed.code == 4
    assert completed.errors() == [f"ERROR: --out {tmp_path}/file/out: can't be written to: Not a directory"]


def test_a_run_folder_that_vanishes_is_a_hold(tmp_path: Path) -> None:
    gate_runs.write(tmp_path, VANISHING)

    completed = _ended(tmp_path)

    assert completed.returncode == 6
    assert "Exit: HOLD: the records of this run can't be read back" in completed.stderr
