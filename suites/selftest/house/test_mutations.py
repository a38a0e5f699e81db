"""The mutations that put the self-tests themselves to the test: what is changed, and what is left alone."""

from pathlib import Path

import pytest

from suites.benchmarks.mutations import mutations


def _made(source: str) -> set[tuple[str, str]]:
    return {(mutation.before, mutation.after) for mutation in mutations(source)}


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("x = a < b", {("a < b", "(a <= b)")}),
        ("x = a not in b", {("a not in b", "(a in b)")}),
        ("x = a or b", {("a or b", "(a)"), ("a or b", "(b)")}),
        ("x = not a", {("not a", "(a)")}),
        ("LEAST = 8", {("8", "(9)")}),
        ("MOST = 0.5", {("0.5", "(0.55)")}),
        ("STRICT = True", {("True", "(False)")}),
        ("x = a - b", {("a - b", "(a + b)")}),
        ("x = min(a)", {("min(a)", "(max(a))")}),
        ("x = text.strip()", {("text.strip()", "(text)")}),
        ("x = f(a, key=b)", {("f(a, key=b)", "(f(a))")}),
        ("x = [a for a in b if c]", {("[a for a in b if c]", "([a for a in b])")}),
        ("RULES = {'a': f, 'b': g}", {("{'a': f, 'b': g}", "{'b': g}"), ("{'a': f, 'b': g}", "{'a': f}")}),
        ("NAMES = {'a'}", {("{'a'}", "set()")}),
        ("def f():\n if a:\n  return b", {("a", "False"), ("a", "True")}),
        ("def f():\n x += a", {("x += a", "pass")}),
        ("def f():\n raise Wrong('because')", {("raise Wrong('because')", "pass")}),
        ("def f():\n return 'met'", {("'met'", "('unmeasured')")}),
        ("def f():\n return (*a, *b)", {("(*a, *b)", "(*b,)"), ("(*a, *b)", "(*a,)")}),
    ],
)
def test_what_decides_is_changed(source: str, made: set[tuple[str, str]]) -> None:
    assert _made(source) == made


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of 3 < 4."""',
        "x = f'{a < 3} of {b}'",
        "x = 'said ' + ('more' if a else 'less')",
        "Cell = str | None",
        "def f(a: int | None) -> str | None: ...",
        "def f():\n assert a is not None",
        "@dataclass(frozen=True)\nclass C: ...",
        "class C(dict[str, int]): ...",
        "from a import b",
    ],
)
def test_messages_and_docstrings_are_not_mutated(source: str) -> None:
    assert _made(source) == set()


def test_a_mutation_is_one_place_in_the_source() -> None:
    source = 'NAME = "é"\n\n\ndef f(a):\n    return a < 3\n'

    changed = {mutation.applied(source) for mutation in mutations(source)}

    assert changed == {source.replace("a < 3", "(a <= 3)"), source.replace("3", "(4)")}
    assert [(mutation.line, mutation.everywhere) for mutation in mutations(source)] == [(5, False)] * 2


def test_every_mutant_of_the_judgement_is_python(checkout: Path) -> None:
    source = (checkout / "reports" / "judge" / "rules" / "share.py").read_text(encoding="utf-8")
    made = mutations(source)

    assert len(made) > 50
    for mutation in made:
        compile(mutation.applied(source), "share.py", "exec")
