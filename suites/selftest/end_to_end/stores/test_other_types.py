"""Schemas of other types than the published one: compared as what they mean, and what can't be compared is named."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fixtures.clients.postgres import Database, DatabaseUnusable
from fixtures.command_line import DIFFERENT, EQUAL
from fixtures.contracts.contract import load
from fixtures.export_parity import __main__ as export_parity
from fixtures.index_parity import __main__ as index_parity
from fixtures.index_parity.mapping import mapping_of
from fixtures.index_parity.table import RecordTable
from reports.comparison.record_diff import expected_record
from reports.comparison.shown_forms import same
from suites.benchmarks import export_files
from suites.benchmarks.multiplied import MultipliedStores

CONTRACT = load("guide")
TYPED = {
    "contacts": ("uuid uuid", "company_id uuid", "departments jsonb", "created_at timestamptz", "title varchar(2000)"),
    "contacts_metadata": ("uuid uuid",),
    "companies": (
        *("uuid uuid", "employees_count numeric(18,2)", "annual_revenue double precision", "total_funding numeric"),
        *("keywords jsonb", "technologies json", "industries varchar[]", "updated_at timestamptz"),
    ),
    "companies_metadata": ("uuid uuid", "latest_funding_amount numeric(20,4)"),
}
SCHEMAS = ("typed", "viewed", "partitioned")


@pytest.fixture(scope="module")
def stores(stores_of: Callable[[str], MultipliedStores]) -> Iterator[MultipliedStores]:
    """The stores, and beside the published schema: other types, views of it, and partitioned tables."""
    stores = stores_of("osmem")
    with psycopg.connect(stores.owner_url, autocommit=True) as session:
        session.execute("SET timezone = 'UTC'")
        for schema in ("plain", *SCHEMAS):
            session.execute(f"CREATE SCHEMA {schema}".encode())
        for table, columns in TYPED.items():
            session.execute(f"CREATE TABLE plain.{table} AS SELECT * FROM public.{table}".encode())
            for key in ("uuid", "company_id") if table == "contacts" else ("uuid",):  # some are stored without dashes
                session.execute(f"UPDATE plain.{table} SET {key} = {key}::uuid::text".encode())
            session.execute(f"CREATE TABLE typed.{table} AS SELECT * FROM plain.{table}".encode())
            for name, kind in (column.split(" ", 1) for column in columns):
                using = f"to_jsonb({name})::{kind}" if kind.startswith("json") else f"{name}::{kind}"
                session.execute(f"ALTER TABLE typed.{table} ALTER {name} TYPE {kind} USING {using}".encode())
            session.execute(f"CREATE VIEW viewed.{table} AS SELECT * FROM plain.{table}".encode())
            parts = f"partitioned.{table}"
            session.execute(f"CREATE TABLE {parts} (LIKE plain.{table}) PARTITION BY HASH (uuid)".encode())
            for number in range(3):
                values = f"FOR VALUES WITH (MODULUS 3, REMAINDER {number})"
                session.execute(f"CREATE TABLE {parts}_{number} PARTITION OF {parts} {values}".encode())
            session.execute(f"INSERT INTO {parts} SELECT * FROM plain.{table}".encode())
        for schema in ("plain", *SCHEMAS):
            session.execute(f"GRANT USAGE ON SCHEMA {schema} TO verifier".encode())
            session.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO verifier".encode())
    yield stores
    with psycopg.connect(stores.owner_url, autocommit=True) as session:
        for schema in ("plain", *SCHEMAS):
            session.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _url(stores: MultipliedStores, schema: str) -> str:
    return f"{stores.database_url}?options=-csearch_path%3D{schema}"


def _env(stores: MultipliedStores, schema: str, folder: Path) -> str:
    path = folder / "env"
    path.write_text(
        f"CONTACT360_BASE_URL=http://127.0.0.1:1\nCONTACT360_TOKEN=x\nCONNECTRA_BASE_URL=http://127.0.0.1:1\n"
        f"CONNECTRA_API_KEY=x\nDATABASE_URL={_url(stores, schema)}\nELASTICSEARCH_HOST={stores.index_url}\n"
    )
    return str(path)


@pytest.mark.parametrize("record", ["contact", "company"])
def test_records_are_expected_as_of_the_published_schema(stores: MultipliedStores, schema: str, record: str) -> None:
    kind = CONTRACT.records[record]
    with closing(Database(_url(stores, "plain"))) as plain, closing(Database(_url(stores, schema))) as other:
        keys = [row["uuid"] for row in plain.rows(f"SELECT uuid FROM {kind.table} ORDER BY 1")]
        here, there = plain.records(kind, keys), other.records(kind, keys)

    fields = CONTRACT.fields[f"{record}-endpoint"]
    differing = {
        key: [
            (value.field.path, value.shown, other_value.shown)
            for value, other_value in zip(
                expected_record(there[key], fields).values, expected_record(here[key], fields).values, strict=True
            )
            if not same(value.shown, other_value.shown)
        ]
        for key in keys
    }
    assert len(there) > 10
    assert {key: differences for key, differences in differing.items() if differences} == {}


@pytest.mark.parametrize("record", ["contact", "company"])
def test_strata_and_newest_rows_are_as_of_the_published_schema(
    stores: MultipliedStores, schema: str, record: str
) -> None:
    kind, strata = CONTRACT.records[record], CONTRACT.strata[record]
    with closing(Database(_url(stores, "plain"))) as plain, closing(Database(_url(stores, schema))) as other:
        assert other.population(kind, strata, seed=7, most=5) == plain.population(kind, strata, seed=7, most=5)
        other.require_tables(CONTRACT)


@pytest.mark.parametrize("kind", ["contacts", "companies"])
def test_an_export_is_compared_as_what_it_means(
    stores: MultipliedStores, schema: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _written(stores, kind, tmp_path)
    command = [str(path), "--kind", kind, "--env-file", _env(stores, schema, tmp_path)]
    assert export_parity.main(command) == EQUAL, capsys.readouterr()

    lines = path.read_text(encoding="utf-8").split("\n")
    keys = tmp_path / "keys"
    keys.write_text("\n".join(line.split(",")[0] for line in lines[1:] if line.count(",") > 5)[:36] + "\n")
    assert export_parity.main([*command, "--keys", str(keys)]) == DIFFERENT


def _written(stores: MultipliedStores, kind: str, folder: Path) -> Path:
    """An export of the published schema."""
    exports = CONTRACT.exports
    assert exports is not None
    path = folder / f"{kind}.csv"
    if kind == "contacts":
        export_files.write(_url(stores, "plain"), exports.kinds[kind], path)
        return path
    columns = exports.kinds[kind].columns
    with psycopg.connect(_url(stores, "plain")) as session, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        cells = ", ".join(
            f"array_to_string({_alias(column.source)}, ',')"
            if "items" in column.rules
            else f"replace(({_alias(column.source)})::text, ' ', 'T')"
            if "time" in column.rules
            else f"({_alias(column.source)})::text"
            for column in columns
        )
        writer.writerows(
            session.execute(
                f"SELECT {cells} FROM companies k LEFT JOIN companies_metadata n ON n.uuid = k.uuid".encode()
            )
        )
    return path


def _alias(source: str) -> str:
    return source.replace("companies_metadata.", "n.").replace("companies.", "k.")


def _differing(stores: MultipliedStores, schema: str, folder: Path) -> dict[str, set[str]]:
    """The fields that differ between the index and the tables of that schema, by key."""
    index_parity.main(["--env-file", _env(stores, schema, folder), "--record", "contact", "--state", str(folder)])
    state = json.loads((folder / "contact.json").read_text())
    return {entry["key"]: {field["path"] for field in entry["differences"]} for entry in state["found"]}


@pytest.fixture(scope="module")
def of_published(stores: MultipliedStores, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return _differing(stores, "plain", tmp_path_factory.mktemp("plain"))


def test_an_index_is_compared_as_what_it_means(
    stores: MultipliedStores, schema: str, tmp_path: Path, of_published: dict[str, set[str]]
) -> None:
    differing = _differing(stores, schema, tmp_path)

    assert set().union(*of_published.values()) <= {"", "company_id"}  # the index has some ids without dashes
    assert differing == of_published


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "12026-01-01 00:00:00"])
def test_a_time_that_python_does_not_know_is_one_difference(
    stores: MultipliedStores, tmp_path: Path, capsys: pytest.CaptureFixture[str], moment: str
) -> None:
    path = _written(stores, "contacts", tmp_path)
    with psycopg.connect(stores.owner_url, autocommit=True) as owner:
        first = "SELECT uuid FROM typed.contacts ORDER BY 1 LIMIT 1"
        query = f"UPDATE typed.contacts SET created_at = %s WHERE uuid = ({first})"
        before = owner.execute("SELECT uuid::text, created_at FROM typed.contacts ORDER BY uuid LIMIT 1").fetchone()
        assert before is not None
        owner.execute(query.encode(), (moment,))
        try:
            code = export_parity.main([str(path), "--kind", "contacts", "--env-file", _env(stores, "typed", tmp_path)])
            with closing(Database(_url(stores, "typed"))) as other:
                record = other.records(CONTRACT.records["contact"], [before[0]])[before[0]]
                other.population(CONTRACT.records["contact"], CONTRACT.strata["contact"], seed=7, most=5)
        finally:
            owner.execute(query.encode(), (before[1],))

    printed = capsys.readouterr().out
    assert code == DIFFERENT
    assert [line for line in printed.splitlines() if "created_at:" in line and before[0] in line]
    assert "1 with other cells" in printed
    assert isinstance((record["contacts"] or {})["created_at"], str)


def test_a_list_in_a_column_that_holds_none_is_named(stores: MultipliedStores) -> None:
    change = "ALTER TABLE partitioned.contacts ALTER departments TYPE {0} USING departments::{0}"
    with psycopg.connect(stores.owner_url, autocommit=True) as owner:
        owner.execute(change.format("text").encode())
        try:
            with pytest.raises(
                DatabaseUnusable, match=r"contacts.departments is of type text.*\[index.contact\].*a list"
            ):
                RecordTable(_url(stores, "partitioned"), mapping_of(CONTRACT, "contact"))
        finally:
            owner.execute(change.format("text[]").encode())
