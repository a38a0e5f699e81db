"""Whether two sides say the same, and if not, in which ways.

Both sides are brought to one form (`canonical.py`) by the rules that the contract declares for each field, and are then
compared strictly: `5`, `"5"`, `5.0` and `true` are four different values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import takewhile
from typing import Any

from reports.comparison.canonical import canonical
from reports.records.foreign_text import foreign
from reports.records.records import Difference, DifferenceKind
from reports.records.redaction import Pseudonymizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record: where the service shows it, which columns it comes from, and in which form both compare.

    `columns` are "table.column" in order of preference (the first that is not empty); none: the field is always null.
    What is not `required` may be absent; if it is shown, it has to be right, or anything where there are no columns.
    """

    path: str
    columns: tuple[str, ...]
    rules: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDifference:
    """A difference with its raw values: lives only inside the process that met it."""

    path: str
    kind: DifferenceKind
    expected: Any
    actual: Any
    excused_by: str | None = None  # id of the known difference that covers it

    def recorded(self, redactor: Pseudonymizer) -> Difference:
        """The difference as it may be written down."""
        return Difference(
            path=redactor.named(self.path),
            kind=self.kind,
            expected=redactor.token(self.expected),
            actual=redactor.token(self.actual),
            excused_by=self.excused_by,
        )


def expected_record(tables: Mapping[str, Mapping[str, Any] | None], fields: Sequence[Field]) -> dict[str, Any]:
    """What the service should say, in canonical form, given the database rows by table (None: no such row)."""
    return _nested({field.path: _from_columns(tables, field) for field in fields if field.required})


