"""Every session to PostgreSQL: what it was asked to be it is, directly and through a pooler that drops half of it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from fixtures.clients.postgres import Database, DatabaseUnusable
from fixtures.clients.postgres_sessions.errors import DatabaseUnreachable, SnapshotTooOld, described
from fixtures.clients.postgres_sessions.session import SessionPlan, asked_again, open_session
from fixtures.clients.provenance.request_log import LogMarkers, LogTable
from fixtures.export_parity.direct_query import DirectQuery
from fixtures.index_parity.mapping import IndexField
from fixtures.index_parity.table import RecordTable
from fixtures.sandbox.postgres.server import Server
from reports.comparison.csv_cells import CsvColumn
from reports.comparison.record_diff import Field
from suites.selftest.support import keys_only
from suites.selftest.support.bare_postgres import bare_postgres
from suites.selftest.support.pooler import pooled
from suites.selftest.support.process_tree import within

PASSWORD = "here-4711"
LOOK = (
    "SELECT current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path, "
    "current_setting('row_security') AS row_security, current_setting('client_encoding') AS encoding, "
    "current_setting('idle_in_transaction_session_timeout') AS idle, "
    "current_setting('statement_timeout') AS statement, current_setting('jit') AS jit"
)
ROUTES: dict[str, dict[str, str] | None] = {
    "direct": None,
    "pooler": {},
    "pooler-that-ignores-options": {"ignore_startup_parameters": "extra_float_digits,options"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with the backend's tables in two schemas, and a role that is hindered by settings of its own."""
    with bare_postgres() as running:
        running.set_password("postgres", PASSWORD)
        with running.superuser() as session:
            for statement in (
                "CREATE SCHEMA app",
                "CREATE ROLE worker SUPERUSER LOGIN",
                "ALTER ROLE worker SET idle_in_transaction_session_timeout = '20s'",
                "ALTER ROLE worker SET statement_timeout = '21s'",
                "ALTER ROLE worker SET client_encoding = 'latin1'",
                "CREATE ROLE half LOGIN",
                "ALTER ROLE half SET search_path = app",
                "GRANT USAGE ON SCHEMA app TO half",
            ):
                session.execute(statement.encode())
            for schema in ("public", "app"):
                for table in ("contacts", "contacts_metadata", "companies", "companies_metadata"):
                    columns = "uuid text PRIMARY KEY, city text, company_id text"
                    session.execute(f"CREATE TABLE {schema}.{table} ({columns})".encode())
                session.execute(f"CREATE TABLE {schema}.logs (message text, request_id text)".encode())
                session.execute(f"INSERT INTO {schema}.contacts VALUES ('{schema}')".encode())
            session.execute("GRANT SELECT ON ALL TABLES IN SCHEMA app TO half")
            session.execute("ALTER TABLE app.contacts ENABLE ROW LEVEL SECURITY")
            session.execute("CREATE POLICY a_half ON app.contacts FOR SELECT TO half USING (uuid < 'b')")
        for role in ("worker", "half"):
            running.set_password(role, PASSWORD)
        yield running


@contextmanager
def _url(server: Server, route: str, role: str = "worker") -> Iterator[str]:
    url = server.dsn("postgres", role, PASSWORD)
    settings = ROUTES[route]
    if settings is None:
        yield url
    else:
        with pooled(url, **settings) as pooler:
            yield pooler


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_session_is_what_it_was_asked_to_be(server: Server, route: str) -> None:
    with _url(server, route) as url:
        options = "?options=-c%20search_path%3Dapp,public%20--jit%3Doff"
        with closing(open_session(url + options, SessionPlan(timeout_s=7))) as session:
            (row,) = session.rows(LOOK)

    assert row == {
        "read_only": "on",
        "path": "app,public",
        "row_security": "off",
        "encoding": "UTF8",
        "idle": "0",
        "statement": "7s",
        "jit": "off",
    }


SESSIONS: dict[str, Callable[[str], tuple[Any, Callable[[Any], list[Any]]]]] = {
    "oracle": lambda url: (database := Database(url), database.rows),
    "log": lambda url: (log_table := LogTable(url, LogMarkers(fallback="x")), log_table.session.rows),
    "index parity": lambda url: (table := RecordTable(url, keys_only.mapping("contact")), table._session.rows),
    "export parity": lambda url: (
        query := DirectQuery(url, keys_only.kind("contacts")),
        query._session.rows,
    ),
}


@pytest.mark.parametrize("who", SESSIONS)
def test_all_readers_read_the_schema_that_the_url_names(server: Server, route: str, who: str) -> None:
    with _url(server, route) as url:
        for schema in ("app", "public"):
            reader, rows = SESSIONS[who](f"{url}?options=-csearch_path%3D{schema}")
            with closing(reader):
                assert rows("SELECT uuid FROM contacts") == [{"uuid": schema}]


@pytest.mark.parametrize("who", SESSIONS)
def test_all_readers_are_read_only_and_limited(server: Server, route: str, who: str) -> None:
    with _url(server, route) as url:
        reader, rows = SESSIONS[who](url)
        with closing(reader):
            (row,) = rows(LOOK)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                rows("DELETE FROM contacts")

    assert row["read_only"] == "on"
    assert row["statement"] not in ("0", "21s")
    assert row["idle"] == "0"


