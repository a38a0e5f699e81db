"""The backend's memory: seen by process id or by metrics, or not seen, which is no value."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.clients.process_memory import MemoryReading, ProcessMemory
from suites.selftest.strangers import stranger

METRICS = "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 1.048576e+08\nother 5\n"


def test_this_process_is_seen() -> None:
    seen = ProcessMemory(os.getpid(), None).megabytes()

    assert seen is not None
    assert 5 < seen < 100_000


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    program = "import sys; kept = b'x' * (60 * 2**20); sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        yield process
        process.kill()


@pytest.mark.skipif(not list(Path("/proc/self/task").glob("*/children")), reason="this kernel tells no children")
def test_what_a_process_started_is_counted_with_it(child: subprocess.Popen[bytes]) -> None:
    alone, together = (ProcessMemory(process_id, None).megabytes() for process_id in (child.pid, os.getpid()))

    assert alone is not None
    assert together is not None
    assert together > alone > 60


def test_a_process_that_is_not_there_gives_no_value() -> None:
    assert ProcessMemory(2**22 + 1, None).megabytes() is None


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [
        (METRICS, 100.0),
        ('process_resident_memory_bytes{job="x"} 2097152\n', 2.0),
        ("other 5\n", None),
        ("process_resident_memory_bytes NaNope\n", None),
        ("", None),
    ],
)
def test_metrics_are_read(text: str, megabytes: float | None) -> None:
    with stranger(lambda number, path: (200, {"Content-Type": "text/plain"}, text.encode())) as backend:
        assert ProcessMemory(None, f"{backend.url}/metrics").megabytes() == megabytes


def test_metrics_that_do_not_answer_give_no_value() -> None:
    assert ProcessMemory(None, "http://127.0.0.1:1/metrics").megabytes() is None


def test_a_watch_sees_the_growth_to_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([100.0, 160.0])
    memory = ProcessMemory(1, None)
    monkeypatch.setattr(memory, "megabytes", lambda: next(readings, 120.0))

    with memory.watched() as seen:
        pass

    assert seen.growth == 60.0
    assert seen.fact("phase3", "export-memory-contacts").value == 60.0


def test_without_a_view_there_is_no_value_but_a_way_out() -> None:
    fact = MemoryReading().fact("phase3", "export-memory-contacts")

    assert (fact.ok, fact.value) == (None, None)
    assert "CONTACT360_PROCESS_ID" in fact.sentence
