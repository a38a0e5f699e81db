"""Mutations of a module: each a small change in its source that would make it decide otherwise.

Rules are deleted (a condition is always or never so, an operand, a statement, an entry of a table is gone), limits are
moved (a comparison by its edge, a number by one or by a tenth), outcomes are swapped. What is only said is left alone:
the texts of messages, docstrings, annotations, decorators, and what guides a type checker or a linter: assertions,
`__all__`, the `strict` of a zip, the type of an array.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

OUTCOMES = {
    "met": "unmeasured",
    "missed": "met",
    "unmeasured": "met",
    "GO": "HOLD",
    "NO-GO": "GO",
    "HOLD": "GO",
    "blocking": "advisory",
    "advisory": "blocking",
}
AROUND = 60  # characters of what is the same, before and behind a change
_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.RShift: ast.LShift,
    ast.LShift: ast.RShift,
}
_SWAPPED_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_UNWRAPPED = ("abs", "round", "strip", "lower")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DELETED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """`before` becomes `after` from byte `start` on; `change` shows both, shortened.

    `everywhere`: it is no line of a function, so whatever looks at the module may depend on it.
    """

    line: int
    last: int
    start: int
    before: str
    after: str
    change: tuple[str, str]
    everywhere: bool

    def applied(self, source: str) -> str:
        source_bytes = source.encode()
        return (
            source_bytes[: self.start] + self.after.encode() + source_bytes[self.start + len(self.before.encode()) :]
        ).decode()


def mutations(source: str) -> list[Mutation]:
    """Every mutation of a module, in the order of its lines."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    mutations = {}
    for node, after, everywhere in _changes(ast.parse(source), everywhere=True):
        before = ast.get_source_segment(source, node) or ""
        start = starts[node.lineno - 1] + node.col_offset
        made = Mutation(
            line=node.lineno,
            last=node.end_lineno or node.lineno,
            start=start,
            before=before,
            after=after,
            everywhere=everywhere,
            change=_apart(ast.unparse(node), after),
        )
        mutations.setdefault((start, before, after), made)
    return sorted(mutations.values(), key=lambda mutation: (mutation.line, mutation.start, mutation.after))


def _apart(was: str, now: str) -> tuple[str, str]:
    """Both without what is the same before and behind the change, but for a little of it."""
    now = now[1:-1] if now.startswith("(") and not was.startswith("(") else now
    same = _alike(was, now)
    alike = _alike(was[same:][::-1], now[same:][::-1])
    first, behind = max(same - AROUND, 0), max(alike - AROUND, 0)
    before, after = ("..." if first else ""), ("..." if behind else "")
    return before + was[first : len(was) - behind] + after, before + now[first : len(now) - behind] + after


def _alike(first: str, second: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


_GUIDING = ("strict", "dtype")  # arguments that only check, or say once more, what is so anyway


def _changes(node: ast.AST, *, everywhere: bool) -> Iterator[tuple[ast.expr | ast.stmt, str, bool]]:
    """(what is replaced, by what, whether it is no line of a function) of a node and all within."""
    if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom) or _is_text(node) or (everywhere and _is_alias(node)):
        return
    if isinstance(node, ast.keyword) and node.arg in _GUIDING:
        return
    if isinstance(node, ast.If | ast.While):
        yield from ((node.test, str(value), everywhere) for value in (False, True)[: 1 + isinstance(node, ast.If)])
    if isinstance(node, ast.expr | ast.stmt):
        for after in _of_expression(node, everywhere) if isinstance(node, ast.expr) else _of_statement(node):
            yield node, after, everywhere
    for name, child in _children(node):
        within = everywhere and not (isinstance(node, _FUNCTIONS) and name == "body" and not node.decorator_list)
        yield from _changes(child, everywhere=within)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases") or (
            isinstance(node, ast.Raise) and name == "exc"
        ):
            continue
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST):
                yield name, child


