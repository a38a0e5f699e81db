"""A total deadline for every exchange: a server that drips, wherever it does, is given up. Real sockets."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from fixtures.clients import process_memory
from fixtures.clients.elasticsearch import Index, IndexUnreachable
from fixtures.clients.process_memory import ProcessMemory
from fixtures.transport import http
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.output.ci import notify
from reports.output.ci.http_deadline import bounded, within

LIMIT_S = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# What is said at once, and what then drips, a byte every hundredth of a second, without end.
DRIPS = {
    "nothing": (b"", b""),
    "status-line": (b"HTTP/1.1 200 ", b"O"),
    "headers": (HEAD, b"X-A: b\r\n"),
    "a-header": (HEAD + b"X-Long: ", b"x"),
    "not-yet": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "refused": (b"HTTP/1.1 503 Unavailable\r\nContent-Length: 1000000\r\n", b"X-A: b\r\n"),
}


@contextmanager
def dripping(first: bytes, drop: bytes) -> Iterator[str]:
    """A server whose every answer begins with `first` and then drips until the client has gone."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(first)
            at = 0
            while not over.wait(0.01):
                connection.sendall(drop[at % len(drop) :][:1] if drop else b"")
                at += 1

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listening.accept()[0],)))
                threads[-1].start()

    listening = socket.create_server(("127.0.0.1", 0))
    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join()


@pytest.fixture(params=DRIPS)
def drip(request: pytest.FixtureRequest) -> Iterator[str]:
    with dripping(*DRIPS[request.param]) as url:
        yield url


def _wire(url: str, folder: Path) -> HttpClient:
    return HttpClient(url, side="backend", rate_limiter=RateLimiter(folder, None), timeout_s=LIMIT_S, trust_env=False)


def test_a_question_ends_in_time(drip: str, tmp_path: Path) -> None:
    with closing(_wire(drip, tmp_path)) as asking:
        answer = asking.ask("GET", "/x").answer

    assert answer.error == "timeout"
    assert answer.elapsed_ms >= LIMIT_S * 1000


@pytest.mark.parametrize("name", ["status-line", "headers"])
def test_a_file_has_to_begin_like_any_answer(name: str, tmp_path: Path) -> None:
    with dripping(*DRIPS[name]) as url, closing(_wire(url, tmp_path)) as asking:
        assert asking.fetch("/x", BytesIO(), content_type="json").answer.error == "timeout"


def test_a_file_may_take_longer_but_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FILE_TIMEOUT_S", 3 * LIMIT_S)

    with dripping(*DRIPS["body"]) as url, closing(_wire(url, tmp_path)) as asking:
        answer = asking.fetch("/x", BytesIO(), content_type="json").answer

    assert answer.error == "timeout"
    assert answer.elapsed_ms >= 3 * LIMIT_S * 1000


def test_a_handshake_ends_in_time(tmp_path: Path) -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"  # a ServerHello of 16 KB begins

    with (
        dripping(record, b"\x00") as url,
        closing(_wire(url.replace("http://", "https://"), tmp_path)) as asking,
    ):
        assert asking.ask("GET", "/x").answer.error == "timeout"


def test_elasticsearch_ends_in_time(drip: str) -> None:
    with closing(Index(drip)) as index:
        index._client = index._client.options(request_timeout=LIMIT_S)
        with pytest.raises(IndexUnreachable, match="gave no answer in time"):
            index.version()


def test_a_metrics_page_ends_in_time(drip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_memory, "METRICS_S", LIMIT_S)

    assert ProcessMemory(None, drip).megabytes() is None


@pytest.mark.parametrize("name", ["status-line", "a-header"])
def test_a_slow_receiver_of_a_verdict_costs_a_note(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "TIMEOUT_S", LIMIT_S)

    with dripping(*DRIPS[name]) as url:
        notes = notify.announce({"phases": {}}, Path(), earlier=None, environ={})
        with bounded(httpx.Client()) as client:
            notes += notify._sent(client, "PUT", url, "GATE_PUSHGATEWAY")

    assert notes == [f"GATE_PUSHGATEWAY: {url} was not reached: ReadTimeout"]


def _outcome(asking: Callable[[], object]) -> str:
    try:
        asking()
    except httpx.HTTPError as error:
        return type(error).__name__
    return "answered"


def test_the_nearer_of_two_deadlines_counts(tmp_path: Path) -> None:
    with dripping(*DRIPS["headers"]) as url, bounded(httpx.Client(timeout=5)) as client:
        with within(60), within(LIMIT_S):
            inner = _outcome(lambda: client.get(url))
        with within(LIMIT_S), within(60):
            outer = _outcome(lambda: client.get(url))

    assert (inner, outer) == ("ReadTimeout", "ReadTimeout")


def test_proxies_of_the_environment_are_bounded_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with dripping(*DRIPS["status-line"]) as url:
        monkeypatch.setenv("http_proxy", url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        rate_limiter = RateLimiter(tmp_path, None)
        with closing(
            HttpClient("http://contact360.example", side="backend", rate_limiter=rate_limiter, timeout_s=LIMIT_S)
        ) as asking:
            assert asking.ask("GET", "/x").answer.error == "timeout"


def test_every_client_of_ours_is_bounded(checkout: Path) -> None:
    """Every httpx client of the suite is a bounded one; so is what the Elasticsearch client goes by."""
    paths = [path for part in ("fixtures", "reports") for path in (checkout / part).rglob("*.py")]
    sources = {str(path): path.read_text() for path in paths if "sandbox" not in path.parts}
    shortcut = re.compile(r"httpx\.(get|post|put|request|stream)\(|urlopen\(|import requests|http\.client")

    clients = {name: text.count("httpx.Client(") - text.count("bounded(") for name, text in sources.items()}
    engines = [name for name, text in sources.items() if "Elasticsearch(" in text and "node_class=HttpNode" not in text]

    assert [name for name, unbounded in clients.items() if unbounded > 0] == []
    assert [name for name, text in sources.items() if shortcut.search(text)] == []
    assert engines == []
