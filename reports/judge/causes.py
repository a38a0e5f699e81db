"""Causes: codes, sentences and the guide's remedies, and which of them a finding names."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_UNLISTED = {"sentence": "", "remedy": "Phase 1, If Issues Occur: Investigate logs and Connectra service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The most frequent cause of what a finding rests on: its code, its share ("7 of 9"), and the guide's remedy."""

    code: str
    share: str
    sentence: str
    remedy: str


def most_frequent(codes: Sequence[str | None]) -> Cause | None:
    """The cause named most often, of several the first by name; None when none was named."""
    named = Counter(code for code in codes if code)
    if not named:
        return None
    code, count = min(named.items(), key=lambda each: (-each[1], each[0]))
    entry = _known().get(code, _UNLISTED)
    sentence = entry["sentence"] or code
    return Cause(code=code, share=f"{count} of {len(codes)}", sentence=sentence, remedy=entry["remedy"])


def codes() -> frozenset[str]:
    """Every code that has a sentence and a remedy."""
    return frozenset(_known())


@cache
def _known() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("causes.toml").read_text(encoding="utf-8"))
