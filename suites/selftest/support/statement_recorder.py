"""A plugin for a child run of pytest: has PostgreSQL explain each statement of the suite before it is asked.

`-p suites.selftest.support.statement_recorder`, STATEMENTS_FILE names the file: one JSON line for each text.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.postgres_sessions.session import PostgresSession

VARIABLE = "STATEMENTS_FILE"
EXPLAINED = "EXPLAIN (FORMAT JSON) "  # as the suite itself asks before it runs what may read much


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


def pytest_configure(config: pytest.Config) -> None:
    asked = PostgresSession.execute

    def explained(session: PostgresSession, query: Any, parameters: Any = None) -> Any:
        text = _text(query)
        statement = STATEMENTS.setdefault(text.removeprefix(EXPLAINED), Statement(text=text.removeprefix(EXPLAINED)))
        if text.startswith(EXPLAINED):
            statement.is_budgeted = True
            return asked(session, query, parameters)
        if text.lstrip("( ").startswith(("SELECT", "WITH")):
            (row,) = asked(session, (EXPLAINED + text).encode(), parameters).fetchall()
            plan = row["QUERY PLAN"][0]["Plan"]
            statement.cost = max(statement.cost, plan["Total Cost"])
            statement.whole_tables = sorted({*statement.whole_tables, *_whole_tables(plan)})
        begun = time.monotonic()
        try:
            return asked(session, query, parameters)
        finally:
            statement.count += 1
            statement.seconds += time.monotonic() - begun

    PostgresSession.execute = explained  # type: ignore[method-assign]


def pytest_unconfigure(config: pytest.Config) -> None:
    with Path(os.environ[VARIABLE]).open("a") as file:
        for statement in STATEMENTS.values():
            file.write(json.dumps(asdict(statement)) + "\n")


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
