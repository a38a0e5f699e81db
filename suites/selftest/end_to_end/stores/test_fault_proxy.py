"""The proxy between backend and Connectra fails on request, as a process of its own in front of a real server."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pytest_httpserver import HTTPServer

from fixtures.sandbox.processes.processes import free_port
from fixtures.transport.fault_proxy import MODES

Tell = Callable[[str], int]


@pytest.fixture(scope="module")
def ports(checkout: Path) -> Iterator[tuple[int, int]]:
    """(port, control port) of a proxy in front of a server of ours."""
    upstream = HTTPServer()
    upstream.expect_request(re.compile(".*")).respond_with_data("up")
    upstream.start()
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
            f"http://127.0.0.1:{upstream.port}",
        ],
        cwd=checkout,
    )
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        client.get(f"http://127.0.0.1:{control}/mode")
    yield port, control
    process.terminate()
    process.wait(5)
    upstream.stop()


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


def test_it_answers_with_an_error_in_that_mode(ports: tuple[int, int], tell: Tell) -> None:
    tell("error-500")

    assert _ask(ports[0]).status_code == 500


def test_it_answers_with_half_a_text_in_that_mode(ports: tuple[int, int], tell: Tell) -> None:
    tell("bad-json")

    with pytest.raises(ValueError, match="Unterminated"):
        _ask(ports[0]).json()


@pytest.mark.parametrize(
    ("mode", "error"),
    [("timeout", httpx.ReadTimeout), ("slow", httpx.ReadTimeout), ("reset", httpx.NetworkError)],
)
def test_it_keeps_the_answer_in_that_mode(
    ports: tuple[int, int], tell: Tell, mode: str, error: type[Exception]
) -> None:
    tell(mode)

    with pytest.raises(error):
        _ask(ports[0])


def test_a_mode_it_does_not_know_changes_nothing(ports: tuple[int, int], tell: Tell) -> None:
    assert tell("melt") == 404
    assert _ask(ports[0]).text == "up"


def test_every_mode_says_what_it_does() -> None:
    assert all(MODES.values())
