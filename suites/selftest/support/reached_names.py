"""The names that a source file reaches through its imports, however those are written.

An import counts wherever it stands, plain, relative, under another name, or by its text at run time. From there dotted
names are followed: `import datetime as d; clock = d.datetime; clock.now()` reaches `datetime.datetime.now`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

BY_TEXT = {  # calls that import the module which their first argument names
    *("importlib.import_module", "importlib.__import__", "__import__", "import_module", "import_plugin"),
    *("pytest.importorskip", "importorskip"),
}
HIDDEN = {  # calls and names behind which imports can't be seen
    *("exec", "eval", "runpy.run_module", "runpy.run_path", "sys.modules", "globals"),
    *("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader", "importlib.reload"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedNames:
    """`imports` are modules or names of modules; `reached` are those and what is followed from them.

    `calls` are the names that are called, methods by their last part with a dot before it (`.read_text`). `called_bare`
    are those called without any argument. `unseen` are pieces of source that may import what can't be seen.
    """

    imports: frozenset[str]
    by_text: frozenset[str]
    reached: frozenset[str]
    calls: frozenset[str]
    called_bare: frozenset[str]
    unseen: frozenset[str]


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a source, made once. Not to be changed."""
    return ast.parse(source)


@cache
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    """Every node of a source."""
    return tuple(ast.walk(parsed(source)))


@cache
def reached_names(source: str, package: str) -> ReachedNames:
    """The names of a source that lies in this package, by which its relative imports are resolved."""
    nodes = nodes_of(source)
    aliases: dict[str, str] = {}
    imports: set[str] = set()
    unseen: set[str] = set()
    for local, target in _imported(nodes, package):
        imports.add(target.removesuffix(".*"))
        aliases[local] = target
        if local == "*":
            unseen.add(f"from {target.removesuffix('.*')} import *")
    _follow_assignments(nodes, aliases)
    reached = {name for node in nodes if (name := _dotted(node, aliases))}
    calls, called_bare, by_text = set(), set(), set()
    for node in nodes:
        if isinstance(node, ast.Call):
            name = _dotted(node.func, aliases) or _method(node.func)
            calls |= {name, _method(node.func)}
            called_bare |= {name} if not node.args and not node.keywords else set()
            if name in BY_TEXT or _method(node.func)[1:] in BY_TEXT:
                text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
                by_text |= {text} if isinstance(text, str) and text and not text.startswith(".") else set()
                unseen |= set() if text and not str(text).startswith(".") else {ast.unparse(node)}
    unseen |= {name for name in reached | calls if name in HIDDEN}
    imports |= by_text | _plugins(nodes)
    return ReachedNames(
        imports=frozenset(imports),
        by_text=frozenset(by_text),
        reached=frozenset(reached | imports),
        calls=frozenset(calls),
        called_bare=frozenset(called_bare),
        unseen=frozenset(unseen),
    )


def _imported(nodes: tuple[ast.AST, ...], package: str) -> Iterator[tuple[str, str]]:
    """(the name that a file uses, what it stands for) of each import, and ('', module) of where names come from."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (
                    (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0], alias.name.split(".")[0])
                )
                yield "", alias.name
        elif isinstance(node, ast.ImportFrom):
            home = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (home, node.module)))
            yield "", module
            for alias in node.names:
                yield alias.asname or alias.name, f"{module}.{alias.name}"


def _follow_assignments(nodes: tuple[ast.AST, ...], aliases: dict[str, str]) -> None:
    """Add names that are given to imported things: `clock = datetime`; twice, for a name of a name."""
    for _ in range(2):
        for node in nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                name = _dotted(node.value, aliases)
                if name:
                    aliases.update({target.id: name for target in targets if isinstance(target, ast.Name)})


def _dotted(node: ast.AST, aliases: Mapping[str, str]) -> str:
    """The dotted name that an expression stands for, from what is imported on; '' for any other."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id if node.id in BY_TEXT | HIDDEN else "")
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, aliases)
        return f"{owner}.{node.attr}" if owner else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        owner, attribute = _dotted(node.args[0], aliases), node.args[1]
        return f"{owner}.{attribute.value}" if owner and isinstance(attribute, ast.Constant) else ""
    return ""


def _method(node: ast.expr) -> str:
    """The last part of what is called: `.now` of a method, the name itself of a function."""
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        return f".{node.args[1].value}" if isinstance(node.args[1], ast.Constant) else ""
    return node.id if isinstance(node, ast.Name) else ""


def _plugins(nodes: tuple[ast.AST, ...]) -> set[str]:
    """Modules that pytest imports for a file that lists them."""
    lists = (
        node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "pytest_plugins" for target in node.targets)
    )
    texts = (node for entry in lists for node in ast.walk(entry) if isinstance(node, ast.Constant))
    return {text.value for text in texts if isinstance(text.value, str)}
