"""The form in which two sides are compared: `canonical` brings a value to it by the rules that the contract declares.

A rule never looks at the other side, so it can't excuse more than it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Canonical = Callable[[Any], Any]


def canonical(value: Any, rules: Sequence[str]) -> Any:
    """`value` after each of the rules in turn. Null, and values of a type that a rule is not about, pass unchanged."""
    if value is None:
        return None
    for rule in rules:
        value = RULES[rule](value)
    return value


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    inner = value.strip()
    if inner and inner[0] in _QUOTES:
        inner = _unquoted(inner)
    return None if inner in ("", "_") else inner


def _seniority(value: Any) -> Any:
    if isinstance(value, str) and value.strip() == "_":
        return "_"
    return _text(value)


def _phone(value: Any) -> Any:
    text = _text(value)
    return text[1:] if isinstance(text, str) and text.startswith("'+") else text


_QUOTES = "'\""


def _unquoted(text: str) -> str:
    while len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _joined(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value if item):
        value = ", ".join(item for item in value if item)
    return value if value != "" else None


def _list(value: Any) -> Any:
    return None if value == [] else value


def _zero(value: Any) -> Any:
    return None if type(value) in (int, Decimal) and value == 0 else value


def _digits(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return format(value.normalize(), "f")
    return str(value) if type(value) is int else value


def _time(value: Any) -> Any:
    """Microseconds in UTC as text; a text that is no time stays as it is and so differs from every time."""
    moment = value
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # a zone can lead away from the first moment there is
        return value
    return moment.isoformat(timespec="microseconds") if isinstance(moment, datetime) else value


RULES: Mapping[str, Canonical] = {
    "text": _text,
    "seniority": _seniority,
    "phone": _phone,
    "joined": _joined,
    "list": _list,
    "zero": _zero,
    "digits": _digits,
    "time": _time,
}
