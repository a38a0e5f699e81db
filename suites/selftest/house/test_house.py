"""The rules of the house hold, and each is seen to be broken when its breach is planted."""

import ast
import runpy
import shutil
import tomllib
from pathlib import Path

import pytest

import fixtures
import reports
from suites.selftest.support.house_rules import RULES, imports, sources

BREACHES = [  # (rule, file, text that is put at its end)
    ("imports_run_one_way", "reports/judge/findings.py", "import fixtures.settings.settings\n"),
    ("pure_folders_are_pure", "reports/comparison/list_diff.py", "import random\n"),
    ("pure_folders_are_pure", "reports/comparison/range_digests.py", "import socket\n"),
    ("pure_folders_are_pure", "reports/judge/rules/share.py", "LATE = datetime.now()\n"),
    ("pure_folders_are_pure", "reports/judge/rules/share.py", "from reports.history import store\n"),
    ("pure_folders_are_pure", "reports/judge/a_new_module.py", "import os\n"),
    ("pure_folders_are_pure", "reports/judge/verdict.py", 'TEXT = open("x")\n'),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/sandbox/contact360/company/sql.py",
        "import reports.comparison.list_diff\n",
    ),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/sandbox/contact360/linkedin.py",
        "from fixtures.checks.linkedin import oracle\n",
    ),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/sandbox/contact360/core.py",
        "from fixtures.checks.company_contacts.filter_sql import conditions\n",
    ),
    (
        "only_the_sandbox_imports_the_sandbox",
        "fixtures/index_parity/table.py",
        "from fixtures.sandbox.faults import catalogue\n",
    ),
    (
        "the_environment_is_read_in_one_place",
        "fixtures/checks/phase.py",
        'import os\nX = os.environ.get("X")\n',
    ),
    ("no_folder_has_a_circle", "reports/records/records.py", "from reports.judge import findings\n"),
    ("class_names_are_unique", "fixtures/checks/cases.py", "class Verdict:\n    pass\n"),
    ("constants_have_one_home", "fixtures/checks/cases.py", "IN_FLIGHT = 4\n"),
    ("files_are_short", "reports/judge/findings.py", "#\n" * 400),
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_the_house_holds(checkout: Path, rule: str) -> None:
    assert RULES[rule](checkout) == []


@pytest.fixture(scope="module")
def copy(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources without anything else, to plant breaches in."""
    root = tmp_path_factory.mktemp("house")
    for name, path in sources(checkout):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / name)
    assert len(list(root.rglob("*.py"))) > 300, "the rules would hold for an empty house"
    return root


@pytest.mark.parametrize(("rule", "name", "text"), BREACHES)
def test_a_breach_is_seen(copy: Path, rule: str, name: str, text: str) -> None:
    path = copy / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text((before or "") + text, encoding="utf-8")
    try:
        breaches = RULES[rule](copy)
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")

    assert any(name in breach or name.split("/")[0] in breach for breach in breaches)


def test_a_folder_of_thirteen_is_seen(copy: Path) -> None:
    for number in range(13):
        (copy / "reports" / "records" / f"m{number}.py").write_text("")

    assert any("reports/records has" in breach for breach in RULES["folders_are_small"](copy))


@pytest.mark.parametrize("package", [fixtures, reports], ids=["fixtures", "reports"])
def test_the_packages_imported_are_ours(checkout: Path, package: object) -> None:
    assert Path(package.__file__).is_relative_to(checkout)  # type: ignore[attr-defined]


def test_the_root_conftest_lists_plugins_and_nothing_else(checkout: Path) -> None:
    _docstring, assignment = ast.parse((checkout / "conftest.py").read_text()).body

    assert isinstance(assignment, ast.Assign)
    assert [target.id for target in assignment.targets if isinstance(target, ast.Name)] == ["pytest_plugins"]


def test_no_plugin_imports_one_that_is_registered_after_it(checkout: Path) -> None:
    plugins = runpy.run_path(str(checkout / "conftest.py"))["pytest_plugins"]
    imported = {plugin: imports(checkout / f"{plugin.replace('.', '/')}.py") for plugin in plugins}

    assert not [
        f"{plugin} imports {later}: pytest warns of a plugin that is imported before it is registered"
        for place, plugin in enumerate(plugins)
        for later in plugins[place + 1 :]
        if later in imported[plugin]
    ]


def test_every_gate_names_a_registered_mark(checkout: Path, pytestconfig: pytest.Config) -> None:
    marks = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    phases = {tomllib.loads(path.read_text())["phase"] for path in (checkout / "suites").glob("*/gate.toml")}

    assert phases <= marks
