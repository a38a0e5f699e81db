"""A small service on loopback that gives the answers of a test, plainly or over TLS, and keeps the requests it got."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JSON = {"Content-Type": "application/json"}
Said = tuple[int, Mapping[str, str], bytes]
FINE: Said = (200, JSON, b'{"status": "healthy"}')


@dataclass
class StubServer:
    """Where it is, and the requests it got: (method, path, headers), and their bodies."""

    url: str
    requests: list[tuple[str, str, Message]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def stub_service(
    says: Callable[[int, str], Said] = lambda number, path: FINE, context: ssl.SSLContext | None = None
) -> Iterator[StubServer]:
    """Serves until the context ends; `says` gets the number of the request, from 1, and its path."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = -1  # head and body in one segment: the second one would wait 40 ms for the receipt of the first

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            with lock:
                stub.bodies.append(body)
                stub.requests.append((self.command, self.path, self.headers))
                number = len(stub.requests)
            status, headers, body = says(number, self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the server's own names

        def log_message(self, *_: object) -> None: ...

    server = _Server(("127.0.0.1", 0), Handler)
    server.context = context
    stub = StubServer(url=f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """Each session is made in its own thread, so that one that fails holds up no other."""

    context: ssl.SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        if self.context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(5)
        with self.context.wrap_socket(request, server_side=True) as session:
            super().finish_request(session, client_address)

    def handle_error(self, *_: object) -> None: ...
