"""Keeps personal values and secrets out of every artefact.

Values leave the process as keyed-hash tokens: equal values share a token within a run, and without the run's key
(random, held in memory only) a token can't be turned back or compared across runs.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
_SECRET_NAMES = ("password", "secret", "token", "api_key", "apikey", "authorization", "key")


class Redactor:
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
        digest = hmac.new(self._key, f"{type(value).__name__}:{value!r}".encode(), hashlib.sha256).hexdigest()
        return f"<{type(value).__name__}:{digest[:10]}>"


def mask_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` with every one of the secrets replaced by ***. Secrets shorter than four characters are left alone."""
    for secret in sorted({each for each in secrets if len(each) >= 4}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def masked(settings: Mapping[str, str]) -> dict[str, str]:
    """A copy of the settings in which every value whose name sounds like a secret is ***."""
    return {
        name: MASK if value and any(part in name.lower() for part in _SECRET_NAMES) else value
        for name, value in settings.items()
    }
