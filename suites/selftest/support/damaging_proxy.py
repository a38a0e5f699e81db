"""A proxy that damages answers on their way to the suite, and the damages it knows."""

from __future__ import annotations

import copy
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

RECORDS = ("/api/v1/contacts/", "/api/v1/companies/")  # the backend's endpoints of phase 1
SEARCHES = ("/contacts/", "/companies/")  # Connectra's


class HangUp(Exception):
    """The connection ends here, without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedReply:
    """An answer on its way; `headers` by their names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def saying(self, value: Any) -> DamagedReply:
        """The same answer with another JSON body."""
        return replace(self, body=json.dumps(value).encode())


Damage = Callable[[DamagedReply], DamagedReply]
Edit = Callable[[dict[str, Any]], Any]


@dataclass(slots=True)
class DamagingProxy:
    """One service behind a damage; `share`: every how many-th of its answers is hit; `paths`: which of them.

    `moves`: where the service's own paths are found here, by their beginnings (here -> there); the own ones are gone.
    """

    upstream: str
    paths: tuple[str, ...]
    damage: Damage = lambda reply: reply
    every: int = 1
    url: str = ""
    answers: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)  # method and path of every request
    lock: threading.Lock = field(default_factory=threading.Lock)
    moves: Mapping[str, str] = field(default_factory=dict)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> DamagedReply:
        """The service's answer; links in it lead to where things are found here."""
        there = next(
            (original + path.removeprefix(new) for new, original in self.moves.items() if path.startswith(new)), path
        )
        if there == path and path.startswith(tuple(self.moves.values())):
            nothing = {"detail": "Not Found" if method == "GET" else "Method Not Allowed"}
            status = 404 if method == "GET" else 405
            return DamagedReply(status=status, headers={"content-type": "application/json"}, body=b"").saying(nothing)
        reply = _upstream_reply(self.upstream, method, there, headers, body)
        for new, original in self.moves.items():
            reply = replace(reply, body=reply.body.replace(original.encode(), new.encode()))
        return reply

    def hit(self, path: str) -> bool:
        """Whether this answer is to be damaged."""
        if not path.startswith(self.paths):
            return False
        with self.lock:
            self.answers += 1
            return self.answers % self.every == 0


@contextmanager
def between(upstream: str, paths: tuple[str, ...], moves: Mapping[str, str] | None = None) -> Iterator[DamagingProxy]:
    """A proxy in front of a service while inside."""
    proxy = DamagingProxy(upstream, paths, moves=moves or {})
    server = _Server(("127.0.0.1", 0), _handler(proxy))
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """The client has hung up, as damaged answers make clients do."""


def _handler(proxy: DamagingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one segment: the second one would wait 40 ms for the receipt of the first

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            proxy.requests.append((self.command, self.path))
            reply = proxy.answer(self.command, self.path, dict(self.headers), body)
            try:
                self._tell(proxy.damage(reply) if proxy.hit(self.path) else reply)
            except HangUp:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

        do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - names http.server looks for

        def _tell(self, reply: DamagedReply) -> None:
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except OSError:  # whoever asked has heard enough
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    return Handler


def _upstream_reply(upstream: str, method: str, path: str, headers: dict[str, str], body: bytes) -> DamagedReply:
    parts = urlsplit(upstream)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "accept-encoding")}
    connection.request(method, path, body=body or None, headers=kept)
    answer = connection.getresponse()
    left_out = ("content-length", "transfer-encoding", "connection", "date", "server")
    answer_headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in left_out}
    reply = DamagedReply(status=answer.status, headers=answer_headers, body=answer.read())
    connection.close()
    return reply


def edited(edit: Edit) -> Damage:
    """Damage to each record in an answer of status 200: the record of the backend, or the rows of Connectra."""

    def damage(reply: DamagedReply) -> DamagedReply:
        body = json.loads(reply.body)
        if reply.status != 200:
            return reply
        if isinstance(body.get("data"), list):
            return reply.saying({**body, "data": [edit(copy.deepcopy(row)) for row in body["data"]]})
        return reply.saying(edit(body))

    return damage


def of_rows(edit: Callable[[list[Any]], Any]) -> Damage:
    """Damage to the rows of a search as a whole."""

    def damage(reply: DamagedReply) -> DamagedReply:
        body = json.loads(reply.body)
        return reply.saying({**body, "data": edit(body["data"])}) if reply.status == 200 else reply

    return damage


def with_field(name: str, change: Callable[[Any], Any]) -> Damage:
    """Damage to one field, by what it holds."""

    def edit(record: dict[str, Any]) -> dict[str, Any]:
        if record.get(name) is not None:
            record[name] = change(record[name])
        return record

    return edited(edit)


def everywhere(change: Callable[[Any], Any]) -> Damage:
    """Damage to every value of every record, nested ones included."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: inner if name.endswith("uuid") else walk(inner) for name, inner in value.items()}
        return [walk(inner) for inner in value] if isinstance(value, list) else change(value)

    return edited(walk)


def header(name: str, value: str | None) -> Damage:
    """A header set, or taken away."""

    def damage(reply: DamagedReply) -> DamagedReply:
        further = {header_name: text for header_name, text in reply.headers.items() if header_name != name.lower()}
        return replace(reply, headers=further if value is None else {**further, name.lower(): value})

    return damage


def both(*damages: Damage) -> Damage:
    def damage(reply: DamagedReply) -> DamagedReply:
        for damage in damages:
            reply = damage(reply)
        return reply

    return damage


def status(code: int, body: bytes = b"{}") -> Damage:
    """This status for everything."""
    return lambda reply: replace(reply, status=code, body=body)


def hang_up(_: DamagedReply) -> DamagedReply:
    raise HangUp


def late(seconds: float) -> Damage:
    """The right answer, later."""

    def damage(reply: DamagedReply) -> DamagedReply:
        time.sleep(seconds)
        return reply

    return damage


def swapped() -> Damage:
    """Every answer is that to the question before."""
    before: list[DamagedReply] = []

    def damage(reply: DamagedReply) -> DamagedReply:
        before.append(reply)
        return before[-2] if len(before) > 1 else reply

    return damage


def shifted(**by: float) -> Callable[[str], str]:
    """A time moved, in the form it came in."""

    def change(text: str) -> str:
        moved = datetime.fromisoformat(text) + timedelta(**by)
        return moved.isoformat().replace("+00:00", "Z")

    return change


def nested(depth: int) -> bytes:
    """JSON of that depth."""
    return b'{"uuid":' * depth + b"1" + b"}" * depth
