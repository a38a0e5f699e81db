"""Keeps the logs of libraries out of pytest's handlers while a run goes on, and cleans what gets into them.

httpx and httpcore log every URL and header, psycopg and Elasticsearch's client statements and bodies. `log_cli`,
`--log-file`, `junit_logging` and `caplog` would write them down: with API keys, tokens and pieces of people's values.
All other records get through, each cleaned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from reports.records.escaping import terminal_lines

SILENT = ("httpx", "httpcore", "hpack", "h11", "psycopg", "elastic_transport", "elasticsearch", "urllib3", "faker")
NO_LEVEL = -1  # below that of every handler: levels and `propagate` of loggers do not hold pytest's handlers off


class QuietLogs:
    """Plugin of pytest: makes every log record of the process from `begin` until the run ends."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._factory = logging.getLogRecordFactory()

    def begin(self) -> None:
        logging.setLogRecordFactory(self._record)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        logging.setLogRecordFactory(self._factory)

    def _record(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        """The record with its message cleaned as a whole, without traceback; one of a silent library is empty."""
        record = self._factory(*arguments, **named)
        if record.name.partition(".")[0] in SILENT:
            record.levelno, message = NO_LEVEL, ""
        else:
            message = terminal_lines(self._clean(_message(record)))
        record.msg, record.args = message, ()
        record.exc_info = record.exc_text = record.stack_info = None  # a traceback shows values
        return record


def install(config: pytest.Config, clean: Callable[[str], str]) -> None:
    """Silence from now on, until the process is done with pytest."""
    quiet = QuietLogs(clean)
    quiet.begin()
    config.pluginmanager.register(quiet, "gate-quiet-logs")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)
