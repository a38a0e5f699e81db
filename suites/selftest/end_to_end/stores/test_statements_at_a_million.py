"""What the checks expect of a million contacts, each statement explained by PostgreSQL: no question scans a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.checks.company_contacts.catalogue import CompanyContactChecks
from fixtures.checks.company_contacts.diagnosis import WrongListing
from fixtures.checks.company_contacts.listing import CompanyContext
from fixtures.checks.company_contacts.oracle import ContactSelection
from fixtures.checks.exports.cases import SIZES
from fixtures.checks.exports.catalogue import KINDS, TIMED, ExportChecks
from fixtures.checks.exports.email_oracle import addresses, invented_person
from fixtures.checks.linkedin.catalogue import LinkedInChecks
from fixtures.checks.preflight.index_status import IndexFacts
from fixtures.checks.preflight.rollback_checks import RollbackChecks
from fixtures.checks.records.index_keys import IndexedKey, IndexKeyChecks
from fixtures.checks.records.records import RecordChecks
from fixtures.clients.elasticsearch import Index
from fixtures.clients.postgres_sessions.session import PostgresSession
from fixtures.clients.target import Target, some_company
from fixtures.sandbox.postgres import schema, seeding
from fixtures.transport.credit_budget import CleanupList
from reports.comparison.record_diff import RawDifference
from reports.judge.criteria import read_gate
from reports.records.records import Comparison, DifferenceKind, Outcome, Provenance
from suites.benchmarks.multiplied import MultipliedStores
from suites.selftest.support.judging import connected
from suites.selftest.support.statement_recorder import STATEMENTS, explaining

pytestmark = pytest.mark.drill

ROWS = 1_000_000
LARGE = {"contacts", "contacts_metadata", "companies", "companies_metadata"}
LITTLE = 1_000.0  # in the planner's units: a scan that costs less ends at a LIMIT, after a few rows
NOWHERE = "http://127.0.0.1:1"
PHASE_3 = Path(__file__).parents[4] / "suites" / "phase3_exports" / "gate.toml"


def _of_checks(checks: RecordChecks | CompanyContactChecks | LinkedInChecks, names: Sequence[str]) -> None:
    """Draw the samples of each check, and what PostgreSQL holds of them."""
    for name in names:
        samples = checks.drawn(name).samples
        assert samples, name
        checks.check_of(name).expected(samples[:32])


def _records(target: Target) -> None:
    services = ("endpoint", "connectra", "unknown-endpoint", "unknown-connectra")
    names = [f"{record}-{service}" for record in ("contact", "company") for service in services]
    _of_checks(RecordChecks(target, flag_on=True, count=64, seed=7), names)


def _company_contacts(target: Target) -> None:
    parts = ("listing", "filters", "pagination", "count", "attributes", "consistency", "connectra", "unknown")
    checks = CompanyContactChecks(target, flag_on=True, count=64, seed=7)
    _of_checks(checks, [f"company-contacts-{part}" for part in parts])
    checks.rest_of_matrix(())


def _linkedin(target: Target) -> None:
    parts = ("contacts", "companies", "connectra-contact", "connectra-company")
    _of_checks(LinkedInChecks(target, flag_on=True, count=64, seed=7), [f"linkedin-{part}" for part in parts])


def _preflight(target: Target) -> None:
    """What phase 0 asks of PostgreSQL: the columns, counts, the newest rows, and keys that the index drew."""
    target.database.require_tables(target.contract)
    facts = IndexFacts(target, "phase0", pauses=(), fresh_s=5.0)
    keys = IndexKeyChecks(target, Index(NOWHERE), count=6, seed=7)
    some_company(target.database)
    for record in target.contract.records.values():
        facts._rows(record)
        newest, drawn = keys.drawn(f"{record.name}-newest"), keys.drawn(f"{record.name}-index")
        keys.check_of(f"{record.name}-index").expected(drawn.samples)
        indexed = [
            replace(sample, subject=IndexedKey(place=sample.key, uuid=sample.key)) for sample in drawn.samples[:32]
        ]
        keys.check_of(f"{record.name}-ghosts").expected(indexed)
        lagging = [
            Comparison(
                phase="phase0", check="c", key=sample.key, stratum="newest", outcome=Outcome.DIFFERENT, answers=()
            )
            for sample in newest.samples
        ]
        keys.behind(record, lagging)


def _exports(target: Target, scratch: Path) -> None:
    sizes = read_gate(PHASE_3.read_text(encoding="utf-8"), str(PHASE_3)).exports
    assert sizes is not None
    checks = ExportChecks(target, sizes, flag_on=True, count=64, seed=7, created=CleanupList(scratch))
    for kind in KINDS:
        for size in SIZES:
            samples = checks.drawn(kind, size).samples
            assert samples or kind == "emails", (kind, size)  # nobody's address is the only one: people are copies
            checks.check_of(kind, size).expected(samples[:8])
    addresses(target.database, {"key": invented_person("key")})
    for kind in TIMED:
        check, draw = checks.batches(kind)
        check.expected(draw.samples[:8])


def _rollback(target: Target) -> None:
    cases = RollbackChecks(target, count=64, seed=7)
    for endpoint in ("contact", "company", "listing", "count", "linkedin"):
        samples = cases.drawn(endpoint).samples
        assert samples, endpoint
        cases.check_of(endpoint).expected(samples[:32])


def _diagnosis(target: Target) -> None:
    """What is looked up once a list is wrong: lost and strange rows, another company's answers, a company itself."""
    context = CompanyContext(target, flag_on=True)
    oracle = context.oracle
    _, companies = oracle.by_size(seed=7, most=4)
    company = max(companies, key=lambda listed: listed.contacts).uuid
    selection = ContactSelection(company=company)
    uuids = oracle.uuids(selection)
    other = oracle.another(company)
    assert other is not None
    wrong = [
        (uuids, uuids[3:]),
        (uuids[3:], uuids),
        (uuids, [*uuids[1:], *oracle.uuids(ContactSelection(company=other))]),
    ]
    for expected, actual in wrong:
        case = WrongListing(
            selection=selection,
            expected=expected,
            actual=actual,
            differences=[RawDifference(path="", kind=DifferenceKind.MISSING, expected=uuids[0], actual=None)],
            provenance=Provenance.VQL,
            through_backend=True,
            again=lambda: None,
        )
        context.diagnosis._of_rows(case, {DifferenceKind.MISSING})
    context.diagnosis.of_absence(company)
    context.diagnosis.of_presence()
    oracle.count(ContactSelection(company=other))
    oracle.companies([company, other])
    for record in target.contract.records.values():
        target.database.absent(record, [company, *uuids[:32]])


QUESTIONS: Mapping[str, Callable[[Target, Path], None]] = {
    "phase0": lambda target, _: _preflight(target),
    "phase1": lambda target, _: _records(target),
    "phase2": lambda target, _: _company_contacts(target),
    "phase3": _exports,
    "phase4": lambda target, _: _linkedin(target),
    "rollback": lambda target, _: _rollback(target),
    "diagnosis": lambda target, _: _diagnosis(target),
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
    with connected(values, tmp_path) as target:
        yield target


@pytest.mark.parametrize("asking", QUESTIONS)
def test_no_question_scans_a_large_table(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asking: str
) -> None:
    monkeypatch.setattr(PostgresSession, "execute", explaining(PostgresSession.execute))
    STATEMENTS.clear()

    QUESTIONS[asking](target, tmp_path)

    executed = [statement for statement in STATEMENTS.values() if statement.count]
    expensive = [statement for statement in executed if LARGE & set(statement.whole_tables) and statement.cost > LITTLE]
    assert len(executed) > 2
    assert [statement.text for statement in expensive if not statement.is_budgeted] == []
