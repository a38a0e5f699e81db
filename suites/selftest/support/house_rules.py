"""The rules of the house over a source tree: each gives the breaches it finds, as sentences with the way out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from suites.selftest.support.import_graph import (
    FLOORS,
    body_of,
    closure,
    imports_by_module,
    module_of,
    names_of,
    sources,
)
from suites.selftest.support.reached_names import ReachedNames, nodes_of

LIVE_SUITES = ("suites/availability", "suites/phase*", "suites/rollback")  # asked of live targets, like fixtures
PURE = ("reports/records", "reports/comparison", "reports/judge")
PURE_IMPORTS = {  # deny by default: what a pure module may import beside pure modules
    *("__future__", "abc", "array", "bisect", "collections", "dataclasses", "datetime", "decimal", "difflib", "enum"),
    *("functools", "hashlib", "heapq", "hmac", "html", "itertools", "json", "math", "numbers", "operator", "pathlib"),
    *("re", "shlex", "statistics", "string", "struct", "tomllib", "types", "typing", "unicodedata", "urllib.parse"),
    *("zlib", "zoneinfo", "deepdiff", "jsonschema", "msgspec", "numpy", "scipy"),
}
WRITES: Mapping[str, tuple[str, ...]] = {  # modules of pure folders that touch files, and what they import for it
    "reports/records/run_ledger.py": (
        "os",
        "threading",
        "contextlib",
    ),  # the records' own file: appended to, and read back
    "reports/comparison/multiset_diff.py": ("contextlib",),  # spills sorted numbers to disk, so that memory stays flat
}
READS: Mapping[str, set[str]] = {  # modules of pure folders that read what lies beside them, and by which calls
    "reports/judge/causes.py": {".read_text"},
    "reports/judge/integrity/suite.py": {".read_bytes", ".rglob"},
    "reports/judge/policy.py": {".read_text"},
    "reports/judge/verdict.py": {".read_text"},
}
IMPURE = re.compile(  # names that a pure module may not reach: the clock, chance, the environment, the process
    r"^datetime\.(datetime|date)\.(now|today|utcnow)$|^time\.|^numpy\.random\.(?!default_rng$|Generator$)"
    r"|^os\.(environ|getenv|urandom|system|popen)|^pathlib\.Path\.(cwd|home)$"
)
NUMPY_FILES = re.compile(r"^numpy\.(load|save|memmap|fromfile|genfromtxt)")
IMPURE_CALLS = re.compile(
    r"^(open|input|print|breakpoint|id|hash|__import__)$|^\.(now|today|utcnow|cwd|home|expanduser|rvs)$"
)
FILE_CALLS = {
    *(".read_text", ".read_bytes"),
    *(".write_text", ".write_bytes", ".open", ".mkdir", ".rmdir", ".unlink", ".touch", ".iterdir", ".glob", ".rglob"),
    *(".exists", ".stat", ".lstat", ".tofile", ".is_file", ".is_dir", ".resolve", ".absolute", ".readlink", ".chmod"),
}
UNSEEDED = "numpy.random.default_rng"  # called without a seed
TWINS_MAY_IMPORT = {  # outside fixtures.sandbox: neither the oracle's queries nor the comparison's rules
    "fixtures.settings.env_file",
    "fixtures.settings.settings",
    "fixtures.session.parent_watch",  # the sandbox dies with the run
    "reports.environment",
    "reports.records.cause_codes",
    "reports.records.suggestion",
}
TWINS_MAY_REACH = (
    *TWINS_MAY_IMPORT,
    "fixtures.sandbox",
    "fixtures.settings",
    "reports.records",
)  # through what they import
ORACLE = ("fixtures.checks", "fixtures.clients")  # what drills must not reach either
DRILL_MODULES = (
    "history_faults.py",
    "drill_matrix.py",
)  # of fixtures/sandbox/faults: they write records and read verdicts
READS_ENVIRONMENT = ("reports/environment.py", "fixtures/sandbox/", "fixtures/session/rootdir.py")
ENVIRONMENT = re.compile(
    r"^(os|posix|nt)\.(environb?|getenvb?|putenv|unsetenv)\b|^os\.path\.expandvars$"
    r"|^urllib\.request\.getproxies|^dotenv\b"
)
ENVIRONMENT_CALLS = {".expandvars", ".getenv", ".getenvb", ".putenv"}
CAUSES = "reports/records/cause_codes.py"
MOST_ENTRIES = 12
MOST_LINES = 400
LONGER = {  # a file that may be longer, with the reason
    "fixtures/sandbox/faults/catalogue.py": "a table of all faults",
    "suites/selftest/end_to_end/stores/test_index_parity.py": "its tests share one pair of stores",
}


def imports_run_one_way(root: Path) -> list[str]:
    return [
        f"{name} imports {module}: imports run suites -> fixtures -> reports"
        for name, path in sources(root, "fixtures", "reports")
        for module in sorted(names_of(name, path).reached)
        if FLOORS.get(module.split(".")[0], -1) > FLOORS[name.split("/")[0]]
    ]


def imports_are_written_out(root: Path) -> list[str]:
    return [
        f"{name}: {piece} hides what is imported from the rules of the house: write the import out"
        for name, path in sources(root, "fixtures", "reports", *LIVE_SUITES)
        for piece in sorted(names_of(name, path).unseen)
    ]


def pure_folders_are_pure(root: Path) -> list[str]:
    """Imports are held by a list of what is allowed, so everything that they import in turn is pure as well."""
    return [breach for name, path in sources(root, *PURE) for breach in _impurities(name, names_of(name, path))]


def _impurities(name: str, names: ReachedNames) -> Iterator[str]:
    own = tuple(folder.replace("/", ".") for folder in PURE)
    allowed = (*PURE_IMPORTS, *WRITES.get(name, ()))
    for module in sorted(names.reached):
        root = module.split(".")[0]
        is_ours = root in FLOORS and not is_within(module, own) and not any(is_within(pure, (module,)) for pure in own)
        is_foreign = module in names.imports and root not in FLOORS and not is_within(module, allowed)
        if is_ours or (is_foreign and not any(is_within(entry, (module,)) for entry in allowed)):
            yield f"{name} imports {module}: move what needs it out of {', '.join(PURE)}"
        elif IMPURE.search(module) or (module in names.imports and is_within(module, ("numpy.random",))):
            yield f"{name} reaches {module}: hand the value in"
    impure = {module for module in names.reached if NUMPY_FILES.search(module) and name not in WRITES}
    files = set() if name in WRITES else FILE_CALLS - READS.get(name, set())
    impure |= {call for call in names.calls if IMPURE_CALLS.search(call) or call in files}
    for call in sorted(impure | ({UNSEEDED} & names.called_bare)):
        yield f"{name} calls {call}: hand the value in"


def is_within(module: str, packages: Iterable[str]) -> bool:
    """Whether it is one of them, or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def twins_share_no_code_with_the_oracle(root: Path) -> list[str]:
    """Neither by what they import themselves nor by what that imports in turn."""
    graph = imports_by_module(root, "fixtures", "reports")
    return [
        f"{name} imports {text}: a twin with the oracle's code repeats its mistakes; write it anew in the sandbox"
        for name, _ in sources(root, "fixtures/sandbox")
        for text in sorted(_of_the_oracle(graph, name))
    ]


