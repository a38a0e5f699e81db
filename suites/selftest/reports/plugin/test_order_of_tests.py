"""Latency blocks are spread over the tests of their own phase, never over those of another one."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reports.plugin.selection import pytest_collection_modifyitems


def _item(phase: str, name: str, *fixtures: str) -> Any:
    return SimpleNamespace(path=Path(phase) / "test_it.py", name=f"{phase}:{name}", fixturenames=fixtures)


def _phase(phase: str) -> list[Any]:
    blocks = [_item(phase, f"block-{number}", "block") for number in (1, 2)]
    return [*blocks, _item(phase, "last", "at_end"), *(_item(phase, f"test-{number}") for number in range(4))]


def test_each_phase_ends_before_the_next_begins() -> None:
    items = [*_phase("one"), *_phase("two")]

    pytest_collection_modifyitems(items)

    names = ["test-0", "test-1", "block-1", "test-2", "test-3", "block-2", "last"]
    assert [item.name for item in items] == [f"{phase}:{name}" for phase in ("one", "two") for name in names]
