"""Keeps personal values and secrets out of every artefact.

Values leave the process as keyed-hash tokens: equal values share a token within a run, and without the run's key
(random, held in memory only) a token can't be turned back or compared across runs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from reports.records import foreign_text

MASK = "***"


class Pseudonymizer:
    """Turns values into tokens, or shows them when `show_values` was asked for (sandbox, or an explicit setting)."""

    def __init__(self, key: bytes, *, show_values: bool = False) -> None:
        self._key = key
        self._show = show_values

    def token(self, value: Any) -> str:
        """What may be written down in place of `value`.

        Emptiness is not personal and is shown as it is: null, '', [], {}, 0, true, false. Everything else becomes
        `<type:hash>`, where the hash is 10 hex digits of HMAC-SHA256 over the value's type and text.
        """
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if value in ("", 0) or value == [] or value == {}:
            return repr(value)
        if self._show:
            return repr(value)
        text = f"{type(value).__name__}:{value!r}".encode(errors="surrogatepass")
        digest = hmac.new(self._key, text, hashlib.sha256).hexdigest()
        return f"<{type(value).__name__}:{digest[:10]}>"

    def named(self, text: str) -> str:
        """`text` with a token in place of each of its foreign parts."""
        return foreign_text.replaced(text, (lambda part: part) if self._show else self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubber:
    """The last gate before anything is written or printed: free text without secrets and personal values.

    Differences carry tokens from the start; this is for what slips into sentences, tracebacks and error texts.
    It knows the run's own secrets word for word, and secrets and personal values in general by their looks: URL
    passwords, bearer tokens, JWTs, e-mail addresses, LinkedIn profiles, international telephone numbers. Names of
    people have no looks of their own: code that holds records must not put them into messages.
    """

    secrets: tuple[str, ...] = ()
    personal: bool = True  # False: values may be shown (the sandbox's, on request); secrets never
    pseudonymizer: Pseudonymizer | None = None  # gives foreign parts their tokens; without it they are left out

    def __call__(self, text: str) -> str:
        if not text.isascii():  # half of a surrogate pair can't be written down by anyone
            text = text.encode(errors="replace").decode()
        text = self.pseudonymizer.named(text) if self.pseudonymizer else foreign_text.replaced(text, lambda _: MASK)
        text = mask_secrets(text, self.secrets)
        for form in (*_SECRETS_BY_LOOKS, *(_PERSONAL_BY_LOOKS if self.personal else ())):
            text = form.masked(text)
        return text

    def entry(self, value: Any) -> Any:
        """A JSON-like value with every text in it cleaned, keys included."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {self.entry(name): self.entry(entry) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.entry(entry) for entry in value]
        return value


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of secrets or of personal values. Each text that has one has one of `signs`, in small letters, in it."""

    pattern: re.Pattern[str]
    mask: str
    signs: tuple[str, ...]

    def masked(self, text: str) -> str:
        """The text without such values. One without a sign is not searched: most have none, and a search takes long.

        Only ASCII: some other letters are one of its letters when case is ignored, as the long s is.
        """
        lowered = text.lower()
        if text.isascii() and not any(sign in lowered for sign in self.signs):
            return text
        return self.pattern.sub(self.mask, text)


# None of these may look at a text of any length from each of its places: a foreign text may be long, and all word.
_BEGIN = r"(?:(?<![\w-])|(?<=%[0-9a-fA-F]{2}))"  # of a word, also after a character that a URL encodes
_SECRETS_BY_LOOKS = (
    _Form(re.compile(r"(\w://)[^/\s@\"']+@"), rf"\1{MASK}@", ("@",)),
    _Form(
        re.compile(r"(?i)(\w%3A%2F%2F)[^/\s@\"'%]+(?:%3A[^/\s@\"'%]+)?%40"),
        rf"\1{MASK}%40",
        ("%40",),
    ),
    _Form(re.compile(rf"{_BEGIN}eyJ[\w-]{{5,}}(?:\.[\w-]+)*"), MASK, ("eyj",)),
    _Form(
        re.compile(rf"(?i){_BEGIN}(bearer|basic)(?:\s+|\+|(?:%20|%09)+)(?!\$)[\w.~+/=%-]{{8,}}"),
        rf"\1 {MASK}",
        ("bearer", "basic"),
    ),
    _Form(
        re.compile(
            rf"(?i){_BEGIN}((?:x-)?api[_-]?key|authorization|password|passwd|secret|(?:access|refresh)[_-]?token)"
            r"""((?:[\\'"]|%22|%27|%5C)*(?:\s|%20)*(?:[:=]|%3A|%3D)(?:\s|%20)*(?:[\\'"]|%22|%27|%5C)*)"""
            r"""(?!bearer|basic|\$|\*)[^\s'",;&}\\]{4,}"""
        ),
        rf"\1\2{MASK}",
        ("apikey", "api_key", "api-key", "authorization", "passw", "secret", "token"),
    ),
)
_PERSONAL_BY_LOOKS = (
    _Form(
        re.compile(r"[\w.+'%-]{1,128}(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE),
        "[e-mail]",
        ("@", "%40"),
    ),
    _Form(
        re.compile(r"(?:https?://)?(?:[\w-]{1,63}\.){0,8}linkedin\.com(?:/|%2F)[^\s\"'<>)\]},\\]+", re.IGNORECASE),
        "[linkedin]",
        ("linkedin.com",),
    ),
    _Form(
        re.compile(r"(?:(?<![\w.])\+|%2B)\d(?:[\d ().-]|%20|%28|%29){7,60}\d", re.IGNORECASE),
        "[phone]",
        ("+", "%2b"),
    ),
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SAID_PLAINLY = ("field", "operator", "order_by", "order_direction", "ordering", "distinct", "view")


def replayable(method: str, path: str, body: Any = None) -> str:
    """A request as it may be written down: its shape, uuids and numbers; every other value is ***.

    "POST /contacts/ {...}". Fields, operators and paging are shown, what they are compared with is not.
    """
    parts = urlsplit(path)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{quote(name, safe='[]')}={_shown(name, value)}" for name, value in pairs)
    request = f"{method} {parts.path}" + (f"?{query}" if query else "")
    return request if body is None else f"{request} {json.dumps(_bodied('', body), ensure_ascii=False)}"


def shown_url(url: str) -> str:
    """Which server a URL is about, and nothing that could be a secret: no user, path or query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else MASK


def _bodied(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _bodied(str(key), entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_bodied(name, entry) for entry in value]
    return _shown(name, value) if isinstance(value, str) else value


def _shown(name: str, value: str) -> str:
    literal = name in _SAID_PLAINLY and re.fullmatch(r"[\w,.:-]{1,120}", value)
    plain = (
        literal
        or (name == "cursor" and foreign_text.is_cursor(value))
        or _UUID.fullmatch(value)
        or re.fullmatch(r"-?\d{1,6}|true|false", value)
    )
    return value if plain else MASK


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` with every one of the secrets replaced by ***, as they are and as a URL or JSON writes them.

    Secrets shorter than four characters are left alone.
    """
    for spelling in _spellings(tuple(secrets)):
        text = text.replace(spelling, MASK)
    return text


@cache
def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """All ways in which the secrets may be written, the longest first."""
    spellings: set[str] = set()
    for secret in secrets:
        if len(secret) >= 4:
            quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
            lower = {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), text) for text in quoted}
            spellings |= {
                secret,
                *quoted,
                *lower,
                json.dumps(secret)[1:-1],
                json.dumps(secret, ensure_ascii=False)[1:-1],
            }
    return tuple(sorted(spellings, key=len, reverse=True))
