"""PgBouncer before a PostgreSQL server, for as long as a test needs it; skipped where the program is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from fixtures.sandbox.processes.processes import free_port
from suites.selftest.support.process_tree import within

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
_PLAIN_USER = "nobody"  # PgBouncer does not run as root


@contextmanager
def pooled(url: str, mode: str = "transaction", **settings: str) -> Iterator[str]:
    """The URL of a pooler before the server of `url`; `settings` are lines of its configuration."""
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed (apt-get install pgbouncer): sessions through a pooler were not tried")
    parts = urlsplit(url)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vql-gate-pooler-") as name:
        folder = Path(name)
        _configure(folder, url, {"pool_mode": mode, "listen_port": str(port), **settings})
        as_user = ["-u", _PLAIN_USER] if os.geteuid() == 0 else []
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([PROGRAM, *as_user, str(folder / "ini")], stdout=log, stderr=log)
        pooler = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
        try:
            assert within(10, lambda: _listens(port)), (folder / "log").read_text()
            yield pooler
        finally:
            process.terminate()
            process.wait(10)


def _configure(folder: Path, url: str, settings: Mapping[str, str]) -> None:
    parts = urlsplit(url)
    lines = [
        "[databases]",
        f"* = host={parts.hostname} port={parts.port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        "unix_socket_dir =",
        "auth_type = trust",
        f"auth_file = {folder / 'users'}",
        *(f"{name} = {value}" for name, value in settings.items()),
    ]
    (folder / "ini").write_text("\n".join(lines) + "\n")
    (folder / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
    folder.chmod(0o755)


def _listens(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://x@127.0.0.1:{port}/pgbouncer", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "FATAL" in str(error)  # it answers, and lets no x in
    return True
