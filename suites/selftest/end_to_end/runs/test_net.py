"""Looking is no verdict, and neither is a crash of our own: 6 and one sentence, whatever surrounds the run."""

import os
from pathlib import Path

import pytest

from suites.selftest.support import warm_python
from suites.selftest.support.gate_runs import CALM, CHECKOUT, rehearse
from suites.selftest.support.pytest_runs import LEAN

TELLING = ("--collect-only", "--fixtures", "--fixtures-per-test", "--setup-plan", "--markers", "--help")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkout with a calm run in it."""
    root = tmp_path_factory.mktemp("net")
    rehearse(root)
    return root


def _pytest(root: Path, *options: str, **environ: str) -> tuple[int, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATE_", "PYTEST_")) and name != "CI"
    }
    environment = {**inherited, "PYTHONPATH": str(CHECKOUT), **environ}
    arguments = (*LEAN, "-p", "reports.plugin.net", "-m", "phase1", *options)
    completed = warm_python.run("pytest", *arguments, cwd=root, env=environment, timeout_s=60)
    return completed.returncode, completed.stdout + completed.stderr


@pytest.mark.parametrize("option", TELLING)
def test_looking_under_a_pipelines_variables_is_hold(small: Path, option: str) -> None:
    code, printed = _pytest(small, option, GATE_HISTORY="history")

    assert code == 6, printed
    assert f"HOLD: {option} only lists: no target was asked" in printed


def test_at_a_desk_the_outcome_is_pytests(small: Path) -> None:
    assert _pytest(small, "--collect-only")[0] == 0


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Mars/Phobos"},
        {"PYTHONOPTIMIZE": "2"},
        {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/proc/1/nowhere"},
        {"COLUMNS": "0"},
    ],
    ids=lambda entry: next(iter(entry)),
)
def test_an_odd_environment_changes_no_verdict(tmp_path: Path, environ: dict[str, str]) -> None:
    run = rehearse(tmp_path, CALM, environ=environ)

    assert (run.code, run.verdict["verdict"]) == (0, "GO"), run.printed
    assert "Traceback" not in run.printed


@pytest.mark.parametrize("place", ["publish", "judge"])
def test_an_error_of_our_own_is_hold_in_one_sentence(small: Path, tmp_path: Path, place: str) -> None:
    """The judge or the writer fails with words that hold a value: the sentence has the kind and the place only."""
    plugin = tmp_path / "failing.py"
    module = {"publish": "reports.publish", "judge": "reports.plugin.gate"}[place]
    plugin.write_text(
        f'import {module} as module\ndef broken(*_, **__):\n    raise KeyError("Jane Roe")\nmodule.{place} = broken\n'
    )

    code, printed = _pytest(small, "-p", "failing", PYTHONPATH=f"{tmp_path}{os.pathsep}{CHECKOUT}")

    assert code == 6, printed
    assert "HOLD: the gate itself failed (KeyError" in printed
    assert "Jane Roe" not in printed


def test_a_part_of_the_gate_can_not_be_left_out(small: Path) -> None:
    code, printed = _pytest(small, "-p", "no:gate-incidents")

    assert code == 4
    assert "this plugin is a part of the gate" in printed
