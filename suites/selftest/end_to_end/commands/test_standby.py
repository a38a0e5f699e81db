"""A real streaming standby as DATABASE_URL: what it holds, what it cancels, and when it is no oracle."""

from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Event, Thread

import pytest

from fixtures.clients.postgres import Database, DatabaseUnreachable
from fixtures.clients.postgres_sessions import oracle
from fixtures.contracts.contract import load
from suites.selftest.support.standby import ROWS, Pair, replicated

CONTACT = load("guide").records["contact"]
TABLES = ("contacts", "contacts_metadata", "companies", "companies_metadata")
KEYS = [f"c{number}" for number in range(1, ROWS + 1)]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as found:
        yield found


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    assert pair.caught_up()
    with closing(Database(pair.url)) as opened:
        yield opened


def _written(pair: Pair, title: str) -> None:
    with pair.primary.superuser() as session:
        session.execute("UPDATE contacts SET title = %s WHERE uuid = 'c1'", (title,))


def test_a_standby_that_follows_is_an_oracle(pair: Pair, database: Database) -> None:
    database.require_tables()
    _written(pair, "CEO")
    assert pair.caught_up()

    seen = oracle.look(database, TABLES)

    assert (seen.identity["PostgreSQL"], seen.doubts) == ("a standby", ())
    assert database.records(CONTACT, ["c1"])["c1"]["contacts"]["title"] == "CEO"


def test_a_standby_that_stands_still_is_doubted(pair: Pair, database: Database) -> None:
    with pair.standby.superuser() as session:
        session.execute("SELECT pg_wal_replay_pause()")
        try:
            _written(pair, "old")
            (doubt,) = oracle.look(database, TABLES).doubts
        finally:
            session.execute("SELECT pg_wal_replay_resume()")

    assert "replay is paused" in doubt
    assert pair.caught_up()


def test_reads_that_replay_cancels_are_asked_again(pair: Pair, database: Database) -> None:
    """Rows are changed and vacuumed away on the primary while the standby is read: none of the reads is lost.

    A standby may end the session instead of the statement: that reading is DatabaseUnreachable, and the next one opens
    another session.
    """
    ended = Event()

    def churn() -> None:
        while not ended.is_set():
            with pair.primary.superuser() as session:
                session.execute("UPDATE contacts SET title = title || 'x'")
                session.execute("VACUUM contacts")

    def conflicts() -> int:
        with pair.standby.superuser() as session:
            query = "SELECT sum(confl_snapshot + confl_lock + confl_bufferpin)::int FROM pg_stat_database_conflicts"
            (found,) = session.execute(query).fetchone() or (0,)
            return int(found)

    worker = Thread(target=churn)
    worker.start()
    try:
        reads = 0
        while conflicts() == 0 and reads < 400:
            with suppress(DatabaseUnreachable):
                assert len(database.records(CONTACT, KEYS)) == ROWS
            reads += 1
    finally:
        ended.set()
        worker.join()

    assert conflicts() > 0, f"nothing was cancelled in {reads} reads"
    assert len(database.records(CONTACT, KEYS)) == ROWS
