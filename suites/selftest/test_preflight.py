"""Connectra and the backend before the rollout: what they answer decides, not that they answer. Real sockets."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from fixtures.checks.preflight.services import Preflight
from fixtures.clients.connectra import Connectra
from fixtures.contracts.contract import load
from fixtures.settings.tls import TlsIdentity
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.records.records import Fact

KEY = "the-key"
CONTRACT = load("guide")
CONTACT = CONTRACT.records["contact"]
Answers = Mapping[str, tuple[int, Any]]  # path -> status and body, "*" for every other
Make = Callable[..., Preflight]


class _Service(BaseHTTPRequestHandler):
    """Answers as it is told, to the right key only unless told otherwise."""

    answers: ClassVar[Answers] = {}
    checks: ClassVar[bool] = True

    def do_GET(self) -> None:
        status, body = self.answers.get(self.path) or self.answers.get("*", (404, {}))
        if self.checks and self.headers.get("X-API-Key") != KEY and status < 300:
            status, body = 401, {}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (301, 307):
            self.send_header("Location", self.path + "/")
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Make]:
    """Makes a Preflight whose Connectra and backend answer so."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url, pace, wires = f"http://127.0.0.1:{server.server_port}", RateLimiter(tmp_path, None), []

    def make(answers: Answers, *, checks: bool = True) -> Preflight:
        _Service.answers, _Service.checks = answers, checks
        wire = HttpClient(url, side="connectra", pace=pace, headers={"X-API-Key": KEY})
        wires.append(wire)
        backend = SimpleNamespace(wire=wire, get=lambda path: wire.ask("GET", path))
        settings = SimpleNamespace(
            connectra_url=url, connectra_key=KEY, kind="sandbox", identity=lambda prefix: TlsIdentity(prefix=prefix)
        )
        target = SimpleNamespace(
            contract=CONTRACT, settings=settings, pace=pace, backend=backend, connectra=Connectra(wire, CONTRACT)
        )
        return Preflight(target, "phase0")  # type: ignore[arg-type]

    yield make
    for wire in wires:
        wire.close()
    server.shutdown()
    server.server_close()
    thread.join(5)


def _said(fact: Fact) -> tuple[bool | None, str | None]:
    return fact.ok, fact.cause


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"status": "healthy"}), (True, None)),
        ((200, {"status": "ok"}), (True, None)),
        ((200, {"status": "unhealthy"}), (False, "connectra-unhealthy")),
        ((200, ["healthy"]), (False, "connectra-unhealthy")),
        ((503, {"status": "healthy"}), (False, "upstream-errors")),
        ((429, {}), (False, "rate-limited")),
    ],
    ids=["healthy", "ok", "unhealthy", "no-object", "error", "limited"],
)
def test_the_word_in_the_body_is_what_counts(service: Make, answer: tuple[int, Any], said: Any) -> None:
    assert _said(service({"/health": answer}).connectra_health()) == said


def test_a_connectra_that_checks_keys_takes_the_right_one_only(service: Make) -> None:
    preflight = service({"*": (200, {})})

    assert [preflight.connectra_key(given).ok for given in ("right", "wrong", "none")] == [True, True, True]


def test_a_connectra_that_checks_no_key_is_named(service: Make) -> None:
    preflight = service({"*": (200, {})}, checks=False)

    assert _said(preflight.connectra_key("right")) == (True, None)
    assert _said(preflight.connectra_key("wrong")) == (False, "key-not-checked")
    assert _said(preflight.connectra_key("none")) == (False, "key-not-checked")


def test_a_key_that_is_not_taken_is_named(service: Make) -> None:
    assert _said(service({"*": (401, {})}).connectra_key("right")) == (False, "key-refused")


def test_an_error_is_no_refusal(service: Make) -> None:
    assert _said(service({"*": (500, {})}).connectra_key("wrong")) == (False, "upstream-errors")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (307, (True, None)),
        (301, (True, None)),
        (200, (True, None)),
        (404, (False, "wrong-path")),
        (405, (False, "wrong-path")),
        (500, (False, "upstream-errors")),
    ],
)
def test_the_path_without_its_slash_must_lead_somewhere(service: Make, status: int, said: Any) -> None:
    assert _said(service({"/contacts": (status, {})}).slashless(CONTACT)) == said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"connectra_status": "healthy"}), (True, None)),
        ((200, {"connectra_status": "unhealthy"}), (True, None)),
        ((200, {"connectra_status": "unavailable"}), (False, "connectra-down")),
        ((200, {}), (False, "connectra-down")),
        ((404, {}), (None, None)),
    ],
    ids=["healthy", "takes-ok-for-illness", "gone", "does-not-say", "no-such-page"],
)
def test_the_backends_page_is_read_and_not_its_status(service: Make, answer: tuple[int, Any], said: Any) -> None:
    assert _said(service({CONTRACT.backend["vql_health"]: answer}).connectra_as_seen()) == said


@pytest.mark.parametrize(("word", "ok"), [("healthy", True), ("starting", False)])
def test_the_backend_says_whether_it_is_well(service: Make, word: str, ok: bool) -> None:
    assert service({"/health": (200, {"status": word})}).backend_health().ok is ok
