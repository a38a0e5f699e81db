"""Which module imports which: by what files say, and through others."""

from pathlib import Path

import pytest

from suites.selftest.support.import_graph import closure, imports_by_module
from suites.selftest.support.reached_names import reached_names

FILES = {
    "reports/__init__.py": "",
    "reports/a.py": "def later():\n    from reports import b\n",
    "reports/b.py": "from .inner import c as other\n",
    "reports/inner/__init__.py": '"""Nothing but a docstring."""\n',
    "reports/inner/c.py": "import reports.a\nimport json\n",
    "reports/d.py": "import reports\nreports.b.name\n",
    "reports/full/__init__.py": '"""A package with code."""\nfrom reports import d\n',
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_modules_are_found_by_every_form_of_import(tree: Path) -> None:
    assert imports_by_module(tree, "reports") == {
        "reports": set(),
        "reports.a": {"reports.b"},
        "reports.b": {"reports.inner.c"},
        "reports.inner": set(),
        "reports.inner.c": {"reports.a"},
        "reports.d": {"reports.b"},
        "reports.full": {"reports.d"},
    }


def test_a_module_reaches_what_its_imports_import(tree: Path) -> None:
    graph = imports_by_module(tree, "reports")

    assert closure(graph, "reports.full") == {
        "reports.full",
        *(f"reports.{name}" for name in ("d", "b", "a", "inner.c")),
    }
    assert closure(graph, "reports.inner") == {"reports.inner"}


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("import a.b as c\nc.d()", {"a.b", "a.b.d"}),
        ("from a import b as c\nd = c\nd.e", {"a", "a.b", "a.b.e"}),
        ("from . import b", {"p.q", "p.q.b"}),
        ("from ..r import b", {"p.r", "p.r.b"}),
        ("b.c()", set()),
    ],
)
def test_names_are_followed_from_what_is_imported(source: str, reached: set[str]) -> None:
    assert reached_names(source, "p.q").reached == reached
