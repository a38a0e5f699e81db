"""What the self-tests share: a checkout's root, and child runs of pytest."""

import gc
from collections.abc import Generator
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Workers of the self-tests start after this one is configured: they find compiled modules from their start on."""
    if config.option.markexpr.startswith("selftest") and (Path(__file__).parent / "selftest").is_dir():
        from suites.selftest.support.bytecode import allow_bytecode

        allow_bytecode()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests stay until the end: the garbage collector looks for none among them, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).parents[1]
