"""The guide's monitoring queries on a real PostgreSQL: where they mislead, by how much, and that ours do not."""

from collections.abc import Iterator

import psycopg
import pytest

from fixtures.monitoring import GUIDE_FALLBACK, GUIDE_SUCCESS, Monitored, NoLogTable, facts, monitored
from fixtures.provenance import Markers
from fixtures.sandbox.installation import located, reachable_tempdir
from fixtures.sandbox.postgres import Server, await_server, create_cluster, launch
from fixtures.sandbox.processes import free_port
from fixtures.sandbox.rundir import RunDir
from fixtures.sandbox.schema import BACKEND_TABLES
from fixtures.sandbox.stack import _hand_over

MARKERS = Markers(fallback="falling back to repository", vql="External API call: Connectra POST")
CALL = "External API call: Connectra POST /contacts/"
FELL = "VQL query failed, falling back to repository: Connectra API error: 503"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    run = RunDir(reachable_tempdir())
    installation = located(run.path)
    pgdata, sockets = run.path / "data" / "pgdata", run.path / "socket"
    for folder in (run.path / "data", pgdata, sockets):
        folder.mkdir(mode=0o755 if folder.name == "data" else 0o700)
        _hand_over(folder, installation)
    create_cluster(installation, pgdata)
    running = launch(installation, pgdata, socket_dir=sockets, log=run.logs / "postgres.log", port=free_port())
    await_server(running)
    with running.superuser() as session:
        session.execute(BACKEND_TABLES.encode())
    yield running
    running.child.stop()
    run.remove()


@pytest.fixture
def session(server: Server) -> Iterator[psycopg.Connection]:
    """An empty log in a transaction of its own."""
    with server.superuser() as connection, connection.transaction(force_rollback=True):
        yield connection


def _log(session: psycopg.Connection, message: str, requests: range, age: str = "1 minute") -> None:
    """One line for each of these requests."""
    session.execute(
        "INSERT INTO logs (timestamp, level, logger, message, request_id) "
        "SELECT now() - %s::interval, 'INFO', 'app', %s, 'r-' || n FROM generate_series(%s::int, %s::int) n",
        (age, message, requests.start, requests.stop - 1),
    )


def test_both_queries_are_the_guides_word_for_word() -> None:
    assert GUIDE_SUCCESS.count("VQL query succeeded") == 1
    assert GUIDE_FALLBACK.splitlines()[2] == "  COUNT(*) as total_queries"


def test_without_failures_the_guides_success_rate_is_nothing_over_nothing(session: psycopg.Connection) -> None:
    _log(session, CALL, range(1000))

    found = monitored(session, MARKERS)

    assert (found.failures, found.successes, found.guide_success) == (0, 0, None)
    assert found.success == 1.0


def test_with_one_failure_in_a_thousand_the_guides_success_rate_is_zero(session: psycopg.Connection) -> None:
    _log(session, CALL, range(999))
    _log(session, FELL, range(999, 1000))

    found = monitored(session, MARKERS)

    assert found.guide_success == 0.0
    assert found.success == pytest.approx(0.999)


@pytest.mark.parametrize(("unrelated", "guide"), [(0, 0.5), (800, 0.1), (9_800, 0.01)])
def test_unrelated_rows_dilute_the_guides_fallback_rate(
    session: psycopg.Connection, unrelated: int, guide: float
) -> None:
    _log(session, CALL, range(100))
    _log(session, FELL, range(100, 200))
    _log(session, "GET /api/v1/billing/ - 200", range(1000, 1000 + unrelated))

    found = monitored(session, MARKERS)

    assert found.guide_fallback == pytest.approx(guide)
    assert found.fallback == 0.5


def test_a_request_with_two_calls_is_one_attempt(session: psycopg.Connection) -> None:
    _log(session, CALL, range(10))
    _log(session, CALL, range(10))
    _log(session, FELL, range(10))

    found = monitored(session, MARKERS)

    assert (found.attempts, found.fallbacks) == (10, 10)


def test_other_fallbacks_and_older_lines_are_not_counted(session: psycopg.Connection) -> None:
    _log(session, CALL, range(10))
    _log(session, "VQL email finder failed, falling back to repository", range(20, 30))
    _log(session, "Upload failed, falling back to local storage", range(30, 40))
    _log(session, FELL, range(40, 50), age="2 hours")

    found = monitored(session, MARKERS)

    assert (found.attempts, found.fallbacks, found.fallback_rows) == (10, 0, 10)


def test_a_log_that_never_tells_of_a_call_gives_no_rate(session: psycopg.Connection) -> None:
    _log(session, FELL, range(10))

    found = monitored(session, Markers(fallback=MARKERS.fallback))

    assert (found.fallback, found.success) == (None, None)
    assert [fact.ok for fact in facts(found, phase="phase0")] == [None, None]


def test_lines_without_a_request_id_are_counted_one_by_one(session: psycopg.Connection) -> None:
    _log(session, CALL, range(3))
    session.execute("UPDATE logs SET request_id = NULL, message = message || id")

    assert monitored(session, MARKERS).attempts == 3


def test_a_deployment_without_such_a_table_says_so(session: psycopg.Connection) -> None:
    session.execute("ALTER TABLE logs RENAME TO journal")

    with pytest.raises(NoLogTable, match='"logs" does not exist'):
        monitored(session, MARKERS)


def test_the_facts_tell_both_numbers_and_which_is_wrong() -> None:
    found = Monitored(failures=100, successes=0, fallback_rows=100, rows=10_000, attempts=200, fallbacks=100,
                      called=100)  # fmt: skip

    success, fallback = facts(found, phase="phase0")

    assert (success.ok, fallback.ok) == (False, False)
    assert "100 failures, 0 successes = 0.00 %" in success.sentence
    assert "100 of 200 attempts VQL served = 50.00 %" in success.sentence
    assert "100 of 10000 rows = 1.00 %" in fallback.sentence
    assert "100 of 200 attempts fell back = 50.00 %" in fallback.sentence


def test_queries_that_agree_are_found_to_agree() -> None:
    found = Monitored(failures=5, successes=95, fallback_rows=5, rows=100, attempts=100, fallbacks=5, called=100)

    assert [fact.ok for fact in facts(found, phase="phase0")] == [True, True]