@pytest.mark.parametrize(("limit", "kept"), [("9000", "9s"), ("2min", "2min"), ("0", "7s"), ("0ms", "7s")])
def test_the_urls_own_limit_of_a_statement_is_kept(server: Server, route: str, limit: str, kept: str) -> None:
    with _url(server, route) as url:
        plan = SessionPlan(timeout_s=7)
        with closing(open_session(f"{url}?options=-cstatement_timeout%3D{limit}", plan)) as session:
            assert session.rows(LOOK)[0]["statement"] == kept


def test_many_reads_through_a_pooler_need_no_prepared_statement(server: Server) -> None:
    with _url(server, "pooler") as url, closing(Database(url)) as first, closing(Database(url)) as second:
        for _ in range(20):
            assert first.rows("SELECT uuid FROM contacts WHERE uuid = %s", ("public",))
            assert second.rows("SELECT uuid FROM contacts WHERE uuid = %s", ("public",))


def test_a_pooler_without_transactions_is_named(server: Server) -> None:
    url = server.dsn("postgres", "worker", PASSWORD)
    with (
        pooled(url, mode="statement") as pooler,
        pytest.raises(DatabaseUnusable, match=r"statement pooling.*give the direct address"),
    ):
        Database(pooler)


def test_options_that_no_transaction_can_be_given_are_named(server: Server) -> None:
    with (
        _url(server, "pooler") as url,
        pytest.raises(DatabaseUnusable, match="a pooler refuses the options of DATABASE_URL"),
    ):
        Database(f"{url}?options=-W%205")


@pytest.mark.parametrize("parameter", ["no_such%3D1", "work_mem%3Dmuch"])
def test_a_parameter_that_the_server_refuses_is_named(server: Server, parameter: str) -> None:
    with pytest.raises(DatabaseUnusable, match="DATABASE_URL"):
        Database(server.dsn("postgres", "worker", PASSWORD) + f"?options=-c{parameter}")


def test_a_role_that_sees_a_part_of_the_rows_is_refused(server: Server, route: str) -> None:
    with _url(server, route, role="half") as url, closing(Database(url)) as database:
        with pytest.raises(DatabaseUnusable, match=r"may not see all rows of contacts.*BYPASSRLS"):
            database.require_tables(keys_only.contract())
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            database.rows("SELECT uuid FROM contacts")
    assert "may not see all rows" in described(refused.value)


def test_tables_outside_the_search_path_are_named_with_their_schema(server: Server) -> None:
    url = server.dsn("postgres", "worker", PASSWORD)
    with (
        closing(Database(f"{url}?options=-csearch_path%3Dpg_catalog")) as database,
        pytest.raises(DatabaseUnusable, match=r"schema app or public.*options=-csearch_path%3Dapp"),
    ):
        database.require_tables(keys_only.contract())


def test_the_backends_tables_are_found_in_the_schema_of_the_url(server: Server, route: str) -> None:
    with _url(server, route) as url, closing(Database(f"{url}?options=-csearch_path%3Dapp")) as database:
        database.require_tables(keys_only.contract())


class _Conflict(psycopg.errors.SerializationFailure):
    def __init__(self) -> None:
        super().__init__("canceling statement due to conflict with recovery")


@pytest.mark.parametrize("conflicts", [0, 1, 3])
def test_a_query_that_a_standby_cancels_is_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, conflicts: int
) -> None:
    conflicts_left = [_Conflict() for _ in range(conflicts)]
    with closing(Database(server.dsn("postgres", "worker", PASSWORD))) as database:
        execute = database._session.execute

        def conflicting(query: Any, parameters: Any = None) -> Any:
            if conflicts_left:
                raise conflicts_left.pop()
            return execute(query, parameters)

        monkeypatch.setattr(database._session, "execute", conflicting)
        assert database.rows("SELECT uuid FROM contacts") == [{"uuid": "public"}]


def test_a_standby_that_cancels_every_time_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(server.dsn("postgres", "worker", PASSWORD))) as database:

        def conflicting(*_: Any) -> Any:
            raise _Conflict

        monkeypatch.setattr(database._session, "execute", conflicting)
        with pytest.raises(
            DatabaseUnreachable, match=r"a standby cancelled the read.*primary's address in DATABASE_URL"
        ):
            database.rows("SELECT 1")


def test_another_failure_is_not_asked_again() -> None:
    calls: list[int] = []

    def failing() -> None:
        calls.append(1)
        raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")

    with pytest.raises(psycopg.errors.QueryCanceled):
        asked_again(failing)
    assert len(calls) == 1


HELD = (
    "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_xmin IS NOT NULL "
    "AND application_name LIKE 'vql-gate%'"
)


def _held_snapshots(server: Server) -> int:
    """How many snapshots our sessions keep open on the server: it removes no row that one of them may see."""
    with server.superuser() as session:
        (count,) = session.execute(HELD).fetchone() or (-1,)
        return int(count)


