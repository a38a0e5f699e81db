"""Whether a service shows a record as the database holds it, and if not, in which ways.

`record_differences` is the one comparison for every family: single records, rows of listings, LinkedIn entries,
batches, documents of an index. It is strict: `5`, `"5"`, `5.0` and `true` are four different values, a blank at an end
counts, a named key has to be there, and a key that the contract does not name must not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from difflib import SequenceMatcher
from functools import cache
from itertools import zip_longest
from typing import Any

from reports.comparison.canonical import canonical
from reports.comparison.shown_forms import Form, is_as_stored, is_shown, means_same, shown_of
from reports.records.foreign_text import foreign
from reports.records.records import Difference, DifferenceKind
from reports.records.redaction import Pseudonymizer

TWICE = " (key given twice)"  # how a key that a JSON object has twice is called: no contract names such a key
NOT_READ: Any = object()
NO_ITEM: Any = object()  # stands for the item that one of two lists does not have
LONGEST = 1_000  # items of a list that is compared item by item
ITEMS = 10  # of two lists that are shown one by one
_COUNT_OFF = re.compile(r"^count[+-]\d+$")
_COUNTED_ITEM = re.compile(r"\.\d+$")
_OF_ITEMS = {DifferenceKind.MISSING, DifferenceKind.GHOST, DifferenceKind.DUPLICATE, DifferenceKind.ORDER}
Tables = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a record: where the service shows it, which columns it comes from, and in which form it is shown.

    `columns` are "table.column" in order of preference (the first that is not empty); none: the field is always null.
    What is not `required` may be absent; if it is shown, it has to be right, or anything where there are no columns.
    """

    path: str
    columns: tuple[str, ...]
    rules: tuple[str, ...]
    required: bool = True
    form: Form = Form.NORMALISED


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDifference:
    """A difference with its raw values: lives only inside the process that met it.

    `stored` is the database's value as it is, from which `expected` is made (NOT_READ: no column's). `exact` says that
    the known difference which excuses it says to the letter what is shown: nothing about the value is left unverified.
    """

    path: str
    kind: DifferenceKind
    expected: Any
    actual: Any
    excused_by: str | None = None  # id of the known difference that covers it
    stored: Any = NOT_READ
    exact: bool = False

    def recorded(self, redactor: Pseudonymizer) -> Difference:
        """The difference as it may be written down."""
        return Difference(
            path=redactor.named(self.path),
            kind=self.kind,
            expected=_shown(self.expected, redactor),
            actual=_shown(self.actual, redactor),
            excused_by=self.excused_by,
        )


def is_lost(differences: Sequence[RawDifference]) -> bool:
    """Whether the whole record is missing."""
    return any(not difference.path and difference.kind is DifferenceKind.MISSING for difference in differences)


def recorded_differences(
    differences: Sequence[RawDifference], redactor: Pseudonymizer, baseline: Sequence[RawDifference] | None = None
) -> tuple[Difference, ...]:
    """The differences as they may be written down, lists item by item.

    `baseline`: in what the direct path differs from PostgreSQL for the same sample; None where it was not asked.
    """
    beside = None if baseline is None else [item for difference in baseline for item in itemised(difference)]
    return tuple(
        replace(
            recorded := item.recorded(redactor),
            baseline=None if beside is None else _beside(item, recorded.expected, beside, redactor),
        )
        for difference in differences
        for item in itemised(difference)
    )


def _beside(item: RawDifference, expected: str, baseline: Sequence[RawDifference], redactor: Pseudonymizer) -> str:
    """What the direct path shows at that place: what it differs in there, or else what PostgreSQL holds.

    Numbers at the end of a path only count items, and how much a count is off is part of its path.
    """
    for other in baseline:
        if _COUNTED_ITEM.search(item.path) and item.kind in _OF_ITEMS:
            same = (other.kind, other.expected, other.actual) == (item.kind, item.expected, item.actual)
        else:
            same = _COUNT_OFF.sub("count", other.path) == _COUNT_OFF.sub("count", item.path)
        if same:
            return _shown(other.actual, redactor)
    return expected


def itemised(difference: RawDifference) -> tuple[RawDifference, ...]:
    """The items in which two lists differ, at most ten, each at its place in PostgreSQL's list; else the difference."""
    expected, actual = difference.expected, difference.actual
    if difference.kind is not DifferenceKind.VALUE or not (isinstance(expected, list) and isinstance(actual, list)):
        return (difference,)
    if not expected or not actual or max(len(expected), len(actual)) > LONGEST:
        return (difference,)
    matcher = SequenceMatcher(None, [repr(item) for item in expected], [repr(item) for item in actual], autojunk=False)
    pairs = [
        (first + number, *pair)
        for tag, first, last, start, stop in matcher.get_opcodes()
        if tag != "equal"
        for number, pair in enumerate(zip_longest(expected[first:last], actual[start:stop], fillvalue=NO_ITEM))
    ]
    items = tuple(
        replace(difference, path=f"{difference.path}[{place}]", expected=item, actual=shown)
        for place, item, shown in pairs[:ITEMS]
    )
    return items if len(pairs) <= ITEMS else (*items, difference)


