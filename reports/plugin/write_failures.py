"""JUnit and Allure write into the run folder too: a full disk there costs a note, not the verdict."""

from __future__ import annotations

from collections.abc import Generator

import allure_commons
import pytest


def install(config: pytest.Config, notes: list[str]) -> None:
    """From now on, add a sentence to `notes` for each file of theirs that could not be written."""
    guard = WriteFailureGuard(notes)
    config.pluginmanager.register(guard, "gate-write-failures")
    allure_commons.plugin_manager.register(guard)


class WriteFailureGuard:
    """Plugin of pytest and of Allure: wraps the hooks that write, so that a full disk there does not end the run."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        return (yield from self._spared("junit.xml"))

    @allure_commons.hookimpl(wrapper=True)
    def report_result(self) -> Generator[None, object, object]:
        return (yield from self._spared("allure-results"))

    @allure_commons.hookimpl(wrapper=True)
    def report_container(self) -> Generator[None, object, object]:
        return (yield from self._spared("allure-results"))

    @allure_commons.hookimpl(wrapper=True)
    def report_attached_data(self) -> Generator[None, object, object]:
        return (yield from self._spared("allure-results"))

    @allure_commons.hookimpl(wrapper=True)
    def report_globals(self) -> Generator[None, object, object]:
        return (yield from self._spared("allure-results"))

    def _spared(self, name: str) -> Generator[None, object, object]:
        try:
            return (yield)
        except OSError as error:
            note = f"{name} could not be written: {type(error).__name__}: {error.strerror}"
            if note not in self._notes:
                self._notes.append(note)
            return None
