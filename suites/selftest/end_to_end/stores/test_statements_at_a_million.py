"""Statements of all phases over a million contacts, explained by PostgreSQL: none scans a large table unbudgeted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from fixtures.sandbox.postgres import schema, seeding
from fixtures.session.sandbox_process import OwnedSandbox
from suites.benchmarks.multiplied import multiply
from suites.selftest.support.bare_postgres import bare_postgres
from suites.selftest.support.pytest_runs import env_file, run
from suites.selftest.support.statement_recorder import VARIABLE, Statement

pytestmark = pytest.mark.drill

ROWS, TIMES = 1_250, 800
LARGE = {"contacts", "contacts_metadata", "companies", "companies_metadata"}
LITTLE = 1_000.0  # in the planner's units: a scan that costs less ends at a LIMIT, after a few rows
SECONDS = 30  # of a statement on average: the limit of the suite's sessions


@pytest.fixture(scope="module")
def values(checkout: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a sandbox, the backend's tables of which hold a million contacts, indexed as published."""
    with bare_postgres() as server:
        server.set_password("postgres", "here-4711")
        url = server.dsn("postgres", "postgres", "here-4711")
        sandbox = OwnedSandbox.start(checkout, rows=ROWS, seed=7, postgres=url)
        with server.superuser(seeding.BACKEND) as session:
            multiply(session, TIMES)
            indexes = [line for line in schema.BACKEND_INDEXES.splitlines() if line.strip()]
            for line in indexes:
                if "user_exports" not in line and "logs" not in line:  # which were not multiplied
                    session.execute(line.encode())
            session.execute("ANALYZE")
        yield sandbox.values
        sandbox.stop()


def _statements(values: Mapping[str, str], checkout: Path, folder: Path, phases: str) -> Sequence[Statement]:
    """Those of a run over the phases, whatever it finds: the index holds only those of whom the others are copies."""
    file, recorded = env_file(folder / "live.env", values), folder / "statements.jsonl"
    options = ("--out-of-order", "--samples", "8", "--seed", "7", "--allow-cost", "100000", "--env-file", str(file))
    plugin = ("-p", "suites.selftest.support.statement_recorder")
    done = run(
        checkout,
        folder / "out",
        *plugin,
        *("-m", phases),
        *options,
        extra={VARIABLE: str(recorded)},
        timeout_s=900,
    )
    assert recorded.exists(), done.printed[-3000:]
    return [Statement(**json.loads(line)) for line in recorded.read_text().splitlines()]


@pytest.mark.parametrize("phases", ["phase0 or phase1", "phase2", "phase3", "phase4"])
def test_no_question_scans_a_large_table(
    values: Mapping[str, str], checkout: Path, tmp_path: Path, phases: str
) -> None:
    statements = _statements(values, checkout, tmp_path, phases)
    assert len(statements) > 5
    scanning = [each for each in statements if LARGE & set(each.whole_tables) and each.cost > LITTLE]
    assert [each.text for each in scanning if not each.is_budgeted] == []
    assert [each.text for each in statements if each.count and each.seconds / each.count > SECONDS] == []
