"""The rules of the house hold, and each is seen to be broken when its breach is planted."""

import ast
import runpy
import shutil
import tomllib
from pathlib import Path

import pytest

import fixtures
import reports
from suites.selftest.support.house_rules import RULES
from suites.selftest.support.import_graph import names_of, sources

BREACHES = [  # (rule, file, texts of which each is put at its end)
    (
        "imports_run_one_way",
        "reports/judge/findings.py",
        [
            "import fixtures.settings.settings",
            "from fixtures import settings",
            "import suites",
            "def later():\n    from suites import drills",
            "import importlib\nimportlib.import_module('fixtures.checks.phase')",
            "from importlib import import_module as get\nget('fixtures.checks.phase')",
            "__import__('fixtures.checks.phase')",
            "pytest_plugins = ['fixtures.session.start']",
        ],
    ),
    (
        "imports_are_written_out",
        "fixtures/checks/phase.py",
        [
            "import importlib\nimportlib.import_module(f'fixtures.{NAME}')",
            "from importlib import import_module\nimport_module(NAME, package=PLACE)",
            "import importlib\nimportlib.import_module('.phase', 'fixtures.checks')",
            "exec('import os')",
            "import sys\nsys.modules['os']",
            "import runpy\nrunpy.run_module('fixtures.sandbox')",
            "from reports.records.records import *",
        ],
    ),
    (
        "pure_folders_are_pure",
        "reports/judge/rules/share.py",
        [
            "import random",
            "def later():\n    import socket",
            "import os as _system",
            "import time",
            "from uuid import uuid4",
            "import importlib\nimportlib.import_module('random')",
            "__import__('time')",
            "import urllib.request",
            "import datetime\nLATE = datetime.datetime.now()",
            "import datetime as d\nLATE = d.datetime.now()",
            "from datetime import datetime as moment\nLATE = moment.utcnow()",
            "from datetime import date\nCLOCK = date\nLATE = CLOCK.today()",
            "from datetime import datetime\nCLOCK = datetime.now",
            "from datetime import datetime\ngetattr(datetime, 'now')()",
            "def late(clock):\n    return clock.now()",
            "import numpy as np\nnp.random.random()",
            "import numpy as np\nnp.random.default_rng()",
            "from numpy import random",
            "import numpy as np\nnp.load('x')",
            "from reports.history import store",
            "import reports\nreports.environment.environment()",
            "from ...history import store",
            "def later():\n    import reports.output.presentation",
            "TEXT = open('x')",
            "from pathlib import Path\nPath('x').read_text()",
            "from pathlib import Path\nHERE = Path.cwd()",
            "print('x')",
        ],
    ),
    ("pure_folders_are_pure", "reports/comparison/list_diff.py", ["import random"]),
    ("pure_folders_are_pure", "reports/judge/a_new_module.py", ["import os"]),
    ("pure_folders_are_pure", "reports/judge/a/new/folder.py", ["import os"]),
    ("pure_folders_are_pure", "reports/judge/out/hidden.py", ["import os"]),
    (
        "pure_folders_are_pure",
        "reports/records/run_ledger.py",
        [
            "import random",
            "from datetime import datetime\nLATE = datetime.now()",
            "import os\nos.environ",
            "from reports.plugin import net",
        ],
    ),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/sandbox/contact360/company/sql.py",
        [
            "import reports.comparison.list_diff",
            "from fixtures.checks.linkedin import oracle",
            "from fixtures.checks.company_contacts.filter_sql import conditions",
            "def later():\n    from reports import comparison\n    comparison.list_diff",
            "import importlib\nimportlib.import_module('fixtures.checks.linkedin.oracle')",
            "import fixtures\nfixtures.checks.linkedin.oracle.X",
            "from ....checks.linkedin import oracle",
            "from fixtures.session import plan",
            "from fixtures.sandbox.faults import history_faults",
        ],
    ),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/settings/settings.py",
        ["from fixtures.checks.linkedin import oracle", "def later():\n    import reports.comparison.list_diff"],
    ),
    ("twins_share_no_code_with_the_oracle", "fixtures/session/parent_watch.py", ["import fixtures.checks.phase"]),
    (
        "twins_share_no_code_with_the_oracle",
        "fixtures/sandbox/faults/history_faults.py",
        ["from fixtures.checks.linkedin import oracle"],
    ),
    (
        "only_the_sandbox_imports_the_sandbox",
        "fixtures/index_parity/table.py",
        [
            "from fixtures.sandbox.faults import catalogue",
            "def later():\n    from fixtures import sandbox",
            "import importlib\nimportlib.import_module('fixtures.sandbox.stack')",
            "import fixtures\nfixtures.sandbox.stack.start()",
            "from ..sandbox import stack",
        ],
    ),
    ("only_the_sandbox_imports_the_sandbox", "suites/phase3_exports/conftest.py", ["import fixtures.sandbox.stack"]),
    (
        "the_environment_is_read_in_one_place",
        "fixtures/checks/phase.py",
        [
            "import os\nX = os.environ.get('X')",
            "import os\nX = os.getenv('X')",
            "import os as o\nX = o.environ['X']",
            "from os import path, environ",
            "from os import getenv as setting",
            "import os\nX = os.environb",
            "import os\nX = getattr(os, 'environ')",
            "import os\nsystem = os\nX = system.environ",
            "import importlib\nX = importlib.import_module('os').getenv('X')",
            "import os.path\nX = os.path.expandvars('$X')",
            "X = open('/proc/self/environ').read()",
        ],
    ),
    ("the_environment_is_read_in_one_place", "suites/phase3_exports/conftest.py", ["import os\nos.environ"]),
    (
        "causes_are_of_the_list",
        "fixtures/checks/linkedin/checks.py",
        [
            "from reports.records.cause_codes import CauseCode\nX = CauseCode.PAGE_LIMT",
            "from reports.records.cause_codes import CauseCode as C\nX = C.COUNT_WRNOG",
            "from reports.records.cause_codes import CauseCode\nX = CauseCode('page-limt')",
            "from reports.records.cause_codes import CauseCode\nX = CauseCode['PAGE_LIMT']",
            "def why() -> CauseCode | None:\n    return 'page-limt' if X else None",
            "X = replace(comparison, cause='atribute-wrong')",
            "def why(record):\n    record.cause = 'count-wrnog'",
            "X = comparison.cause == 'count-wrnog'",
            "X: dict[str, CauseCode] = {'timeout': 'time-outs'}",
            "X = finding.cause.code in ('count-wrnog', 'timeouts')",
        ],
    ),
    ("no_folder_has_a_circle", "reports/records/records.py", ["from reports.judge import findings"]),
    ("no_folder_has_a_circle", "reports/records/records.py", ["def later():\n    import reports.judge.findings"]),
    ("class_names_are_unique", "fixtures/checks/cases.py", ["class Verdict:\n    pass"]),
    ("constants_have_one_home", "fixtures/checks/cases.py", ["IN_FLIGHT = 4", "IN_FLIGHT: int = 4"]),
    ("files_are_short", "reports/judge/findings.py", ["#\n" * 400]),
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


@pytest.mark.parametrize(
    ("rule", "name", "text"), [(rule, name, text) for rule, name, texts in BREACHES for text in texts]
)
def test_a_breach_is_seen(copy: Path, rule: str, name: str, text: str) -> None:
    path = copy / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before or ''}{text}\n", encoding="utf-8")
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
    names = {plugin: f"{plugin.replace('.', '/')}.py" for plugin in plugins}
    reached = {plugin: names_of(name, checkout / name) for plugin, name in names.items()}
    imported = {plugin: entry.imports - entry.by_text for plugin, entry in reached.items()}  # by text: when needed

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
