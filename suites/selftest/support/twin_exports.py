"""Exports of a twin, as a client of it asks for them."""

import csv
import io
import time
from typing import Any

import httpx
import psycopg

AT = "/api/v2/exports"
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
PATHS = {
    "contacts": (f"{AT}/contacts/export", "contact_uuids"),
    "companies": (f"{AT}/companies/export", "company_uuids"),
}
DEADLINE_S = 30.0


def uuids(database: psycopg.Connection, table: str, most: int) -> list[str]:
    query = f"SELECT uuid FROM {table} ORDER BY md5(uuid) LIMIT {most}"
    return [key for (key,) in database.execute(query.encode())]


def end_of(client: httpx.Client, export_id: str) -> dict[str, Any]:
    """Its status once it has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        status = client.get(f"{AT}/{export_id}/status").json()
        if status["status"] not in ("pending", "processing") or time.monotonic() > deadline:
            return status
        time.sleep(0.02)


def create(client: httpx.Client, kind: str, keys: list[str], **headers: str) -> dict[str, Any]:
    path, name = PATHS[kind]
    response = client.post(path, json={name: keys}, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


def file_of(client: httpx.Client, export_id: str) -> httpx.Response:
    status = end_of(client, export_id)
    assert (status["status"], status["progress_percentage"]) == ("completed", 100.0), status
    return client.get(status["download_url"])


def exported(client: httpx.Client, kind: str, keys: list[str]) -> str:
    return file_of(client, create(client, kind, keys)["export_id"]).content.decode()


def by_email(client: httpx.Client, body: dict[str, Any]) -> str:
    response = client.post("/api/v2/email/export", json=body)
    assert response.status_code == 201, response.text
    return file_of(client, response.json()["export_id"]).content.decode()


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def plain(text: str) -> list[dict[str, str]]:
    """Rows without the declared differences: zone, list separator, `None` for a company's text, placeholder."""

    def bare(name: str, cell: str) -> str:
        if cell == "_" or (cell == "None" and name.startswith("company_")):
            return ""
        return cell.removesuffix("+00:00") if name.endswith("_at") else cell.replace(", ", ",")

    return [{name: bare(name, cell) for name, cell in row.items()} for row in records(text)]


def people_of(database: psycopg.Connection, most: int) -> list[dict[str, str]]:
    query = (
        "SELECT c.first_name, c.last_name, n.normalized_domain FROM contacts c "
        "JOIN companies_metadata n ON n.uuid = c.company_id "
        "WHERE '' NOT IN (c.first_name, c.last_name, n.normalized_domain, c.email) ORDER BY md5(c.uuid) LIMIT %s"
    )
    rows = database.execute(query, (most,)).fetchall()
    return [{"first_name": first, "last_name": last, "domain": domain} for first, last, domain in rows]
