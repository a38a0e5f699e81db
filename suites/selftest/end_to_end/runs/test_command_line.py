"""The command line: each slip is one error with a way out, nothing starts unasked, no stale GO stays."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from suites.selftest.support.pytest_runs import run

LIVE = {
    "CONTACT360_BASE_URL": "http://127.0.0.1:1",
    "CONTACT360_TOKEN": "token-4711",
    "CONNECTRA_BASE_URL": "http://127.0.0.1:1",
    "CONNECTRA_API_KEY": "key-4711",
    "DATABASE_URL": "postgresql://verifier:sesame-4711@127.0.0.1:1/contact360",
}
RECORDS = "suites/phase1_single_record/test_records.py"
SLIPS = {  # arguments, environment, what the one sentence says
    "half-configured": (
        ["-m", "phase1"],
        {"CONNECTRA_BASE_URL": "http://x"},
        ["CONTACT360_BASE_URL", "CONNECTRA_API_KEY", "DATABASE_URL", "CONTACT360_TOKEN"],
    ),
    "port-alone": (["-m", "phase1"], {"ELASTICSEARCH_PORT": "9200"}, ["half configured", "DATABASE_URL"]),
    "require-live": (["-m", "phase1", "--require-live"], {}, ["--require-live", ".env.example"]),
    "require-live-misspelt": (["-m", "phase1"], {"GATE_REQUIRE_LIVE": "treu"}, ["GATE_REQUIRE_LIVE", "treu"]),
    "name-misspelt": (["-m", "phase1"], {"CONNECTRA_BASEURL": "http://x"}, ["did you mean 'CONNECTRA_BASE_URL'"]),
    "twin-misspelt": (["-m", "phase1"], {"GATE_REQUIRE_LIV": "1"}, ["GATE_REQUIRE_LIVE"]),
    "target": (["-m", "phase1", "--target", "lve"], {}, ["--target", "lve"]),
    "fault-on-live": (["-m", "phase1", "--fault", "calm"], LIVE, ["--fault", "sandbox"]),
    "samples": (["-m", "phase1", "--samples", "-1"], {}, ["--samples", "-1"]),
    "rps": (["-m", "phase1", "--max-rps", "nan"], {}, ["--max-rps"]),
    "rows": (["-m", "phase1", "--rows", "5"], {}, ["--rows", "100"]),
    "fault": (["-m", "phase1", "--fault", "stale-recrd"], {}, ["did you mean 'stale-record'"]),
    "flags": (["-m", "phase1", "--flags", "VQL_EXPORT"], {}, ["did you mean 'VQL_EXPORTS'"]),
    "no-flags": (["-m", "phase1", "--flags="], {}, ["--flags", "none"]),
    "marker": (["-m", "phse1"], {}, ["phse1"]),
    "path": (["suites/phase1_single_recrd"], {}, ["did you mean 'phase1_single_record'", "-m phase1"]),
    "file": (["suites/phase1_single_record/test_record.py::x"], {}, ["did you mean 'test_records.py'"]),
    "nowhere": (["-m", "phase1", "nowhere/at/all"], {}, ["nowhere/at/all"]),
    "node-id": ([f"{RECORDS}::nope"], {}, ["::nope", "--collect-only"]),
    "parameter": ([f"{RECORDS}::test_records_equal_the_database[nope]"], {}, ["not found", "--collect-only"]),
    "workers": ([f"{RECORDS}::nope", "-n", "2"], {}, ["::nope"]),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_one_sentence(checkout: Path, tmp_path: Path, name: str) -> None:
    options, values, parts = SLIPS[name]

    completed = run(checkout, tmp_path / "out", *options, extra=values)

    (sentence,) = completed.errors()
    assert completed.code == 4
    assert [part for part in parts if part not in sentence] == []
    assert "Traceback" not in completed.printed
    assert "4711" not in completed.printed
    assert list((tmp_path / "out").glob("*")) == []  # a run that never began leaves no folder


@pytest.mark.parametrize("joined", [True, False], ids=["equals", "blank"])
def test_a_path_elsewhere_does_not_move_pytests_root(checkout: Path, tmp_path: Path, joined: bool) -> None:
    elsewhere = tmp_path / "elsewhere" / "x.env"
    elsewhere.parent.mkdir()
    elsewhere.write_text("CONNECTRA_BASE_URL=http://x\n")
    option = [f"--env-file={elsewhere}"] if joined else ["--env-file", str(elsewhere)]

    completed = run(checkout, tmp_path / "out", "-m", "phase1", *option, as_typed=True)

    assert completed.code == 4
    assert "half configured: CONNECTRA_BASE_URL is set" in completed.printed


@pytest.mark.parametrize(
    "options",
    [
        ["-m", "phase1", "--collect-only", "-q"],
        ["--markers"],
        ["--help"],
        ["-m", "phase1", "--fixtures-per-test"],
        ["-m", "phase1", "--setup-plan"],
    ],
    ids=["collect-only", "markers", "help", "fixtures", "setup-plan"],
)
def test_help_and_collection_start_nothing(checkout: Path, tmp_path: Path, options: list[str]) -> None:
    completed = run(checkout, tmp_path / "out", *options, extra={"CONNECTRA_BASE_URL": "http://x"})

    assert completed.code == 0, completed.printed[-2000:]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "values", "code"),
    [
        (["-m", "phase1 and not phase1"], {}, 5),
        (["-m", "phase1", "-k", "nosuch"], {}, 5),
        (["-m", "phse1"], {}, 4),
        (["-m", "phase1"], {"CONNECTRA_BASE_URL": "http://x"}, 4),
    ],
    ids=["contradiction", "unknown-word", "misspelt", "half-configured"],
)
def test_no_stale_go_stays_for_a_run_that_judged_nothing(
    checkout: Path, tmp_path: Path, options: list[str], values: Mapping[str, str], code: int
) -> None:
    out = tmp_path / "out"
    (out / "earlier").mkdir(parents=True)
    (out / "latest").symlink_to("earlier")

    completed = run(checkout, out, *options, extra=values)

    assert completed.code == code
    assert not (out / "latest").is_symlink()
    assert "building the sandbox" not in completed.printed
    assert [path.name for path in out.iterdir()] == ["earlier"]


@pytest.mark.parametrize("name", ["path", "node-id", "workers"])
def test_a_test_that_is_not_there_leaves_latest_where_it_was(checkout: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    (out / "earlier").mkdir(parents=True)
    (out / "latest").symlink_to("earlier")

    completed = run(checkout, out, *SLIPS[name][0])

    assert completed.code == 4
    assert "building the sandbox" not in completed.printed
    assert (out / "latest").readlink() == Path("earlier")
    assert [path.name for path in out.iterdir() if path.name != "latest"] == ["earlier"]


def test_a_run_says_at_once_what_takes_seconds_and_has_a_header_of_five_lines(checkout: Path, tmp_path: Path) -> None:
    """The tests of one block, of which all but the first are not needed: what was skipped is explained."""
    options = ("-m", "phase1", "-k", "contact-endpoint", "--rows", "100", "--seed", "7")

    completed = run(checkout, tmp_path / "out", *options, "--fault", "stale-record")

    lines = completed.printed.splitlines()
    begun = next(number for number, line in enumerate(lines) if "test session starts" in line)
    collected = next(number for number, line in enumerate(lines) if line.startswith("collected "))
    header = lines[begun + 1 : collected]
    assert lines[0] == "building the sandbox ..."
    assert len(header) <= 5
    assert any(line.startswith("target: sandbox of 100 contacts, faults stale-record: backend http") for line in header)
    assert "flags:  all on; seed 7" in header
    skipped = int((re.search(r"(\d+) skipped", lines[-1]) or [0, 0])[1])
    explained = lines.index(f"{skipped} tests skipped:")
    reason = re.match(r"  (\d+): decided already: contact-endpoint-parity is missed", lines[explained + 1])
    assert reason is not None


def test_a_bare_pytest_asks_the_phases_that_a_sandbox_can_answer_in_one_go(checkout: Path, tmp_path: Path) -> None:
    completed = run(checkout, tmp_path / "out", "--collect-only", "-q")

    folders = {line.split("/")[1] for line in completed.printed.splitlines() if "::test_" in line}
    assert {folder.split("_")[0] for folder in folders} == {"phase0", "phase1", "phase2", "phase3", "phase4"}


def test_self_tests_leave_the_latest_run_alone(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "earlier").mkdir(parents=True)
    (out / "latest").symlink_to("earlier")

    completed = run(checkout, out, "suites/selftest/fixtures/transport/test_rate_limiter.py", "-m", "selftest")

    assert completed.code == 0
    assert (out / "latest").is_symlink()
