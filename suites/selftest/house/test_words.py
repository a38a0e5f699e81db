"""Names and messages are plain: the field's words, GO, HOLD and NO-GO alone as verdicts, no private language."""

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from suites.selftest.support.import_graph import sources

PARTICIPLES = {  # class names that do not say of what: a bare participle or verb
    *("Asked", "Told", "Seen", "Held", "Found", "Kept", "Served", "Walked", "Valued", "Sought", "Searched", "Filed"),
    *("Filtered", "Watched", "Judged", "Rehearsed", "Done", "Layered", "Later", "Quiet", "Troubled", "Drawn", "Read"),
    *("Wanted", "Named", "Refused", "Unasked", "Unpaid", "Counted", "Answered", "Decided", "Mutated", "Chosen"),
}
METAPHORS = re.compile(  # in names of modules and classes; the field has a word for each
    r"^(fuse|pace|restraint|mischief|damage|bill|agenda|staff|recall|past|chronicle|exhibit|ground|stranger"
    r"|discretion|censor|bystander|greeting|steadiness|roster|wart|shelf|shelves|heap|glimpse|keeper|strata|witness)s?$"
)
SHAPELESS = re.compile(r"^(utils?|helpers?|common|misc|stuff)$")
UNCLEAR = re.compile(  # in messages: what does whom, in words for people about software
    r"(?<![-\w])(nobody|somebody|whoever|everybody|vouch\w*|heed\w*|illness|glimps\w*|discreet\w*|bystander\w*"
    r"|is told|was told|not told|can't be told|tells? who|asks? nobody|anybody|for ever|not looked at|was looked at"
    r"|is no (number|time|date|age|flag|id|uuid|shard|header|access log|URL|JSON))\b",
    re.IGNORECASE,
)
UNTELLING = {  # names of variables, parameters and attributes: for any thing, or a metaphor
    *("each", "told", "said", "found", "asked", "given", "held", "seen", "done", "meant", "gone", "whole"),
    *("way", "ways", "talk", "book", "bill", "agenda", "recall", "staff", "mischief", "warts", "dear", "itself"),
    *("partings", "parted", "stranger", "strangers", "one", "taken"),
}
ON_DISK = {  # keys of files, which a reader of older ones still needs
    "fixtures/index_parity/state.py": {"found", "done", "strangers"},
    "fixtures/index_parity/census.py": {"found", "done", "strangers"},
    "fixtures/contracts/exports.py": {"given"},
    "reports/records/inputs/earlier_runs.py": {"whole"},
    "suites/selftest/fixtures/parity/test_census_state.py": {"strangers"},
}
PEOPLE = re.compile(  # in docstrings: people as subjects of software
    r"(?<![-\w])(nobody|somebody|whoever|everybody|borrow\w*|lent|lends?|vouch\w*|heed\w*|glimpse\w*|discreet\w*"
    r"|(is|was|are|were) told)\b",
    re.IGNORECASE,
)
RIDDLE = re.compile(r"_(nobody|somebody|whoever|everybody|anybody|told|said|tells?|heeded)(_|$)")  # in names of tests
OTHER_VERDICT = re.compile(r"\b[Nn]ot? GO\b|\bno-GO\b")
DATA = (
    "suites/**/gate.toml",
    "suites/drills/*.toml",
    "reports/judge/*.toml",
    "suites/messages.toml",
    "suites/guide_lines.toml",
)
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "docs/reference/*.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWords:
    """The words of a source, each with its line."""

    classes: tuple[tuple[int, str], ...]
    functions: tuple[tuple[int, str], ...]
    bound: tuple[tuple[int, str], ...]  # what code binds: parameters, variables, fields, attributes, functions
    docstrings: tuple[tuple[int, str], ...]
    messages: tuple[tuple[int, str], ...]  # texts of more than one word that are no docstrings


@cache
def _words(path: Path) -> SourceWords:
    """Read once for all tests of this file: parsing all sources takes a second."""
    return _words_of(path.read_text(encoding="utf-8"))


def _words_of(source: str) -> SourceWords:
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = list(_docstrings(nodes))
    places = {id(node) for node in docstrings}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return SourceWords(
        classes=tuple((node.lineno, node.name) for node in nodes if isinstance(node, ast.ClassDef)),
        functions=tuple((node.lineno, node.name) for node in nodes if isinstance(node, ast.FunctionDef)),
        bound=tuple(_bound_names(nodes)),
        docstrings=tuple((node.lineno, str(node.value)) for node in docstrings),
        messages=tuple(
            (node.lineno, str(node.value)) for node in texts if " " in str(node.value) and id(node) not in places
        ),
    )


def _docstrings(nodes: Sequence[ast.AST]) -> Iterator[ast.Constant]:
    for node in nodes:
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            yield first.value


