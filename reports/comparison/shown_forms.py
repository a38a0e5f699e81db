"""The form in which a service has to show a stored value: its JSON type and its exact text.

`canonical.py` says which values mean the same; this module says which one of them is right. Nothing is forgiven here:
a path that shows another form is a known difference, which a contract declares, caps and counts.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reports.comparison.canonical import canonical

EMPTY: tuple[Any, ...] = (None, "", 0, [])
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6}0{0,3})?(Z|[+-]\d\d:\d\d)?")


class Form(StrEnum):
    """How a table of fields shows what is stored."""

    NORMALISED = "normalised"  # texts without outer blanks and quotes; an empty text and the placeholder are null
    STORED = "stored"  # as it is stored; no list is an empty one
    SPARSE = "sparse"  # as it is stored; what is empty may be left out, or be null
    INDEXED = "indexed"  # as SPARSE, and nothing may also be an empty text, list or 0


def shown_of(stored: Any, rules: Sequence[str], form: Form) -> Any:
    """The one value that stands for a stored value in that form. Times: microseconds in UTC as text."""
    if "time" in rules:
        return canonical(stored, rules)
    if "joined" in rules:
        return canonical(list(stored) if stored else None, ("joined",))
    if "list" in rules:
        return list(stored or [])
    if "digits" in rules:
        return None if stored is None else str(canonical(stored, ("digits",)))
    if form is Form.NORMALISED and not _NORMALISING.isdisjoint(rules):
        return canonical(stored, [rule for rule in rules if rule in _NORMALISING])
    return stored


_NORMALISING = {"text", "seniority", "phone"}


def is_rfc_3339(text: str) -> bool:
    """Whether a text has the form of a time: RFC 3339 with T, its zone left out or given.

    PostgreSQL knows microseconds: a digit of nanoseconds beside them comes from elsewhere.
    """
    return bool(_RFC_3339.fullmatch(text))


def is_shown(actual: Any, expected: Any, rules: Sequence[str], form: Form) -> bool:
    """Whether a value is the expected one, in type and form."""
    if form in (Form.SPARSE, Form.INDEXED) and _is_empty(expected):
        return actual is None or same(actual, expected) or (form is Form.INDEXED and _is_empty(actual))
    if "time" in rules and isinstance(actual, str) and expected is not None:
        return is_rfc_3339(actual) and canonical(actual, ("time",)) == expected
    return same(actual, expected)


def same(first: Any, second: Any) -> bool:
    """Equal in type and value, at any depth. A number of PostgreSQL that is a Decimal has no form of its own."""
    for number, shown in ((first, second), (second, first)):
        if isinstance(number, Decimal) and isinstance(shown, int | float) and not isinstance(shown, bool):
            return number == shown or float(number) == float(shown)
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(value, second[name]) for name, value in first.items())
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def means_same(first: Any, second: Any, rules: Sequence[str]) -> bool:
    """Whether two values that are not the same mean the same: only their form differs, by the rules or by any other.

    A number as a text, a list as a joined text, blanks or quotes around, nothing shown as an empty text or as `_`,
    letters in parts (NFD), characters that are not seen, a time in seconds since 1970. Zero is a value: it means
    nothing only where a rule says so.
    """
    if same(canonical(first, rules), canonical(second, rules)) or _meaning(first) == _meaning(second):
        return True
    is_time = "time" in rules and first is not None
    return is_time and canonical(_moment(second), ("time",)) == canonical(first, ("time",))


def is_transcoded(stored: Any, shown: Any) -> bool:
    """Whether a text, or a text of a list, was spoilt by encodings, and nothing else differs.

    It was written in one encoding and read in another, encoded more than once, or lost its letters beyond ASCII.
    """
    if isinstance(stored, list) and isinstance(shown, list) and len(stored) == len(shown):
        changed = [(first, second) for first, second in zip(stored, shown, strict=True) if not same(first, second)]
        return bool(changed) and all(is_transcoded(first, second) for first, second in changed)
    return isinstance(shown, str) and stored != shown and shown.strip() in _garbled(stored)


def are_transcoded(stored: Set[str], shown: Set[str]) -> bool:
    """Whether texts are shown that are not stored, and each is one of those that lack, spoilt by encodings."""
    strange = shown - stored
    garbled = {form for text in stored - shown for form in _garbled(text)}
    return bool(strange) and all(isinstance(text, str) and text.strip() in garbled for text in strange)


def _garbled(text: Any) -> Set[str]:
    """What encodings can make of a text, without blanks at its ends; nothing for a text in ASCII."""
    if not isinstance(text, str) or text.isascii():
        return frozenset()
    return {form.strip() for form in _transcoded(text)} - {""}


def _transcoded(text: str) -> Iterator[str]:
    for form in ("NFC", "NFD", "NFKD"):
        letters = unicodedata.normalize(form, text)
        yield "".join(letter for letter in letters if not unicodedata.combining(letter))
        yield from (letters.encode("ascii", handler).decode() for handler in _REPLACEMENTS)
    yield json.dumps(text)[1:-1]
    for written in _ENCODINGS:
        content = text.encode(written, "replace")
        yield from (content.decode(read, handler) for read in _ENCODINGS for handler in ("replace", "ignore"))
        yield _as_windows_1252(content)
    for read in ("", *_ENCODINGS):
        twice = _read(_read(text.encode(), read).encode(), read)
        yield from (twice, _read(twice.encode(), read))


def _read(content: bytes, encoding: str) -> str:
    return content.decode(encoding, "replace") if encoding else _as_windows_1252(content)


def _as_windows_1252(content: bytes) -> str:
    """As browsers read it: a byte that Windows-1252 leaves open is a control character."""
    return content.decode("latin-1").translate(_WINDOWS_1252)


_REPLACEMENTS = ("ignore", "replace", "backslashreplace", "xmlcharrefreplace")
_ENCODINGS = ("utf-8", "ascii", "latin-1", "cp1252", "iso8859-15", "cp1250", "cp1251", "mac-roman", "cp437", "cp850")
_WINDOWS_1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


def _moment(value: Any) -> Any:
    """A time in small letters, or one counted in seconds or milliseconds since 1970, as a time; else the value."""
    if isinstance(value, str):
        return value.upper()
    if type(value) not in (int, float):
        return value
    seconds = Decimal(str(value)) / (1000 if value > _MILLISECONDS else 1)
    return datetime(1970, 1, 1) + timedelta(microseconds=int(seconds * 10**6)) if 0 < value < _LAST else value


_MILLISECONDS = 10**11  # from here on it counts milliseconds: as seconds it would be the year 5138
_LAST = 10**14


def _meaning(value: Any) -> Any:
    if isinstance(value, dict) or type(value) is bool:
        return repr(value)
    if isinstance(value, list):
        return canonical([item for item in value if item is not None], ("joined",)) or None
    if isinstance(value, str):
        text = canonical(_plain(value), ("phone",))
        return None if text is None else _number(text)
    return None if value is None else _number(str(value))


def _plain(text: str) -> str:
    """The text in composed characters, every blank the same, and without those that are not seen."""
    composed = unicodedata.normalize("NFC", text)
    kinds = ((character, unicodedata.category(character)) for character in composed)
    return "".join(" " if kind == "Zs" else character for character, kind in kinds if kind != "Cf")


def _number(text: str) -> Any:
    """The number that a text shows, or the text itself."""
    return Decimal(text) if _NUMBER.fullmatch(text) else text


_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")


def is_as_stored(actual: Any, stored: Any) -> bool:
    """Whether a value is the stored one as it is, or null where the stored one is empty.

    The stored values of an object (a mapping) are all empty, or it is no object that may be left out.
    """
    if isinstance(stored, dict):
        return actual is None and all(map(_is_empty, stored.values()))
    return same(actual, stored) or (actual is None and _is_empty(stored))


def is_hollow(value: Any) -> bool:
    """Whether it is an object that holds nothing, its uuid aside."""
    return isinstance(value, dict) and all(inner is None for name, inner in value.items() if name != "uuid")


def _is_empty(value: Any) -> bool:
    return value is None or (type(value) in (str, int, list, Decimal) and value in EMPTY)
