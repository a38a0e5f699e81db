"""docs/reference is what the code's own tables say, and every message in it is one that the code gives."""

import re
import tomllib
from pathlib import Path

import pytest

from fixtures.session.options import OPTIONS, VARIABLES
from fixtures.session.rootdir import PATH_OPTIONS
from fixtures.settings.settings import NAMES
from suites import reference


@pytest.mark.parametrize("name", list(reference.pages()))
def test_a_page_is_as_it_would_be_written(name: str) -> None:
    path = reference.FOLDER / name

    assert path.exists()
    assert path.read_text(encoding="utf-8") == reference.pages()[name], "python -m suites.reference"


def test_a_page_that_nothing_writes_is_gone() -> None:
    assert {path.name for path in reference.FOLDER.glob("*")} == set(reference.pages())


def test_every_option_of_a_run_is_in_the_table(pytestconfig: pytest.Config) -> None:
    ours = {"target", "gate"}
    groups = [group for group in pytestconfig._parser._groups if group.name in ours]

    registered = {name for group in groups for option in group.options for name in option.names()}
    assert len(groups) == len(ours)
    assert registered == {option.name for option in OPTIONS}


def test_every_option_has_a_variable_and_a_destination_of_its_own() -> None:
    assert len({option.variable for option in OPTIONS}) == len(OPTIONS)
    assert len({option.destination for option in OPTIONS}) == len(OPTIONS)
    assert not {option.variable for option in OPTIONS} & {*VARIABLES, *NAMES}


def test_every_option_that_takes_a_path_is_kept_from_being_taken_for_a_test_folder() -> None:
    paths = {option.name for option in OPTIONS if re.search("PATH|DIR|FILE", option.value)}

    assert paths == set(PATH_OPTIONS)


def test_every_message_is_one_that_the_code_gives(checkout: Path) -> None:
    source = "".join(path.read_text() for part in ("reports", "fixtures") for path in (checkout / part).rglob("*.py"))
    plain = re.sub(r'"\s*f?"', "", source)
    filled = re.sub(r"\{[^{}]*\}", "299", plain)
    messages = tomllib.loads((checkout / "suites" / "messages.toml").read_text(encoding="utf-8"))["message"]

    assert len(messages) > 20
    assert [message["message"] for message in messages if message["message"] not in plain + filled] == []
