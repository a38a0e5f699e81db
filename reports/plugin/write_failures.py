"""Others who write into the run folder, JUnit and Allure: that one finds no room costs a note, not the verdict."""

from __future__ import annotations

from collections.abc import Generator

import allure_commons
import pytest


def install(config: pytest.Config, notes: list[str]) -> None:
    """Have `notes` told what else could not be written, from now on."""
    bystanders = WriteFailureGuard(notes)
    config.pluginmanager.register(bystanders, "gate-bystanders")
    allure_commons.plugin_manager.register(bystanders)


class WriteFailureGuard:
    """Plugin of pytest and of Allure. It stands next to those that write, so that whoever waits for them goes on."""

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
