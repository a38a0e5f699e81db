"""The rules of the house over a source tree: each gives the breaches it finds, as sentences with the way out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FLOORS = {"reports": 0, "fixtures": 1, "suites": 2}
PURE = ("reports/records", "reports/comparison", "reports/judge")
WRITES = {  # modules of pure folders that touch files, with the reason
    "reports/records/run_ledger.py": "the records' own file: appended to, and read back",
    "reports/comparison/multiset_diff.py": "spills sorted numbers to disk, so that memory stays flat",
}
PURE_IMPORTS = {  # deny by default: what a pure module may import beside pure modules
    *("__future__", "abc", "array", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum"),
    *(
        "functools",
        "hashlib",
        "html",
        "shlex",
        "heapq",
        "hmac",
        "importlib",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "pathlib",
    ),
    *(
        "re",
        "statistics",
        "shlex",
        "string",
        "struct",
        "tomllib",
        "types",
        "typing",
        "unicodedata",
        "urllib",
        "zlib",
        "zoneinfo",
    ),
    *("deepdiff", "jsonschema", "msgspec", "numpy", "scipy"),
}
IMPURE_CALLS = re.compile(
    r"^(datetime|date)\.(now|today|utcnow)$|^(random|secrets|os|socket|subprocess)\.|^(open|input)$"
    r"|^time\.(time|monotonic|perf_counter|sleep|localtime|gmtime)"
)
TWINS_MAY_IMPORT = {  # outside fixtures.sandbox: neither the oracle's queries nor the comparison's rules
    "fixtures.settings.env_file",
    "fixtures.settings.settings",
    "fixtures.session",  # parent_watch: the sandbox dies with the run
    "fixtures.session.parent_watch",
    "reports.environment",
    "reports.records.cause_codes",
    "reports.records.suggestion",
}
DRILL_MODULES = (
    "history_faults.py",
    "drill_matrix.py",
)  # of fixtures/sandbox/faults: they write records and read verdicts
READS_ENVIRONMENT = ("reports/environment.py", "fixtures/sandbox/", "fixtures/session/rootdir.py")
MOST_ENTRIES = 12
MOST_LINES = 400
LONGER = {  # a file that may be longer, with the reason
    "fixtures/sandbox/faults/catalogue.py": "a table of all faults",
    "suites/selftest/end_to_end/stores/test_index_parity.py": "its tests share one pair of stores",
}


def sources(root: Path, *folders: str) -> Iterator[tuple[str, Path]]:
    """(path from the root, path) of every Python file in the folders; all three floors without one."""
    for folder in folders or FLOORS:
        for path in sorted((root / folder).rglob("*.py")):
            if "out" not in path.relative_to(root).parts:
                yield path.relative_to(root).as_posix(), path


def imports(path: Path) -> set[str]:
    """Every module (or name of a module) that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def calls(path: Path) -> set[str]:
    """Every dotted name that a file calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def imports_run_one_way(root: Path) -> list[str]:
    return [
        f"{name} imports {module}: imports run suites -> fixtures -> reports"
        for name, path in sources(root)
        for module in imports(path)
        if FLOORS.get(module.split(".")[0], -1) > FLOORS[name.split("/")[0]]
    ]


def pure_folders_are_pure(root: Path) -> list[str]:
    """Imports are held by a list of what is allowed, so everything that they import in turn is pure as well."""
    pure_modules = tuple(folder.replace("/", ".") for folder in PURE)
    breaches = []
    for name, path in sources(root, *PURE):
        if name in WRITES:
            continue
        for module in imports(path):
            of_ours = (
                module == "reports"
                or module.startswith(pure_modules)
                or f"{module}." in (f"{p}." for p in pure_modules)
            )
            if not of_ours and module.split(".")[0] not in PURE_IMPORTS:
                breaches.append(f"{name} imports {module}: move what needs it out of {', '.join(PURE)}")
        breaches += [f"{name} calls {call}: hand the value in" for call in calls(path) if IMPURE_CALLS.search(call)]
    return breaches


def twins_share_no_code_with_the_oracle(root: Path) -> list[str]:
    return [
        f"{name} imports {module}: a twin with the oracle's code repeats its mistakes; write it anew in the sandbox"
        for name, path in sources(root, "fixtures/sandbox")
        for module in imports(path)
        if module.split(".")[0] in FLOORS
        and not module.startswith("fixtures.sandbox")
        and not any(module == allowed or module.startswith(f"{allowed}.") for allowed in TWINS_MAY_IMPORT)
        and module not in ("fixtures", "reports")
        and not name.endswith(DRILL_MODULES)
    ]


def only_the_sandbox_imports_the_sandbox(root: Path) -> list[str]:
    return [
        f"{name} imports {module}: a live run must not reach the sandbox's code; start it as a process"
        for name, path in sources(root, "fixtures", "reports")
        if not name.startswith("fixtures/sandbox/")
        for module in imports(path)
        if module.startswith("fixtures.sandbox")
    ]


def the_environment_is_read_in_one_place(root: Path) -> list[str]:
    reading = re.compile(r"\bos\.(environ|getenv)\b|from os import (environ|getenv)")
    return [
        f"{name} reads the environment: take it from reports.environment"
        for name, path in sources(root, "fixtures", "reports")
        if not name.startswith(READS_ENVIRONMENT) and reading.search(path.read_text(encoding="utf-8"))
    ]


def folders_are_small(root: Path) -> list[str]:
    folders = {path.parent for name, path in sources(root, "fixtures", "reports")}
    entries = {folder: {p.name for p in folder.iterdir() if p.suffix == ".py" or _is_package(p)} for folder in folders}
    return [
        f"{folder.relative_to(root)} has {len(names - {'__init__.py'})} entries: make folders of {MOST_ENTRIES} at most"
        for folder, names in sorted(entries.items())
        if len(names - {"__init__.py"}) > MOST_ENTRIES
    ]


def no_folder_has_a_circle(root: Path) -> list[str]:
    modules = {_module(name): path for name, path in sources(root, "fixtures", "reports")}
    imported_by = {
        module: imports(path) & modules.keys() for module, path in modules.items() if path.name != "__main__.py"
    }
    breaches = []
    for folder in sorted({"", *(module.rpartition(".")[0] for module in modules)}):
        graph: dict[str, set[str]] = {}
        prefix = f"{folder}." if folder else ""
        for module, imported in imported_by.items():
            if module.startswith(prefix):
                entry = module[len(prefix) :].split(".")[0]
                siblings = {text[len(prefix) :].split(".")[0] for text in imported if text.startswith(prefix)}
                graph.setdefault(entry, set()).update(siblings - {entry})
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            breaches.append(f"{folder or 'the root'}: {' <- '.join(error.args[1])} is a circle: move what both need")
    return breaches


def files_are_short(root: Path) -> list[str]:
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in sources(root)}
    long = [
        f"{name} has {count} lines: cut it"
        for name, count in lines.items()
        if count > MOST_LINES and name not in LONGER
    ]
    return long + [
        f"{name} is not long any more: take it off the list" for name in LONGER if lines.get(name, 0) <= MOST_LINES
    ]


def class_names_are_unique(root: Path) -> list[str]:
    places: dict[str, list[str]] = {}
    for name, path in sources(root, "fixtures", "reports"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name)
    return [
        f"class {name} stands in {' and '.join(files)}: rename one" for name, files in places.items() if len(files) > 1
    ]


def constants_have_one_home(root: Path) -> list[str]:
    """Numbers, texts and tuples of equal name and equal value in two modules are one fact in two homes."""
    places: dict[tuple[str, str], list[str]] = {}
    for name, path in sources(root, "fixtures", "reports"):
        if name.startswith("fixtures/sandbox/"):
            continue  # a twin says what its service says, by itself
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                constant = node.targets[0].id
                if (
                    constant.isupper()
                    and not constant.startswith("_")
                    and constant != "SCHEMA"
                    and _is_literal(node.value)
                ):
                    places.setdefault((constant, ast.unparse(node.value)), []).append(name)
    return [
        f"{name} = {value} stands in {' and '.join(files)}" for (name, value), files in places.items() if len(files) > 1
    ]


RULES: Mapping[str, Callable[[Path], list[str]]] = {
    rule.__name__: rule
    for rule in (
        imports_run_one_way,
        pure_folders_are_pure,
        twins_share_no_code_with_the_oracle,
        only_the_sandbox_imports_the_sandbox,
        the_environment_is_read_in_one_place,
        folders_are_small,
        no_folder_has_a_circle,
        files_are_short,
        class_names_are_unique,
        constants_have_one_home,
    )
}


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _is_package(path: Path) -> bool:
    return path.is_dir() and (path / "__init__.py").exists()


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
