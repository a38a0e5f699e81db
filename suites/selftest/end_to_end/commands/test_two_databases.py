"""Two databases: the backend's, and Connectra's own, from which the index is filled; each is an oracle."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from fixtures.clients.postgres import DatabaseUnusable
from fixtures.command_line import WRONG_USAGE
from fixtures.contracts.contract import load
from fixtures.index_parity import __main__ as command
from fixtures.index_parity import report
from fixtures.index_parity.census import Census, CensusPlan
from fixtures.index_parity.documents import IndexDocuments
from fixtures.index_parity.mapping import BACKEND, CONNECTRA, mapping_of
from fixtures.index_parity.reading import RecordReader
from fixtures.index_parity.state import CensusState
from fixtures.index_parity.table import RecordTable
from reports.records.redaction import Pseudonymizer
from suites.benchmarks.multiplied import MultipliedStores
from suites.selftest.support.pytest_runs import env_file

FIRST = "uuid = (SELECT min(uuid) FROM contacts WHERE city <> '')"


@pytest.fixture
def fake(stores_of: Callable[[str], MultipliedStores]) -> Iterator[MultipliedStores]:
    stores = stores_of("osmem")
    yield stores
    stores.restore()


def _of_connectra(stores: MultipliedStores) -> str:
    return stores.database_url.replace("/contact360", "/connectra")


def _counted(stores: MultipliedStores, folder: Path, record: str, store: str) -> CensusState:
    mapping = mapping_of(load("guide"), record, store)
    url = stores.database_url if store == BACKEND else _of_connectra(stores)
    with closing(RecordTable(url, mapping)) as table, closing(IndexDocuments(stores.index_url, mapping)) as index:
        reading = RecordReader(table, index, mapping, Pseudonymizer(b"key"), wait=lambda _: None)
        return Census(
            table, index, mapping, reading, CensusPlan(pauses=(0.0,)), folder / f"{record}-{store}.json"
        ).run()


def test_an_index_is_compared_with_the_store_that_it_is_filled_from(fake: MultipliedStores, tmp_path: Path) -> None:
    state = _counted(fake, tmp_path, "contact", CONNECTRA)

    assert (state.stage, state.found, state.rows) == ("done", [], state.documents)
    assert report.is_complete(state)


def test_what_the_sync_between_both_lost_is_no_fault_of_the_index(fake: MultipliedStores, tmp_path: Path) -> None:
    with psycopg.connect(fake.owner_url, autocommit=True) as session:
        session.execute("UPDATE contacts SET title = 'Moved' WHERE uuid = (SELECT min(uuid) FROM contacts)")

    assert len(_counted(fake, tmp_path, "contact", BACKEND).found) == 1
    assert _counted(fake, tmp_path, "contact", CONNECTRA).found == []


def test_what_connectra_did_not_index_differs_from_its_own_store(fake: MultipliedStores, tmp_path: Path) -> None:
    assert fake._server is not None
    with fake._server.superuser("connectra") as session:
        session.execute(f"UPDATE contacts SET city = city || ' (new)' WHERE {FIRST}".encode())
        try:
            (difference,) = _counted(fake, tmp_path, "contact", CONNECTRA).found
        finally:
            session.execute("UPDATE contacts SET city = replace(city, ' (new)', '')")

    assert [difference.path for difference in difference.differences] == ["city"]


@pytest.mark.parametrize(("store", "swapped"), [(BACKEND, True), (CONNECTRA, False)])
def test_a_database_of_the_other_kind_is_named_with_what_it_lacks(
    fake: MultipliedStores, store: str, swapped: bool
) -> None:
    mapping = mapping_of(load("guide"), "contact", store)
    url = _of_connectra(fake) if swapped else fake.database_url

    with pytest.raises(DatabaseUnusable, match=r"MINE names a database without \S+\.\w+.*\[connectra\] store"):
        RecordTable(url, mapping, setting="MINE")


def test_a_store_that_is_split_as_the_backends_is_read_as_the_contract_says() -> None:
    contract = load("guide")
    split = replace(contract, connectra={**contract.connectra, "store": "split"})

    assert mapping_of(split, "contact", CONNECTRA) == mapping_of(contract, "contact")
    assert {field.table for field in mapping_of(contract, "contact", CONNECTRA).fields} == {"contacts", "companies"}


@pytest.mark.parametrize("named", [True, False])
def test_the_command_says_which_database_is_the_oracle(
    fake: MultipliedStores, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: bool
) -> None:
    host, port = fake.index_url.removeprefix("http://").split(":")
    values = {
        "CONTACT360_BASE_URL": "http://127.0.0.1:1",
        "CONTACT360_TOKEN": "t",
        "CONNECTRA_BASE_URL": "http://127.0.0.1:1",
        "CONNECTRA_API_KEY": "k",
        "DATABASE_URL": fake.database_url,
        "ELASTICSEARCH_HOST": host,
        "ELASTICSEARCH_PORT": port,
    } | ({"CONNECTRA_DATABASE_URL": _of_connectra(fake)} if named else {})
    file = env_file(tmp_path / "live.env", values)
    arguments = ["--env-file", str(file), "--state", str(tmp_path), "--record", "contact", "--store", "connectra"]

    code = command.main(arguments)

    printed = capsys.readouterr()
    assert code == (0 if named else WRONG_USAGE)
    assert ("contact: the oracle is CONNECTRA_DATABASE_URL, Connectra's own PostgreSQL" in printed.out) is named
    assert ("CONNECTRA_DATABASE_URL is not set" in printed.err) is not named
