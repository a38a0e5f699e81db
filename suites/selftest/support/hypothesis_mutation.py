"""Hypothesis: trees and texts that were right once, changed somewhere."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LIKELY = [
    "{uuid}",
    "/x",
    "(",
    "c.x",
    "a.b text",
    "http://[",
    "1e999",
    "\x00",
    "9" * 5000,
    "2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
]
SPLINTERS = [b"[", b'"', b"'", b" = ", b"\n", b"9" * 5000, b"0001-01-01", b"[[" * 2000]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(LIKELY)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn, tree: Any, values: st.SearchStrategy[Any] = VALUES, most: int = 3) -> Any:
    """The tree with a value replaced, taken away, put under another name, or joined by one more; or something else."""
    if draw(st.integers(0, 19)) == 0:
        return draw(values)
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        _mutate(tree, draw, values)
    return tree


def _mutate(holder: Any, draw: st.DrawFn, values: st.SearchStrategy[Any]) -> None:
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, dict | list) or draw(st.integers(0, 4)) == 0:
            break
        holder = inner
    mutation = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
    if mutation == "replace":
        holder[key] = draw(values)
    elif mutation == "remove":
        del holder[key]
    elif isinstance(holder, list):
        holder.append(draw(values))
    else:
        holder[draw(st.text())] = holder.pop(key) if mutation == "rename" else draw(values)


@st.composite
def cut_up(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some of them replaced by others, here and there."""
    for _ in range(draw(st.integers(1, 3))):
        start, length = draw(st.integers(0, len(content))), draw(st.integers(0, 40))
        put = draw(
            st.binary(max_size=8) | st.sampled_from([b"[", b'"', b"'", b" = ", b"\n", b"9" * 5000, b"0001-01-01"])
        )
        content = content[:start] + put + content[start + length :]
    return content
