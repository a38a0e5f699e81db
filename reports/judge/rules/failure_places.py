"""Whom a failure is booked on: one table from an error code to the place it comes from. Pure.

Ours: this process ran out of something; nothing is known about the service, and the run is HOLD. The way: the name, the
route or the proxy between us and the service; the request did not get through. A right: the service answers, and does
not give this to our credentials. Theirs: everything else; only that counts against a service.
"""

from __future__ import annotations

from enum import Enum

OUT_OF_OURS = "out-of-resources"  # error code: a request that was not sent, for want of something of our own
UNROUTABLE = "unroutable"
PROXY = "proxy"
UNRESOLVED = "unresolved"
UNAUTHORISED = "unauthorised"


class FailurePlace(Enum):
    """Where a failure comes from."""

    OURS = "ours"
    WAY = "the way"
    RIGHT = "a permission that is missing"
    THEIRS = "theirs"


_BY_CODE = {
    OUT_OF_OURS: FailurePlace.OURS,
    UNROUTABLE: FailurePlace.WAY,
    PROXY: FailurePlace.WAY,
    UNRESOLVED: FailurePlace.WAY,
    UNAUTHORISED: FailurePlace.RIGHT,
}


def place_of(error: str | None) -> FailurePlace | None:
    """Where an answer's error code comes from; None without an error."""
    return None if error is None else _BY_CODE.get(error, FailurePlace.THEIRS)
