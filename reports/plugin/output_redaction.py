"""Looks over what pytest prints and what Allure keeps: tracebacks, captured output, results, fixtures, steps.

Records and sentences are cleaned where they are written (see `ledger.Writer`); this is for what others write.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import Any, TypeVar

import allure_commons
import attr
import pytest

from reports.records.escaping import terminal_lines
from reports.records.redaction import Scrubber

_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)


def install(config: pytest.Config, clean: Scrubber) -> None:
    """From now on, redact all that this process prints or hands to Allure."""
    redaction = OutputRedaction(clean)
    config.pluginmanager.register(redaction, "gate-output-redaction")
    allure_commons.plugin_manager.register(redaction)
    config.option.attach_capture = False  # captured output in Allure's attachments would pass us by
    if clean.personal:
        config.option.showlocals = False  # locals are records
        if getattr(config.option, "tbstyle", "") == "auto":
            config.option.tbstyle = "short"  # the long style shows arguments, and those are records too


class OutputRedaction:
    """Plugin of pytest and of Allure."""

    def __init__(self, clean: Scrubber) -> None:
        self._clean = clean

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        return self._cleaned((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        return self._cleaned((yield))

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Pytest lists warnings at the end of a run, by a text that a library made."""
        text = str(warning_message.message)
        if self._shown(text) != text:
            warning_message.message = UserWarning(self._shown(text))
            warning_message.category = UserWarning

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        _clean_in_place(result, self._clean)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: Any) -> None:
        _clean_in_place(container, self._clean)

    @allure_commons.hookimpl(tryfirst=True)
    def report_globals(self, globals_item: Any) -> None:
        _clean_in_place(globals_item, self._clean)

    def _cleaned(self, report: _Report) -> _Report:
        text = report.longreprtext
        if self._shown(text) != text:
            report.longrepr = self._shown(text)
        report.sections = [(name, self._shown(content)) for name, content in report.sections]
        return report

    def _shown(self, text: str) -> str:
        """Without secrets and personal values, and without anything that a terminal or a CI would obey."""
        return terminal_lines(self._clean(text))


def _clean_in_place(item: Any, clean: Scrubber) -> None:
    """Every text of one of Allure's objects and of those it holds."""
    for field in attr.fields(type(item)):
        value = getattr(item, field.name)
        if isinstance(value, str):
            setattr(item, field.name, clean(value))
        elif isinstance(value, list):
            setattr(item, field.name, [clean(text) if isinstance(text, str) else text for text in value])
        for entry in value if isinstance(value, list) else [value]:
            if attr.has(type(entry)):
                _clean_in_place(entry, clean)
