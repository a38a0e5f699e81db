"""A NO-GO is remembered: the next run draws the wrong keys again, and another seed does not lose them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.session.sandbox_process import OwnedSandbox
from suites.selftest.support.pytest_runs import CompletedRun, env_file, run

pytestmark = pytest.mark.drill  # three runs against one sandbox

CHECK = "contact-connectra"
FAULT = "stale-record:0.03"  # of the records; each seed draws others


@pytest.fixture(scope="module")
def live(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    sandbox = OwnedSandbox.start(checkout, rows=600, faults=(FAULT,), seed=7, service_time_ms=0)
    yield env_file(tmp_path_factory.mktemp("live") / "live.env", sandbox.values)
    sandbox.stop()


Ask = Callable[..., CompletedRun]


@pytest.fixture
def ask(checkout: Path, tmp_path: Path, live: Path) -> Ask:
    """Runs of one output folder, where the next finds what the last one remembers."""

    def ask(*options: str) -> CompletedRun:
        few = ("-m", "phase1", "-k", CHECK, "--samples", "128", "--out-of-order", "--max-rps", "500")
        return run(checkout, tmp_path / "out", *few, "--env-file", str(live), *options, timeout_s=200)

    return ask


def _wrong(completed: CompletedRun) -> set[str]:
    """Keys of the check that differ, by the run's records."""
    texts = [file.read_text() for file in (completed.out / "latest").glob("observations/*.jsonl")]
    records = [json.loads(line) for text in texts for line in text.splitlines()]
    samples = [record for record in records if record["type"] == "sample" and record["check"] == CHECK]
    return {sample["key"] for sample in samples if sample["outcome"] == "different"}


def test_wrong_keys_are_drawn_again(ask: Ask) -> None:
    first = ask("--seed", "5")
    wrong = _wrong(first)
    again = ask()
    seed, wrong_again = again.verdict["seed"], _wrong(again)
    other = ask("--seed", "6")

    assert wrong, first.printed
    assert (first.code, again.code, other.code) == (1, 1, 1)
    assert (seed, wrong & wrong_again) == (5, wrong)
