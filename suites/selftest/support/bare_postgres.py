"""A PostgreSQL server with nothing in it, for as long as a test needs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fixtures.sandbox.postgres.binaries import located, reachable_tempdir
from fixtures.sandbox.postgres.server import Server, await_server, create_cluster, launch
from fixtures.sandbox.processes.processes import free_port
from fixtures.sandbox.processes.rundir import RunDir
from fixtures.sandbox.stores import hand_over


class BarePostgres:
    """The server, and how it stops and starts again, as for an update: same port, same data."""

    def __init__(self, run: RunDir) -> None:
        installation = located(run.path)
        pgdata, sockets = run.path / "data" / "pgdata", run.path / "socket"
        for folder in (run.path / "data", pgdata, sockets):
            folder.mkdir(mode=0o755 if folder.name == "data" else 0o700)
            hand_over(folder, installation)
        create_cluster(installation, pgdata)
        log = run.logs / "postgres.log"
        self._launch = partial(launch, installation, pgdata, socket_dir=sockets, log=log, port=free_port())
        self.start()

    def start(self) -> None:
        self.server: Server = self._launch()
        await_server(self.server)

    def stop(self) -> None:
        assert self.server.child is not None
        self.server.child.stop()


@contextmanager
def stoppable_postgres() -> Iterator[BarePostgres]:
    """Runs until the context ends, on a free port; its superuser has no password and comes over the socket."""
    run = RunDir(reachable_tempdir())
    bare = BarePostgres(run)
    try:
        yield bare
    finally:
        bare.stop()
        run.remove()


@contextmanager
def bare_postgres() -> Iterator[Server]:
    """The same, for those who leave it running."""
    with stoppable_postgres() as bare:
        yield bare.server