def actual_record(body: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """What the service said, in canonical form: only declared fields; one that is absent counts as null."""
    return _nested({field.path: canonical(_at(body, field.path), field.rules) for field in fields if field.required})


def disagreements(
    expected: Mapping[str, Any] | None, actual: Mapping[str, Any] | None, *, identity: str = "uuid"
) -> tuple[RawDifference, ...]:
    """Every way in which two canonical records differ; none if they say the same. None stands for "no record"."""
    if expected is None or actual is None:
        return _absence(expected, actual, identity)
    if _same(expected, actual):
        return ()
    return tuple(sorted(_walk(expected, actual, identity), key=lambda each: each.path))


def blemishes(
    tables: Mapping[str, Mapping[str, Any] | None], body: Mapping[str, Any], fields: Sequence[Field]
) -> tuple[RawDifference, ...]:
    """What the rules of single fields do not see: keys that nobody declared, and values dressed up on the way.

    A rule excuses the form that a value has in the database. Where there is nothing to excuse, the service has to show
    it as it is: no blanks or quotes around it, no placeholder or zero for null.
    """
    found = (
        _wrong_if_shown(tables, body, field) or _dressed_up(tables, body, field) for field in fields if field.columns
    )
    return (*_undeclared(tables, body, fields), *(each for each in found if each))


def _from_columns(tables: Mapping[str, Mapping[str, Any] | None], field: Field) -> Any:
    for column in field.columns:
        table, name = _parts(column)
        row = tables.get(table)
        value = canonical(row[name], field.rules) if row is not None else None
        if value is not None:
            return value
    return None


def _wrong_if_shown(
    tables: Mapping[str, Mapping[str, Any] | None], body: Mapping[str, Any], field: Field
) -> RawDifference | None:
    if field.required:
        return None
    shown = canonical(_at(body, field.path), field.rules)
    if shown is None:
        return None
    held = _from_columns(tables, field)
    if _same(held, shown):
        return None
    return RawDifference(path=field.path, kind=_kind(field.path, held, shown, ""), expected=held, actual=shown)


def _dressed_up(
    tables: Mapping[str, Mapping[str, Any] | None], body: Mapping[str, Any], field: Field
) -> RawDifference | None:
    """The difference between a value and the same value in a form that neither the database nor the rules gave it."""
    if _FORM_GIVING.isdisjoint(field.rules):
        return None
    shown = _at(body, field.path)
    if shown is None:
        return None
    held = _held(tables, field)
    if _same(held, shown):
        return None
    if canonical(held, field.rules) != canonical(shown, field.rules) or type(shown) not in (str, int):
        return None  # said already, or nothing that these rules are about
    forms = (held, held.strip(), canonical(held, field.rules)) if isinstance(held, str) else (held, "")
    if any(shown == form and type(shown) is type(form) for form in forms):
        return None
    kind = DifferenceKind.VALUE if held is not None else DifferenceKind.GHOST
    return RawDifference(path=field.path, kind=kind, expected=held, actual=shown)


_FORM_GIVING = {"text", "seniority", "phone", "zero"}


def _held(tables: Mapping[str, Mapping[str, Any] | None], field: Field) -> Any:
    """The column that stands for the field, as it is: the first that is not empty, else the last."""
    values = []
    for column in field.columns:
        table, name = _parts(column)
        if row := tables.get(table):
            values.append(row[name])
    if len(values) < 2:
        return values[0] if values else None
    filled = (value for value in values if canonical(value, field.rules) is not None)
    return next(filled, values[-1])


def _undeclared(
    tables: Mapping[str, Mapping[str, Any] | None], body: Mapping[str, Any], fields: Sequence[Field]
) -> tuple[RawDifference, ...]:
    """Something in places the contract does not know, or where it knows an object.

    Their names are foreign text, but for those of the contract and of the tables' columns.
    """
    declared = {field.path for field in fields}
    parents = {_home(path)[0] for path in declared}
    found: list[RawDifference] = []
    for path, value in _places(body, parents - {""}):
        if path not in declared and value not in _NOTHING and len(found) < _MOST_UNDECLARED:
            found.append(RawDifference(path=path, kind=DifferenceKind.GHOST, expected=None, actual=value))
    if not found:
        return ()
    known = {part for path in declared for part in _parts(path)}.union(*(row or () for row in tables.values()))
    return tuple(replace(each, path=_named(each.path, known)) for each in found)


def _named(path: str, known: Set[str]) -> str:
    """The path, its foreign parts marked: an answer's keys may be names of people."""
    return ".".join(foreign(part, known) for part in path.split("."))


_NOTHING: tuple[Any, ...] = (None, "", "_", [], {})
_MOST_UNDECLARED = 20


def _places(body: Mapping[str, Any], parents: Set[str], at: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        path = f"{at}.{name}" if at else name
        if path in parents and isinstance(value, Mapping):
            yield from _places(value, parents, path)
        else:
            yield path, value


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for part in _parts(path):
        if type(value) is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


@cache
def _parts(path: str) -> tuple[str, ...]:
    """A path is taken apart for every record: the contract knows a few hundred of them."""
    return tuple(path.split("."))


@cache
def _home(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition(".")
    return parent, name


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for path, value in flat.items():
        parent, name = _home(path)
        (record.setdefault(parent, {}) if parent else record)[name] = value
    return {name: None if _is_hollow(value) else value for name, value in record.items()}


def _is_hollow(value: Any) -> bool:
    return isinstance(value, dict) and all(inner is None for name, inner in value.items() if name != "uuid")


def _same(one: Any, other: Any) -> bool:
    """Equal in type and value, at any depth. A number of PostgreSQL that is a Decimal has no form of its own."""
    if isinstance(one, Decimal) and isinstance(other, int | float) and not isinstance(other, bool):
        return one == other or float(one) == float(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _absence(
    expected: Mapping[str, Any] | None, actual: Mapping[str, Any] | None, identity: str
) -> tuple[RawDifference, ...]:
    if expected is None and actual is None:
        return ()
    if actual is None:
        assert expected is not None
        return (RawDifference(path="", kind=DifferenceKind.MISSING, expected=expected.get(identity), actual=None),)
    return (RawDifference(path="", kind=DifferenceKind.GHOST, expected=None, actual=actual.get(identity)),)


def _walk(expected: Mapping[str, Any], actual: Mapping[str, Any], identity: str) -> list[RawDifference]:
    """DeepDiff finds where two records part; a list counts as one value, described by what happened to it."""
    from deepdiff import DeepDiff  # here: half a second that a run without differences need not spend

    tree = DeepDiff(expected, actual, view="tree", ignore_order=False)
    found: dict[str, RawDifference] = {}
    for change in (change for changes in tree.values() for change in changes):
        parts = change.path(output_format="list")
        names = list(takewhile(lambda part: isinstance(part, str), parts))
        path = ".".join(names)
        if len(names) < len(parts):
            before, after = _at(expected, path), _at(actual, path)
            kind = _list_kind(before, after)
        else:
            before, after = _present(change.t1), _present(change.t2)
            kind = _kind(path, before, after, identity)
        if not _same(before, after):
            found[path] = RawDifference(path=path, kind=kind, expected=before, actual=after)
    return list(found.values())


def _present(value: Any) -> Any:
    return None if type(value).__name__ == "NotPresent" else value


def _kind(path: str, expected: Any, actual: Any, identity: str) -> DifferenceKind:
    if path == identity:
        return DifferenceKind.IDENTITY
    if actual is None:
        return DifferenceKind.MISSING
    if expected is None:
        return DifferenceKind.GHOST
    return DifferenceKind.VALUE if type(expected) is type(actual) else DifferenceKind.TYPE


def _list_kind(expected: Sequence[Any], actual: Sequence[Any]) -> DifferenceKind:
    """What happened to a list: same items in another order, some twice, the tail gone, or other items."""
    before, after = (Counter(map(repr, side)) for side in (expected, actual))
    if before == after:
        return DifferenceKind.ORDER
    if set(before) == set(after) and sum(after.values()) > sum(before.values()):
        return DifferenceKind.DUPLICATE
    if list(actual) == list(expected[: len(actual)]):
        return DifferenceKind.TRUNCATED
    return DifferenceKind.VALUE
