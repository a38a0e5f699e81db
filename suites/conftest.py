"""What the self-tests share: a checkout's root, and child runs of pytest."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).parents[1]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A self-test is one by its folder."""
    if "selftest" in item.path.parts:
        item.add_marker("selftest")