def _is_text(node: ast.AST) -> bool:
    """Whether it is put together for people to read, or names something; words that decide are none."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and (_is_text(node.left) or _is_text(node.right))
    is_text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    return is_text and not (isinstance(node, ast.Constant) and node.value in OUTCOMES)


def _is_alias(node: ast.AST) -> bool:
    """Whether it gives a type a name, or says which names a module has to show."""
    value = node.value if isinstance(node, ast.Assign) else None
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    return isinstance(value, ast.Subscript) or (isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr))


def _of_statement(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, _DELETED) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        yield "pass"


def _of_expression(node: ast.expr, everywhere: bool) -> Iterator[str]:
    for changed in _changed(node):
        yield f"({ast.unparse(changed)})"
    if isinstance(node, ast.Dict):
        yield from _without(node, "keys", "values")
    elif isinstance(node, ast.Tuple | ast.List | ast.Set) and everywhere:
        if any(isinstance(elt, ast.Slice) for elt in node.elts):
            return
        yield from _without(node, "elts")
    elif isinstance(node, ast.Tuple | ast.List):
        starred = [at for at, elt in enumerate(node.elts) if isinstance(elt, ast.Starred)]
        yield from (text for at, text in enumerate(_without(node, "elts")) if at in starred)


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield _with(node, ops=[*ops[:at], _SWAPPED[type(op)](), *ops[at + 1 :]])
            if isinstance(ops[0], ast.In | ast.NotIn) and isinstance(node.comparators[0], ast.Tuple):
                for text in _without(node.comparators[0], "elts"):
                    yield _with(node, comparators=[ast.parse(text, mode="eval").body])
        case ast.BoolOp(values=values):
            for at in range(len(values)):
                kept = [*values[:at], *values[at + 1 :]]
                yield _with(node, values=kept) if len(kept) > 1 else kept[0]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from (left, right)
        case ast.BinOp(op=op) if type(op) in _SWAPPED:
            yield _with(node, op=_SWAPPED[type(op)]())
        case ast.Constant(value=value):
            yield from _other_values(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.Call():
            yield from _other_calls(node)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for at, loop in enumerate(node.generators):
                for which in range(len(loop.ifs)):
                    fewer = _with(loop, ifs=[*loop.ifs[:which], *loop.ifs[which + 1 :]])
                    yield _with(node, generators=[*node.generators[:at], fewer, *node.generators[at + 1 :]])


def _other_values(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 1.1 if value else 1.0)
    elif isinstance(value, str) and value in OUTCOMES:
        yield ast.Constant(OUTCOMES[value])


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    """min for max, without the rounding, without an argument that has a default."""
    match node.func:
        case ast.Name(id=name) if name in _SWAPPED_CALLS:
            keywords = [] if name == "sorted" else node.keywords
            yield _with(node, func=ast.Name(_SWAPPED_CALLS[name]), keywords=keywords)
        case ast.Name(id=name) if name in _UNWRAPPED and len(node.args) == 1:
            yield node.args[0]
        case ast.Attribute(attr=name, value=value) if name in _UNWRAPPED and not node.args:
            yield value
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name and not name[0].isupper():
        for at, keyword in enumerate(node.keywords):
            if keyword.arg not in (None, *_GUIDING) and not _is_text(keyword.value):
                yield _with(node, keywords=[*node.keywords[:at], *node.keywords[at + 1 :]])


def _with(node: ast.AST, **changed: object) -> ast.expr:
    other = copy.copy(node)
    for name, value in changed.items():
        setattr(other, name, value)
    return other  # type: ignore[return-value]


def _without(node: ast.expr, *lists: str) -> Iterator[str]:
    """The display without each of its items in turn."""
    for at in range(len(getattr(node, lists[0]))):
        fewer = _with(
            node, **{name: [entry for n, entry in enumerate(getattr(node, name)) if n != at] for name in lists}
        )
        yield ast.unparse(fewer) if not isinstance(node, ast.Set) or len(node.elts) > 1 else "set()"