def _bound_names(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name


def test_a_class_is_named_for_what_it_holds(checkout: Path) -> None:
    names = [
        f"{name}: class {class_name}"
        for name, path in sources(checkout)
        for _, class_name in _words(path).classes
        if class_name in PARTICIPLES or METAPHORS.match(class_name.lower())
    ]

    assert names == []


def test_a_module_is_named_for_what_it_does(checkout: Path) -> None:
    stems = {name: Path(name).stem.removeprefix("test_") for name, _ in sources(checkout)}

    assert [name for name, stem in stems.items() if METAPHORS.match(stem) or SHAPELESS.match(stem)] == []


def test_a_variable_is_named_for_what_it_holds(checkout: Path) -> None:
    untelling = [
        f"{name}:{line}: {local}; call it what it holds"
        for name, path in sources(checkout)
        for line, local in _words(path).bound
        if local.strip("_") in UNTELLING - ON_DISK.get(name, set())
    ]

    assert untelling == []


def _phase_tests(checkout: Path) -> Iterator[tuple[Path, ast.FunctionDef]]:
    """The tests that users see: of the phases, of a rollback, of the availability."""
    for name, path in sources(checkout, "suites"):
        if re.match(r"suites/(phase\d\w*|rollback|availability)/", name):
            functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
            yield from ((path, node) for node in functions if node.name.startswith("test_"))


def test_a_test_of_a_phase_is_named_plainly(checkout: Path) -> None:
    names = [node.name for _, node in _phase_tests(checkout)]

    assert len(names) > 40
    assert [name for name in names if UNCLEAR.search(name.replace("_", " "))] == []


def test_a_self_test_is_named_plainly(checkout: Path) -> None:
    names = [
        f"{name}: {function}"
        for name, path in sources(checkout, "suites/selftest")
        for _, function in _words(path).functions
        if function.startswith("test_")
    ]

    assert len(names) > 1000
    assert [name for name in names if RIDDLE.search(name)] == []


def test_the_timed_tests_of_a_phase_are_selected_by_a_word(checkout: Path) -> None:
    """`-k slower` and `-k longer`: drills and users leave them out, or ask them alone."""
    timed = {node.name for _, node in _phase_tests(checkout) if "measure_latency" in ast.unparse(node)}

    assert {node.name for _, node in _phase_tests(checkout) if re.search("slower|longer", node.name)} == timed
    assert timed


def test_a_plan_file_names_tests_of_its_folder(checkout: Path) -> None:
    existing = {(path.parent, node.name) for path, node in _phase_tests(checkout)}
    plans = [(path, tomllib.loads(path.read_text())["ask"]) for path in checkout.glob("suites/*/plan.toml")]

    assert len(plans) >= 7
    assert [ask["test"] for path, asks in plans for ask in asks if (path.parent, ask["test"]) not in existing] == []


def test_a_message_is_plain(checkout: Path) -> None:
    unclear = [
        f"{name}:{line}: {text!r}"
        for name, path in sources(checkout, "fixtures", "reports")
        if not name.startswith("fixtures/sandbox/people/")  # what people write of themselves
        for line, text in _words(path).messages
        if UNCLEAR.search(text)
    ]

    assert unclear == []


def test_a_docstring_is_plain(checkout: Path) -> None:
    unclear = [
        f"{name}:{line}: {match.group(0)!r}: name the service, the file or the value"
        for name, path in sources(checkout, "fixtures", "reports")
        for line, docstring in _words(path).docstrings
        if (match := PEOPLE.search(docstring))
    ]

    assert unclear == []


@pytest.mark.parametrize("pattern", [*DATA, *PAGES])
def test_a_page_is_plain(checkout: Path, pattern: str) -> None:
    paths = sorted(checkout.glob(pattern))
    unclear = [
        f"{path.relative_to(checkout)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNCLEAR.search(line) or OTHER_VERDICT.search(line)
    ]

    assert paths
    assert unclear == []


def test_only_three_words_are_verdicts(checkout: Path) -> None:
    other_words = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, path in sources(checkout)
        if path.name != "test_words.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OTHER_VERDICT.search(line)
    ]

    assert other_words == []


def test_every_criterion_has_a_title_of_its_own(checkout: Path) -> None:
    for path in sorted(checkout.glob("suites/*/gate.toml")):
        titles = [load["title"] for load in tomllib.loads(path.read_text(encoding="utf-8"))["criterion"]]
        assert len(set(titles)) == len(titles), path


def test_the_glossary_has_a_line_a_word(checkout: Path) -> None:
    lines = (checkout / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [line.split("|")[1].strip() for line in lines if line.startswith("| ") and "word |" not in line]

    assert 20 <= len(words) <= 30
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def f():\n    found = 1", "found"),
        ("def f(told): ...", "told"),
        ("x = [each for each in y]", "each"),
        ("class C:\n    said: str", "said"),
        ("self._found = 1", "_found"),
        ("def found(): ...", "found"),
    ],
    ids=["variable", "parameter", "comprehension", "field", "attribute", "method"],
)
def test_a_name_for_anything_is_seen(text: str, name: str) -> None:
    bound = {bound for _, bound in _words_of(text).bound}

    assert name in {local for local in bound if local.strip("_") in UNTELLING}
