"""The backend twin's exports over real HTTP: their life, their links, their price, and equal files by both paths."""

import csv
import io
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.owned import OwnedSandbox

AT = "/api/v2/exports"
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
PATHS = {
    "contacts": (f"{AT}/contacts/export", "contact_uuids"),
    "companies": (f"{AT}/companies/export", "company_uuids"),
}
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def sandbox(checkout: Path) -> Iterator[OwnedSandbox]:
    owned = OwnedSandbox.start(checkout, rows=300, flags=None, faults=(), seed=7)
    yield owned
    owned.stop()


@pytest.fixture(scope="module")
def database(sandbox: OwnedSandbox) -> Iterator[psycopg.Connection]:
    with psycopg.connect(sandbox.values["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def _logged_in(url: str, email: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=url, trust_env=False, timeout=30)
    token = client.post("/api/v1/auth/login/", json={"email": email, "password": password}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _admin(sandbox: OwnedSandbox, setting: str) -> Iterator[httpx.Client]:
    values = sandbox.values
    with closing(_logged_in(values[setting], values["CONTACT360_EMAIL"], values["CONTACT360_PASSWORD"])) as client:
        yield client


@pytest.fixture(scope="module")
def vql(sandbox: OwnedSandbox) -> Iterator[httpx.Client]:
    yield from _admin(sandbox, "CONTACT360_BASE_URL")


@pytest.fixture(scope="module")
def direct(sandbox: OwnedSandbox) -> Iterator[httpx.Client]:
    yield from _admin(sandbox, "CONTACT360_BASELINE_URL")


@pytest.fixture(scope="module")
def free(sandbox: OwnedSandbox) -> Iterator[httpx.Client]:
    values = sandbox.values
    login = (values["SANDBOX_FREE_EMAIL"], values["SANDBOX_FREE_PASSWORD"])
    with closing(_logged_in(values["CONTACT360_BASE_URL"], *login)) as client:
        yield client


def _uuids(database: psycopg.Connection, table: str, most: int) -> list[str]:
    query = f"SELECT uuid FROM {table} ORDER BY md5(uuid) LIMIT {most}"
    return [key for (key,) in database.execute(query.encode())]


def _ended(client: httpx.Client, export_id: str) -> dict[str, Any]:
    """Its status once it has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        status = client.get(f"{AT}/{export_id}/status").json()
        if status["status"] not in ("pending", "processing") or time.monotonic() > deadline:
            return status
        time.sleep(0.02)


def _created(client: httpx.Client, kind: str, keys: list[str], **headers: str) -> dict[str, Any]:
    path, name = PATHS[kind]
    response = client.post(path, json={name: keys}, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


def _file(client: httpx.Client, export_id: str) -> httpx.Response:
    status = _ended(client, export_id)
    assert (status["status"], status["progress_percentage"]) == ("completed", 100.0), status
    return client.get(status["download_url"])


def _exported(client: httpx.Client, kind: str, keys: list[str]) -> str:
    return _file(client, _created(client, kind, keys)["export_id"]).content.decode()


def _emails(client: httpx.Client, body: dict[str, Any]) -> str:
    response = client.post("/api/v2/email/export", json=body)
    assert response.status_code == 201, response.text
    return _file(client, response.json()["export_id"]).content.decode()


def _records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _plain(text: str) -> list[dict[str, str]]:
    """Rows without what is declared to differ: zone, list separator, `None` for a company's text, placeholder."""

    def plain(name: str, cell: str) -> str:
        if cell == "_" or (cell == "None" and name.startswith("company_")):
            return ""
        return cell.removesuffix("+00:00") if name.endswith("_at") else cell.replace(", ", ",")

    return [{name: plain(name, cell) for name, cell in row.items()} for row in _records(text)]


def test_an_export_lives_from_pending_to_its_file(vql: httpx.Client, database: psycopg.Connection) -> None:
    keys = _uuids(database, "contacts", 12)

    created = _created(vql, "contacts", keys)
    file = _file(vql, created["export_id"])

    assert list(created) == ["export_id", "download_url", "expires_at", "contact_count", "status"]
    assert (created["download_url"], created["contact_count"], created["status"]) == ("", 12, "pending")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{created["export_id"]}.csv"'
    assert [row["contact_uuid"] for row in _records(file.text)] == keys


@pytest.mark.parametrize("size", [1, 99, 250])
def test_contacts_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, database: psycopg.Connection, size: int
) -> None:
    keys = _uuids(database, "contacts", size)

    by_vql, by_sql = _exported(vql, "contacts", keys), _exported(direct, "contacts", keys)

    assert _plain(by_vql) == _plain(by_sql)
    assert len(_plain(by_sql)) == size
    assert by_vql != by_sql


def test_companies_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, database: psycopg.Connection
) -> None:
    keys = _uuids(database, "companies", 1000)

    by_vql, by_sql = _exported(vql, "companies", keys), _exported(direct, "companies", keys)

    assert _plain(by_vql) == _plain(by_sql)
    assert len(_plain(by_sql)) == len(keys) > 30
    assert by_sql.count("\r\n") == len(keys) + 1


def test_every_column_is_filled_somewhere(vql: httpx.Client, database: psycopg.Connection) -> None:
    for kind, table, columns in (("contacts", "contacts", 48), ("companies", "companies", 24)):
        rows = _records(_exported(vql, kind, _uuids(database, table, 100)))

        assert len(rows[0]) == columns
        assert [name for name in rows[0] if not any(row[name] for row in rows)] == []


def test_the_direct_file_has_the_warts_of_its_time(direct: httpx.Client, database: psycopg.Connection) -> None:
    ((key, created),) = database.execute(
        "SELECT c.uuid, c.created_at FROM contacts c JOIN companies k ON k.uuid = c.company_id "
        "JOIN companies_metadata n ON n.uuid = k.uuid WHERE num_nulls(k.name, k.address, k.text_search, n.city) > 0 "
        "AND c.created_at IS NOT NULL ORDER BY c.uuid LIMIT 1"
    ).fetchall()

    text = _exported(direct, "contacts", [key])

    (row,) = _records(text)
    assert "None" in {row["company_name"], row["company_address"], row["company_text_search"],
                      row["company_metadata_city"]}  # fmt: skip
    assert row["contact_created_at"] == created.isoformat()
    assert "\r" not in text


def test_duplicates_stay_and_unknown_uuids_go(
    vql: httpx.Client, direct: httpx.Client, database: psycopg.Connection
) -> None:
    for kind, column in (("contacts", "contact_uuid"), ("companies", "company_uuid")):
        one, two = _uuids(database, kind, 2)

        for client in (vql, direct):
            created = _created(client, kind, [two, UNKNOWN, one, two])
            rows = _records(_file(client, created["export_id"]).text)

            assert [row[column] for row in rows] == [two, one, two]
            assert created[PATHS[kind][1].replace("uuids", "count")] == 4


def _people(database: psycopg.Connection, most: int) -> list[dict[str, str]]:
    query = (
        "SELECT c.first_name, c.last_name, n.normalized_domain FROM contacts c "
        "JOIN companies_metadata n ON n.uuid = c.company_id "
        "WHERE num_nulls(c.first_name, c.last_name, n.normalized_domain, c.email) = 0 ORDER BY md5(c.uuid) LIMIT %s"
    )
    found = database.execute(query, (most,)).fetchall()
    return [{"first_name": first, "last_name": last, "domain": domain} for first, last, domain in found]


def test_emails_are_the_same_by_both_paths(
    vql: httpx.Client, direct: httpx.Client, database: psycopg.Connection
) -> None:
    people = [*_people(database, 20), {"first_name": "No", "last_name": "Body", "website": "https://www.void.example/"}]

    by_vql, by_sql = (_emails(client, {"contacts": people}) for client in (vql, direct))

    assert by_vql == by_sql
    rows = _records(by_sql)
    assert list(rows[0]) == ["first_name", "last_name", "domain", "email"]
    assert {row["first_name"] + row["last_name"] for row in rows} == {""}
    assert [bool(row["email"]) for row in rows] == [True] * 20 + [False]
    assert rows[-1]["domain"] == "void.example"


def test_the_callers_own_rows_keep_their_columns(vql: httpx.Client, database: psycopg.Connection) -> None:
    people = _people(database, 2)
    rows = [{"Name": f"{each['first_name']}, the {place}", "No": place} for place, each in enumerate(people)]

    text = _emails(vql, {"contacts": people, "rows": rows, "raw_headers": ["Name", "No"]})

    assert text.splitlines()[0] == "Name,No,email"
    assert [row["Name"] for row in _records(text)] == [row["Name"] for row in rows]
    assert all(row["email"] for row in _records(text))


def test_an_export_finds_and_never_writes(vql: httpx.Client, database: psycopg.Connection) -> None:
    digest = "SELECT md5(string_agg(c::text, '' ORDER BY uuid)) FROM contacts c"
    before = database.execute(digest).fetchone()

    _emails(vql, {"contacts": _people(database, 3)})

    assert database.execute(digest).fetchone() == before


def test_a_download_needs_the_login_and_the_token(
    vql: httpx.Client, free: httpx.Client, database: psycopg.Connection
) -> None:
    first, second = (_created(vql, "contacts", _uuids(database, "contacts", 1))["export_id"] for _ in range(2))
    link = _ended(vql, first)["download_url"]
    path, _, token = link.partition("?token=")
    _ended(vql, second)

    statuses = {
        "right": vql.get(link).status_code,
        "no login": httpx.get(link, trust_env=False).status_code,
        "no token": vql.get(path).status_code,
        "bad token": vql.get(f"{path}?token={token[:-2]}").status_code,
        "access token": vql.get(path, params={"token": vql.headers["Authorization"].split()[1]}).status_code,
        "of another export": vql.get(f"{AT}/{second}/download", params={"token": token}).status_code,
        "of another user": free.get(link).status_code,
    }

    assert statuses == {
        "right": 200, "no login": 401, "no token": 422, "bad token": 401, "access token": 401,
        "of another export": 403, "of another user": 403,
    }  # fmt: skip


def test_an_unfinished_export_is_not_ready(vql: httpx.Client, database: psycopg.Connection) -> None:
    created = vql.post("/api/v2/email/export", json={"contacts": _people(database, 40)}).json()

    early = vql.get(created["download_url"])

    assert early.status_code == 400
    assert early.json()["detail"].startswith("Export is not ready (status: p")
    assert _ended(vql, created["export_id"])["status"] == "completed"
    assert vql.get(created["download_url"]).status_code == 200


def test_progress_of_emails_is_told_and_never_goes_back(vql: httpx.Client, database: psycopg.Connection) -> None:
    created = vql.post("/api/v2/email/export", json={"contacts": _people(database, 20)}).json()
    seen: list[float] = []

    while (status := vql.get(f"{AT}/{created['export_id']}/status").json())["status"] != "completed":
        seen.append(status["progress_percentage"] or 0.0)

    assert seen == sorted(seen)
    assert set(seen) <= {0.0, 20.0, 45.0, 70.0, 95.0}
    assert max(seen) > 0


def test_somebody_elses_export_looks_like_none(
    vql: httpx.Client, free: httpx.Client, database: psycopg.Connection
) -> None:
    export_id = _created(vql, "contacts", _uuids(database, "contacts", 1))["export_id"]

    for answer in (free.get(f"{AT}/{export_id}/status"), free.delete(f"{AT}/{export_id}/cancel"),
                   vql.get(f"{AT}/{UNKNOWN}/status")):  # fmt: skip
        assert (answer.status_code, answer.json()) == (404, {"detail": "Export not found or access denied"})


def test_the_list_is_newest_first_and_filters(vql: httpx.Client, database: psycopg.Connection) -> None:
    key = _uuids(database, "companies", 1)
    made = [_created(vql, "companies", key)["export_id"] for _ in range(3)]
    for export_id in made:
        _ended(vql, export_id)

    def listed(**query: str | int) -> list[str]:
        return [each["export_id"] for each in vql.get(f"{AT}/", params=query).json()["exports"]]

    assert listed(page_size=3) == made[::-1]
    assert listed(export_type="companies", status="completed")[:3] == made[::-1]
    assert not set(listed(status="failed")) & set(made)
    assert listed(status="nonsense")[:3] == made[::-1]
    assert vql.get(f"{AT}/").json()["exports"][0]["company_uuids"] == key
    assert vql.get(f"{AT}/", params={"page_size": 0}).status_code == 422


def test_the_free_user_pays_and_may_go_below_nothing(
    free: httpx.Client, vql: httpx.Client, database: psycopg.Connection
) -> None:
    def credits() -> dict[str, int]:
        return dict(database.execute("SELECT role, credits FROM user_profiles").fetchall())

    before = credits()
    for client in (free, vql):
        _ended(client, _created(client, "contacts", _uuids(database, "contacts", 60))["export_id"])

    assert credits() == {**before, "FreeUser": before["FreeUser"] - 60}
    assert credits()["FreeUser"] < 0


def test_a_waiting_export_can_be_cancelled_and_a_finished_one_not(
    vql: httpx.Client, database: psycopg.Connection
) -> None:
    keys = _uuids(database, "contacts", 300) * 3
    made = [_created(vql, "contacts", keys)["export_id"] for _ in range(11)]  # ten run at once, one waits

    cancelled = vql.delete(f"{AT}/{made[-1]}/cancel")
    again = vql.delete(f"{AT}/{made[-1]}/cancel")

    ended = [_ended(vql, export_id)["status"] for export_id in made]
    assert (cancelled.status_code, cancelled.json()["status"], again.status_code) == (200, "cancelled", 200)
    assert ended == ["completed"] * 10 + ["cancelled"]
    assert vql.delete(f"{AT}/{made[0]}/cancel").status_code == 400


def test_chunks_are_merged_and_leave_no_progress(vql: httpx.Client, database: psycopg.Connection) -> None:
    keys = _uuids(database, "contacts", 5)

    created = vql.post(f"{AT}/contacts/export/chunked", json={"chunks": [keys[:3], keys[3:]], "merge": True})

    assert created.status_code == 201
    status = _ended(vql, created.json()["export_id"])
    rows = _records(vql.get(status["download_url"]).text)
    assert (created.json()["total_count"], len(created.json()["chunk_ids"])) == (5, 2)
    assert (status["status"], status["progress_percentage"], status["estimated_time"]) == ("completed", 0.0, None)
    assert [row["contact_uuid"] for row in rows] == keys


def test_removed_files_are_gone(vql: httpx.Client, free: httpx.Client, database: psycopg.Connection) -> None:
    link = _ended(vql, _created(vql, "contacts", _uuids(database, "contacts", 1))["export_id"])["download_url"]

    refused, purged = free.delete(f"{AT}/files"), vql.delete(f"{AT}/files")

    assert (refused.status_code, purged.status_code) == (403, 200)
    assert purged.json()["deleted_count"] > 0
    assert vql.get(link).status_code == 404


PERSON = {"first_name": "A", "last_name": "B", "domain": "c.example"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{AT}/contacts/export", {}),
        (f"{AT}/contacts/export", {"contact_uuids": []}),
        (f"{AT}/contacts/export", {"contact_uuids": [7]}),
        (f"{AT}/companies/export", {"company_uuids": "x"}),
        ("/api/v2/email/export", {"contacts": [{"first_name": "A", "last_name": "B"}]}),
        ("/api/v2/email/export", {"contacts": [PERSON], "rows": []}),
        ("/api/v2/email/export", {"contacts": [PERSON], "rows": [{}, {}]}),
        ("/api/v2/email/export", {"contacts": [PERSON], "rows": [{"x": "y"}], "raw_headers": ["z"]}),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_its_place(
    vql: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    answer = vql.post(path, json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


def test_the_jobs_calls_carry_the_id_of_the_request(vql: httpx.Client, database: psycopg.Connection) -> None:
    created = _created(vql, "contacts", _uuids(database, "contacts", 201), **{"X-Request-Id": "export-of-201"})
    _ended(vql, created["export_id"])

    query = "SELECT count(*) FROM logs WHERE request_id = 'export-of-201' AND message = %s"
    call = ("External API call: Connectra POST /contacts/",)
    deadline = time.monotonic() + DEADLINE_S
    while (calls := database.execute(query, call).fetchone()) != (3,) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert calls == (3,)
