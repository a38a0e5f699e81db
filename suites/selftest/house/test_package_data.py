"""A wheel carries every data file that the code reads, and every package."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def setuptools(checkout: Path) -> dict:
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_data_file_is_package_data(checkout: Path, setuptools: dict) -> None:
    patterns = setuptools["package-data"]
    left_out = [
        path.relative_to(checkout).as_posix()
        for part in ("fixtures", "reports")
        for path in (checkout / part).rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc", ".pyo")
        and "out" not in path.relative_to(checkout).parts
        if not _is_carried(path.relative_to(checkout), patterns)
    ]

    assert left_out == []


def test_every_folder_with_modules_is_a_package(checkout: Path) -> None:
    folders = {path.parent for part in ("fixtures", "reports") for path in (checkout / part).rglob("*.py")}

    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def _is_carried(path: Path, patterns: dict) -> bool:
    """Whether a pattern of a package above the file fits its path from there."""
    return any(
        fnmatch(path.relative_to(folder).as_posix(), pattern)
        for folder in path.parents
        for pattern in patterns.get(".".join(folder.parts), ())
    )
