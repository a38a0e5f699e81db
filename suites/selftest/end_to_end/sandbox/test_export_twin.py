"""The backend twin's exports over real HTTP: their life, their links, their price."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from suites.selftest.support.twin_exports import (
    AT,
    DEADLINE_S,
    UNKNOWN,
    create,
    end_of,
    file_of,
    people_of,
    records,
    uuids,
)


def test_an_export_lives_from_pending_to_its_file(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    keys = uuids(own_database, "contacts", 12)

    created = create(vql, "contacts", keys)
    file = file_of(vql, created["export_id"])

    assert list(created) == ["export_id", "download_url", "expires_at", "contact_count", "status"]
    assert (created["download_url"], created["contact_count"], created["status"]) == ("", 12, "pending")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{created["export_id"]}.csv"'
    assert [row["contact_uuid"] for row in records(file.text)] == keys


def test_a_download_needs_the_login_and_the_token(
    vql: httpx.Client, free: httpx.Client, own_database: psycopg.Connection
) -> None:
    first, second = (create(vql, "contacts", uuids(own_database, "contacts", 1))["export_id"] for _ in range(2))
    link = end_of(vql, first)["download_url"]
    path, _, token = link.partition("?token=")
    end_of(vql, second)

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
        "right": 200,
        "no login": 401,
        "no token": 422,
        "bad token": 401,
        "access token": 401,
        "of another export": 403,
        "of another user": 403,
    }


def test_an_unfinished_export_is_not_ready(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    created = vql.post("/api/v2/email/export", json={"contacts": people_of(own_database, 40)}).json()

    early = vql.get(created["download_url"])

    assert early.status_code == 400
    assert early.json()["detail"].startswith("Export is not ready (status: p")
    assert end_of(vql, created["export_id"])["status"] == "completed"
    assert vql.get(created["download_url"]).status_code == 200


def test_progress_of_emails_is_reported_and_never_goes_back(
    vql: httpx.Client, own_database: psycopg.Connection
) -> None:
    created = vql.post("/api/v2/email/export", json={"contacts": people_of(own_database, 20)}).json()
    progress: list[float] = []

    while (status := vql.get(f"{AT}/{created['export_id']}/status").json())["status"] != "completed":
        progress.append(status["progress_percentage"] or 0.0)

    assert progress == sorted(progress)
    assert set(progress) <= {0.0, 20.0, 45.0, 70.0, 95.0}
    assert max(progress) > 0


def test_the_export_of_another_user_looks_like_none(
    vql: httpx.Client, free: httpx.Client, own_database: psycopg.Connection
) -> None:
    export_id = create(vql, "contacts", uuids(own_database, "contacts", 1))["export_id"]

    for answer in (
        free.get(f"{AT}/{export_id}/status"),
        free.delete(f"{AT}/{export_id}/cancel"),
        vql.get(f"{AT}/{UNKNOWN}/status"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Export not found or access denied"})


def test_the_list_is_newest_first_and_filters(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    key = uuids(own_database, "companies", 1)
    made = [create(vql, "companies", key)["export_id"] for _ in range(3)]
    for export_id in made:
        end_of(vql, export_id)

    def listed(**query: str | int) -> list[str]:
        return [entry["export_id"] for entry in vql.get(f"{AT}/", params=query).json()["exports"]]

    assert listed(page_size=3) == made[::-1]
    assert listed(export_type="companies", status="completed")[:3] == made[::-1]
    assert not set(listed(status="failed")) & set(made)
    assert listed(status="nonsense")[:3] == made[::-1]
    assert vql.get(f"{AT}/").json()["exports"][0]["company_uuids"] == key
    assert vql.get(f"{AT}/", params={"page_size": 0}).status_code == 422


def test_the_free_user_pays_and_may_go_below_nothing(
    free: httpx.Client, vql: httpx.Client, own_database: psycopg.Connection
) -> None:
    def credits() -> dict[str, int]:
        return dict(own_database.execute("SELECT role, credits FROM user_profiles").fetchall())

    before = credits()
    for client in (free, vql):
        end_of(client, create(client, "contacts", uuids(own_database, "contacts", 60))["export_id"])

    assert credits() == {**before, "FreeUser": before["FreeUser"] - 60}
    assert credits()["FreeUser"] < 0


def test_a_waiting_export_can_be_cancelled_and_a_finished_one_not(
    vql: httpx.Client, own_database: psycopg.Connection, playing: Callable[..., None]
) -> None:
    playing("export-slow:3000")
    keys = uuids(own_database, "contacts", 1)
    made = [create(vql, "contacts", keys)["export_id"] for _ in range(11)]  # ten run at once, one waits

    cancelled = vql.delete(f"{AT}/{made[-1]}/cancel")
    again = vql.delete(f"{AT}/{made[-1]}/cancel")
    playing()
    made.append(create(vql, "contacts", keys)["export_id"])  # its turn comes after the turn of the one that waits

    end_of(vql, made[-1])
    ended = [end_of(vql, export_id)["status"] for export_id in made]
    assert (cancelled.status_code, cancelled.json()["status"], again.status_code) == (200, "cancelled", 200)
    assert ended == ["completed"] * 10 + ["cancelled", "completed"]
    assert vql.delete(f"{AT}/{made[0]}/cancel").status_code == 400


def test_chunks_are_merged_and_leave_no_progress(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    keys = uuids(own_database, "contacts", 5)

    created = vql.post(f"{AT}/contacts/export/chunked", json={"chunks": [keys[:3], keys[3:]], "merge": True})

    assert created.status_code == 201
    status = end_of(vql, created.json()["export_id"])
    rows = records(vql.get(status["download_url"]).text)
    assert (created.json()["total_count"], len(created.json()["chunk_ids"])) == (5, 2)
    assert (status["status"], status["progress_percentage"], status["estimated_time"]) == ("completed", 0.0, None)
    assert [row["contact_uuid"] for row in rows] == keys


def test_removed_files_are_gone(vql: httpx.Client, free: httpx.Client, own_database: psycopg.Connection) -> None:
    link = end_of(vql, create(vql, "contacts", uuids(own_database, "contacts", 1))["export_id"])["download_url"]

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


def test_the_jobs_calls_carry_the_id_of_the_request(vql: httpx.Client, own_database: psycopg.Connection) -> None:
    created = create(vql, "contacts", uuids(own_database, "contacts", 201), **{"X-Request-Id": "export-of-201"})
    end_of(vql, created["export_id"])

    query = "SELECT count(*) FROM logs WHERE request_id = 'export-of-201' AND message = %s"
    call = ("External API call: Connectra POST /contacts/",)
    deadline = time.monotonic() + DEADLINE_S
    while (calls := own_database.execute(query, call).fetchone()) != (3,) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert calls == (3,)
