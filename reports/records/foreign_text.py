"""Text that a service, an index or a file gave, where it stands in for structure: keys, states, types, ids, paths.

Such a text may be a person's name. It is marked where it comes in; whatever records or prints it puts a token in the
mark's place (`Pseudonymizer.named`, `Scrubber`). What is known beforehand, for instance by the contract, needs no mark.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container
from typing import Any
from urllib.parse import unquote

_OPEN, _CLOSE = "\ue000", "\ue001"  # of the private use area
_MARKED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX_KEY = re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{16,64}", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:[a-z]{1,8}[-_]?)?\d{1,9}")  # 17, e17, export-17; ten digits may be a telephone
_TECHNICAL = re.compile(r"[a-z0-9][a-z0-9._:/@+-]{0,119}|(?=\S*\d)[\w.:/@+-]{1,120}", re.ASCII)
_CURSOR = re.compile(  # in base64: `o=` and a digit, three digits, and the last one or two of them
    r"(?:bz0[w-z0-5])?(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){0,3}(?:[MNO][AQgw](?:==)?|[MNO][DTjz][AEIMQUYcgk]=?)?"
)
MOST_LENGTH = 200  # characters of a foreign text that its token stands for

_WORDS = """
ok up down healthy unhealthy degraded available unavailable ready starting stopping error errors warning green
yellow red true false null none pending queued waiting created processing running completed done failed cancelled
canceled expired deleted success alias binary boolean byte constant_keyword date date_nanos dense_vector
double flattened float half_float integer ip join keyword long nested object scaled_float search_as_you_type
short text unsigned_long version wildcard elasticsearch opensearch osmem
"""
WORDS = frozenset(_WORDS.split())  # of health pages, jobs, mappings and errors: the software's words, no names
_EXCEPTION = re.compile(r"[a-z]{2,20}(?:_[a-z]{2,20}){0,6}_exception")  # Elasticsearch's types of errors


def is_plain_key(text: str) -> bool:
    """Whether a text can be a record's key and nothing else: a UUID, or hexadecimal with letters and digits."""
    return bool(_UUID.fullmatch(text) or _HEX_KEY.fullmatch(text))


def foreign(value: Any, plain_names: Container[str] = ()) -> str:
    """`value` as text, marked; keys, small numbers, letters, and words of `plain_names` or of software need no mark."""
    text = str(value).translate({ord(_OPEN): None, ord(_CLOSE): None})[:MOST_LENGTH]
    if not text or text in plain_names or text.lower() in WORDS or is_plain_key(text):
        return text
    if re.fullmatch(r"\d{1,4}|[A-Za-z]", text) or _EXCEPTION.fullmatch(text):
        return text
    return f"{_OPEN}{text}{_CLOSE}"


def foreign_id(value: Any) -> str:
    """What a service calls a thing of its own: as it is if it is a key or a number, marked otherwise."""
    text = str(value)
    return text if is_plain_key(text) or _NUMBERED.fullmatch(text) else foreign(text)


def foreign_request(request: str, parameters: Container[str], parts: Container[str] | None = None) -> str:
    """A recorded request (`GET /path?name=***`) of which a service gave the query, or the path too.

    Names of `parameters` (as orderings, too) and parts of the path among `parts` are shown; None: the whole path is
    our own.
    """
    method, _, target = request.partition(" ")
    path, mark, query = target.partition("?")
    if parts is not None:
        shown = (unquote(part) for part in path.split("/"))
        path = "/".join(part if not part or part in parts else foreign_id(part) for part in shown)
    pairs = (pair.partition("=") for pair in query.split("&"))
    query = (
        "&".join(
            f"{foreign(unquote(name), parameters)}{sign}{_value(value, parameters)}" for name, sign, value in pairs
        )
        if mark
        else ""
    )
    return f"{method} {path}{mark}{query}" if request else ""


def is_cursor(text: str) -> bool:
    """Whether it is base64 of an offset (`o=25`, or the number alone), or a number."""
    return bool(text and (_CURSOR.fullmatch(text) or re.fullmatch(r"[0-9]{1,6}", text)))


def _value(value: str, plain_names: Container[str]) -> str:
    plain = value == "***" or is_cursor(value) or is_plain_key(value) or value in ("true", "false")
    ordered = all(part.strip().removeprefix("-") in plain_names for part in value.split(","))
    return value if plain or ordered else foreign(value)


def technical(value: Any) -> Any:
    """What names a build or an environment: as it is if it looks like that, its digest otherwise.

    Runs are compared by it, so that it has to be the same text in every run; a number or null stays as it is.
    """
    if not isinstance(value, str) or value in WORDS or _TECHNICAL.fullmatch(value):
        return value
    return f"<text:{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:10]}>"


def replaced(text: str, token: Callable[[str], str]) -> str:
    """`text` with the token of each marked part in its place."""
    return _MARKED.sub(lambda match: token(match[1]), text) if _OPEN in text else text
