"""The README's tables say what the code knows: every option, variable, marker and message, and no other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.session.options import TWINS
from fixtures.settings.settings import NAMES
from reports.output.ci import notify
from reports.plugin import progress


@pytest.fixture(scope="module")
def readme(checkout: Path) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def options(checkout: Path) -> dict[str, str]:
    """Option -> environment twin, as `pytest --help` shows them."""
    command = [sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider"]
    told = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    titles = "the verdict|the deployment under verification"
    ours = "".join(re.findall(rf"^(?:{titles}):\n(.*?\n)\n", told, re.DOTALL | re.MULTILINE))
    found = re.findall(r"^  (--[\w-]+)(.*?)(?=^  --|\Z)", ours, re.DOTALL | re.MULTILINE)
    return {name: re.findall(r"\[(\w+)\]", " ".join(text.split()))[0] for name, text in found}


def _rows(readme: str, held_against: str) -> list[list[str]]:
    """Cells of the table under the comment that says what it is held against."""
    table = readme.split(f"<!-- {held_against} -->\n")[1].split("\n\n")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()[2:]]
    assert len(rows) > 2
    return rows


def _named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_option_stands_in_the_table_with_its_twin(readme: str, options: dict[str, str]) -> None:
    rows = _rows(readme, "held against `pytest --help`")
    shown = {_named(row[0])[0].split()[0]: _named(row[1])[0] for row in rows}

    assert len(options) > 10
    assert shown == options


def test_every_setting_stands_in_the_table(readme: str) -> None:
    shown = [name for row in _rows(readme, "held against fixtures/settings/settings.py") for name in _named(row[0])]

    assert sorted(shown) == sorted(NAMES)


def test_every_variable_without_an_option_stands_in_the_table(readme: str) -> None:
    rows = _rows(readme, "held against reports/output/ci/notify.py and reports/plugin/progress.py")

    shown = {name for row in rows for name in _named(row[0])}
    assert shown == {*notify.VARIABLES, *progress.QUIET}
    assert shown - {"CI"} < set(TWINS), "a slip in a name is told"


def test_every_marker_stands_in_the_table(readme: str, pytestconfig: pytest.Config) -> None:
    rows = _rows(readme, "held against the registered markers")
    registered = dict(line.split(": ", 1) for line in pytestconfig.getini("markers") if "timeout" not in line)
    ours = {name: text for name, text in registered.items() if re.fullmatch(r"phase\d|[a-z]+", name)}

    shown = {_named(row[0])[0]: row[1].replace("`", "").strip() for row in rows}
    assert shown == {name: text for name, text in ours.items() if name in shown}
    assert {name for name in ours if name.startswith("phase")} <= set(shown)
    assert {"rollback", "canary", "drill", "selftest", "slow"} <= set(shown)


def test_every_message_is_one_that_the_code_gives(readme: str, checkout: Path) -> None:
    source = "".join(path.read_text() for part in ("reports", "fixtures") for path in (checkout / part).rglob("*.py"))
    plain = re.sub(r'"\s*f?"', "", source)
    given = re.sub(r"\{[^{}]*\}", "299", plain)

    unheard = [
        message
        for row in _rows(readme, "each message is held against the code")
        for message in _named(row[0])
        if message not in plain and message not in given
    ]
    assert unheard == []


def test_every_file_it_names_is_there(readme: str, checkout: Path) -> None:
    named = re.findall(r"`((?:docs|\.github|reports|fixtures)/[\w./-]+)`", readme) + re.findall(
        r"\]\(([\w./-]+)\)", readme
    )
    missing = [path for path in named if not (checkout / path).exists() and not path.startswith("reports/out")]

    assert len(named) > 8
    assert missing == []


def test_the_picture_of_the_page_is_small(checkout: Path) -> None:
    assert (checkout / "docs" / "page.png").stat().st_size < 200_000
