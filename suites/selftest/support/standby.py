"""A primary and a streaming standby of it, of the sandbox's own PostgreSQL, for as long as a test needs them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fixtures.sandbox.postgres.binaries import located, reachable_tempdir
from fixtures.sandbox.postgres.schema import BACKEND_TABLES
from fixtures.sandbox.postgres.server import Server, await_server, create_cluster, launch
from fixtures.sandbox.processes.processes import free_port
from fixtures.sandbox.processes.rundir import RunDir
from fixtures.sandbox.stores import hand_over
from suites.selftest.support.process_tree import within

ROWS = 2_000
_STREAMING = {"wal_level": "replica", "max_wal_senders": "4", "wal_receiver_timeout": "20s"}
_IMPATIENT = {"max_standby_streaming_delay": "0", "max_standby_archive_delay": "0", "hot_standby_feedback": "off"}
_PEOPLE = f"""
INSERT INTO companies (uuid, name) VALUES ('k1', 'Acme');
INSERT INTO companies_metadata (uuid) VALUES ('k1');
INSERT INTO contacts (uuid, company_id, title) SELECT 'c' || n, 'k1', 'CTO' FROM generate_series(1, {ROWS}) n;
INSERT INTO contacts_metadata (uuid) SELECT uuid FROM contacts;
CREATE ROLE verifier LOGIN PASSWORD 'sesame';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO verifier;
"""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both servers; each has the backend's tables, with contacts of one company."""

    primary: Server
    standby: Server

    @property
    def url(self) -> str:
        """The standby, by a role that can only read."""
        return self.standby.dsn("postgres", "verifier", "sesame")

    def caught_up(self) -> bool:
        """Wait until the standby has replayed all that the primary has written."""
        with self.primary.superuser() as session:
            (written,) = session.execute("SELECT pg_current_wal_lsn()::text").fetchone() or ("",)

        def replayed() -> bool:
            with self.standby.superuser() as session:
                query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
                return session.execute(query, (written,)).fetchone() == (True,)

        return within(20, replayed)


@contextmanager
def replicated(people: str = _PEOPLE) -> Iterator[Pair]:
    """Runs until the context ends. A query on the standby is cancelled at once where replay needs what it reads.

    `people` is SQL that fills the backend's tables; nothing: a primary without tables, for a sandbox to make its own.
    """
    with ExitStack() as stack:
        run = RunDir(reachable_tempdir())
        stack.callback(run.remove)
        installation = located(run.path)
        folders = {name: run.path / name for name in ("primary", "standby", "socket", "data")}
        for name, folder in folders.items():
            folder.mkdir(mode=0o755 if name == "data" else 0o700)
            hand_over(folder, installation)
        create_cluster(installation, folders["primary"])
        with (folders["primary"] / "pg_hba.conf").open("a") as rules:
            rules.write("local replication all trust\n")

        def started(name: str, port: int, **settings: str) -> Server:
            log = run.logs / f"{name}.log"
            all_settings = _STREAMING | settings
            server = launch(
                installation, folders[name], socket_dir=folders["socket"], log=log, port=port, settings=all_settings
            )
            assert server.child is not None
            stack.callback(server.child.stop)
            await_server(server)
            return server

        port = free_port()
        primary = started("primary", port)
        if people:
            with primary.superuser() as session:
                session.execute(BACKEND_TABLES.encode())
                session.execute(people.encode())
        account = installation.account
        subprocess.run(
            [
                *(str(installation.bin / "pg_basebackup"), "-D", str(folders["standby"]), "-h", str(folders["socket"])),
                *("-p", str(port), "-U", "postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd="/",
            timeout=60,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        yield Pair(primary=primary, standby=started("standby", free_port(), **_IMPATIENT))
