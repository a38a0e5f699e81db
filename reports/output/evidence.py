"""evidence/: every mismatching key of a criterion, tokens instead of values, and how to see it again.

One JSON-lines file per criterion that has settled differences or failures, one line per question:

    {"check", "key", "stratum", "outcome", "cause", "differences": [{"path", "kind", "expected", "actual"}],
     "answers": [{"side", "status", "error", "elapsed_ms", "at", "provenance", "signals", "request"}],
     "requests": ["curl ... $CONTACT360_BASE_URL/..."], "database": "psql ...", "again": "pytest ..."}

`expected` is PostgreSQL, `actual` the service. A key counts once however often it was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.judge.criteria import Criterion, covers, read_gate
from reports.records.escaping import shell
from reports.records.records import Comparison, Observation, Outcome
from reports.records.run_ledger import RunRecords, write_text

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WRONG = (Outcome.DIFFERENT, Outcome.FAILED)
_SERVERS = {  # side -> (base, header): names of settings, so that no secret and no host stands in a command
    "backend": ("$CONTACT360_BASE_URL", "Authorization: Bearer $CONTACT360_TOKEN"),
    "baseline": ("$CONTACT360_BASELINE_URL", "Authorization: Bearer $CONTACT360_TOKEN"),
    "connectra": ("$CONNECTRA_BASE_URL", "X-API-Key: $CONNECTRA_API_KEY"),
}


def write(folder: Path, recorded: RunRecords) -> None:
    """The files of every phase and criterion that found something wrong."""
    tables = recorded.run.options.get("tables", {})
    for phase, file in recorded.run.gates.items():
        wrong = _wrong(recorded, phase)
        for criterion in read_gate(file.text, file.path).criteria:
            lines = [json.dumps(entry(sample, tables), ensure_ascii=False) for sample in _of(criterion, wrong)]
            if lines:
                path = folder / "evidence" / f"{criterion.id}.jsonl"
                path.parent.mkdir(exist_ok=True)
                write_text(path, "\n".join(lines) + "\n")


def entry(sample: Comparison, tables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One mismatch as the evidence holds it. `tables`: the contract's table of each kind of record."""
    fields = asdict(sample)
    kept = ("check", "key", "stratum", "outcome", "cause", "differences", "answers", "again")
    requests = [command for answer in sample.answers if (command := request(answer))]
    return {name: fields[name] for name in kept} | {"requests": requests, "database": row(sample, tables or {})}


def row(sample: Comparison, tables: Mapping[str, str]) -> str:
    """The shell command that shows the row behind a record; '' where the key is no uuid of a known kind of record."""
    table = next((table for name, table in tables.items() if sample.check.startswith(f"{name}-")), None)
    if table is None or not _UUID.fullmatch(sample.key):
        return ""
    query = ("SELECT * FROM", table, "WHERE uuid =", f"'{sample.key}'")
    return f'psql "$DATABASE_URL" -x -c "{" ".join(query)}"'


def request(answer: Observation) -> str:
    """The shell command that asks the same again; '' when it is not known how it was asked.

    Values that were masked stand there as ***: `again` asks with them.
    """
    if not answer.request or answer.side not in _SERVERS:
        return ""
    base, header = _SERVERS[answer.side]
    method, path, *body = answer.request.split(" ", 2)
    command = f'curl -sS -X {method} -H "{header}" "{base}"{shell(path)}'
    return f"{command} -H 'Content-Type: application/json' -d {shell(body[0])}" if body else command


def _wrong(recorded: RunRecords, phase: str) -> list[Comparison]:
    comparisons: dict[tuple[str, str], Comparison] = {}
    for record in recorded.records:
        if isinstance(record, Comparison) and record.phase == phase and record.outcome in _WRONG:
            comparisons.setdefault((record.check, record.key), record)
    return list(comparisons.values())


def _of(criterion: Criterion, wrong: Iterable[Comparison]) -> list[Comparison]:
    """The questions that speak about the criterion: of its checks, or the errors that a share counts."""
    if criterion.checks:
        return [sample for sample in wrong if covers(criterion, sample.check)]
    failed = [sample for sample in wrong if sample.outcome is Outcome.FAILED]
    sides = {"errors": "backend", "vql-failures": "backend", "connectra-errors": "connectra"}
    side = sides.get(criterion.of)
    return [sample for sample in failed if any(answer.side == side and answer.error for answer in sample.answers)]
