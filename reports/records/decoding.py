"""Values from foreign text: dataclasses from JSON and TOML, types checked by msgspec, errors as sentences with a path.

What was written by this suite may hold keys that a later version added: they are left out. What people write may not:
a key with a typing error would change the meaning without a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

import msgspec

from reports.records.suggestion import suggest

_Value = TypeVar("_Value")
_AT = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_EXPECTED = re.compile(r"^Expected `(?P<expected>[^`]+)`, got `(?P<found>[^`]+)`$")
_WORDS = {
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_MOST_QUOTED = 200  # characters of a wrong value


class DecodeError(ValueError):
    """The text does not hold such a value; the message names the place, quotes the value and says what is expected."""


def decoder(kind: type[_Value]) -> msgspec.json.Decoder[_Value]:
    """Decodes JSON bytes to `kind`, unknown keys left out; its errors are for `sentence`."""
    return msgspec.json.Decoder(kind)


def decoded(kind: type[_Value], data: bytes, using: msgspec.json.Decoder[_Value] | None = None) -> _Value:
    """The value that JSON bytes hold, unknown keys left out; raises DecodeError."""
    try:
        return (using or decoder(kind)).decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DecodeError(sentence(error)) from None


def converted(kind: type[_Value], entry: Any) -> _Value:
    """The value that parsed JSON stands for, unknown keys left out; raises DecodeError."""
    try:
        _reject_endless(entry)
        return msgspec.convert(entry, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DecodeError(sentence(error, entry)) from None


def from_table(kind: type[_Value], entry: Any) -> _Value:
    """The value that a table of a file written by people stands for; an unknown key is an error. Raises DecodeError."""
    if not isinstance(entry, Mapping):
        raise DecodeError(f"expected a table, found {entry!r:.{_MOST_QUOTED}}")
    field_of = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for name in entry:
        if name not in field_of:
            raise DecodeError(f"unknown key {name!r}{suggest(str(name), field_of, or_list=False)}")
    absent = [name for name, item in field_of.items() if name not in entry and _required(item)]
    if absent:
        raise DecodeError(f"missing: {', '.join(absent)}")
    return converted(kind, entry)


def sentence(error: Exception, entry: Any = None) -> str:
    """What msgspec found wrong, in words: `phase: expected a text, found a whole number`, with the value."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError) or not isinstance(error, msgspec.ValidationError):
        return "not JSON: torn or damaged"
    text = str(error)
    place = _AT.search(text)
    path = place["path"] if place else ""
    message = text[: place.start()] if place else text
    types = _EXPECTED.match(message)
    if types:
        table = "a table" if entry is not None else "a JSON object"
        message = f"expected {_plain(types['expected'], table)}, found {_plain(types['found'], table)}"
    shown = f" = {value!r:.{_MOST_QUOTED}}" if (value := _value_at(entry, path)) is not None else ""
    return f"{path}{shown}: {message}" if path else message


def _plain(names: str, table: str) -> str:
    """Types in the words of the file."""
    return " or ".join({**_WORDS, "object": table}.get(name, name) for name in names.split(" | "))


def _reject_endless(entry: Any) -> None:
    """NaN and infinity pass as floats and compare as nothing: no limit would hold."""
    if _is_finite(entry):
        return
    for path, value in _floats(entry, ""):
        if not math.isfinite(value):
            raise DecodeError(f"{path} = {value!r}: expected a finite number")


def _is_finite(value: Any) -> bool:
    """Whether there is none of them; it looks at each value of a history, so it keeps no paths."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_finite, value))


def _floats(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _floats(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _floats(part, f"{path}[{index}]")


def _value_at(entry: Any, path: str) -> Any:
    """The value at a path like `criteria[0].id`; None where the path does not lead to one."""
    value = entry
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            return None
    return value if path else None


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
