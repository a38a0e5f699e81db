"""Stores for benchmarks: a sandbox's PostgreSQL and search engine, its people multiplied by SQL to any number.

People are made one by one up to 20,000 and then copied with other uuids, company included, by one statement per table:
a million takes a minute instead of half an hour. Documents go from PostgreSQL to the engine as they come, in bulk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from fixtures.sandbox.postgres import seeding
from fixtures.sandbox.postgres.server import Server, await_server
from fixtures.sandbox.search import engine as search
from fixtures.sandbox.settings import OSMEM, SandboxSettings
from fixtures.sandbox.stores import Stores

BASE_ROWS = 20_000
BULK_BYTES = 4 * 2**20
MOST_KEPT = 10_000  # index.max_result_window


class MultipliedStores(Stores):
    """PostgreSQL with `rows` contacts, and the engine with their documents unless `engine` is None."""

    def __init__(self, rows: int, engine: str | None, *, seed: int = 7) -> None:
        self.rows = rows
        self._wanted = engine
        self._server: Server | None = None
        self._kept: dict[str, Any] = {}
        settings = SandboxSettings(rows=min(rows, BASE_ROWS), seed=seed, search=engine or OSMEM)
        super().__init__(settings, say=lambda line: print(f"  {line}", flush=True))

    @property
    def database_url(self) -> str:
        """The backend's database, by the role that can only read."""
        assert self._server is not None
        return self._server.dsn(seeding.BACKEND, seeding.READ_ROLE, self._secrets[seeding.READ_ROLE])

    @property
    def owner_url(self) -> str:
        """The same by its owner, who may damage it."""
        assert self._server is not None
        return self._dsn(self._server, seeding.BACKEND)

    @property
    def index_url(self) -> str:
        assert self._engine is not None
        return self._engine.url

    def start(self) -> None:
        if self._wanted:
            self._engine = search.started(self._wanted, self._run.path / "search", logs=self._run.logs)
            for child in self._engine.children:
                self._watch(child)
        self._server = self._database()
        await_server(self._server)
        seeding.set_passwords(self._server, {role: self._secrets[role] for role in seeding.ROLES}, self._logins)
        with self._server.superuser(seeding.BACKEND) as session:
            multiply(session, self.rows // self.settings.rows)
        self._say(f"PostgreSQL holds {self.rows:,} contacts")
        if self._engine:
            search.await_engine(self._engine)
            fill_index(self._engine.url, self.owner_url)
            self._say(f"{self._engine.name} {self._engine.version} holds their documents")

    def keep(self) -> None:
        """Remember tables and documents as they are, for `restore`."""
        assert self._server is not None
        assert self.rows <= MOST_KEPT, "a search gives no more documents"
        with self._server.superuser(seeding.BACKEND) as session:
            for table in _TABLES:
                session.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())
        with httpx.Client(base_url=self.index_url, timeout=60, trust_env=False) as client:
            self._kept = _documents(client)

    def restore(self) -> None:
        """Tables and documents as they were kept. Only documents that differ are indexed again, which is what costs."""
        assert self._server is not None
        with self._server.superuser(seeding.BACKEND) as session, session.transaction():
            session.execute(f"TRUNCATE {', '.join(_TABLES)} CASCADE".encode())
            for table in _TABLES:
                session.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}".encode())
        with httpx.Client(base_url=self.index_url, timeout=60, trust_env=False) as client:
            here = _documents(client)
            lines = [{"delete": {"_id": key}} for key in here.keys() - self._kept.keys()]
            for key, document in self._kept.items():
                lines += [{"index": {"_id": key}}, document] if here.get(key) != document else []
            if lines:
                _send(client, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
                client.post("/contacts_index/_refresh").raise_for_status()

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU that each server has spent so far, by its name; those of its ended processes too. Linux only:
        elsewhere nothing is known.
        """
        return {child.name: _spent(child.process.pid) for child in self.children if Path("/proc/self/stat").exists()}


def _spent(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        below = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return 0.0  # it has just ended
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(_spent(int(text)) for text in below.split())


_COPY_KEY = """
CREATE FUNCTION pg_temp.copy_key(key text, number int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN position('-' IN key) > 0 THEN md5(key || number)::uuid::text ELSE md5(key || number) END
$$
"""
_CHANGED = {  # columns of a copy that are not the original's
    "uuid": "pg_temp.copy_key(t.uuid, n)",
    "company_id": "pg_temp.copy_key(t.company_id, n)",
    "name": "t.name || ' ' || n",
    "email": "n || t.email",
    "annual_revenue": "t.annual_revenue + n",
}
_TABLES = ("companies", "companies_metadata", "contacts", "contacts_metadata")


def multiply(session: psycopg.Connection, times: int) -> None:
    """Copy all people `times - 1` times. Drops indexes that no comparison needs, for their time."""
    session.execute("SET work_mem = '64MB'")
    session.execute(_COPY_KEY)
    for table in _TABLES:
        for (name,) in session.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = %s::regclass AND NOT i.indisunique",
            (table,),
        ).fetchall():
            session.execute(f"DROP INDEX {name}".encode())
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attname <> 'id'"
        columns = [name for (name,) in session.execute(query, (table,))]
        values = ", ".join(_CHANGED.get(name, f"t.{name}") for name in columns)
        names = ", ".join(columns)
        session.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t, generate_series(1, {times - 1}) n".encode()
        )
    session.execute("VACUUM ANALYZE")


_DOCUMENTS = """
COPY (
    SELECT json_strip_nulls(json_build_object(
        'uuid', c.uuid, 'company_id', c.company_id, 'email', c.email, 'mobile_phone', c.mobile_phone,
        'email_status', c.email_status, 'seniority', c.seniority, 'city', m.city, 'state', m.state,
        'country', m.country, 'linkedin_url', m.linkedin_url, 'departments', c.departments,
        'first_name', c.first_name, 'last_name', c.last_name, 'title', c.title,
        'company_name', k.name, 'company_address', k.address, 'company_website', n.website,
        'company_normalized_domain', n.normalized_domain, 'company_city', n.city, 'company_state', n.state,
        'company_country', n.country, 'company_linkedin_url', n.linkedin_url, 'company_industries', k.industries,
        'company_keywords', k.keywords, 'company_technologies', k.technologies,
        'company_employees_count', coalesce(k.employees_count, 0),
        'company_annual_revenue', coalesce(k.annual_revenue, 0),
        'company_total_funding', coalesce(k.total_funding, 0),
        'created_at', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ))
    FROM contacts c LEFT JOIN contacts_metadata m ON m.uuid = c.uuid
    LEFT JOIN companies k ON k.uuid = c.company_id LEFT JOIN companies_metadata n ON n.uuid = k.uuid
) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
"""


def fill_index(url: str, database_url: str) -> None:
    """Create the contacts index with Connectra's mapping, n-grams left out (no comparison reads them), and fill it."""
    properties = {name: {"type": kind["type"]} for name, kind in search._CONTACT_FIELDS.items()}
    settings = {"number_of_shards": 6, "number_of_replicas": 0, "codec": "best_compression", "refresh_interval": "-1"}
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        body = {"settings": settings, "mappings": {"properties": properties}}
        client.put("/contacts_index", json=body).raise_for_status()
        for lines in _bulks(database_url):
            _send(client, lines)
        client.post("/contacts_index/_refresh").raise_for_status()
        client.put("/contacts_index/_settings", json={"refresh_interval": "1s"}).raise_for_status()


def _send(client: httpx.Client, lines: bytes) -> None:
    answer = client.post("/contacts_index/_bulk", content=lines, headers={"Content-Type": "application/x-ndjson"})
    if answer.raise_for_status().json()["errors"]:
        raise RuntimeError(f"not indexed: {answer.text[:500]}")


def _documents(client: httpx.Client) -> dict[str, Any]:
    """All documents of the index, by their ids."""
    client.post("/contacts_index/_refresh").raise_for_status()
    answer = client.post("/contacts_index/_search", json={"size": MOST_KEPT, "query": {"match_all": {}}})
    return {hit["_id"]: hit["_source"] for hit in answer.raise_for_status().json()["hits"]["hits"]}


def _bulks(database_url: str) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor, cursor.copy(_DOCUMENTS) as copy:
        for chunk in _lines(iter(copy)):
            key = json.loads(chunk)["uuid"]
            lines.append(b'{"index":{"_id":' + json.dumps(key).encode() + b"}}\n" + chunk + b"\n")
            size += len(chunk)
            if size > BULK_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _lines(chunks: Iterator[bytes | memoryview]) -> Iterator[bytes]:
    tail = b""
    for chunk in chunks:
        *lines, tail = (tail + bytes(chunk)).split(b"\n")
        yield from lines
