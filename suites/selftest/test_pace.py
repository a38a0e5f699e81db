"""Pace: one budget for all workers, and quiet for whoever measures."""

import threading
import time
from pathlib import Path

import pytest

from fixtures.transport.rate_limiter import RateLimiter


def test_the_budget_is_shared_between_paces_on_one_folder(tmp_path: Path) -> None:
    first, second = (RateLimiter(tmp_path, 50) for _ in range(2))
    begun = time.monotonic()

    for _ in range(3):
        first.turn()
        second.turn()

    assert time.monotonic() - begun >= 5 / 50 - 0.001  # six turns, five intervals; a lower bound no machine breaks


def test_without_a_limit_only_the_count_remains(tmp_path: Path) -> None:
    pace = RateLimiter(tmp_path, None)

    for _ in range(5):
        pace.turn()

    assert pace.sent == 5


@pytest.mark.parametrize(
    ("held", "wanted", "waits"),
    [
        ("alone", "among_others", True),
        ("among_others", "alone", True),
        ("among_others", "among_others", False),
    ],
)
def test_who_measures_is_alone(tmp_path: Path, held: str, wanted: str, waits: bool) -> None:
    first, second = (RateLimiter(tmp_path, None) for _ in range(2))
    entered = threading.Event()

    def enter() -> None:
        with getattr(second, wanted)():
            entered.set()

    with getattr(first, held)():
        thread = threading.Thread(target=enter)
        thread.start()
        came_in = entered.wait(0.2 if waits else 5)
    thread.join(5)

    assert came_in is not waits
    assert entered.is_set()
