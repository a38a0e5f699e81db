"""The README is short, and what it names is there: files, modules, options, markers, tox environments."""

import configparser
import importlib.util
import re
from pathlib import Path

import pytest

from fixtures.session.options import OPTIONS

PAGES = ("README.md", "CONTRIBUTING.md", "docs/live.md", "docs/pipelines.md", "docs/parity.md", "docs/architecture.md")
LEAST, MOST = 5_000, 8_000  # characters


@pytest.fixture(params=PAGES)
def page(checkout: Path, request: pytest.FixtureRequest) -> tuple[Path, str]:
    path = checkout / request.param
    return path, path.read_text(encoding="utf-8")


def test_the_readme_is_read_in_five_minutes(checkout: Path) -> None:
    assert LEAST < (checkout / "README.md").stat().st_size < MOST


def test_every_file_that_a_page_names_is_there(page: tuple[Path, str], checkout: Path) -> None:
    path, text = page
    linked = [path.parent / name for name in re.findall(r"\]\(([\w./-]+)\)", text)]
    named = [checkout / name for name in re.findall(r"`((?:docs|\.github|reports|fixtures|suites)/[\w./-]+)`", text)]

    kept = [entry for entry in (*linked, *named) if "reports/out" not in str(entry)]
    assert [str(entry) for entry in kept if not entry.exists()] == []


def test_every_module_that_a_page_runs_is_there(page: tuple[Path, str]) -> None:
    _, text = page

    modules = set(re.findall(r"python -m ((?:fixtures|reports|suites)[\w.]*)", text))
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_every_option_that_a_page_gives_to_pytest_is_there(page: tuple[Path, str]) -> None:
    _, text = page
    existing = {option.name for option in OPTIONS} | {"--dist"}

    lines = re.findall(r"^(?:python -m )?pytest ([^#\n]*)", text, re.MULTILINE)
    options = {name for line in lines for name in re.findall(r"(--[a-z][\w-]*)", line)}
    assert options <= existing


def test_every_marker_and_environment_that_a_page_names_is_there(
    page: tuple[Path, str], checkout: Path, pytestconfig: pytest.Config
) -> None:
    _, text = page
    marks = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    tox = configparser.ConfigParser()
    tox.read(checkout / "tox.ini")
    environments = {name.removeprefix("testenv:") for name in tox.sections()} | {"phase0", "phase2", "phase3", "phase4"}

    assert set(re.findall(r"pytest -m (\w+)", text)) <= marks
    assert set(re.findall(r"tox -e ([\w-]+)", text)) <= environments


def test_the_pictures_of_the_page_are_small(checkout: Path) -> None:
    for name in ("page-light.png", "page-dark.png"):
        assert (checkout / "docs" / name).stat().st_size < 300_000
