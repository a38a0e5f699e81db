"""The files of the backend twin's exports: equal by both paths, warts included, and nothing of the caller's lost."""

import httpx
import psycopg
import pytest

from suites.selftest.support.twin_exports import (
    PATHS,
    UNKNOWN,
    by_email,
    create,
    exported,
    file_of,
    people_of,
    plain,
    records,
    uuids,
)


@pytest.mark.parametrize("size", [1, 99, 250])
def test_contacts_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection, size: int
) -> None:
    keys = uuids(own_database, "contacts", size)

    by_vql, by_sql = exported(vql, "contacts", keys), exported(direct, "contacts", keys)

    assert plain(by_vql) == plain(by_sql)
    assert len(plain(by_sql)) == size
    assert by_vql != by_sql


def test_companies_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    keys = uuids(own_database, "companies", 1000)

    by_vql, by_sql = exported(vql, "companies", keys), exported(direct, "companies", keys)

    assert plain(by_vql) == plain(by_sql)
    assert len(plain(by_sql)) == len(keys) > 30
    assert by_sql.count("\r\n") == len(keys) + 1


def test_every_column_is_filled_somewhere(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    for kind, table, columns in (("contacts", "contacts", 48), ("companies", "companies", 24)):
        rows = records(exported(vql, kind, uuids(own_database, table, 100)))

        assert len(rows[0]) == columns
        assert [name for name in rows[0] if not any(row[name] for row in rows)] == []


def test_the_file_of_the_direct_path_has_its_known_deviations(
    direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    ((key, created),) = own_database.execute(
        "SELECT c.uuid, c.created_at FROM contacts c JOIN companies k ON k.uuid = c.company_id "
        "JOIN companies_metadata n ON n.uuid = k.uuid WHERE num_nulls(k.name, k.address, k.text_search, n.city) > 0 "
        "AND c.created_at IS NOT NULL ORDER BY c.uuid LIMIT 1"
    ).fetchall()

    text = exported(direct, "contacts", [key])

    (row,) = records(text)
    assert "None" in {
        row["company_name"],
        row["company_address"],
        row["company_text_search"],
        row["company_metadata_city"],
    }
    assert row["contact_created_at"] == created.isoformat()
    assert "\r" not in text


def test_duplicates_stay_and_unknown_uuids_go(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    for kind, column in (("contacts", "contact_uuid"), ("companies", "company_uuid")):
        first, second = uuids(own_database, kind, 2)

        for client in (vql, direct):
            created = create(client, kind, [second, UNKNOWN, first, second])
            rows = records(file_of(client, created["export_id"]).text)

            assert [row[column] for row in rows] == [second, first, second]
            assert created[PATHS[kind][1].replace("uuids", "count")] == 4


def test_emails_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, own_database: psycopg.Connection
) -> None:
    people = [
        *people_of(own_database, 20),
        {"first_name": "No", "last_name": "Body", "website": "https://www.void.example/"},
    ]

    by_vql, by_sql = (by_email(client, {"contacts": people}) for client in (vql, direct))

    assert by_vql == by_sql
    rows = records(by_sql)
    assert list(rows[0]) == ["first_name", "last_name", "domain", "email"]
    assert {row["first_name"] + row["last_name"] for row in rows} == {""}
    assert [bool(row["email"]) for row in rows] == [True] * 20 + [False]
    assert rows[-1]["domain"] == "void.example"


def test_the_callers_own_rows_keep_their_columns(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    people = people_of(own_database, 2)
    rows = [{"Name": f"{person['first_name']}, the {place}", "No": place} for place, person in enumerate(people)]

    text = by_email(vql, {"contacts": people, "rows": rows, "raw_headers": ["Name", "No"]})

    assert text.splitlines()[0] == "Name,No,email"
    assert [row["Name"] for row in records(text)] == [row["Name"] for row in rows]
    assert all(row["email"] for row in records(text))


def test_an_export_finds_and_never_writes(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    digest = "SELECT md5(string_agg(c::text, '' ORDER BY uuid)) FROM contacts c"
    before = own_database.execute(digest).fetchone()

    by_email(vql, {"contacts": people_of(own_database, 3)})

    assert own_database.execute(digest).fetchone() == before
