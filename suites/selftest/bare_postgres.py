"""A PostgreSQL server with nothing in it, for as long as a test needs one."""

from collections.abc import Iterator
from contextlib import contextmanager

from fixtures.sandbox.installation import located, reachable_tempdir
from fixtures.sandbox.postgres import Server, await_server, create_cluster, launch
from fixtures.sandbox.processes import free_port
from fixtures.sandbox.rundir import RunDir
from fixtures.sandbox.stores import hand_over


@contextmanager
def bare_postgres() -> Iterator[Server]:
    """Runs until the context ends, on a free port; its superuser has no password and comes over the socket."""
    run = RunDir(reachable_tempdir())
    installation = located(run.path)
    pgdata, sockets = run.path / "data" / "pgdata", run.path / "socket"
    for folder in (run.path / "data", pgdata, sockets):
        folder.mkdir(mode=0o755 if folder.name == "data" else 0o700)
        hand_over(folder, installation)
    create_cluster(installation, pgdata)
    server = launch(installation, pgdata, socket_dir=sockets, log=run.logs / "postgres.log", port=free_port())
    try:
        await_server(server)
        yield server
    finally:
        assert server.child is not None
        server.child.stop()
        run.remove()
