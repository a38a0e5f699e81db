"""Which known word was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(word: str, candidates: Iterable[object], *, likeness: float = 0.6, or_list: bool = True) -> str:
    """`; did you mean ...?` for a word that is nearly a known one, else the known ones; `or_list` False: else nothing.

    `likeness` is the share of letters in common (difflib's ratio) from which on a word is taken for a slip.
    """
    names = [str(name) for name in candidates]
    near = difflib.get_close_matches(word, names, 1, cutoff=likeness)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if or_list and names else ""