def _of_the_oracle(graph: Mapping[str, set[str]], name: str) -> set[str]:
    """What a module of the sandbox imports and should not, itself or through others."""
    if name.endswith(DRILL_MODULES):
        return {text for text in closure(graph, module_of(name)) if is_within(text, ORACLE)}
    drills = tuple(drill.removesuffix(".py") for drill in DRILL_MODULES)
    of_sandbox = {text for text in graph[module_of(name)] if is_within(text, ("fixtures.sandbox",))}
    direct = graph[module_of(name)] - of_sandbox
    reached = {text for entry in direct for text in closure(graph, entry)}
    return (
        {text for text in of_sandbox if text.endswith(drills)}
        | {text for text in direct if not is_within(text, TWINS_MAY_IMPORT)}
        | {text for text in reached if not is_within(text, TWINS_MAY_REACH)}
    )


def only_the_sandbox_imports_the_sandbox(root: Path) -> list[str]:
    return [
        f"{name} imports {module}: a live run must not reach the sandbox's code; start it as a process"
        for name, path in sources(root, "fixtures", "reports", *LIVE_SUITES)
        if not name.startswith("fixtures/sandbox/")
        for module in sorted(names_of(name, path).reached)
        if is_within(module, ("fixtures.sandbox",))
    ]


