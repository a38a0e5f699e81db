"""Every command that a drilled run prints is collected from its artefacts, runs as pasted, and finds its tests."""

import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.session.sandbox_process import RUNNING, OwnedSandbox
from fixtures.settings.settings import NAMES
from suites.selftest.support import warm_python
from suites.selftest.support.pytest_runs import LEAN, env_file

DRILL = ("-m", "phase1", "--fault", "texts-lower", "--rows", "200", "--samples", "8", "--seed", "7", "-k", "not slower")
PRINTED = re.compile(r"pytest -m [^\n<>|\\`]+")
KEYWORDS = """
import json, os

def pytest_collection_modifyitems(items):
    with open(os.environ["KEYWORDS"], "w") as file:
        json.dump(sorted({word for item in items for word in item.extra_keyword_matches}), file)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A run that found something wrong: its folder and what it printed."""

    folder: Path
    code: int
    printed: str

    def commands(self) -> set[str]:
        """Every command of pytest in everything that the run left behind; run.json keeps the gates' own texts."""
        texts = [self.printed]
        for path in self.folder.rglob("*"):
            if path.suffix in (".html", ".md", ".xml", ".json", ".jsonl") and path.name != "run.json":
                texts.append(path.read_text(encoding="utf-8", errors="replace"))
        lines = [html.unescape(text.replace('\\"', '"').replace("&#34;", '"').replace("\\n", "\n")) for text in texts]
        printed_paths = {match.strip().rstrip('",') for text in lines for match in PRINTED.findall(text)}
        complete = {command.split('"')[0].strip() for command in printed_paths}
        return {command for command in complete if "..." not in command}  # a value that pytest itself has shortened


def _pytest(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("GATE_", "PYTEST_", "CONTACT360"))}
    return warm_python.run("pytest", *LEAN, *arguments, cwd=checkout, env=clean | environ, timeout_s=300)


