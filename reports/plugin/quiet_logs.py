"""Keeps the logs of libraries out of pytest's handlers while a live run goes on, and looks over what gets into them.

httpx and httpcore log every URL and header, psycopg and Elasticsearch's client statements and bodies. `log_cli`,
`--log-file`, `junit_logging` and `caplog` would write them down: with API keys, tokens and pieces of people's values.
Our own records and those of others get through, each cleaned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from reports.records.escaping import terminal_lines

SILENT = (
    "httpx",
    "httpcore",
    "hpack",
    "psycopg",
    "psycopg.pool",
    "elastic_transport",
    "elasticsearch",
    "urllib3",
    "h11",
)


class QuietLogs:
    """Plugin of pytest: silent from `begin` until the run ends, when the libraries' loggers get their state back."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._before: dict[str, tuple[int, bool, list[logging.Handler]]] = {}
        self._factory = logging.getLogRecordFactory()

    def begin(self) -> None:
        """No library's record goes up to the root logger, and every other record is cleaned when it is made."""
        for name in SILENT:
            logger = logging.getLogger(name)
            self._before[name] = (logger.level, logger.propagate, list(logger.handlers))
            logger.setLevel(logging.CRITICAL + 1)
            logger.propagate = False
            logger.handlers = [logging.NullHandler()]
        logging.setLogRecordFactory(self._cleaned)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        for name, (level, propagate, handlers) in self._before.items():
            logger = logging.getLogger(name)
            logger.level, logger.propagate, logger.handlers = level, propagate, handlers
            logger.manager._clear_cache()  # type: ignore[attr-defined]
        logging.setLogRecordFactory(self._factory)
        self._before = {}

    def _cleaned(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        """The record with its message cleaned as a whole: an argument alone may hide what the message shows."""
        record = self._factory(*arguments, **named)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        record.msg, record.args = terminal_lines(self._clean(message)), ()
        record.exc_info = record.exc_text = record.stack_info = None  # tracebacks show values
        return record


def install(config: pytest.Config, clean: Callable[[str], str]) -> None:
    """Silence from now on, until the process is done with pytest."""
    quiet = QuietLogs(clean)
    quiet.begin()
    config.pluginmanager.register(quiet, "gate-quiet-logs")