def test_the_snapshot_of_an_export_is_let_go_at_its_age(server: Server, route: str) -> None:
    with _url(server, route) as url:
        with closing(DirectQuery(url, keys_only.kind("contacts"))):
            assert _held_snapshots(server) > 0
        with closing(DirectQuery(url, keys_only.kind("contacts"), max_snapshot_s=0.4)) as direct:
            assert within(10, lambda: _held_snapshots(server) == 0)
            with pytest.raises(SnapshotTooOld, match=r"after 0\.4 s.*--max-snapshot-s"), direct.reading():
                list(direct.rows(["c.uuid"]))


def test_the_snapshot_of_an_export_is_let_go_in_the_middle_of_a_statement(server: Server, route: str) -> None:
    with (
        _url(server, route) as url,
        closing(DirectQuery(url, keys_only.kind("contacts"), max_snapshot_s=0.4)) as direct,
        pytest.raises(SnapshotTooOld, match=r"after 0\.4 s"),
        direct.reading(),
    ):
        list(direct.rows(["pg_sleep(30)"]))
    assert within(10, lambda: _held_snapshots(server) == 0)


def test_a_session_that_is_closed_while_it_is_severed_takes_no_other_with_it(server: Server) -> None:
    url = server.dsn("postgres", "worker", PASSWORD)
    session = open_session(url, SessionPlan())
    connections: list[psycopg.Connection] = []

    class Closing:
        """The connection: closed in the middle of it, and its descriptor is the next one's."""

        closed = False

        def cancel(self) -> None:
            session.close()
            connections.append(psycopg.connect(url))

        def fileno(self) -> int:
            return descriptor

        def close(self) -> None:
            Closing.closed = True
            connection.close()

    connection, descriptor = session.connection, session.connection.fileno()
    session.connection = Closing()  # type: ignore[assignment]
    session.sever()
    with closing(connections[0]) as other:
        assert other.fileno() == descriptor
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_a_snapshot_of_the_suite_is_asked_nothing_more_at_its_age(server: Server) -> None:
    with closing(Database(server.dsn("postgres", "worker", PASSWORD))) as database:
        assert database._session.plan.snapshot_s == 30
        database._session.plan = replace(database._session.plan, snapshot_s=0.0)
        with pytest.raises(SnapshotTooOld, match="after 0 s"), database.snapshot():
            database.rows("SELECT 1")
        assert _held_snapshots(server) == 0


def test_a_statement_of_the_index_comparison_ends_at_the_age_of_its_snapshot(server: Server) -> None:
    url = server.dsn("postgres", "worker", PASSWORD)
    with closing(RecordTable(url, keys_only.mapping("contact"), timeout_s=0.4)) as table:
        with pytest.raises(SnapshotTooOld, match=r"after 0\.4 s.*--max-snapshot-s"):
            table._all("SELECT pg_sleep(30)")
        assert table.total() == 1
        assert _held_snapshots(server) == 0


@pytest.mark.parametrize("column", ["contacts.title", "companies_metadata.city"])
@pytest.mark.parametrize("reader", ["suite", "index parity", "export parity"])
def test_columns_that_the_contract_compares_and_the_tables_lack_are_named(
    server: Server, reader: str, column: str
) -> None:
    with server.superuser() as session:
        session.execute("ALTER TABLE companies_metadata RENAME city TO town")
        try:
            with pytest.raises(DatabaseUnusable) as refused:
                _open_for(reader, server.dsn("postgres", "worker", PASSWORD), column)
        finally:
            session.execute("ALTER TABLE companies_metadata RENAME town TO city")

    assert f"DATABASE_URL names a database without {column}, which " in str(refused.value)
    assert "--contract" in str(refused.value)


def _open_for(reader: str, url: str, column: str) -> None:
    """Open a session for a contract that compares that column beside the keys."""
    if reader == "suite":
        fields = {"x": (Field(path="x", columns=(column,), rules=()),)}
        with closing(Database(url)) as database:
            database.require_tables(replace(keys_only.contract(), fields=fields))
    elif reader == "index parity":
        table, _, name = column.partition(".")
        added = IndexField(name="x", table=table, column=name)
        RecordTable(url, replace(keys_only.mapping("contact"), copied=(added,))).close()
    else:
        kind = keys_only.kind("contacts")
        columns = (*kind.columns, CsvColumn(name="x", source=column, rules=()))
        DirectQuery(url, replace(kind, columns=columns)).close()


def test_columns_that_the_role_may_not_read_are_named(server: Server) -> None:
    with server.superuser() as session:
        session.execute("REVOKE SELECT ON app.companies FROM half")
        session.execute("GRANT SELECT (city) ON app.companies TO half")
    with (
        closing(Database(server.dsn("postgres", "half", PASSWORD))) as database,
        pytest.raises(DatabaseUnusable, match=r"may not read companies\.uuid, which contract 'guide'.*GRANT SELECT ON"),
    ):
        database.require_tables(keys_only.contract())
    with server.superuser() as session:
        session.execute("GRANT SELECT ON app.companies TO half")
