"""Exports as jobs: watched to an end or to the deadline, and a token that goes nowhere but home. Real sockets."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fixtures.checks.exports.jobs import ExportJobs, own_path
from fixtures.clients.backend import Backend, LoginSession
from fixtures.contracts.contract import Contract, load
from fixtures.transport.credit_budget import CleanupList
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter

CSV = b"contact_uuid\na\n"
LATER = "2100-01-01T00:00:00Z"


@dataclass
class _Service:
    """A backend that answers status questions by a script, and remembers every request with its headers."""

    statuses: list[dict[str, Any]]
    created: tuple[int, Any] = (201, {"export_id": "e1", "contact_count": 1, "status": "pending", "expires_at": LATER})
    file: tuple[int, str, bytes] = (200, "text/csv; charset=utf-8", CSV)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, token: str | None) -> tuple[int, str, bytes]:
        self.asked.append((method, path.partition("?")[0], token))
        if method == "POST":
            return self.created[0], "application/json", json.dumps(self.created[1]).encode()
        if method == "DELETE":
            return 200, "application/json", b"{}"
        if path.endswith("/status"):
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            link = status.get("download_url", f"{self.url}/api/v2/exports/e1/download?token=t")
            code = status.get("code", 200)
            told = {"progress_percentage": None, "expires_at": LATER, **status, "download_url": link}
            return code, "application/json", json.dumps(told).encode()
        return self.file

    def paths(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.asked if verb == method]


@pytest.fixture
def served() -> Iterator[Any]:
    """Starts services: `served(service)` gives its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(service: _Service) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, kind, body = service.answer(self.command, self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self._reply()

            def do_POST(self) -> None:
                self._reply()

            def do_DELETE(self) -> None:
                self._reply()

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        return service.url

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    error: str | None
    complaints: tuple[str, ...]
    signals: tuple[str, ...]
    content: bytes | None
    listed: list[str | None]


def _run(url: str, contract: Contract, folder: Path, deadline_s: float = 5.0) -> _Outcome:
    """One export of one contact, with a clock that jumps ahead at every wait."""
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += max(seconds, 1.0)

    assert contract.exports is not None
    kind = contract.exports.kinds["contacts"]
    with closing(HttpClient(url, side="backend", pace=RateLimiter(folder, None), timeout_s=2, trust_env=False)) as wire:
        session = LoginSession(wire, contract, token="secret", email=None, password=None)
        jobs = ExportJobs(
            Backend(wire, contract, session),
            contract.exports,
            CleanupList(folder),
            wait=wait,
            clock=lambda: now[0],
            today=lambda: datetime(2026, 11, 25, tzinfo=UTC),
        )
        with jobs.run(kind, {kind.given: ["a"]}, deadline_s=deadline_s) as job:
            content = job.file.read() if job.file else None
        jobs.close()
    path = folder / "evidence" / "created_exports.jsonl"
    listed = [json.loads(line)["export_id"] for line in path.read_text().splitlines()] if path.exists() else []
    return _Outcome(
        error=job.answer.error, complaints=job.complaints, signals=job.answer.signals, content=content, listed=listed
    )


DONE = {"status": "completed", "progress_percentage": 100}


def test_an_export_is_watched_to_its_end_and_fetched(served: Any, contract: Contract, tmp_path: Path) -> None:
    service = _Service([{"status": "pending"}, {"status": "processing", "progress_percentage": 0}, DONE])

    found = _run(served(service), contract, tmp_path)

    assert found == _Outcome(error=None, complaints=(), signals=(), content=CSV, listed=["e1"])
    assert service.paths("DELETE") == []


def test_an_export_without_an_end_is_given_up_and_cancelled(served: Any, contract: Contract, tmp_path: Path) -> None:
    service = _Service([{"status": "pending"}])

    found = _run(served(service), contract, tmp_path, deadline_s=30)

    assert (found.error, found.content, found.signals) == ("stuck", None, ("step:status",))
    assert service.paths("DELETE") == ["/api/v2/exports/e1/cancel"]
    assert len(service.paths("GET")) <= 32


@pytest.mark.parametrize(
    ("statuses", "error", "signals"),
    [
        ([{"status": "failed"}], "export-failed", ("step:status",)),
        (
            [{"status": "failed", "error_message": "503: unavailable"}],
            "export-failed",
            ("step:status", "said:upstream"),
        ),
        ([{"status": "cancelled"}], "export-cancelled", ("step:status",)),
        ([{"status": "pending", "code": 500}], "http-500", ("step:status",)),
        ([{"status": "pending", "code": 404}], "export-lost", ("step:status",)),
        ([{**DONE, "download_url": ""}], "no-link", ("step:download",)),
        ([{**DONE, "download_url": None}], "no-link", ("step:download",)),
        ([{**DONE, "download_url": 5}], "no-link", ("step:download",)),
    ],
    ids=str,
)
def test_an_end_without_a_file_is_an_error(
    served: Any, contract: Contract, tmp_path: Path, statuses: list[Any], error: str, signals: tuple[str, ...]
) -> None:
    found = _run(served(_Service(statuses)), contract, tmp_path)

    assert (found.error, found.signals, found.content) == (error, signals, None)
    assert found.complaints


def test_one_failed_look_does_not_lose_an_export(served: Any, contract: Contract, tmp_path: Path) -> None:
    found = _run(served(_Service([{"status": "pending", "code": 500}, DONE])), contract, tmp_path)

    assert (found.error, found.content) == (None, CSV)


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ((404, "application/json", b"{}"), "http-404"),
        ((410, "application/json", b"{}"), "http-410"),
        ((500, "application/json", b"{}"), "http-500"),
        ((200, "application/json", b"{}"), "content-type"),
        ((302, "text/csv", b"http://127.0.0.1:1/steal"), "redirect"),
        ((401, "application/json", b"{}"), "unauthorised"),
    ],
)
def test_a_link_that_gives_no_file_is_an_error(
    served: Any, contract: Contract, tmp_path: Path, file: tuple[int, str, bytes], error: str
) -> None:
    found = _run(served(_Service([DONE], file=file)), contract, tmp_path)

    assert (found.error, found.content, found.signals) == (error, None, ("step:download",))


