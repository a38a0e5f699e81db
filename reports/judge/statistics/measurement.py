"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number, its unit (share, ratio, count, s), how many observations it rests on, and its interval."""

    value: float | None
    unit: str
    count: int
    interval: Interval | None = None
