"""A total deadline for an HTTP exchange, down to the socket: what drips in byte by byte ends then.

httpx bounds each read for itself, and a peer that sends a byte now and then keeps a status line, a header or a handshake
alive for ever. A bounded client gives each connect, read and write of a thread what `within` has left of its time.
Only the name lookup before a connect is the system's own affair.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

_THREAD = threading.local()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread asks by a bounded client inside takes no longer, all in all. The nearer of two counts."""
    before: float | None = getattr(_THREAD, "until", None)
    until = time.monotonic() + seconds
    _THREAD.until = until if before is None else min(before, until)
    try:
        yield
    finally:
        _THREAD.until = before


def bounded(client: httpx.Client) -> httpx.Client:
    """The same client, bounded by `within`; past it, it raises httpx.TimeoutException as for any other timeout."""
    for transport in (client._transport, *client._mounts.values()):  # proxies of the environment are mounts
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Sockets(pool._network_backend)
    return client


def _remaining(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    """The time that one step may take; raises `late` when there is none left."""
    until: float | None = getattr(_THREAD, "until", None)
    if until is None:
        return timeout
    remaining = until - time.monotonic()
    if remaining <= 0:
        raise late("the exchange's deadline is over")
    return remaining if timeout is None else min(remaining, timeout)


class _Sockets(httpcore.NetworkBackend):
    """Where connections come from: each is watched over."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        remaining = _remaining(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, remaining, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection, plain or over TLS."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        remaining = _remaining(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, remaining))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
