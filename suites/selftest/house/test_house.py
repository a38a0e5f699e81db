"""The rules of the house, checked in the source: who imports whom, who shares code, how long a file may be."""

import ast
import tomllib
from pathlib import Path

import pytest

import fixtures
import reports

ORDER = {"reports": 0, "fixtures": 1, "suites": 2}
PURE = ("reports/records", "reports/comparison", "reports/judge")
WRITES = {"reports/records/run_ledger.py"}  # the records' own file: appended to, and read back
IMPURE_MODULES = {"time", "random", "os", "pytest", "socket", "subprocess", "httpx", "psycopg", "secrets"}
MOST_LINES = 400
MOST_ENTRIES = 12
LONGER = {  # a file that may be: why
    "fixtures/sandbox/faults/catalogue.py": "a table: whoever looks for a fault has all of them in view",
    "suites/selftest/end_to_end/stores/test_index_parity.py": "its tests share one pair of stores",
}


def _sources(checkout: Path) -> list[Path]:
    found = [path for part in ORDER for path in sorted((checkout / part).rglob("*.py"))]
    assert len(found) > 20, "the rules would hold for an empty house"
    return found


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_file_is_long_without_a_reason(checkout: Path) -> None:
    lines = {str(path.relative_to(checkout)): path.read_text().count("\n") for path in _sources(checkout)}

    assert {name for name, count in lines.items() if count > MOST_LINES} == set(LONGER)


def test_imports_run_one_way(checkout: Path) -> None:
    against = [
        f"{path.relative_to(checkout)} imports {name}"
        for path in _sources(checkout)
        for name in _imports(path)
        if ORDER.get(name.split(".")[0], -1) > ORDER[path.relative_to(checkout).parts[0]]
    ]

    assert against == []


def test_the_judgement_touches_nothing(checkout: Path) -> None:
    paths = [path for part in PURE for path in (checkout / part).rglob("*.py")]
    paths = [path for path in paths if str(path.relative_to(checkout)) not in WRITES]
    touching = {str(path): _imports(path) & IMPURE_MODULES for path in paths if _imports(path) & IMPURE_MODULES}

    assert touching == {}


def test_the_twins_share_no_query_code_with_the_oracle(checkout: Path) -> None:
    oracle = {
        "fixtures.clients.postgres",
        "fixtures.checks.cases",
        "fixtures.checks.check",
        "fixtures.checks.runner",
        "reports.comparison.record_diff",
        "reports.comparison.canonical",
    }
    sharing = [path.name for path in (checkout / "fixtures" / "sandbox").rglob("*.py") if _imports(path) & oracle]

    assert sharing == []


def test_the_oracle_knows_no_twin(checkout: Path) -> None:
    knowing = [
        path.name
        for path in (checkout / "fixtures").glob("*.py")
        if any(name.startswith("fixtures.sandbox") for name in _imports(path))
    ]

    assert knowing == []


@pytest.mark.parametrize("package", [fixtures, reports], ids=["fixtures", "reports"])
def test_the_packages_imported_are_ours(checkout: Path, package: object) -> None:
    assert Path(package.__file__).is_relative_to(checkout)  # type: ignore[attr-defined]


def test_the_root_conftest_lists_plugins_and_nothing_else(checkout: Path) -> None:
    _docstring, assignment = ast.parse((checkout / "conftest.py").read_text()).body

    assert isinstance(assignment, ast.Assign)
    assert [target.id for target in assignment.targets if isinstance(target, ast.Name)] == ["pytest_plugins"]


def test_every_gate_names_a_registered_mark(checkout: Path, pytestconfig: pytest.Config) -> None:
    marks = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    phases = {tomllib.loads(path.read_text())["phase"] for path in (checkout / "suites").glob("*/gate.toml")}

    assert phases <= marks