def the_environment_is_read_in_one_place(root: Path) -> list[str]:
    breaches = []
    for name, path in sources(root, "fixtures", "reports", *LIVE_SUITES):
        if name.startswith(READS_ENVIRONMENT):
            continue
        names = names_of(name, path)
        readings = {text for text in names.reached if ENVIRONMENT.search(text)} | (names.calls & ENVIRONMENT_CALLS)
        if readings or "/environ" in path.read_text(encoding="utf-8"):
            breaches.append(f"{name} reads the environment ({', '.join(sorted(readings))}): use reports.environment")
    return breaches


def causes_are_of_the_list(root: Path) -> list[str]:
    """A cause is named by a member of CauseCode, never by its text: a slip would be a cause of its own."""
    class_of_codes = next(node for node in body_of(root / CAUSES) if isinstance(node, ast.ClassDef))
    members = {
        target.id
        for node in class_of_codes.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    breaches = []
    for name, path in sources(root, "fixtures", "reports"):
        reached = (text.rpartition(".CauseCode.")[2] for text in names_of(name, path).reached if ".CauseCode." in text)
        unknown = {code.split(".")[0] for code in reached} - members
        breaches += [f"{name} names CauseCode.{code}, which {CAUSES} does not list" for code in sorted(unknown)]
        literals = _literal_causes(path.read_text(encoding="utf-8"))
        breaches += [f"{name} names the cause {text!r} by its text: use a member of CauseCode" for text in literals]
    return breaches


@cache
def _literal_causes(source: str) -> list[str]:
    """Texts that stand where a cause belongs: in its conversion, as an argument, a result, a value or a comparison."""
    return sorted({text for node in nodes_of(source) for text in _texts_for_a_cause(node)})


def _texts_for_a_cause(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id="CauseCode"), args=[value]) | ast.keyword(arg="cause" | "code", value=value):
            yield from _texts(value)
        case ast.Subscript(value=ast.Name(id="CauseCode"), slice=value):
            yield from _texts(value)
        case ast.FunctionDef(returns=ast.expr() as result) if "CauseCode" in ast.unparse(result):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from _texts(inner.value)
        case ast.Assign(targets=[ast.Name(id="cause") | ast.Attribute(attr="cause")], value=value):
            yield from _texts(value)
        case ast.AnnAssign(annotation=kind, value=ast.expr() as value) if "CauseCode" in ast.unparse(kind):
            yield from _texts(value)
        case ast.Compare(left=left, comparators=comparators) if any(map(_is_cause, (left, *comparators))):
            for side in (left, *comparators):
                yield from _texts(side)


def _texts(value: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_texts(body), *_texts(orelse))
        case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.Set(elts=values) | ast.List(elts=values):
            for entry in values:
                yield from _texts(entry)
        case ast.Dict(values=values):
            for entry in values:
                yield from _texts(entry)


def _is_cause(node: ast.expr) -> bool:
    return ast.unparse(node).split(".")[-1] == "cause" or ast.unparse(node).endswith("cause.code")


def folders_are_small(root: Path) -> list[str]:
    folders = {path.parent for name, path in sources(root, "fixtures", "reports")}
    entries = {folder: {p.name for p in folder.iterdir() if p.suffix == ".py" or _is_package(p)} for folder in folders}
    return [
        f"{folder.relative_to(root)} has {len(names - {'__init__.py'})} entries: make folders of {MOST_ENTRIES} at most"
        for folder, names in sorted(entries.items())
        if len(names - {"__init__.py"}) > MOST_ENTRIES
    ]


def no_folder_has_a_circle(root: Path) -> list[str]:
    modules = {module_of(name): name for name, _ in sources(root, "fixtures", "reports")}
    imported_by = {
        module: names_of(name, root / name).reached & modules.keys()
        for module, name in modules.items()
        if not name.endswith("__main__.py")
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
        for node in nodes_of(path.read_text(encoding="utf-8")):
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
        for node in body_of(path):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            constant = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else "_"
            is_public = constant.isupper() and not constant.startswith("_") and constant != "SCHEMA"
            if is_public and value is not None and _is_literal(value):
                places.setdefault((constant, ast.unparse(value)), []).append(name)
    return [
        f"{name} = {value} stands in {' and '.join(files)}" for (name, value), files in places.items() if len(files) > 1
    ]


RULES: Mapping[str, Callable[[Path], list[str]]] = {
    rule.__name__: rule
    for rule in (
        imports_run_one_way,
        imports_are_written_out,
        causes_are_of_the_list,
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
