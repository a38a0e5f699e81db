"""Nothing is written, anywhere: every request of a whole run on record, and sessions of a role that may do anything."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures.clients.postgres import Database
from fixtures.clients.provenance.request_log import LogMarkers, LogTable
from fixtures.export_parity.direct_query import DirectQuery
from fixtures.index_parity.table import RecordTable
from suites.selftest.support import keys_only
from suites.selftest.support.bare_postgres import bare_postgres
from suites.selftest.support.damaging_proxy import between
from suites.selftest.support.pytest_runs import env_file, run

READS = {
    "contact360": (
        r"GET /.*",
        r"POST /api/v1/auth/login/",
        r"POST /api/v2/linkedin/",
        r"POST /api/v2/exports/(contacts|companies)/export",  # creates an export: what --allow-cost is for
    ),
    "connectra": (r"GET /.*", r"POST /(contacts|companies)(/|/count)?"),
    "index": (r"GET /.*", r"POST /(contacts|companies)_index/_(search|count|mget)(\?.*)?", r"(POST|DELETE) /.*_pit.*"),
}


REPEATED = ("slower", "longer", "medium", "large", "concurrent", "uncounted")  # requests as those of the others
ONCE = ("-k", " and ".join(f"not {word}" for word in REPEATED))


@pytest.mark.parametrize("left_out", [ONCE, pytest.param((), marks=pytest.mark.drill)], ids=["once", "whole"])
def test_a_whole_run_asks_and_writes_nothing(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], left_out: tuple[str, ...]
) -> None:
    engine = f"http://{calm['ELASTICSEARCH_HOST']}:{calm['ELASTICSEARCH_PORT']}"
    upstreams = {"contact360": calm["CONTACT360_BASE_URL"], "connectra": calm["CONNECTRA_BASE_URL"], "index": engine}
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(between(url, ("/",))) for name, url in upstreams.items()}
        file = env_file(
            tmp_path / "live.env",
            {
                **calm,
                "CONTACT360_BASE_URL": proxies["contact360"].url,
                "CONNECTRA_BASE_URL": proxies["connectra"].url,
                "ELASTICSEARCH_HOST": "127.0.0.1",
                "ELASTICSEARCH_PORT": proxies["index"].url.rpartition(":")[2],
            },
        )
        completed = run(
            checkout,
            tmp_path / "out",
            "-m",
            "phase0 or phase1 or phase2 or phase3 or phase4",
            *left_out,
            "--samples",
            "4",
            "--max-rps",
            "500",
            "--allow-cost",
            "100000",
            "--env-file",
            str(file),
            timeout_s=600,
        )

    reads = {name: {f"{method} {path}" for method, path in proxy.requests} for name, proxy in proxies.items()}
    assert len(completed.verdict["phases"]) == 5, completed.printed[-3000:]
    requests = {name: len(proxy.requests) for name, proxy in proxies.items()}
    assert min(requests.values()) > 20
    assert requests["index"] < requests["contact360"] + requests["connectra"], "the index is asked without a pace"
    for name, statements in reads.items():
        assert [text for text in statements if not any(re.fullmatch(read, text) for read in READS[name])] == []


@pytest.fixture(scope="module")
def superuser() -> Iterator[str]:
    """The URL of one, who may do anything, on a server with the backend's tables."""
    with bare_postgres() as server:
        server.set_password("postgres", "here")
        with server.superuser() as session:
            session.execute("CREATE SEQUENCE n")
            for table in ("contacts", "companies", "logs"):
                session.execute(f"CREATE TABLE {table} (uuid text, message text, request_id text)")
        yield server.dsn("postgres", "postgres", "here")


SESSIONS: Mapping[str, Callable[[str], tuple[Any, Any]]] = {
    "oracle": lambda url: (opened := Database(url), opened.rows),
    "log": lambda url: (opened := LogTable(url, LogMarkers(fallback="x", vql="y")), opened.session.execute),
    "index parity": lambda url: (
        opened := RecordTable(url, keys_only.mapping("contact")),
        opened._session.execute,
    ),
    "export parity": lambda url: (
        opened := DirectQuery(url, keys_only.kind("contacts")),
        opened._session.execute,
    ),
}
WRITES = (
    "INSERT INTO contacts VALUES ('x')",
    "DELETE FROM contacts",
    "CREATE TABLE t ()",
    "DROP TABLE contacts",
    "TRUNCATE contacts",
    "SELECT nextval('n')",
)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("who", SESSIONS)
def test_the_server_itself_refuses_what_a_superuser_writes(superuser: str, who: str, write: str) -> None:
    session, execute = SESSIONS[who](superuser)
    with closing(session), pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        execute(write)


@pytest.mark.parametrize("who", SESSIONS)
def test_a_statement_does_not_run_for_ever(superuser: str, who: str) -> None:
    session, execute = SESSIONS[who](superuser)
    with closing(session):
        reads = execute("SELECT setting::int AS ms FROM pg_settings WHERE name = 'statement_timeout'")

        (opened,) = reads if isinstance(reads, list) else reads.fetchall()
        assert 0 < (opened["ms"] if isinstance(opened, dict) else opened[0]) <= 3_600_000