def _shown(value: Any, redactor: Pseudonymizer) -> str:
    return "no item" if value is NO_ITEM else redactor.token(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """What one field has to show, and what is stored for it."""

    field: Field
    shown: Any
    stored: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRecord:
    """What a record has to show: its values, and the objects that have to be null because no row stands for them."""

    values: tuple[FieldValue, ...]
    null_objects: frozenset[str]
    declared: frozenset[str]
    objects: frozenset[str]
    tables: Tables = dataclass_field(repr=False, compare=False)  # whose columns are no foreign names

    @property
    def identity(self) -> Any:
        """The uuid; None where the record shows none."""
        return next((field_value.shown for field_value in self.values if field_value.field.path == "uuid"), None)


def record_differences(
    tables: Tables | None, body: Mapping[str, Any] | None, fields: Sequence[Field]
) -> tuple[RawDifference, ...]:
    """Every way in which an answer shows another record than the tables hold. None stands for "no record"."""
    return differences_of(None if tables is None else expected_record(tables, fields), body)


def expected_record(tables: Tables, fields: Sequence[Field]) -> ExpectedRecord:
    """What the service has to show, given the database rows by table (None: no such row)."""
    values = tuple(_expected(tables, field) for field in fields if field.columns or field.required)
    filled = {_home(field_value.field.path)[0] for field_value in values if field_value.shown not in (None, [])}
    objects, declared = _layout(tuple(field.path for field in fields))
    return ExpectedRecord(
        values=values, null_objects=objects - filled, declared=declared, objects=objects, tables=tables
    )


def differences_of(expected: ExpectedRecord | None, body: Mapping[str, Any] | None) -> tuple[RawDifference, ...]:
    """As `record_differences`, of a record that was made ready before."""
    if expected is None or body is None:
        return _absence(expected, body)
    unfit = {path: differing for path in expected.objects if (differing := _object(expected, path, body))}
    differences = [difference for differing in unfit.values() for difference in differing]
    for value in expected.values:
        parent, _ = _home(value.field.path)
        if parent in unfit or parent in expected.null_objects:
            continue
        if (wrong := _value(value, body)) is not None:
            differences.append(wrong)
    differences += _undeclared(expected, body)
    return tuple(sorted(differences, key=lambda difference: difference.path)) if differences else ()


def _expected(tables: Tables, field: Field) -> FieldValue:
    stored = [row[name] for table, name in map(_parts, field.columns) if (row := tables.get(table))]
    shown = shown_of(_first(stored, field.rules), field.rules, field.form)
    return FieldValue(field=field, shown=shown, stored=_stored(stored, field.rules))


def _stored(values: Sequence[Any], rules: Sequence[str]) -> Any:
    """The value that a path shows which hands on texts and numbers as they are stored; NOT_READ for anything else."""
    if _HANDED_ON.isdisjoint(rules):
        return "" if "digits" in rules and values and values[0] == 0 else NOT_READ  # no text is made of a zero left out
    return next((value for value in values if value not in (None, "")), values[-1] if values else None)


_HANDED_ON = {"text", "seniority", "phone", "zero"}


def _first(values: Sequence[Any], rules: Sequence[str]) -> Any:
    """Of a field's columns the first that is not empty, else the last."""
    if len(values) < 2:
        return values[0] if values else None
    return next((value for value in values if canonical(value, rules) is not None), values[-1])


def _object(expected: ExpectedRecord, path: str, body: Mapping[str, Any]) -> list[RawDifference]:
    """Whether an object of the record is there, or null, as it has to be; its values are looked at one by one."""
    members = [field_value for field_value in expected.values if _home(field_value.field.path)[0] == path]
    shown, there = body.get(path), path in body
    if path in expected.null_objects:
        if shown is None:
            sparse = all(
                field_value.field.form in _MAY_LACK or not field_value.field.required for field_value in members
            )
            return [] if there or sparse else [_difference(path, DifferenceKind.ABSENT, None, None)]
        kind = DifferenceKind.FORM if means_same(None, shown, ()) else DifferenceKind.GHOST
        return [_difference(path, kind, None, shown), *_left_out(members, shown)]
    if isinstance(shown, Mapping):
        return []
    wanted = {_home(field_value.field.path)[1]: field_value.shown for field_value in members}
    stored = {_home(field_value.field.path)[1]: field_value.stored for field_value in members}
    kind = DifferenceKind.MISSING if shown is None else DifferenceKind.TYPE
    return [replace(_difference(path, kind, wanted, shown), stored=stored)]


def _left_out(field_values: Sequence[FieldValue], shown: Any) -> Iterator[RawDifference]:
    """The keys that an object lacks which is shown where none belongs: a known difference may cover a hollow one."""
    if not isinstance(shown, Mapping):
        return
    for field_value in field_values:
        if field_value.field.required and _home(field_value.field.path)[1] not in shown:
            yield _difference(field_value.field.path, DifferenceKind.ABSENT, None, None)


_MAY_LACK = (Form.SPARSE, Form.INDEXED)


def _value(value: FieldValue, body: Mapping[str, Any]) -> RawDifference | None:
    field = value.field
    shown = _at(body, field.path)
    if shown is _ABSENT:
        if not field.required or (field.form in _MAY_LACK and is_shown(None, value.shown, field.rules, field.form)):
            return None
        kind = DifferenceKind.ABSENT if _means_nothing(value) else _kind(value, None)
        return RawDifference(path=field.path, kind=kind, expected=value.shown, actual=None, stored=value.stored)
    if is_shown(shown, value.shown, field.rules, field.form) or (shown is None and not field.required):
        return None
    return RawDifference(
        path=field.path, kind=_kind(value, shown), expected=value.shown, actual=shown, stored=value.stored
    )


def _means_nothing(value: FieldValue) -> bool:
    """Whether null would do where the key is: a key that is not there is another thing."""
    return value.shown is None or (value.stored is not NOT_READ and is_as_stored(None, value.stored))


def _kind(value: FieldValue, actual: Any) -> DifferenceKind:
    expected = value.shown
    if value.field.path == "uuid":
        return DifferenceKind.IDENTITY
    if means_same(expected, actual, value.field.rules):
        return DifferenceKind.FORM
    if actual is None:
        return DifferenceKind.MISSING
    if expected is None:
        return DifferenceKind.GHOST
    if isinstance(expected, list) and isinstance(actual, list):
        return list_kind(expected, actual)
    return DifferenceKind.VALUE if type(expected) is type(actual) else DifferenceKind.TYPE


def _undeclared(expected: ExpectedRecord, body: Mapping[str, Any]) -> Iterator[RawDifference]:
    """Keys that the contract does not name, or that are given twice."""
    if body.keys() <= _top(expected.declared) and all(
        not isinstance(body.get(path), Mapping) for path in expected.objects if path
    ):
        return
    declared = {part for path in expected.declared | expected.objects for part in _parts(path)}
    count, plain_names = 0, declared.union(*(row or () for row in expected.tables.values()))
    for path, value, is_dotted in _places(body, expected.objects):
        if (is_dotted or path not in expected.declared) and count < _MOST_UNDECLARED:
            count += 1
            yield _difference(shown_name(path, plain_names), DifferenceKind.UNDECLARED, None, value)


_MOST_UNDECLARED = 20


@cache
def _top(declared: frozenset[str]) -> frozenset[str]:
    """The names of fields that lie in no object."""
    return frozenset(name for name in declared if "." not in name)


def shown_name(path: str, plain_names: Container[str]) -> str:
    """The path of a key that the contract does not know, its foreign parts marked: keys may be names of people."""
    twice = TWICE if path.endswith(TWICE) else ""
    return ".".join(foreign(part, plain_names) for part in path.removesuffix(TWICE).split(".")) + twice


def surplus_keys(body: Mapping[str, Any], declared: Set[str]) -> tuple[RawDifference, ...]:
    """Keys of an object around records (a page, a count) that the contract does not name, or that are given twice."""
    return tuple(
        _difference(shown_name(name, declared), DifferenceKind.UNDECLARED, None, value)
        for name, value in list(body.items())[: len(declared) + _MOST_UNDECLARED]
        if name not in declared
    )


def _places(body: Mapping[str, Any], objects: Set[str], at: str = "") -> Iterator[tuple[str, Any, bool]]:
    """(path, value, whether the key itself has a dot: then the path looks like that of a field in an object)."""
    for name, value in body.items():
        path = f"{at}.{name}" if at else name
        if path in objects:
            if isinstance(value, Mapping):
                yield from _places(value, objects, path)
        else:
            yield path, value, "." in name


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for part in _parts(path):
        value = value.get(part, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value


_ABSENT = object()


@cache
def _parts(path: str) -> tuple[str, ...]:
    """A path is taken apart for every record: the contract knows a few hundred of them."""
    return tuple(path.split("."))


@cache
def _home(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition(".")
    return parent, name


@cache
def _layout(paths: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The objects that fields lie in, and the names of all fields."""
    return frozenset(parent for path in paths if (parent := _home(path)[0])), frozenset(paths)


def _difference(path: str, kind: DifferenceKind, expected: Any, actual: Any) -> RawDifference:
    return RawDifference(path=path, kind=kind, expected=expected, actual=actual)


def _absence(expected: ExpectedRecord | None, body: Mapping[str, Any] | None) -> tuple[RawDifference, ...]:
    if body is not None:
        return (_difference("", DifferenceKind.GHOST, None, body.get("uuid")),)
    return () if expected is None else (_difference("", DifferenceKind.MISSING, expected.identity, None),)


def list_kind(expected: Sequence[Any], actual: Sequence[Any]) -> DifferenceKind:
    """What happened to a list: same items in another order, some twice, the tail gone, or other items."""
    before, after = (Counter(map(repr, side)) for side in (expected, actual))
    if before == after:
        return DifferenceKind.ORDER
    if set(before) == set(after) and sum(after.values()) > sum(before.values()):
        return DifferenceKind.DUPLICATE
    if list(actual) == list(expected[: len(actual)]):
        return DifferenceKind.TRUNCATED
    return DifferenceKind.VALUE
