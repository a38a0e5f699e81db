"""PostgreSQL ends its sessions in the middle, as in a fail-over: nothing seen is lost, and the run holds."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.check import Check, Response
from fixtures.checks.records.records import RecordChecks
from fixtures.checks.runner import CheckRunner
from fixtures.clients.postgres import Database, DatabaseUnreachable
from fixtures.clients.provenance.request_log import LogMarkers, LogTable
from fixtures.clients.target import Target
from reports.records import run_ledger
from reports.records.records import Comparison, Outcome
from reports.records.redaction import Pseudonymizer
from suites.selftest.support.bare_postgres import BarePostgres, stoppable_postgres
from suites.selftest.support.judging import connected
from suites.selftest.support.process_tree import within
from suites.selftest.support.pytest_runs import begun, env_file

END_ALL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'vql-gate'"


@pytest.fixture(scope="module")
def end_sessions(calm: Mapping[str, str]) -> Iterator[Callable[[], int]]:
    """Ends every session of the oracle, as a server does that goes down; returns how many there were."""
    with psycopg.connect(calm["DATABASE_URL"], autocommit=True) as session:
        yield lambda: session.execute(END_ALL).fetchone()[0]


@pytest.fixture
def target(calm: Mapping[str, str], tmp_path: Path) -> Iterator[Target]:
    with connected(calm, tmp_path) as target:
        yield target


class _Broken:
    """A way of asking during which the server ends the session; `when` is that: in the question, or before it."""

    def __init__(self, check: Check, end: Callable[[], int], when: str) -> None:
        self._check, self._end, self._when = check, end, when
        self._remaining = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._check, name)

    def expected(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        if self._when == "before":
            self._break()
        return self._check.expected(samples)

    def ask(self, sample: Sample) -> Response:
        if self._when == "meanwhile":
            self._break()
        return self._check.ask(sample)

    def ask_group(self, samples: Sequence[Sample]) -> Mapping[str, Response]:
        return {sample.key: self.ask(sample) for sample in samples}

    def _break(self) -> None:
        if self._remaining:
            self._remaining -= 1
            assert self._end() > 0


def test_the_next_reading_opens_another_session(calm: Mapping[str, str], end_sessions: Callable[[], int]) -> None:
    with closing(Database(calm["DATABASE_URL"])) as database:
        (before,) = database.rows("SELECT pg_backend_pid() AS pid")
        end_sessions()
        with pytest.raises(DatabaseUnreachable, match=r"ended the session of DATABASE_URL: .*terminat"):
            database.rows("SELECT 1")

        (after,) = database.rows(
            "SELECT pg_backend_pid() AS pid, current_setting('default_transaction_read_only') AS r"
        )

    assert before["pid"] != after["pid"]
    assert after["r"] == "on"


class _Counted(Database):
    """Counts how often it tried to open a session."""

    tries = 0

    def _opened(self) -> Any:
        self.tries += 1
        return super()._opened()


@pytest.fixture(scope="module")
def stoppable() -> Iterator[BarePostgres]:
    with stoppable_postgres() as bare:
        bare.server.set_password("postgres", "here")
        yield bare


@pytest.fixture
def abandoned(stoppable: BarePostgres) -> Iterator[_Counted]:
    """One whose server has just stopped, as its broken reading showed; it may wait for 30 s."""
    with closing(_Counted(stoppable.server.dsn("postgres", "postgres", "here"), return_s=30)) as database:
        stoppable.stop()
        with pytest.raises(DatabaseUnreachable, match="ended the session"):
            database.rows("SELECT 1")
        yield database


def test_a_server_that_restarts_is_waited_for(stoppable: BarePostgres, abandoned: _Counted) -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(abandoned.rows, "SELECT 1 AS one")
        came = within(20, lambda: abandoned.tries > 2)  # one at the beginning, and two at a server that is down
        stoppable.start()

        assert came
        assert reading.result(40) == [{"one": 1}]


def test_a_server_that_stays_away_is_waited_for_once(stoppable: BarePostgres, abandoned: _Counted) -> None:
    abandoned._patience_s = 0.6
    tries = []
    for _ in range(3):
        before = abandoned.tries
        with pytest.raises(DatabaseUnreachable, match="did not answer"):
            abandoned.rows("SELECT 1")
        tries.append(abandoned.tries - before)
    stoppable.start()

    assert tries[0] > 1
    assert tries[1:] == [1, 1]
    assert abandoned.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_statement_that_is_cancelled_is_no_end_of_the_session(calm: Mapping[str, str]) -> None:
    with closing(Database(calm["DATABASE_URL"])) as database:
        with pytest.raises(psycopg.errors.QueryCanceled):
            database.rows("SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)")
        assert database.rows("SELECT 1 AS one") == [{"one": 1}]


def _verifier(target: Target, folder: Path, wait: Callable[[float], object] = lambda _: None) -> CheckRunner:
    return CheckRunner(
        target,
        run_ledger.Writer(folder, "here"),
        Pseudonymizer(b"key"),
        phase="phase1",
        flag_on=True,
        recheck_s=(1,),
        fresh_s=60,
        seed=7,
        wait=wait,
    )


@pytest.mark.parametrize(("when", "outcome"), [("meanwhile", Outcome.VOID), ("before", None)])
def test_what_was_asked_is_recorded_as_void_and_the_next_questions_are_asked(
    target: Target, end_sessions: Callable[[], int], tmp_path: Path, when: str, outcome: Outcome | None
) -> None:
    verifier = _verifier(target, tmp_path)
    records = RecordChecks(target, flag_on=True, count=8, seed=7)
    samples = records.drawn("contact-endpoint").samples
    broken = _Broken(records.check_of("contact-endpoint"), end_sessions, when)

    with pytest.raises(DatabaseUnreachable):
        verifier.put(broken, samples[:4])
    verifier.put(broken, samples[4:8])

    lines = (tmp_path / "observations" / "here.jsonl").read_text().splitlines()
    outcomes = [json.loads(line)["outcome"] for line in lines]
    assert outcomes == ([outcome] * 4 if outcome else []) + ["equal"] * 4


def test_a_difference_that_can_not_be_settled_is_void(
    target: Target, end_sessions: Callable[[], int], tmp_path: Path
) -> None:
    """The session ends while the pause before the second look goes by."""
    verifier = _verifier(target, tmp_path, wait=lambda _: end_sessions())
    records = RecordChecks(target, flag_on=True, count=8, seed=7)
    right = records.check_of("contact-endpoint")
    samples = records.drawn("contact-endpoint").samples[:3]

    class Wrong(_Broken):
        def ask(self, sample: Sample) -> Response:
            return self._check.ask(samples[0])

    with pytest.raises(DatabaseUnreachable):
        verifier.put(Wrong(right, end_sessions, "never"), samples)

    lines = (tmp_path / "observations" / "here.jsonl").read_text().splitlines()
    outcomes = {json.loads(line)["key"]: json.loads(line)["outcome"] for line in lines}
    assert outcomes == {samples[0].key: "equal", samples[1].key: "void", samples[2].key: "void"}


def test_a_log_that_breaks_off_has_no_entries_and_comes_back(calm: Mapping[str, str]) -> None:
    with closing(LogTable(calm["DATABASE_URL"], LogMarkers(fallback="x", vql="y"))) as log:
        log.session.close()

        assert log.entries_of(["gate-1"]).logged == set()


@pytest.mark.slow
def test_a_run_holds_and_keeps_all_it_saw(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], end_sessions: Callable[[], int]
) -> None:
    """The sessions end while the second of several checks is asked; those after it are recorded."""
    out, file = tmp_path / "out", env_file(tmp_path / "live.env", calm)
    options = ("-m", "phase1", "-k", "equal", "--samples", "16", "--max-rps", "20")
    with begun(checkout, out, *options, "--env-file", str(file)) as end:
        before = _samples(out)
        assert within(5, lambda: end_sessions() > 0)
        completed = end()

    assert completed.code == 6, completed.printed[-3000:]
    assert completed.verdict["verdict"] == "HOLD"
    assert any("DatabaseUnreachable" in entry for entry in completed.verdict["incidents"])
    assert _samples(out)[: len(before)] == before
    assert len(_samples(out)) > len(before)


def _samples(out: Path) -> list[Comparison]:
    return [record for record in run_ledger.read(out / "latest").records if isinstance(record, Comparison)]
