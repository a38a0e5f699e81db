"""A run collects the folders that its `-m` can match, and leaves all others unread."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.plugin.selection import pytest_ignore_collect

PHASES = {"phase0_preflight", "phase1_single_record", "phase2_company_contacts", "phase3_exports", "phase4_linkedin"}
ALL = PHASES | {"phase5_bake", "rollback", "availability", "drills", "selftest"}


def _config(checkout: Path, markexpr: str) -> Any:
    option = SimpleNamespace(markexpr=markexpr, keyword="")
    return SimpleNamespace(
        rootpath=checkout, option=option, args_source=pytest.Config.ArgsSource.TESTPATHS, stash=pytest.Stash()
    )


@pytest.mark.parametrize(
    ("markexpr", "folders"),
    [
        ("", PHASES),
        ("phase1", {"phase1_single_record"}),
        ("phase1 and canary", {"phase1_single_record"}),
        ("phase1 and not slow", {"phase1_single_record"}),
        ("canary", ALL - {"drills", "selftest"}),
        ("canary and slow", ALL - {"drills", "selftest"}),
        ("rollback", {"rollback"}),
        ("drill", {"drills"}),
        ("selftest", {"selftest"}),
        ("selftest and slow", {"selftest"}),
        ("slow", ALL),
        ("not canary", ALL),
    ],
)
def test_a_run_reads_the_folders_that_its_marks_can_match(checkout: Path, markexpr: str, folders: set[str]) -> None:
    config = _config(checkout, markexpr)

    read = {name for name in ALL if not pytest_ignore_collect(checkout / "suites" / name, config)}

    assert read == folders


def test_no_drill_and_no_self_test_is_a_canary(checkout: Path) -> None:
    """Or `-m canary` would miss it."""
    texts = {
        path: path.read_text()
        for folder in ("drills", "selftest")
        for path in (checkout / "suites" / folder).rglob("*.py")
    }

    assert [path for path, text in texts.items() if "mark" + ".canary" in text] == []
