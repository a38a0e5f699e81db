"""Source files by their place in the tree, and which module imports which, directly or through others."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from suites.selftest.support.reached_names import ReachedNames, parsed, reached_names

FLOORS = {"reports": 0, "fixtures": 1, "suites": 2}


def sources(root: Path, *folders: str) -> Iterator[tuple[str, Path]]:
    """(path from the root, path) of every Python file in the folders; all three floors without one."""
    for folder in folders or FLOORS:
        for path in sorted(path for place in root.glob(folder) for path in place.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not (name.startswith("suites/") and "/out/" in name):  # of a run that was started in there
                yield name, path


def names_of(name: str, path: Path) -> ReachedNames:
    """What the file with this path from the root reaches."""
    package = name.rpartition("/")[0].replace("/", ".")
    return reached_names(path.read_text(encoding="utf-8"), package)


def module_of(name: str) -> str:
    """The module's name of a file, by its path from the root."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports_by_module(root: Path, *folders: str) -> dict[str, set[str]]:
    """The modules of these folders, each with those of them that it imports; packages without code are left out."""
    files = {module_of(name): (name, path) for name, path in sources(root, *folders)}
    modules = {
        module for module, (name, path) in files.items() if not name.endswith("__init__.py") or len(body_of(path)) > 1
    }
    return {module: set(_modules_of(names_of(*files[module]), modules)) for module in files}


def body_of(path: Path) -> list[ast.stmt]:
    """The statements of a file."""
    return parsed(path.read_text(encoding="utf-8")).body


def _modules_of(names: ReachedNames, modules: Container[str]) -> Iterator[str]:
    """The modules that these names lie in."""
    for name in names.reached:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        if name:
            yield name


def closure(graph: Mapping[str, set[str]], module: str) -> set[str]:
    """The module and all that it imports, directly or through others."""
    reached, waiting = set[str](), [module]
    while waiting:
        entry = waiting.pop()
        if entry not in reached:
            reached.add(entry)
            waiting += graph.get(entry, ())
    return reached
