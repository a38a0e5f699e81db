"""Whole phases with PostgreSQL behind PgBouncer, or as a streaming standby: GO, as with a server asked directly.

While they run, no snapshot of theirs gets older than docs/deployments.md says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit, urlunsplit

import pytest

from fixtures.sandbox.postgres.server import Server
from fixtures.sandbox.settings import ROWS_DEFAULT
from fixtures.session.sandbox_process import OwnedSandbox
from suites.selftest.support.pooler import pooled
from suites.selftest.support.pytest_runs import env_file, run
from suites.selftest.support.standby import Pair, replicated

pytestmark = pytest.mark.drill

MOST_SNAPSHOT_S = 60
AGE = (
    "SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8, count(*) FROM pg_stat_activity "
    "WHERE backend_xmin IS NOT NULL AND application_name LIKE 'vql-gate%'"
)
PHASES = {"phase1": ("-n", "2"), "phase2": (), "phase3": ("--allow-cost", "100000", "--max-rps", "300")}


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with replicated(people="") as pair:
        pair.primary.set_password("postgres", "here-4711")
        yield pair


@pytest.fixture(scope="module")
def values(pair: Pair, checkout: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a sandbox whose stores are on the primary."""
    superuser = pair.primary.dsn("postgres", "postgres", "here-4711")
    sandbox = OwnedSandbox.start(checkout, rows=ROWS_DEFAULT, seed=7, postgres=superuser)
    assert pair.caught_up()
    yield sandbox.values
    sandbox.stop()


@contextmanager
def _pooler(pair: Pair, url: str) -> Iterator[tuple[str, Server]]:
    with pooled(url) as pooler:
        yield pooler, pair.primary


@contextmanager
def _standby(pair: Pair, url: str) -> Iterator[tuple[str, Server]]:
    credentials = urlsplit(url).netloc.rpartition("@")[0]
    yield urlunsplit(urlsplit(url)._replace(netloc=f"{credentials}@{pair.standby.address}")), pair.standby


ROUTES: Mapping[str, Callable[..., contextmanager]] = {"pooler": _pooler, "standby": _standby}


@contextmanager
def _oldest_snapshot(server: Server) -> Iterator[list[float]]:
    """The ages in seconds of our snapshots on the server, as often as they are looked at, oldest of each look."""
    ages: list[float] = []
    over = Event()

    def watch() -> None:
        with server.superuser() as session:
            while not over.wait(0.05):
                oldest, count = session.execute(AGE).fetchone() or (0.0, 0)
                ages.extend([oldest] if count else [])

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield ages
    finally:
        over.set()
        watcher.join()


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("route", ROUTES)
def test_a_calm_deployment_is_go(
    pair: Pair, values: Mapping[str, str], checkout: Path, tmp_path: Path, route: str, phase: str
) -> None:
    with ROUTES[route](pair, values["DATABASE_URL"]) as (url, server), _oldest_snapshot(server) as ages:
        file = env_file(tmp_path / "live.env", {**values, "DATABASE_URL": url})
        options = ("--out-of-order", "--env-file", str(file), "--seed", "7", *PHASES[phase])
        completed = run(checkout, tmp_path / "out", "-m", phase, *options, timeout_s=900)

    assert (completed.code, completed.verdict["verdict"]) == (0, "GO"), completed.printed[-5000:]
    assert ages
    assert max(ages) < MOST_SNAPSHOT_S
