"""Causes: codes, sentences and the guide's remedies, and which of them a finding names."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reports.comparison.list_diff import AROUND_ROWS
from reports.comparison.record_diff import TWICE
from reports.records.cause_codes import CauseCode
from reports.records.records import Comparison, DifferenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The most frequent cause of what a finding rests on: its code, its share ("7 of 9"), and the guide's remedy.

    `others` are the further causes, the most frequent first: two faults at once are two causes of one finding.
    """

    code: CauseCode
    share: str
    sentence: str
    remedy: str
    others: tuple[Cause, ...] = ()


def most_frequent(codes: Sequence[CauseCode | None], beside: Sequence[CauseCode] = ()) -> Cause | None:
    """The cause named most often, of several one that is known, the first by name; None when none was named.

    `beside` are causes that a part of the same answers has as well. Raises ValueError for a code that is none.
    """
    named = Counter(code for code in codes if code)
    if not named:
        return None
    (code, count), *rest = sorted(
        named.items(), key=lambda pair: (-pair[1], pair[0] == CauseCode.CAUSE_UNKNOWN, pair[0])
    )
    further = Counter(dict(rest))
    further.update(other for other in beside if other != code)
    others = (pair for pair in further.most_common() if pair[0] != CauseCode.CAUSE_UNKNOWN)
    return _cause(code, count, len(codes), tuple(_cause(*pair, len(codes)) for pair in list(others)[:MOST_OTHERS]))


MOST_OTHERS = 3  # causes beside the first: what is rarer is seen once these are mended


def _cause(code: CauseCode, count: int, total: int, others: tuple[Cause, ...] = ()) -> Cause:
    entry = _sentences_by_code()[CauseCode(code)]
    return Cause(
        code=CauseCode(code),
        share=f"{count} of {total}",
        sentence=entry["sentence"],
        remedy=entry["remedy"],
        others=others,
    )


def entry_of(cause: Cause | None) -> dict[str, Any] | None:
    """The cause as verdict.json has it: its others only where there are any."""
    if cause is None:
        return None
    entry = {name: text for name, text in asdict(cause).items() if name != "others"}
    others = [entry_of(other) for other in cause.others]
    return entry | ({"others": others} if others else {})


def by_shape(comparison: Comparison) -> tuple[CauseCode, ...]:
    """The causes that the differences of an answer show by themselves, beside the one that it was given.

    An answer may have a wrong value, a wrong form and an undeclared field at once: these are three faults.
    """
    kinds = {
        _SHAPES[difference.kind]
        for difference in comparison.differences
        if difference.kind in _SHAPES and difference.excused_by is None and not _has_a_cause_of_its_own(difference.path)
    }
    return tuple(sorted(kinds - {comparison.cause}))


_SHAPES = {
    DifferenceKind.FORM: CauseCode.WRONG_FORM,
    DifferenceKind.ABSENT: CauseCode.WRONG_FORM,
    DifferenceKind.UNDECLARED: CauseCode.UNDECLARED_FIELD,
}


def _has_a_cause_of_its_own(path: str) -> bool:
    """Whether a difference is about a page's links or meta, or a key given twice."""
    return bool(AROUND_ROWS.match(path)) or path.endswith(TWICE)


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
