"""The commands of README and docs run as they are printed, in a fresh checkout, from its root and from a folder below.

What a person types is relative to where they stand. Runs of phases are only planned: `--plan` is added to them.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fixtures.contracts.contract import load
from fixtures.session.sandbox_process import OwnedSandbox
from suites.benchmarks import export_files
from suites.selftest.support import warm_python
from suites.selftest.support.pytest_runs import env_file, environment

PAGES = ("README.md", "docs/live.md", "docs/parity.md", "docs/deployments.md")
RUNS = re.compile(
    r"^ *((?:python -m (?:fixtures\.(?:contracts|export_parity|index_parity)|pytest)|pytest -m) .*)$", re.M
)
FOLDERS = (".", "suites")


def documented(checkout: Path) -> list[str]:
    """Every command of the pages that asks a live target, without its comment and its optional parts."""
    lines = [
        line for page in PAGES if (checkout / page).exists() for line in RUNS.findall((checkout / page).read_text())
    ]
    bare = (re.sub(r"\s+(#.*|\[.*\])$", "", re.sub(r" \[.*?\]", "", line)).strip() for line in lines)
    return [line for line in dict.fromkeys(bare) if "live.env" in line]


@pytest.fixture(scope="module")
def elsewhere(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the checkout, and in each folder a `live.env` of a deployment and an export `FILE.csv` of it."""
    copy = tmp_path_factory.mktemp("checkout")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=checkout, capture_output=True, text=True
    )
    for name in names.stdout.splitlines():
        if (checkout / name).is_file() and "recorded_format" not in name:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, copy / name)
    sandbox = OwnedSandbox.start(checkout, rows=100, flags=None, faults=(), seed=7, service_time_ms=0)
    kinds = load("guide").exports
    assert kinds is not None
    for folder in FOLDERS:
        env_file(copy / folder / "live.env", sandbox.values)
        export_files.write(sandbox.values["DATABASE_URL"], kinds.kinds["contacts"], copy / folder / "FILE.csv")
    yield copy
    sandbox.stop()


def _run(command: str, checkout: Path, folder: str) -> subprocess.CompletedProcess[str]:
    arguments = shlex.split(command)
    if arguments[:1] == ["pytest"]:
        arguments = ["python", "-m", *arguments]
    if "pytest" in arguments and "--plan" not in arguments:
        arguments.append("--plan")
    module, *arguments = arguments[2:]
    variables = environment({"PYTHONPATH": str(checkout), "CI": ""})
    return warm_python.run(module, *arguments, cwd=checkout / folder, env=variables, timeout_s=180)


def _with_paths(commands: Sequence[str]) -> list[str]:
    """The first command of each program, and those that name a path besides `live.env`: a folder matters to paths."""
    firsts = {
        " ".join(command.split()[: 3 if "-m fixtures" in command else 1]): command for command in reversed(commands)
    }
    return [
        command
        for command in commands
        if command in firsts.values() or re.search(r"ours\.toml|FILE\.csv|--out ", command)
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_documented_command_runs_where_people_stand(checkout: Path, elsewhere: Path, folder: str) -> None:
    commands = documented(checkout) if folder == "." else _with_paths(documented(checkout))
    assert any("--draft" in command for command in commands)
    assert any("--contract ours.toml" in command for command in commands)
    assert any("export_parity" in command for command in commands)

    commands.sort(key=lambda command: "--draft" not in command)  # the draft is what the next ones name
    ended = {command: _run(command, elsewhere, folder) for command in commands}

    assert (elsewhere / folder / "ours.toml").exists()
    wrong = {
        command: completed.stdout[-300:] + completed.stderr[-700:]
        for command, completed in ended.items()
        if completed.returncode not in (0, 6)
    }
    assert wrong == {}
