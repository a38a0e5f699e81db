"""The backend twin without Connectra: exports and searches fall back to SQL by themselves, and say so.

The same sandbox plays faults of exports that need no Connectra: links that have expired, and that lead elsewhere.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.session.sandbox_process import OwnedSandbox
from suites.selftest.support.twin_exports import end_of

FAULTS = ("connectra-down", "export-expired", "export-link-foreign-host", "export-memory:4096")
MARKER = "VQL query failed, falling back to repository: "
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def sandbox(checkout: Path) -> Iterator[OwnedSandbox]:
    owned = OwnedSandbox.start(checkout, rows=100, flags=None, faults=FAULTS, seed=7, service_time_ms=0)
    yield owned
    owned.stop()


@pytest.fixture(scope="module")
def backend(logged_in: Callable[..., httpx.Client]) -> httpx.Client:
    return logged_in()


def _exported(client: httpx.Client, own_database: psycopg.Connection, request_id: str) -> dict[str, Any]:
    (key,) = own_database.execute("SELECT uuid FROM contacts ORDER BY uuid LIMIT 1").fetchone()
    body = {"contact_uuids": [key]}
    created = client.post("/api/v2/exports/contacts/export", json=body, headers={"X-Request-Id": request_id})
    return end_of(client, created.json()["export_id"])


def _logged(own_database: psycopg.Connection, request_id: str, count: int = 1) -> list[str]:
    """The fallbacks of a request, `count` or more; the log is written a moment later."""
    query = "SELECT message FROM logs WHERE request_id = %s AND level = 'WARNING'"
    deadline = time.monotonic() + DEADLINE_S
    while len(rows := own_database.execute(query, (request_id,)).fetchall()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return [message for (message,) in rows]


def _counters(client: httpx.Client) -> dict[str, int]:
    return client.get("/api/v1/health/vql/stats").json()


def test_an_export_falls_back_once_and_completes(backend: httpx.Client, own_database: psycopg.Connection) -> None:
    before = _counters(backend)

    status = _exported(backend, own_database, "outage-export")

    (message,) = _logged(own_database, "outage-export")
    assert status["status"] == "completed"
    assert message.startswith(MARKER)
    assert {name: value - before[name] for name, value in _counters(backend).items()} == {
        "total_queries": 1,
        "successes": 0,
        "failures": 1,
        "fallbacks": 1,
    }


def test_a_search_falls_back_and_finds(backend: httpx.Client, own_database: psycopg.Connection) -> None:
    (url,) = own_database.execute(
        "SELECT linkedin_url FROM contacts_metadata WHERE linkedin_url LIKE 'https://www%' ORDER BY uuid"
    ).fetchone()

    answer = backend.post("/api/v2/linkedin/", json={"url": url}, headers={"X-Request-Id": "outage-search"})

    assert answer.json()["total_contacts"] > 0
    assert (answer.headers.get("X-VQL-Fallback"), answer.headers.get("X-VQL-Used")) == ("true", None)
    assert _logged(own_database, "outage-search")[0].startswith(MARKER)


def test_each_email_falls_back_for_itself(backend: httpx.Client, own_database: psycopg.Connection) -> None:
    person = {"first_name": "No", "last_name": "Body", "domain": "void.example"}

    created = backend.post(
        "/api/v2/email/export", json={"contacts": [person] * 3}, headers={"X-Request-Id": "outage-emails"}
    )
    end_of(backend, created.json()["export_id"])

    assert len(_logged(own_database, "outage-emails", 3)) == 3


def test_a_link_that_has_expired_is_gone(backend: httpx.Client, own_database: psycopg.Connection) -> None:
    link = httpx.URL(_exported(backend, own_database, "outage-expired")["download_url"])

    assert link.host == "downloads.contact360.invalid"
    assert backend.get(link.raw_path.decode()).status_code == 410


def test_the_backends_memory_can_be_sampled(
    sandbox: OwnedSandbox, backend: httpx.Client, own_database: psycopg.Connection
) -> None:
    """By the process id that the sandbox gives; each record of an export leaves 4 MB behind."""
    statm = Path("/proc", sandbox.values["CONTACT360_PROCESS_ID"], "statm")
    if not statm.exists():
        pytest.skip("this system shows no process's memory under /proc")
    before = int(statm.read_text().split()[1])

    for number in range(4):
        _exported(backend, own_database, f"outage-memory-{number}")

    assert (int(statm.read_text().split()[1]) - before) * 4096 > 16 * 2**20
