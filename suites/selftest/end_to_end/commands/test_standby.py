"""A real streaming standby as DATABASE_URL: what it holds, what it cancels, and when it is no oracle."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fixtures import command_line
from fixtures.clients.postgres import Database, DatabaseUnreachable
from fixtures.clients.postgres_sessions import oracle
from fixtures.clients.provenance.request_log import LogMarkers, LogTable
from fixtures.contracts.contract import load
from fixtures.export_parity import __main__ as export_parity
from fixtures.export_parity.comparison import ExportComparison
from fixtures.index_parity.mapping import mapping_of
from fixtures.index_parity.table import RecordTable
from suites.selftest.support.process_tree import within
from suites.selftest.support.standby import ROWS, Pair, replicated

END_ALL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'vql-gate%'"
CONTACT = load("guide").records["contact"]
TABLES = ("contacts", "contacts_metadata", "companies", "companies_metadata")
KEYS = [f"c{number}" for number in range(1, ROWS + 1)]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def database(pair: Pair) -> Iterator[Database]:
    assert pair.caught_up()
    with closing(Database(pair.url)) as opened:
        yield opened


def _written(pair: Pair, title: str) -> None:
    with pair.primary.superuser() as session:
        session.execute("UPDATE contacts SET title = %s WHERE uuid = 'c1'", (title,))


def test_a_standby_that_follows_is_an_oracle(pair: Pair, database: Database) -> None:
    database.require_tables(load("guide"))
    _written(pair, "CEO")
    assert pair.caught_up()

    database_identity = oracle.look(database, TABLES)

    assert (database_identity.identity["PostgreSQL"], database_identity.doubts) == ("a standby", ())
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

    A standby may end the session instead of the statement: then another one is opened for the same reading.
    """
    ended = Event()

    def churn() -> None:
        while not ended.wait(0.05):  # longer than a read takes: four in a row are not cancelled
            with pair.primary.superuser() as session:
                session.execute("UPDATE contacts SET title = title || 'x'")
                session.execute("VACUUM contacts")

    def conflicts() -> int:
        with pair.standby.superuser() as session:
            query = "SELECT sum(confl_snapshot + confl_lock + confl_bufferpin)::int FROM pg_stat_database_conflicts"
            (count,) = session.execute(query).fetchone() or (0,)
            return int(count)

    worker = Thread(target=churn)
    worker.start()
    try:
        reads = 0
        while conflicts() == 0 and reads < 400:
            assert len(database.records(CONTACT, KEYS)) == ROWS
            reads += 1
    finally:
        ended.set()
        worker.join()

    assert conflicts() > 0, f"nothing was cancelled in {reads} reads"
    assert len(database.records(CONTACT, KEYS)) == ROWS


READERS: dict[str, Callable[[str], tuple[Any, Callable[..., list[dict[str, Any]]]]]] = {
    "oracle": lambda url: (database := Database(url), database.rows),
    "log": lambda url: (log_table := LogTable(url, LogMarkers(fallback="x")), log_table.session.rows),
    "index parity": lambda url: (table := RecordTable(url, mapping_of(load("guide"), "contact")), table._session.rows),
}


def _ended(pair: Pair) -> int:
    """How many sessions of ours the standby has ended."""
    with pair.standby.superuser() as session:
        (count,) = session.execute(END_ALL).fetchone() or (0,)
        return int(count)


@pytest.mark.parametrize("who", READERS)
def test_a_session_that_a_standby_has_ended_is_replaced(pair: Pair, who: str) -> None:
    reader, rows = READERS[who](pair.url)
    with closing(reader):
        assert _ended(pair) > 0

        assert rows("SELECT uuid FROM contacts WHERE uuid = 'c1'") == [{"uuid": "c1"}]


@pytest.mark.parametrize("who", READERS)
def test_a_reading_of_which_the_session_ends_is_asked_again(pair: Pair, who: str) -> None:
    reader, rows = READERS[who](pair.url)
    with closing(reader), ThreadPoolExecutor(1) as pool:
        (before,) = rows("SELECT pg_backend_pid() AS pid")
        reading = pool.submit(rows, "SELECT pg_sleep(0.5), pg_backend_pid() AS pid")
        assert within(5, lambda: _ended(pair) > 0)

        assert reading.result(30)[0]["pid"] != before["pid"]


def test_a_standby_that_ends_every_session_is_named(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(pair.url)) as database:
        opened = database._opened

        def ended() -> Any:
            session = opened()
            _ended(pair)
            return session

        monkeypatch.setattr(database, "_opened", ended)
        _ended(pair)
        with pytest.raises(
            DatabaseUnreachable, match=r"a standby ended the session of DATABASE_URL.*primary's address in DATABASE_URL"
        ):
            database.rows("SELECT 1")


@pytest.mark.parametrize(("ends", "code"), [(0, command_line.DIFFERENT), (3, command_line.DIFFERENT), (4, 6)])
def test_an_export_is_compared_again_where_the_session_ends(
    pair: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ends: int,
    code: int,
) -> None:
    exports = load("guide").exports
    assert exports is not None
    file, remaining = tmp_path / "export.csv", [None] * ends
    file.write_text(",".join(column.name for column in exports.kinds["contacts"].columns) + "\n")
    run = ExportComparison.run

    def interrupted(*arguments: Any) -> Any:
        if remaining:
            remaining.pop()
            assert _ended(pair) > 0
        return run(*arguments)

    monkeypatch.setattr(ExportComparison, "run", interrupted)
    env = tmp_path / "env"
    env.write_text(
        f"CONTACT360_BASE_URL=http://127.0.0.1:1\nCONTACT360_TOKEN=x\nCONNECTRA_BASE_URL=http://127.0.0.1:1\n"
        f"CONNECTRA_API_KEY=x\nDATABASE_URL={pair.url}\n"
    )

    assert export_parity.main([str(file), "--kind", "contacts", "--env-file", str(env)]) == code
    printed = capsys.readouterr()
    assert printed.out.count(f"{ROWS:,} missing") == (code == command_line.DIFFERENT)
    assert printed.err.count("a standby ended the session of DATABASE_URL") >= ends
