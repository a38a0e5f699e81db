"""The seam to HTTP: hostile and broken answers come back as values, in bounded time and memory. Real sockets."""

import gzip
import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fixtures.transport import http
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter

JSON = {"Content-Type": "application/json"}
ANSWERS = {
    "/ok": (200, JSON, b'{"a": 1}'),
    "/absent": (404, JSON, b'{"detail": "Contact not found"}'),
    "/html": (200, {"Content-Type": "text/html"}, b"<html>"),
    "/cut": (200, JSON, b'{"a": '),
    "/empty": (200, JSON, b""),
    "/nan": (200, JSON, b'{"a": NaN}'),
    "/deep": (200, JSON, b"[" * 100_000),
    "/latin": (200, JSON, b'{"a": "\xe9"}'),
    "/elsewhere": (302, {"Location": "http://127.0.0.1:1/steal"}, b""),
    "/busy": (429, JSON, b"{}"),
    "/denied": (401, JSON, b"{}"),
    "/broken": (503, JSON, b"{}"),
    "/bad": (400, JSON, b"{}"),
    "/bomb": (200, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(b"0" * (http.MAX_BODY + 1))),
    "/file": (200, {"Content-Type": "text/csv; charset=utf-8"}, b"a,b\n" * 50_000),
    "/no-gzip": (200, {**JSON, "Content-Encoding": "gzip"}, b"not gzip"),
}
ERRORS = {
    "/html": "content-type",
    "/cut": "malformed",
    "/empty": "malformed",
    "/nan": "malformed",
    "/deep": "malformed",
    "/latin": "malformed",
    "/elsewhere": "redirect",
    "/busy": "throttled",
    "/denied": "unauthorised",
    "/broken": "http-503",
    "/bad": "http-400",
    "/bomb": "oversize",
    "/no-gzip": "malformed",
    "/drip": "timeout",
    "/hang-up": "reset",
}


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/hang-up":
            self.close_connection = True
            self.connection.close()
            return
        if self.path == "/drip":
            self._drip()
            return
        status, headers, body = ANSWERS[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            while not self.server.ending.wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.ending = threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.ending.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def asked(service: str, tmp_path: Path) -> Iterator[HttpClient]:
    with closing(
        HttpClient(service, side="backend", pace=RateLimiter(tmp_path, None), timeout_s=1.0, trust_env=False)
    ) as client:
        yield client


def test_an_answer_is_a_body(asked: HttpClient) -> None:
    reply = asked.ask("GET", "/ok")

    assert (reply.ok, reply.body, reply.answer.status) == (True, {"a": 1}, 200)
    assert reply.answer.elapsed_ms > 0


def test_not_found_is_an_answer(asked: HttpClient) -> None:
    reply = asked.ask("GET", "/absent")

    assert reply.ok
    assert reply.answer.status == 404


@pytest.mark.parametrize("path", ERRORS)
def test_what_is_no_answer_is_an_error_with_a_name(asked: HttpClient, path: str) -> None:
    reply = asked.ask("GET", path)

    assert (reply.answer.error, reply.body) == (ERRORS[path], None)


def test_nobody_listening_is_refused(tmp_path: Path) -> None:
    with closing(
        HttpClient("http://127.0.0.1:1", side="backend", pace=RateLimiter(tmp_path, None), trust_env=False)
    ) as client:
        assert client.ask("GET", "/").answer.error == "refused"


def test_requests_are_counted(asked: HttpClient) -> None:
    before = asked._pace.sent

    asked.ask("GET", "/ok")
    asked.ask("GET", "/broken")

    assert asked._pace.sent - before == 2


def test_a_file_is_streamed_to_where_it_should_go(asked: HttpClient) -> None:
    file = io.BytesIO()

    reply = asked.fetch("/file", file, content_type="text/csv")

    assert (reply.ok, reply.body) == (True, None)
    assert file.getvalue() == ANSWERS["/file"][2]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/absent", "http-404"),
        ("/broken", "http-503"),
        ("/denied", "unauthorised"),
        ("/elsewhere", "redirect"),
        ("/ok", "content-type"),
        ("/busy", "throttled"),
        ("/hang-up", "reset"),
    ],
)
def test_what_is_no_file_is_an_error_and_leaves_nothing(asked: HttpClient, path: str, error: str) -> None:
    file = io.BytesIO()

    reply = asked.fetch(path, file, content_type="text/csv")

    assert (reply.answer.error, file.getvalue()) == (error, b"")


def test_a_file_that_never_ends_is_given_up(asked: HttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_FILE", 1000)

    reply = asked.fetch("/file", io.BytesIO(), content_type="text/csv")

    assert reply.answer.error == "oversize"


def test_an_answer_serialises_without_its_body(asked: HttpClient) -> None:
    from dataclasses import asdict

    assert "a" not in json.loads(json.dumps(asdict(asked.ask("GET", "/ok").answer)))
