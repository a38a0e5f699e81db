"""Every command that a drilled run prints is collected from its artefacts, runs as pasted, and finds its tests."""

import html
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

DRILL = ("-m", "phase1", "--fault", "stale-record", "--rows", "200", "--samples", "32", "--seed", "7")
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
        found = {match.strip().rstrip('",') for text in lines for match in PRINTED.findall(text)}
        whole = {command.split('"')[0].strip() for command in found}
        return {command for command in whole if "..." not in command}  # a value that pytest itself has shortened


def _pytest(checkout: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("GATE_", "PYTEST_", "CONTACT360"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=checkout,
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def drill(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Drill:
    out = tmp_path_factory.mktemp("out")
    done = _pytest(checkout, *DRILL, "--out", str(out))
    return Drill(folder=(out / "latest").resolve(), code=done.returncode, printed=done.stdout)


def test_a_drilled_run_prints_commands_for_each_thing_to_do(drill: Drill) -> None:
    printed = drill.commands()

    assert drill.code == 1, drill.printed[-2000:]
    assert any(" -k " in command for command in printed), "asking a check again"
    assert any("-m rollback" in command for command in printed), "verifying the rollback"
    assert all("--target sandbox" in command for command in printed), printed


def test_every_printed_command_finds_its_tests(drill: Drill, checkout: Path) -> None:
    for command in sorted(drill.commands()):
        words = shlex.split(command)
        done = _pytest(checkout, *words[1:], "--collect-only", "-q")

        assert re.search(r"::test_", done.stdout), f"{command}\n{done.stdout[-500:]}{done.stderr[-500:]}"


def test_a_check_that_is_asked_again_plays_its_fault_again(drill: Drill, checkout: Path, tmp_path: Path) -> None:
    command = next(command for command in sorted(drill.commands()) if " -k contact-endpoint" in command)

    done = _pytest(checkout, *shlex.split(command)[1:], "--out", str(tmp_path))

    assert done.returncode == 1, done.stdout[-2000:]
    differing = json.loads((tmp_path / "latest" / "verdict.json").read_text())["phases"]["phase1"]["findings"]
    missed = {finding["criterion"] for finding in differing if finding["outcome"] == "missed"}
    assert "contact-endpoint-parity" in missed


def test_every_check_of_a_gate_selects_a_test(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "keywords_plugin.py").write_text(KEYWORDS)
    phases = "phase0 or phase1 or phase2 or phase3 or phase4 or rollback"
    found = tmp_path / "keywords.json"
    _pytest(
        checkout,
        *("-p", "keywords_plugin", "--collect-only", "-q", "-m", phases),
        PYTHONPATH=str(tmp_path),
        KEYWORDS=str(found),
    )

    selectable = json.loads(found.read_text())
    for path in (checkout / "suites").glob("*/gate.toml"):
        for criterion in tomllib.loads(path.read_text())["criterion"]:
            for check in criterion.get("checks", ()):
                if criterion["rule"] in ("exact", "latency", "p95", "lag") and not check.endswith("*"):
                    assert check in selectable, f"{path}: -k {check} selects no test"
