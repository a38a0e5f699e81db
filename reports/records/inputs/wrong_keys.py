"""Keys that an earlier run confirmed wrong: what the next run of the phase asks first, and has to find right. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongKey:
    """A sample that was confirmed wrong: the token of its key, the seed that draws it again, the run that found it.

    `forgotten`: the run's option says to forget it (--forget-wrong-keys), so it decides nothing any more.
    """

    phase: str
    check: str
    token: str
    seed: int
    run: str
    forgotten: bool = False


def token_of(check: str, key: str) -> str:
    """How a history names a key without holding it: 16 hex digits."""
    return sha256(f"{check}\0{key}".encode()).hexdigest()[:16]