def test_the_token_does_not_travel_to_another_host(served: Any, contract: Contract, tmp_path: Path) -> None:
    stranger = _Service([DONE])
    elsewhere = served(stranger)
    service = _Service([{**DONE, "download_url": f"{elsewhere}/api/v2/exports/e1/download?token=t"}])

    found = _run(served(service), contract, tmp_path)

    assert (found.error, found.signals) == ("foreign-host", ("step:download",))
    assert stranger.asked == []
    assert {token for _, _, token in service.asked} == {"Bearer secret"}


@pytest.mark.parametrize(
    ("created", "error", "listed"),
    [
        ((422, {}), "http-422", []),
        ((404, {"detail": "Not found"}), "route-missing", []),
        ((201, {"status": "pending"}), "no-id", [None]),
        ((201, [1]), "no-id", [None]),
        ((201, {"export_id": 5}), "no-id", [None]),
    ],
    ids=str,
)
def test_an_export_that_is_not_created_is_an_error(
    served: Any, contract: Contract, tmp_path: Path, created: tuple[int, Any], error: str, listed: list[Any]
) -> None:
    found = _run(served(_Service([DONE], created=created)), contract, tmp_path)

    assert (found.error, found.listed) == (error, listed)


def test_a_count_that_is_not_what_was_asked_for_is_a_complaint(served: Any, contract: Contract, tmp_path: Path) -> None:
    created = (201, {"export_id": "e1", "contact_count": 2, "status": "pending", "expires_at": LATER})

    found = _run(served(_Service([DONE], created=created)), contract, tmp_path)

    assert found.complaints == ("contact_count is not the number asked for",)


BASE = "http://backend:8000"


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (f"{BASE}/api/x?token=t", "/api/x?token=t"),
        ("/api/x?token=t", "/api/x?token=t"),
        ("http://backend:8000/a b", "/a b"),
        ("https://backend:8000/x", None),
        ("http://backend:8001/x", None),
        ("http://backend/x", None),
        ("http://other:8000/x", None),
        ("//other:8000/x", None),
        ("http://backend:8000@other/x", None),
        ("http://user:pw@backend:8000/x", None),
        ("http://backend:8000\\@other/x", None),
        ("file:///etc/passwd", None),
        ("javascript:alert(1)", None),
        ("http://[broken/x", None),
        ("http://backend:99999/x", None),
    ],
)
def test_a_link_is_followed_only_home(link: str, path: str | None) -> None:
    assert own_path(link, BASE) == path


@pytest.mark.parametrize(
    ("link", "path"),
    [("http://host/prefix/x", "/x"), ("http://host/x", None), ("http://host/prefixed/x", None)],
)
def test_a_base_url_with_a_path_is_home_too(link: str, path: str | None) -> None:
    assert own_path(link, "http://host/prefix") == path
