"""What the self-tests share: a checkout's root, and child runs of pytest."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).parents[1]
