"""A run folder of the present format that is GO, made by hand, from which a test takes a guard's record away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports import publish
from reports.judge.integrity.guards import CONTROLLER_PLUGINS
from reports.judge.verdict import judge, to_json
from reports.records import run_ledger
from reports.records.records import Event, Fact, Record
from reports.records.run_ledger import RUN_SCHEMA, GateFile, Run, Writer

GATE = """
schema = 1
phase = "{phase}"
title = "{phase}"
flag = "{flag}"
after = "{after}"
guide = "g"
valid_hours = 24
samples = 1
[recheck]
live_s = [0.0]
sandbox_s = [0.0]
[[criterion]]
id = "{phase}-health"
title = "Health"
guide = "g: healthy"
rule = "fact"
reason = "r"
checks = ["health"]
"""


def gate_file(phase: str, *, after: str = "", flag: str = "", more: str = "") -> GateFile:
    text = GATE.format(phase=phase, after=after, flag=flag) + more
    return GateFile(path=f"suites/{phase}/gate.toml", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


GATES = {
    "phase1": gate_file("phase1", flag="F1"),
    "phase2": gate_file("phase2", after="phase1", flag="F2"),
}


def run(name: str = "r", **different: Any) -> Run:
    """A live run of two phases, begun now."""
    made = Run(
        run_id=name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        target="live",
        seed=1,
        contract="guide",
        flags={"CONNECTRA_ENABLED": True, "F1": True, "F2": True},
        described={"backend": "https://api.example"},
        fingerprint={"backend": {"version": "1"}, "connectra": {"version": "1"}, "index": {"name": "i"}},
        gates=GATES,
        options={"log": True, "out_of_order": False},
        schema=RUN_SCHEMA,
    )
    return replace(made, **different)


def records(*phases: str, order: bool = True) -> list[Record]:
    """The records of a run of those phases that went well, but for the last line."""
    entry: list[Record] = [Event(name="run-started", worker="controller")]
    if order:
        entry += [Fact(phase="phase2", name="order", ok=True, sentence="phase1 is GO")] if "phase2" in phases else []
    entry.append(Event(name="collected", phases=phases, worker="controller", count=1))
    entry += [Fact(phase=phase, name="health", ok=True, sentence="it answers") for phase in phases]
    entry += [
        Event(name="log-looked", worker="controller"),
        Event(name="target-looked", worker="controller", detail="the same"),
        Event(name="guarding", worker="controller", detail=" ".join(CONTROLLER_PLUGINS)),
        Event(name="privacy-looked", worker="controller"),
    ]
    return entry


def folder(path: Path, of: Run, kept: Sequence[Record], *, key: str = "") -> Path:
    """The run folder, judged."""
    run_ledger.begin(path, of)
    writer = Writer(path, "controller")
    for record in kept:
        writer.append(record)
    now = datetime.now(UTC).timestamp()
    writer.append(Event(name="run-finished", worker="controller", at=now, count=writer.lines + 1))
    writer.close()
    publish.write_verdict(path, judged(path), key=key)
    return path


def judged(path: Path) -> dict[str, Any]:
    verdict = to_json(judge(run_ledger.read(path), now=datetime.now(UTC).isoformat()))
    entry: dict[str, Any] = json.loads(json.dumps(verdict))
    return entry
