"""Tests that start processes (a run of pytest, a sandbox, a server): all of them are marked `slow`."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.is_relative_to(HERE):
        item.add_marker(pytest.mark.slow)
