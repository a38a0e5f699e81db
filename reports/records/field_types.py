"""Whether the fields of a dataclass hold what they declare: what was JSON or TOML a moment ago promises nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Check = Callable[[Any], bool]
_EXACT = {int, bool, str, type(None)}  # no bool is a number here
_CHECKS: dict[type[Any], tuple[tuple[str, Check], ...]] = {}  # by dataclass: a run has thousands of records


def misfit(instance: Any) -> str:
    """`name = value` of the first field whose value is not of its declared type; '' where all are."""
    kind = type(instance)
    if kind not in _CHECKS:
        hints = get_type_hints(kind)
        _CHECKS[kind] = tuple((each.name, _check(hints[each.name])) for each in fields(kind))
    for name, fits in _CHECKS[kind]:
        if not fits(getattr(instance, name)):
            return f"{name} = {getattr(instance, name)!r}"[:200]
    return ""


def _check(hint: Any) -> Check:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if set(inner) <= _EXACT:
            exact = frozenset(inner)
            return lambda value: type(value) in exact
        ways = tuple(map(_check, inner))
        return lambda value: any(way(value) for way in ways)
    if origin is Literal:
        return lambda value: value in inner
    if origin is tuple and inner[-1] is Ellipsis:
        each = _check(inner[0])
        return lambda value: type(value) is tuple and all(map(each, value))
    if origin is tuple:
        parts = tuple(map(_check, inner))
        return lambda value: (
            type(value) is tuple and len(value) == len(parts) and all(map(lambda part, v: part(v), parts, value))
        )
    if origin is not None and issubclass(origin, Mapping):
        names, values = map(_check, inner)
        return lambda value: isinstance(value, Mapping) and all(map(names, value)) and all(map(values, value.values()))
    return _plain(hint)


def _plain(hint: Any) -> Check:
    """A bool is no number here, a whole number is one with a fraction too, and what is no number is none."""
    if hint is Any:
        return lambda _: True
    if hint is float:
        return lambda value: type(value) is int or (type(value) is float and math.isfinite(value))
    if hint in _EXACT:
        return lambda value: type(value) is hint
    return lambda value: isinstance(value, hint)
