"""The guide's monitoring queries on a real PostgreSQL: where they mislead, by how much, and that ours do not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from fixtures.checks.preflight.guide_log_queries import (
    LogCounts,
    NoTable,
    fallback_sentence,
    of_table,
    success_sentence,
)
from fixtures.contracts.contract import load
from fixtures.sandbox.postgres.schema import BACKEND_TABLES
from fixtures.sandbox.postgres.server import Server
from suites.selftest.support.bare_postgres import bare_postgres

CALL = "External API call: Connectra POST /contacts/"
FELL = "VQL query failed, falling back to repository: Connectra API error: 503"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with bare_postgres() as running:
        with running.superuser() as session:
            session.execute(BACKEND_TABLES.encode())
        yield running


@pytest.fixture
def session(server: Server) -> Iterator[psycopg.Connection]:
    """An empty log in a transaction of its own."""
    with server.superuser() as connection, connection.transaction(force_rollback=True):
        yield connection


def _log(session: psycopg.Connection, message: str, requests: range, age: str = "1 minute") -> None:
    """One line for each of these requests."""
    session.execute(
        "INSERT INTO logs (timestamp, level, logger, message, request_id) "
        "SELECT now() - %s::interval, 'INFO', 'app', %s, 'r-' || n FROM generate_series(%s::int, %s::int) n",
        (age, message, requests.start, requests.stop - 1),
    )


class _Log:
    """The log as the oracle's session reads it."""

    def __init__(self, session: psycopg.Connection) -> None:
        self._session = session

    def rows(self, query: str, values: Any = None) -> list[dict[str, Any]]:
        return self._session.cursor(row_factory=dict_row).execute(query, values).fetchall()


def _counted(session: psycopg.Connection, **signals: str) -> LogCounts:
    contract = load("guide")
    return of_table(_Log(session), replace(contract, provenance={**contract.provenance, **signals}))  # type: ignore[arg-type]


def test_without_failures_the_guides_query_finds_nothing_at_all(session: psycopg.Connection) -> None:
    _log(session, CALL, range(1000))

    log_counts = _counted(session)

    assert (log_counts.failures, log_counts.successes) == (0, 0)
    assert (log_counts.served, log_counts.attempts) == (1000, 1000)


@pytest.mark.parametrize("unrelated", [0, 800, 9_800])
def test_unrelated_rows_dilute_the_guides_fallback_rate_and_not_ours(
    session: psycopg.Connection, unrelated: int
) -> None:
    _log(session, CALL, range(100))
    _log(session, FELL, range(100, 200))
    _log(session, "GET /api/v1/billing/ - 200", range(1000, 1000 + unrelated))

    log_counts = _counted(session)

    assert (log_counts.fallbacks, log_counts.rows) == (100, 200 + unrelated)
    assert (log_counts.fell_back, log_counts.attempts) == (100, 200)


def test_a_request_with_two_calls_is_one_attempt(session: psycopg.Connection) -> None:
    _log(session, CALL, range(10))
    _log(session, CALL, range(10))
    _log(session, FELL, range(10))

    log_counts = _counted(session)

    assert (log_counts.served, log_counts.fell_back, log_counts.attempts) == (0, 10, 10)


def test_older_lines_are_not_counted(session: psycopg.Connection) -> None:
    _log(session, CALL, range(10))
    _log(session, FELL, range(40, 50), age="2 hours")

    assert _counted(session).attempts == 10


def test_a_log_that_never_mentions_a_call_gives_no_success_rate(session: psycopg.Connection) -> None:
    _log(session, FELL, range(10))

    log_counts = _counted(session, log_success="")

    assert "so the log does not give the rate" in success_sentence(log_counts)


def test_lines_without_a_request_id_are_counted_one_by_one(session: psycopg.Connection) -> None:
    _log(session, CALL, range(3))
    session.execute("UPDATE logs SET request_id = NULL, message = message || id")

    assert _counted(session).attempts == 3


def test_a_deployment_without_such_a_table_says_so(session: psycopg.Connection) -> None:
    session.execute("ALTER TABLE logs RENAME TO journal")

    with pytest.raises(NoTable, match="logs"):
        _counted(session)


def test_the_sentences_give_both_numbers() -> None:
    log_counts = LogCounts(
        failures=100, successes=0, fallbacks=100, rows=10_000, served=100, fell_back=100, requests=200
    )

    assert "100 failures and 0 successes" in success_sentence(log_counts)
    assert "100 of 200 (50.0%)" in success_sentence(log_counts)
    assert "100 fallbacks in 10,000 rows (1.00%)" in fallback_sentence(log_counts)
    assert "(50.0%)" in fallback_sentence(log_counts)
