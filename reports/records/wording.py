"""Numbers and nouns as people read them: one formatter for every sentence, table and picture. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

DATE = len("2026-11-25")
_DIFFERENCES = {  # a kind of difference -> what one is
    "missing": ("missing", "missing"),
    "ghost": ("too many", "too many"),
    "identity": ("other record", "other records"),
    "value": ("other value", "other values"),
    "type": ("other type", "other types"),
    "form": ("other form", "other forms"),
    "undeclared": ("undeclared key", "undeclared keys"),
    "absent": ("absent key", "absent keys"),
    "order": ("other order", "other orders"),
    "duplicate": ("duplicate", "duplicates"),
    "truncated": ("cut off", "cut off"),
}
_IRREGULAR = {"has": "have", "is": "are", "was": "were", "does": "do", "mismatch": "mismatches", "ratio": "ratios"}


def plural(count: float, singular: str, plural_form: str = "") -> str:
    """The form that goes with the count: `plural(1, "run")` is run, `plural(2, "mismatch")` is mismatches."""
    if count == 1:
        return singular
    if singular.endswith("y") and singular[-2] not in "aeo":
        return plural_form or f"{singular[:-1]}ies"
    return plural_form or _IRREGULAR.get(singular, f"{singular}s")


def counted(count: int, singular: str, plural_form: str = "") -> str:
    """The count and its noun: "1 answer", "1,024 answers", "0 answers"."""
    return f"{count:,} {plural(count, singular, plural_form)}"


def differ(count: int, noun: str = "answer") -> str:
    """ "1 answer differs", "2 answers differ"."""
    return f"{counted(count, noun)} {plural(count, 'differs', 'differ')}"


def difference(kind: str) -> str:
    """What one difference of that kind is: "other value"."""
    return _DIFFERENCES.get(kind, (kind, kind))[0]


def differences(kinds: Mapping[str, int]) -> str:
    """How many differences of each kind, the most frequent first: "24 other values, 1 missing"."""
    ranked = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    return ", ".join(counted(count, *_DIFFERENCES.get(kind, (kind, kind))) for kind, count in ranked)


def percent(share: float) -> str:
    """A share as per cent: two places near either end, where the limits are, one in the middle."""
    return f"{100 * share:.1f} %" if 0.0995 <= share < 0.9 else f"{100 * share:.2f} %"


def ratio(number: float) -> str:
    return f"{number:.2f}x"


def amount(number: float, unit: str) -> str:
    """A measured number with its unit, in as many digits as mean something."""
    if unit == "share":
        return percent(number)
    if unit == "ratio":
        return ratio(number)
    if unit == "mismatches":
        return counted(round(number), "mismatch")
    digits = f"{number:,.0f}" if number >= 1000 or number == int(number) else f"{number:.3g}"
    return f"{digits} {unit}".rstrip()


def duration(seconds: float) -> str:
    """A length of time: 45 s, 12 min, 3 h 20 min, 2 days 4 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def moment(iso: str) -> str:
    """A time as people read it: 25 Nov 2026, 15:29 UTC; a date without a time is 25 Nov 2026. Other text stays."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at.day} {at:%b %Y}" if len(iso) == DATE else f"{at.day} {at:%b %Y, %H:%M} UTC"