@pytest.fixture(scope="module")
def lent(calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What has a run switch its faults on in the sandbox that is there."""
    return {RUNNING: str(env_file(tmp_path_factory.mktemp("lent") / "sandbox.env", calm))}


@pytest.fixture(scope="module")
def drill(checkout: Path, tmp_path_factory: pytest.TempPathFactory, lent: Mapping[str, str]) -> Drill:
    out = tmp_path_factory.mktemp("out")
    completed = _pytest(checkout, *DRILL, f"--out={out}", **lent)
    return Drill(folder=(out / "latest").resolve(), code=completed.returncode, printed=completed.stdout)


def test_a_drilled_run_prints_commands_for_each_thing_to_do(drill: Drill) -> None:
    printed = drill.commands()

    assert drill.code == 1, drill.printed[-2000:]
    assert any(" -k " in command for command in printed), "asking a check again"
    assert any("-m rollback" in command for command in printed), "verifying the rollback"
    assert all("--target sandbox" in command for command in printed), printed


def test_every_printed_command_finds_its_tests(drill: Drill, checkout: Path) -> None:
    """One of each kind: that every check's `-k` selects a test is held below, for all gates at once."""
    kinds = {re.sub(r" -k \S+| --shard \S+", " -k", command): command for command in sorted(drill.commands())}
    for command in kinds.values():
        arguments = shlex.split(command)
        completed = _pytest(checkout, *arguments[1:], "--collect-only", "-q")

        assert re.search(r"::test_", completed.stdout), f"{command}\n{completed.stdout[-500:]}{completed.stderr[-500:]}"


def test_a_check_that_is_asked_again_plays_its_fault_again(
    drill: Drill, checkout: Path, tmp_path: Path, lent: Mapping[str, str]
) -> None:
    command = next(command for command in sorted(drill.commands()) if " -k contact-endpoint" in command)

    completed = _pytest(checkout, *shlex.split(command)[1:], f"--out={tmp_path}", **lent)

    assert completed.returncode == 1, completed.stdout[-2000:]
    differing = json.loads((tmp_path / "latest" / "verdict.json").read_text())["phases"]["phase1"]["findings"]
    missed = {finding["criterion"] for finding in differing if finding["outcome"] == "missed"}
    assert "contact-endpoint-parity" in missed


def test_every_check_of_a_gate_selects_a_test(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "keywords_plugin.py").write_text(KEYWORDS)
    phases = "phase0 or phase1 or phase2 or phase3 or phase4 or rollback"
    printed_paths = tmp_path / "keywords.json"
    _pytest(
        checkout,
        *("-p", "keywords_plugin", "--collect-only", "-q", "-m", phases),
        PYTHONPATH=str(tmp_path),
        KEYWORDS=str(printed_paths),
    )

    selectable = json.loads(printed_paths.read_text())
    for path in (checkout / "suites").glob("*/gate.toml"):
        for criterion in tomllib.loads(path.read_text())["criterion"]:
            for check in criterion.get("checks", ()):
                if criterion["rule"] in ("exact", "latency", "p95", "lag") and not check.endswith("*"):
                    assert check in selectable, f"{path}: -k {check} selects no test"


# --- a live page: what shows both sides of a record by hand ---------------------------------------------------------

NO_TOOLS = "no curl or no psql on this machine: apt-get install curl postgresql-client"


@pytest.fixture(scope="module")
def live(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """A run against a stack of its own that stays up, with a stale index: to the run it is a live deployment."""
    folder = tmp_path_factory.mktemp("live")
    stack = OwnedSandbox.start(checkout, rows=200, flags=None, faults=["stale-record"], seed=7, service_time_ms=0)
    settings = {name: text for name, text in stack.values.items() if name in NAMES}
    file = env_file(folder / "our live.env", settings)
    checks = ("-k", "contact-endpoint or company-connectra")
    options = ("-m", "phase1", *checks, "--samples", "32", "--seed", "7", "--env-file", str(file))
    completed = _pytest(checkout, *options, "--out", str(folder / "out"))
    yield Drill(folder=(folder / "out" / "latest").resolve(), code=completed.returncode, printed=completed.stdout)
    stack.stop()


def _in_shell(checkout: Path, lines: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """The lines as pasted into a shell that has the project's Python first on its path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "PAGER": "cat"}
    script = "\n".join(lines)
    return subprocess.run(
        ["bash", "-e"], input=script, cwd=checkout, env=clean, capture_output=True, text=True, timeout=120
    )


def _blocks(drill: Drill) -> list[list[str]]:
    """The blocks of shell lines on the page."""
    page = (drill.folder / "summary.html").read_text(encoding="utf-8")
    return [html.unescape(block).splitlines() for block in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("psql")), reason=NO_TOOLS)
@pytest.mark.drill
def test_the_lines_that_show_a_record_by_hand_run_as_pasted(live: Drill, checkout: Path) -> None:
    blocks = _blocks(live)
    (prepare,) = [block for block in blocks if any("fixtures.token" in line for line in block)]
    by_hand = [block for block in blocks if any(line.startswith(("curl ", "psql ")) for line in block)]

    assert live.code == 1, live.printed[-2000:]
    assert {line.split()[0] for block in by_hand for line in block} == {"curl", "psql"}
    for block in by_hand:
        for line in block:
            completed = _in_shell(checkout, [*prepare, line])
            key = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", line)
            assert completed.returncode == 0, f"{line}\n{completed.stderr}"
            assert key is not None
            assert key[0] in completed.stdout, f"{line}\n{completed.stdout[:300]}"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("psql")), reason=NO_TOOLS)
@pytest.mark.drill
def test_the_lines_of_the_evidence_run_as_pasted(live: Drill, checkout: Path) -> None:
    (prepare,) = [block for block in _blocks(live) if any("fixtures.token" in line for line in block)]
    entries = [
        json.loads(line)
        for path in (live.folder / "evidence").glob("*.jsonl")
        for line in path.read_text().splitlines()[:1]
    ]
    lines = {line for entry in entries for line in (*entry["requests"], entry["database"])}

    completed = _in_shell(
        checkout, [*prepare, *(f"{line} | grep -c '\"\\|uuid' > /dev/null" for line in sorted(lines))]
    )

    assert lines
    assert completed.returncode == 0, completed.stderr


@pytest.mark.drill
def test_every_command_of_a_live_page_asks_the_same_deployment(live: Drill) -> None:
    printed = live.commands()

    assert any("-m rollback" in command for command in printed)
    assert [command for command in printed if "--require-live" not in command] == []
    assert [command for command in printed if "--env-file" not in command] == []
    assert [command for command in printed if "--target live" not in command] == []
