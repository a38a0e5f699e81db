"""A PostgreSQL that the sandbox is started on: it gets what a server of our own has, and is given back as it was."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from fixtures.sandbox.postgres import seeding
from fixtures.sandbox.postgres.server import Server, external_server
from fixtures.sandbox.processes.external_servers import ExternalServerRefused
from fixtures.sandbox.settings import BadSetting, checked
from fixtures.session.sandbox_process import OwnedSandbox, SandboxFailed
from suites.selftest.support.bare_postgres import bare_postgres

PASSWORD = "lent-4711"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with bare_postgres() as running:
        running.set_password("postgres", PASSWORD)
        yield running


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.dsn("postgres", "postgres", PASSWORD)


@pytest.fixture
def described(server: Server) -> list[str]:
    return _described(server)


def _described(server: Server) -> list[str]:
    """Every database and role that the server has."""
    with server.superuser() as session:
        return [
            name
            for (name,) in session.execute(
                "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles ORDER BY 1"
            )
        ]


def test_a_deployment_lives_on_it_and_is_gone_afterwards(
    checkout: Path, server: Server, url: str, described: list[str]
) -> None:
    sandbox = OwnedSandbox.start(checkout, rows=100, seed=7, postgres=url, service_time_ms=0)
    try:
        database = sandbox.values["DATABASE_URL"]
        health = httpx.get(f"{sandbox.values['CONTACT360_BASE_URL']}/health", timeout=10, trust_env=False)
        with psycopg.connect(database) as session:
            row = session.execute(
                "SELECT count(*), (SELECT datcollate FROM pg_database WHERE datname = current_database()),"
                " current_setting('timezone') FROM contacts"
            ).fetchone()
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                session.execute("DELETE FROM contacts")
    finally:
        sandbox.stop()

    assert health.status_code == 200
    assert urlsplit(database).netloc.endswith(server.address)
    assert row == (100, "C", "UTC")
    assert PASSWORD not in "".join(sandbox.values.values())
    assert _described(server) == described


@pytest.mark.parametrize(
    ("name_taken", "name_free", "message"),
    [
        ("CREATE DATABASE connectra", "DROP DATABASE connectra", "the database connectra"),
        ("CREATE ROLE verifier", "DROP ROLE verifier", "the role verifier"),
    ],
)
def test_a_server_that_holds_such_names_already_is_refused_and_left_alone(
    checkout: Path, server: Server, url: str, name_taken: str, name_free: str, message: str
) -> None:
    with server.superuser() as session:
        session.execute(name_taken.encode())
        described_before = _described(server)
        try:
            with pytest.raises(SandboxFailed, match=f"already holds {message}") as refused:
                OwnedSandbox.start(checkout, rows=100, seed=7, postgres=url, service_time_ms=0)
            assert _described(server) == described_before
        finally:
            session.execute(name_free.encode())
    assert PASSWORD not in str(refused.value)


def test_of_two_that_come_at_once_one_gets_it(server: Server, described: list[str]) -> None:
    with server.superuser() as first, ThreadPoolExecutor() as threads:
        with first.transaction():
            first.execute("CREATE ROLE connectra")
            second = threads.submit(seeding.claim, server)
            while not first.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                assert not second.done()
        with pytest.raises(ExternalServerRefused, match="another sandbox has just begun there"):
            second.result(timeout=30)
        first.execute("DROP ROLE connectra")

    assert _described(server) == described


def test_a_superuser_that_can_log_in_is_accepted(server: Server) -> None:
    with server.superuser() as session:
        session.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'".encode())
    try:
        with pytest.raises(ExternalServerRefused, match="must name a superuser"):
            external_server(server.dsn("postgres", "guest", PASSWORD))
        with pytest.raises(ExternalServerRefused, match="password authentication failed") as refused:
            external_server(server.dsn("postgres", "guest", "secret-0815"))
    finally:
        with server.superuser() as session:
            session.execute("DROP ROLE guest")
    assert "secret-0815" not in str(refused.value)


def test_an_unreachable_server_is_one_sentence() -> None:
    with pytest.raises(ExternalServerRefused, match=r"127\.0\.0\.1:1: .*refused"):
        external_server("postgresql://postgres:x@127.0.0.1:1/postgres")


def test_every_client_sent_there_is_asked_for_tls(server: Server, url: str) -> None:
    parsed = external_server(f"{url}?sslmode=prefer&application_name=x")

    assert replace(parsed, admin="") == replace(server, admin="", tls="?sslmode=prefer", child=None)


@pytest.mark.parametrize(
    "url", ["http://x", "localhost:5432", "postgresql://[::1", "postgresql:///x", "postgres://u:pass@"]
)
def test_a_url_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BadSetting, match="not a PostgreSQL URL") as refused:
        checked(rows="100", seed="7", flags="none", faults=(), search="osmem", postgres=url)
    assert "pass@" not in str(refused.value)
