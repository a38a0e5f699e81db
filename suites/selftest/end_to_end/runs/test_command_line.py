"""The command line: each slip is one error with a way out, nothing starts unasked, no stale GO stays."""

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
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_one_sentence(checkout: Path, tmp_path: Path, name: str) -> None:
    options, values, words = SLIPS[name]

    done = run(checkout, tmp_path / "out", *options, extra=values)

    (sentence,) = done.errors()
    assert done.code == 4
    assert [word for word in words if word not in sentence] == []
    assert "Traceback" not in done.printed
    assert "4711" not in done.printed
    assert list((tmp_path / "out").glob("*")) == []  # a run that never began leaves no folder


@pytest.mark.parametrize("joined", [True, False], ids=["equals", "blank"])
def test_a_path_elsewhere_leads_nobody_away(checkout: Path, tmp_path: Path, joined: bool) -> None:
    elsewhere = tmp_path / "elsewhere" / "x.env"
    elsewhere.parent.mkdir()
    elsewhere.write_text("CONNECTRA_BASE_URL=http://x\n")
    option = [f"--env-file={elsewhere}"] if joined else ["--env-file", str(elsewhere)]

    done = run(checkout, tmp_path / "out", "-m", "phase1", *option)

    assert done.code == 4
    assert "half configured: CONNECTRA_BASE_URL is set" in done.printed


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
def test_who_only_wants_to_know_starts_nothing(checkout: Path, tmp_path: Path, options: list[str]) -> None:
    done = run(checkout, tmp_path / "out", *options, extra={"CONNECTRA_BASE_URL": "http://x"})

    assert done.code == 0, done.printed[-2000:]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "values", "code"),
    [
        (["-m", "phase1 and not phase1"], {}, 5),
        (["-m", "phse1"], {}, 4),
        (["-m", "phase1"], {"CONNECTRA_BASE_URL": "http://x"}, 4),
    ],
    ids=["contradiction", "misspelt", "half-configured"],
)
def test_no_stale_go_stays_for_a_run_that_judged_nothing(
    checkout: Path, tmp_path: Path, options: list[str], values: Mapping[str, str], code: int
) -> None:
    out = tmp_path / "out"
    (out / "earlier").mkdir(parents=True)
    (out / "latest").symlink_to("earlier")

    done = run(checkout, out, *options, extra=values)

    assert done.code == code
    assert not (out / "latest").is_symlink()


def test_self_tests_leave_the_latest_run_alone(checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "earlier").mkdir(parents=True)
    (out / "latest").symlink_to("earlier")

    done = run(checkout, out, "-m", "selftest", "-k", "without_a_limit_only_the_count_remains")

    assert done.code == 0
    assert (out / "latest").is_symlink()
