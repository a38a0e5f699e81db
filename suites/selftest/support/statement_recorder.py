"""Has PostgreSQL explain each statement of the suite before it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fixtures.clients.postgres_sessions.session import PostgresSession

EXPLAINED = "EXPLAIN (FORMAT JSON) "  # as the suite itself asks before it runs what may read much
Execute = Callable[..., Any]


@dataclass(slots=True, kw_only=True)
class Statement:
    """A text, how often it was asked, its dearest plan, and whether its cost was looked at before it was run."""

    text: str
    count: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    whole_tables: list[str] = field(default_factory=list)
    is_budgeted: bool = False


STATEMENTS: dict[str, Statement] = {}


def explaining(execute: Execute) -> Execute:
    """`PostgresSession.execute`, which also keeps every statement in STATEMENTS."""

    def explained(session: PostgresSession, query: Any, parameters: Any = None) -> Any:
        text = _text(query)
        plain = text.removeprefix(EXPLAINED)
        statement = STATEMENTS.setdefault(plain, Statement(text=plain))
        if text.startswith(EXPLAINED):
            statement.is_budgeted = True
            return execute(session, query, parameters)
        if plain.lstrip("( ").startswith(("SELECT", "WITH")):
            (row,) = execute(session, (EXPLAINED + plain).encode(), parameters).fetchall()
            plan = row["QUERY PLAN"][0]["Plan"]
            statement.cost = max(statement.cost, plan["Total Cost"])
            statement.whole_tables = sorted({*statement.whole_tables, *_whole_tables(plan)})
        begun = time.monotonic()
        try:
            return execute(session, query, parameters)
        finally:
            statement.count += 1
            statement.seconds += time.monotonic() - begun

    return explained


def _text(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string())


def _whole_tables(plan: Mapping[str, Any]) -> Iterator[str]:
    """Tables of which every row is read."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from _whole_tables(part)
