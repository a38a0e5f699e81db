"""What the checks expect of a million contacts, each statement explained by PostgreSQL: no question scans a table."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.checks.company_contacts.catalogue import CompanyContactChecks
from fixtures.checks.linkedin.catalogue import LinkedInChecks
from fixtures.checks.records.records import RecordChecks
from fixtures.clients.postgres_sessions.session import PostgresSession
from fixtures.clients.target import Target
from fixtures.sandbox.postgres import schema, seeding
from suites.benchmarks.multiplied import MultipliedStores
from suites.selftest.support.judging import connected
from suites.selftest.support.statement_recorder import STATEMENTS, explaining

pytestmark = pytest.mark.drill

ROWS = 1_000_000
LARGE = {"contacts", "contacts_metadata", "companies", "companies_metadata"}
LITTLE = 1_000.0  # in the planner's units: a scan that costs less ends at a LIMIT, after a few rows
NOWHERE = "http://127.0.0.1:1"
CHECKS: Mapping[str, tuple[Callable[..., RecordChecks | CompanyContactChecks | LinkedInChecks], tuple[str, ...]]] = {
    "phase1": (
        RecordChecks,
        tuple(
            f"{record}-{way}"
            for record in ("contact", "company")
            for way in ("endpoint", "connectra", "unknown-endpoint", "unknown-connectra")
        ),
    ),
    "phase2": (
        CompanyContactChecks,
        tuple(f"company-contacts-{part}" for part in ("listing", "filters", "pagination", "count", "attributes")),
    ),
    "phase4": (
        LinkedInChecks,
        ("linkedin-contacts", "linkedin-companies", "linkedin-connectra-contact", "linkedin-connectra-company"),
    ),
}


@pytest.fixture(scope="module")
def values() -> Iterator[Mapping[str, str]]:
    """The settings of a target whose PostgreSQL holds a million contacts, indexed as published."""
    with MultipliedStores(ROWS, None) as stores:
        assert stores._server is not None
        with stores._server.superuser(seeding.BACKEND) as session:
            for line in schema.BACKEND_INDEXES.splitlines():
                if line and "user_exports" not in line and "logs" not in line:  # which were not multiplied
                    session.execute(line.encode())
            session.execute("ANALYZE")
        yield {
            "CONTACT360_BASE_URL": NOWHERE,
            "CONTACT360_TOKEN": "x",
            "CONNECTRA_BASE_URL": NOWHERE,
            "CONNECTRA_API_KEY": "x",
            "DATABASE_URL": stores.database_url,
        }


@pytest.fixture
def target(values: Mapping[str, str], tmp_path: Path) -> Iterator[Target]:
    with connected(values, tmp_path) as found:
        yield found


@pytest.mark.parametrize("phase", CHECKS)
def test_no_question_scans_a_large_table(target: Target, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    monkeypatch.setattr(PostgresSession, "execute", explaining(PostgresSession.execute))
    STATEMENTS.clear()
    kind, names = CHECKS[phase]
    checks = kind(target, flag_on=True, count=64, seed=7)
    for name in names:
        samples = checks.drawn(name).samples
        assert samples, name
        checks.asked(name).expected(samples[:32])

    asked = [each for each in STATEMENTS.values() if each.count]
    dear = [each for each in asked if LARGE & set(each.whole_tables) and each.cost > LITTLE]
    assert len(asked) > 2
    assert [each.text for each in dear if not each.is_budgeted] == []
