"""Whether two lists hold the same, and if not, what happened: missing, ghost, duplicate, truncated, out of order.

Lists without an order asked for are compared as multisets, never position by position.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from reports.comparison.record_diff import RawDifference
from reports.records.foreign_text import foreign
from reports.records.records import DifferenceKind

AROUND_ROWS = re.compile(r"pages\.\d+\.(next|previous|meta)(\.|$)")  # a row's own meta_data is no page's meta
SHOWN = 25  # differences of one kind in one list: what ten thousand missing rows tell is told by these


def compared(
    expected: Sequence[str],
    actual: Sequence[str],
    *,
    cut_at: Sequence[int] = (),
    name: str = "rows",
    shown: bool = True,
) -> tuple[RawDifference, ...]:
    """What one list has and the other has not. A list that ends at a length of `cut_at`, and is right so far, was cut.

    `shown` says that items are keys, which may stand in a path; other items are answered by number.
    """
    wanted, answered = Counter(expected), Counter(actual)
    missing, surplus = list((wanted - answered).elements()), list((answered - wanted).elements())
    if missing and not surplus and len(actual) in cut_at:
        path = f"{name}.{len(actual)}-of-{len(expected)}"
        return (RawDifference(path=path, kind=DifferenceKind.TRUNCATED, expected=len(expected), actual=len(actual)),)
    ghosts = [item for item in surplus if item not in wanted]
    repeated = [item for item in surplus if item in wanted]
    return (
        *_by_item(name, DifferenceKind.MISSING, missing, shown=shown),
        *_by_item(name, DifferenceKind.GHOST, ghosts, shown=shown),
        *_by_item(name, DifferenceKind.DUPLICATE, repeated, shown=shown),
    )


def out_of_order(actual: Sequence[str], ranks: Mapping[str, int], *, name: str = "order") -> tuple[RawDifference, ...]:
    """The first place at which the list goes back in the order that `ranks` gives; ties are free."""
    ranked = [(place, item) for place, item in enumerate(actual) if item in ranks]
    for (_, before), (place, item) in pairwise(ranked):
        if ranks[item] < ranks[before]:
            return (RawDifference(path=f"{name}.{place}", kind=DifferenceKind.ORDER, expected=before, actual=item),)
    return ()


def same_sequence(expected: Sequence[str], actual: Sequence[str], *, name: str) -> tuple[RawDifference, ...]:
    """Two lists whose order counts: what differs, or else the first place out of order."""
    differences = compared(expected, actual, name=name, shown=False)
    if differences or list(expected) == list(actual):
        return differences
    place = next(place for place, (wanted, shown) in enumerate(zip(expected, actual, strict=True)) if wanted != shown)
    return (
        RawDifference(
            path=f"{name}.{place}", kind=DifferenceKind.ORDER, expected=expected[place], actual=actual[place]
        ),
    )


def _by_item(name: str, kind: DifferenceKind, items: Sequence[str], *, shown: bool) -> list[RawDifference]:
    """One difference per item, at most SHOWN of them."""
    missing = kind is DifferenceKind.MISSING
    return [
        RawDifference(
            path=f"{name}.{number if not shown else foreign(item) if kind is DifferenceKind.GHOST else item}",
            kind=kind,
            expected=item if missing else None,
            actual=None if missing else item,
        )
        for number, item in enumerate(sorted(items)[:SHOWN])
    ]
