"""The direct query of a whole export: its parts together are the table, once and as of one moment."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import psycopg
import pytest

from fixtures.contracts.contract import load
from fixtures.contracts.exports import ExportKind
from fixtures.export_parity.direct_query import DirectQuery

WHERE = {"contact": ("contacts", "c.uuid"), "company": ("companies", "k.uuid")}  # the table, and its key in the query


@pytest.fixture(params=["contacts", "companies"])
def kind(request: pytest.FixtureRequest) -> ExportKind:
    exports = load("guide").exports
    assert exports is not None
    return exports.kinds[request.param]


@pytest.fixture
def direct(calm: Mapping[str, str], kind: ExportKind) -> Iterator[DirectQuery]:
    with closing(DirectQuery(calm["DATABASE_URL"], kind)) as query:
        yield query


@pytest.fixture
def keys(calm: Mapping[str, str], kind: ExportKind) -> list[str]:
    """All of them."""
    with psycopg.connect(calm["DATABASE_URL"]) as session:
        return sorted(key for (key,) in session.execute(f"SELECT uuid FROM {WHERE[kind.record][0]}"))


def _keys(direct: DirectQuery, kind: ExportKind, keys: list[str] | None = None) -> list[list[str]]:
    """By part."""
    column = WHERE[kind.record][1]
    return [
        [row.split(b",")[0].decode() for row in direct.rows([column], keys, part=part)] for part in range(direct.parts)
    ]


def _all_in_one_part(calm: Mapping[str, str], kind: ExportKind, keys: list[str]) -> None:
    with closing(DirectQuery(calm["DATABASE_URL"], kind)) as direct:
        assert [sorted(part) for part in _keys(direct, kind)] == [keys]


def test_every_row_is_in_exactly_one_part(direct: DirectQuery, kind: ExportKind, keys: list[str]) -> None:
    parts = _keys(direct, kind)

    assert len(parts) == 2
    assert all(parts)
    assert sorted(key for part in parts for key in part) == keys


def test_a_record_that_is_asked_for_twice_comes_twice(direct: DirectQuery, kind: ExportKind, keys: list[str]) -> None:
    requested_keys = [*keys[:5], keys[0], "no-such-key"]

    assert sorted(key for part in _keys(direct, kind, requested_keys) for key in part) == sorted([*keys[:5], keys[0]])


def test_all_sessions_see_one_moment(direct: DirectQuery) -> None:
    snapshots = {
        session.execute("SELECT pg_current_snapshot()::text AS s").fetchone()["s"] for session in direct._sessions
    }
    read_only = {
        session.execute("SHOW transaction_read_only").fetchone()["transaction_read_only"]
        for session in direct._sessions
    }

    assert len(snapshots) == 1
    assert read_only == {"on"}


def test_one_session_does_where_no_other_is_to_be_had(
    calm: Mapping[str, str], kind: ExportKind, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = DirectQuery._opened

    def once(self: DirectQuery) -> Any:
        if hasattr(self, "_sessions"):
            raise psycopg.OperationalError("too many connections for role")
        return opened(self)

    monkeypatch.setattr(DirectQuery, "_opened", once)
    _all_in_one_part(calm, kind, keys)


def test_one_session_does_where_its_moment_can_not_be_shared(
    calm: Mapping[str, str], kind: ExportKind, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def within_another(self: DirectQuery) -> bool:
        self._session.execute("SAVEPOINT here")  # whose snapshots PostgreSQL refuses to hand on
        return joined_in(self)

    joined_in = DirectQuery._joined_in
    monkeypatch.setattr(DirectQuery, "_joined_in", within_another)
    _all_in_one_part(calm, kind, keys)


def test_one_session_does_where_postgresql_shares_the_work_itself(
    calm: Mapping[str, str], kind: ExportKind, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = DirectQuery._opened

    def eager(self: DirectQuery) -> Any:
        session = opened(self)
        costs = ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size")
        session.local = {**session.local, **dict.fromkeys(costs, "0")}
        return session

    monkeypatch.setattr(DirectQuery, "_opened", eager)
    _all_in_one_part(calm, kind, keys)


def test_a_query_that_breaks_off_says_so_and_the_session_lives_on(
    direct: DirectQuery, kind: ExportKind, keys: list[str]
) -> None:
    column = WHERE[kind.record][1]
    late = f"1 / (CASE WHEN {column} = '{keys[len(keys) // 2]}' THEN 0 ELSE 1 END)"

    with pytest.raises(psycopg.Error, match="division by zero"):
        _ = [list(direct.rows([late], part=part)) for part in range(direct.parts)]
    for session in direct._sessions:
        session.rollback()
    assert sorted(direct.tables(keys[:3])) == keys[:3]


def test_a_reader_that_stops_leaves_a_usable_session(direct: DirectQuery, kind: ExportKind, keys: list[str]) -> None:
    column = WHERE[kind.record][1]
    rows = direct.rows([column])

    assert next(rows)
    rows.close()
    direct._session.rollback()

    assert sorted(direct.tables(keys[:3])) == keys[:3]
