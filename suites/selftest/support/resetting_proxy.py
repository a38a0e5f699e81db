"""A TCP proxy that resets connections at random moments: of any protocol, in a request, an answer or between them."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 4096  # bytes: most answers pass in one, so that a share of chunks is about a share of requests


@dataclass(slots=True)
class ResettingProxy:
    """One address behind another. `share`: of chunks, those that end a connection, after the first `spared`."""

    upstream: tuple[str, int]
    source: random.Random
    share: float
    spared: int = 0
    port: int = 0
    passed: int = 0
    resets: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self, chunk: bytes) -> int | None:
        """After how many bytes of the chunk the connection ends; None: it goes on."""
        with self.lock:
            self.passed += 1
            if self.passed <= self.spared or self.source.random() >= self.share:
                return None
            self.resets += 1
            return self.source.randrange(len(chunk) + 1)


@contextmanager
def resetting(upstream: tuple[str, int], *, seed: str, share: float, spared: int = 0) -> Iterator[ResettingProxy]:
    """A proxy in front of an address while inside."""
    proxy = ResettingProxy(upstream, random.Random(seed), share, spared)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        proxy.port = server.getsockname()[1]
        thread = threading.Thread(target=_accept, args=(proxy, server), daemon=True)
        thread.start()
        yield proxy
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _accept(proxy: ResettingProxy, server: socket.socket) -> None:
    with suppress(OSError):  # the server is closed
        while True:
            client, _ = server.accept()
            threading.Thread(target=_carry, args=(proxy, client), daemon=True).start()


def _carry(proxy: ResettingProxy, client: socket.socket) -> None:
    """Bytes both ways until one side ends or the proxy does."""
    with (
        client,
        suppress(OSError),
        socket.create_connection(proxy.upstream, timeout=30) as service,
        selectors.DefaultSelector() as ready,
    ):
        ready.register(client, selectors.EVENT_READ, service)
        ready.register(service, selectors.EVENT_READ, client)
        while all(_passed(proxy, key.fileobj, key.data) for key, _ in ready.select()):
            pass


def _passed(proxy: ResettingProxy, source: socket.socket, destination: socket.socket) -> bool:
    """Whether a chunk was passed from one side to the other, and the connection goes on."""
    chunk = source.recv(CHUNK)
    if not chunk:
        return False
    cut = proxy.cut(chunk)
    destination.sendall(chunk[:cut])
    if cut is None:
        return True
    for connection in (source, destination):  # closing them now sends RST instead of FIN
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
