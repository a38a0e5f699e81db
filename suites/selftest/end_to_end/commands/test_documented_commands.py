"""The commands of README and docs run as they are printed, in a fresh checkout, from its root and from a folder below.

What a person types is relative to where they stand. Runs of phases are only planned: `--plan` is added to them.
Those from the root find the modules of this checkout, which are imported already; the others those of the fresh one.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fixtures.contracts.contract import load
from suites.benchmarks import export_files
from suites.selftest.support import warm_python
from suites.selftest.support.pytest_runs import env_file, environment

PAGES = ("README.md", "docs/live.md", "docs/parity.md", "docs/deployments.md")
RUNS = re.compile(
    r"^ *((?:python -m (?:fixtures\.(?:contracts|export_parity|index_parity)|pytest)|pytest -m) .*)$", re.M
)
FOLDERS = (".", "suites")
PATHS = re.compile(r"(--[a-z-]+) (?:live\.env|ours\.toml|out/1)|(FILE\.csv)")


def documented(checkout: Path) -> list[str]:
    """Every command of the pages that asks a live target, without its comment and its optional parts."""
    lines = [
        line for page in PAGES if (checkout / page).exists() for line in RUNS.findall((checkout / page).read_text())
    ]
    bare = (re.sub(r"\s+(#.*|\[.*\])$", "", re.sub(r" \[.*?\]", "", line)).strip() for line in lines)
    return [line for line in dict.fromkeys(bare) if "live.env" in line]


@pytest.fixture(scope="module")
def elsewhere(checkout: Path, calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, and in each folder a `live.env` of a deployment and an export `FILE.csv` of it."""
    copy = tmp_path_factory.mktemp("checkout")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=checkout, capture_output=True, text=True
    )
    for name in names.stdout.splitlines():
        if (checkout / name).is_file() and "recorded_format" not in name:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, copy / name)
    kinds = load("guide").exports
    assert kinds is not None
    for folder in FOLDERS:
        env_file(copy / folder / "live.env", calm)
        export_files.write(calm["DATABASE_URL"], kinds.kinds["contacts"], copy / folder / "FILE.csv")
    return copy


def _run(command: str, *path: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """In that folder of the first checkout of the path, where modules are looked for in this order."""
    arguments = shlex.split(command)
    if arguments[:1] == ["pytest"]:
        arguments = ["python", "-m", *arguments]
    if "pytest" in arguments and "--plan" not in arguments:
        arguments.append("--plan")
    module, *arguments = arguments[2:]
    variables = environment({"PYTHONPATH": os.pathsep.join(map(str, path)), "CI": ""})
    return warm_python.run(module, *arguments, cwd=path[0] / folder, env=variables, timeout_s=180)


def _with_paths(commands: Sequence[str]) -> list[str]:
    """One command for each path that a program is given: a folder matters to paths."""
    first: dict[tuple[str, str], str] = {}
    for command in sorted(commands, key=lambda command: -len(PATHS.findall(command))):
        program = next(word for word in ("pytest", "contracts", "export_parity", "index_parity") if word in command)
        for option, file in PATHS.findall(command):
            first.setdefault((program, option or file), command)
    return list(dict.fromkeys(first.values()))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_documented_command_runs_where_people_stand(checkout: Path, elsewhere: Path, folder: str) -> None:
    commands = documented(checkout) if folder == "." else _with_paths(documented(checkout))
    assert any("--draft" in command for command in commands)
    assert any("--contract ours.toml" in command for command in commands)
    assert any("export_parity" in command for command in commands)

    commands.sort(key=lambda command: "--draft" not in command)  # the draft is what the next ones name
    path = (elsewhere, checkout) if folder == "." else (elsewhere,)
    ended = {command: _run(command, *path, folder=folder) for command in commands}

    assert (elsewhere / folder / "ours.toml").exists()
    wrong = {
        command: completed.stdout[-300:] + completed.stderr[-700:]
        for command, completed in ended.items()
        if completed.returncode not in (0, 6)
    }
    assert wrong == {}
