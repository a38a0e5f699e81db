"""Signatures of what opens something later: verdicts and history entries, by HMAC-SHA256 with a key of the pipeline."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

KEY_VARIABLE = "GATE_SIGNING_KEY"
FIELD = "signature"
_SCHEME = "hmac-sha256:"


def signed(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The entry with its signature; without a key as it is, and without the signature of another time."""
    plain = {name: value for name, value in entry.items() if name != FIELD}
    return {**plain, FIELD: _SCHEME + _hmac(plain, key)} if key else plain


def why_unsigned(entry: Mapping[str, Any], key: str) -> str:
    """Why the entry's signature does not hold under that key; '' if it does, or if there is no key to hold it to."""
    if not key:
        return ""
    signature = entry.get(FIELD)
    if not isinstance(signature, str) or not signature:
        return f"it is not signed, and {KEY_VARIABLE} is set"
    plain = {name: value for name, value in entry.items() if name != FIELD}
    if not hmac.compare_digest(signature.encode(), (_SCHEME + _hmac(plain, key)).encode()):
        return f"its signature is not that of {KEY_VARIABLE}: it was changed, or signed with another key"
    return ""


def _hmac(plain: Mapping[str, Any], key: str) -> str:
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
