"""Index, database and Connectra of a calm sandbox, asked as phases 0 and 4 ask them: they agree, and none is empty."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fixtures.checks.cases import SampleSet, of_records
from fixtures.checks.check import Check
from fixtures.checks.linkedin.cases import LinkedInCases
from fixtures.checks.linkedin.catalogue import LinkedInChecks
from fixtures.checks.linkedin.client import affords, forbidden
from fixtures.checks.linkedin.oracle import HitCounts, LinkedInOracle
from fixtures.checks.linkedin.urls import FORMS, pattern
from fixtures.checks.preflight.index_status import IndexFacts
from fixtures.checks.records.counts import ConnectraUuidCountCheck
from fixtures.checks.records.index_keys import IndexKeyChecks
from fixtures.clients.elasticsearch import Index, NotInIndex
from fixtures.clients.postgres import Database, StatementTooDear
from fixtures.clients.target import Target, connect
from fixtures.contracts.contract import load
from fixtures.settings.settings import from_values
from fixtures.transport.credit_budget import CreditBudget
from fixtures.transport.rate_limiter import RateLimiter
from reports.comparison.known_differences import excused, in_force, outcome_of
from reports.records.known_difference import KnownDifference
from reports.records.records import Outcome, Provenance

RECORDS = ("contact", "company")


@pytest.fixture(scope="module")
def target(calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    rate_limiter = RateLimiter(tmp_path_factory.mktemp("pace"), None)
    connected = connect(from_values(calm, "sandbox"), load("guide"), rate_limiter, budget=CreditBudget(None))
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def index(target: Target) -> Index:
    assert target.index is not None
    return target.index


@pytest.fixture(scope="module")
def draws(target: Target) -> LinkedInCases:
    return LinkedInCases(target, LinkedInOracle(target), count=60, seed=7)


def _astray(
    check: Check, draw: SampleSet, most: int = 40, known_differences: Sequence[KnownDifference] = ()
) -> list[str]:
    """Keys of the samples that are answered otherwise than PostgreSQL holds, known readings of its values aside."""
    samples = draw.samples[:most]
    assert samples
    expected = check.expected(samples)
    body = {sample.key: check.ask(sample) for sample in samples}
    assert all(response.answer.error is None for response in body.values())
    results = {
        sample.key: excused(check.differences(sample, expected.get(sample.key), body[sample.key]), known_differences)
        for sample in samples
    }
    return [key for key, differences in results.items() if outcome_of(differences) is not Outcome.EQUAL]


def test_the_index_says_what_it_is(target: Target) -> None:
    facts = IndexFacts(target, "phase0", pauses=(), fresh_s=60)
    records = target.contract.records.values()

    results = [facts.reachable(), facts.health(), *map(facts.mapping, records), *map(facts.count, records)]

    assert [fact.sentence for fact in results if not fact.ok] == []


def test_a_missing_index_and_a_silent_engine_are_distinguished(index: Index) -> None:
    for ask in (index.count, index.mapping, lambda name: index.documents(name, ["x"])):
        with pytest.raises(NotInIndex):
            ask("no_such_index")


def test_keys_of_the_index_are_distinct_and_as_many_as_asked(index: Index) -> None:
    results = index.some_keys("contacts_index", count=50, seed=7)

    assert len(results) == len(set(results.values())) == 50
    assert len(index.some_keys("contacts_index", count=9_999, seed=7)) == index.count("contacts_index")


def test_documents_are_looked_up_in_batches(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.clients.elasticsearch.BATCH", 7)
    keys = list(index.some_keys("contacts_index", count=20, seed=7))

    assert set(index.documents("contacts_index", [*keys, "nobody"])) == set(keys)


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("kind", ["index", "newest", "ghosts"])
def test_keys_agree_on_both_sides(target: Target, index: Index, kind: str, record: str) -> None:
    keysets = IndexKeyChecks(target, index, count=30, seed=7)
    check = f"{record}-{kind}"

    assert _astray(keysets.check_of(check), keysets.drawn(check), most=400) == []


def test_a_uuid_is_counted_once_or_not_at_all(target: Target) -> None:
    for name in RECORDS:
        statements = ConnectraUuidCountCheck(target, target.contract.records[name])
        draw = statements.drawn(count=10, seed=7)

        assert {sample.stratum for sample in draw.samples} == {"known", "unknown"}
        assert _astray(statements, draw) == []


@pytest.mark.parametrize("record", RECORDS)
def test_linkedin_urls_are_drawn_in_every_form(draws: LinkedInCases, record: str) -> None:
    draw = draws.forms(record)

    assert set(FORMS) <= {sample.stratum for sample in draw.samples}
    assert all(sample.subject not in sample.key for sample in draw.samples), "a URL is personal"
    assert {name for name, members in draw.members.items() if members} == {sample.stratum for sample in draw.samples}
    assert draw == draws.forms(record)


def test_stored_urls_hold_the_awkward_ones(draws: LinkedInCases) -> None:
    results = {row["stratum"] for row in draws.stored("contact")}

    assert {"shared", "contained", "underscore", "stored-otherwise", "no-company", "ordinary"} <= results
    assert {"no-people", "most-people"} <= {row["stratum"] for row in draws.stored("company")}


def test_every_form_but_the_encoded_one_finds_whose_it_is(target: Target, draws: LinkedInCases) -> None:
    samples = [sample for sample in draws.forms("contact").samples if sample.stratum in FORMS]
    expected = LinkedInOracle(target).expected({sample.key: sample.subject for sample in samples})

    for sample in samples:
        results = sample.key.partition("/")[0] in expected[sample.key].people
        assert results is (sample.stratum != "percent-encoded"), sample.key


def test_what_is_counted_is_what_is_held(target: Target, draws: LinkedInCases) -> None:
    oracle = LinkedInOracle(target)
    for sample in [*draws.both().samples[:6], *draws.forms("company").samples[:12]]:
        expected = oracle.expected({"": sample.subject})[""]
        size = HitCounts(
            people=len(expected.people),
            companies=len(expected.companies),
            colleagues=sum(len(firm.people) for firm in expected.companies.values()),
        )

        assert size == oracle.sizes([sample.subject])[sample.subject]


AWKWARD = ("/in/a_b", "/in/%", "/company/%a%", "/in/É", "/in/JOSÉ", "x/in/k", "/company/", "no url at all", "/in/o'b")


def test_all_texts_of_a_look_find_what_each_finds_alone(target: Target, draws: LinkedInCases) -> None:
    texts = {text: text for text in (*AWKWARD, *(sample.subject for sample in draws.forms("contact").samples))}
    expected = LinkedInOracle(target).expected(texts)
    alone = {
        text: {
            row["uuid"]
            for row in target.database.rows(
                "SELECT c.uuid FROM contacts c JOIN contacts_metadata m USING (uuid) "
                "WHERE m.linkedin_url ILIKE %s AND m.linkedin_url <> '_'",
                (pattern(text, "in"),),
            )
        }
        for text in texts
    }

    assert {text: set(hits.people) for text, hits in expected.items()} == alone
    assert any(alone.values())


def test_all_texts_of_a_look_take_one_scan(target: Target) -> None:
    with _overheard(target) as (database, statements):
        oracle = LinkedInOracle(replace(target, database=database))
        oracle.expected({str(number): f"/in/nobody-{number}" for number in range(100)})
    scanning = [query for query in statements if "contacts_metadata t" in query and not query.startswith("EXPLAIN")]

    (query,) = scanning
    values = {"keys": ["a", "b"], "patterns": ["%a%", "%b%"]}
    plan = "\n".join(str(row) for row in target.database.rows(f"EXPLAIN {query}", values))
    assert plan.count("on contacts_metadata t") == 1


def test_a_draw_is_asked_once_whatever_the_number_of_samples(target: Target) -> None:
    record = target.contract.records["contact"]
    with _overheard(target) as (database, statements):
        few, many = (of_records(database, target.contract, record, count=count, seed=77) for count in (8, 200))
    with closing(Database(target.settings.database_url)) as another:
        assert few == of_records(another, target.contract, record, count=8, seed=77)

    assert len([query for query in statements if query.startswith("WITH each")]) == 1
    assert len(many.samples) > len(few.samples)
    assert (few.members, few.population) == (many.members, many.population)


def test_a_statement_above_the_limit_is_not_run(target: Target) -> None:
    database = Database(target.settings.database_url, most_cost=1)
    record = target.contract.records["contact"]

    with pytest.raises(StatementTooDear, match=r"--max-sql-cost allows 1: the statement was not run\. Give"):
        of_records(database, target.contract, record, count=8, seed=7)
    assert database.rows("SELECT 1 AS one") == [{"one": 1}]
    database.close()


def test_the_cost_of_a_statement_is_the_planners_estimate(target: Target) -> None:
    small, large = (target.database.cost(f"SELECT * FROM contacts LIMIT {rows}") for rows in (1, 1_000))

    assert 0 < small < large


@contextmanager
def _overheard(target: Target) -> Iterator[tuple[Database, list[str]]]:
    """A session of its own, and its statements as they are asked."""
    statements: list[str] = []
    with closing(Database(target.settings.database_url)) as database:
        ask = database._rows_once

        def overheard(query: object, parameters: object) -> list[dict]:
            statements.append(str(query))
            return ask(query, parameters)

        database._rows_once = overheard
        yield database, statements


@pytest.mark.parametrize(
    "check",
    [
        "linkedin-contacts",
        "linkedin-companies",
        "linkedin-nobody",
        "linkedin-execution",
        "linkedin-connectra-contact",
        "linkedin-connectra-company",
    ],
)
def test_linkedin_answers_as_the_database_holds(target: Target, check: str) -> None:
    linkedin = LinkedInChecks(target, flag_on=True, count=40, seed=7)

    known_differences = in_force(target.contract.known_differences, check, Provenance.VQL, date(2026, 1, 1))
    assert _astray(linkedin.check_of(check), linkedin.drawn(check), most=12, known_differences=known_differences) == []


def test_a_search_costs_nothing_on_a_sandbox_and_is_forbidden_elsewhere(target: Target) -> None:
    assert (forbidden(target), affords(target, 1_000)) == ("", True)


def test_a_body_that_is_no_search_is_refused(target: Target) -> None:
    facts = LinkedInChecks(target, flag_on=True, count=4, seed=7).refusals("phase4")

    assert [fact.sentence for fact in facts if not fact.ok] == []


def test_every_folder_of_a_phase_has_its_gate(checkout: Path) -> None:
    folders = {path.parent.name for path in checkout.glob("suites/*/test_*.py")} - {"selftest", "drills"}

    assert folders == {path.parent.name for path in checkout.glob("suites/*/gate.toml")}
