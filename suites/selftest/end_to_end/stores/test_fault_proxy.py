"""The proxy between backend and Connectra fails as it is told, as a process of its own in front of a real server."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from fixtures.sandbox.processes.processes import free_port
from fixtures.transport.fault_proxy import MODES

Tell = Callable[[str], int]


class _Up(BaseHTTPRequestHandler):
    """Answers everything with one word."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"up")

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def ports(checkout: Path) -> Iterator[tuple[int, int]]:
    """(port, control port) of a proxy in front of a server of ours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Up)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port, control = free_port(), free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "fixtures.transport.fault_proxy",
            "--listen",
            f"127.0.0.1:{port}",
            "--control",
            f"127.0.0.1:{control}",
            "--upstream",
            f"http://127.0.0.1:{server.server_port}",
        ],
        cwd=checkout,
    )
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        client.get(f"http://127.0.0.1:{control}/mode")
    yield port, control
    process.terminate()
    process.wait(5)
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def tell(ports: tuple[int, int]) -> Iterator[Tell]:
    """Tell the proxy a mode; afterwards it passes everything again."""
    with httpx.Client(base_url=f"http://127.0.0.1:{ports[1]}") as control:
        yield lambda mode: control.put(f"/mode/{mode}").status_code
        control.put("/mode/pass")


def _ask(port: int) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/x", timeout=0.5)


def test_everything_goes_through_at_first(ports: tuple[int, int]) -> None:
    assert _ask(ports[0]).text == "up"


def test_it_answers_with_an_error_when_tell(ports: tuple[int, int], tell: Tell) -> None:
    tell("error-500")

    assert _ask(ports[0]).status_code == 500


def test_it_answers_with_half_a_text_when_tell(ports: tuple[int, int], tell: Tell) -> None:
    tell("bad-json")

    with pytest.raises(ValueError, match="Unterminated"):
        _ask(ports[0]).json()


@pytest.mark.parametrize(
    ("mode", "error"),
    [("timeout", httpx.ReadTimeout), ("slow", httpx.ReadTimeout), ("reset", httpx.NetworkError)],
)
def test_it_keeps_the_answer_when_tell(ports: tuple[int, int], tell: Tell, mode: str, error: type[Exception]) -> None:
    tell(mode)

    with pytest.raises(error):
        _ask(ports[0])


def test_a_mode_it_does_not_know_changes_nothing(ports: tuple[int, int], tell: Tell) -> None:
    assert tell("melt") == 404
    assert _ask(ports[0]).text == "up"


def test_every_mode_says_what_it_does() -> None:
    assert all(MODES.values())
