"""Causes: codes, sentences and the guide's remedies, and which of them a finding names."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reports.records.cause_codes import CauseCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The most frequent cause of what a finding rests on: its code, its share ("7 of 9"), and the guide's remedy."""

    code: CauseCode
    share: str
    sentence: str
    remedy: str


def most_frequent(codes: Sequence[CauseCode | None]) -> Cause | None:
    """The cause named most often, of several one that is known, the first by name; None when none was named.

    Raises ValueError for a code that is none.
    """
    named = Counter(code for code in codes if code)
    if not named:
        return None
    code, count = min(named.items(), key=lambda pair: (-pair[1], pair[0] == CauseCode.CAUSE_UNKNOWN, pair[0]))
    entry = _sentences_by_code()[CauseCode(code)]
    return Cause(
        code=CauseCode(code), share=f"{count} of {len(codes)}", sentence=entry["sentence"], remedy=entry["remedy"]
    )


def codes() -> frozenset[CauseCode]:
    """Every code: each has a sentence and a remedy."""
    return frozenset(_sentences_by_code())


@cache
def _sentences_by_code() -> Mapping[CauseCode, Mapping[str, str]]:
    """Sentences and remedies by code. Raises ValueError when the table lacks a code or has another one."""
    listed = tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))
    missing = sorted(set(CauseCode) - set(listed))
    if missing:
        raise ValueError(f"causes.toml has no sentence and remedy for: {', '.join(missing)}")
    return {CauseCode(code): entry for code, entry in listed.items()}
