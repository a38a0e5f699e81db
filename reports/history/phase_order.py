"""The order of the phases: one may go on only where the one before it has a GO that still holds. Pure but for reading.

What counts is the newest run that decided: canaries that measured too little take nothing back, and give nothing.
A GO holds for the hours its gate says, for the build, the Connectra, the index and the gate it was given for. Flags may
differ: between two phases one goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reports.history.entry import HistoryEntry, PhaseEntry, where
from reports.judge.criteria import Gate, read_gate
from reports.records.records import ORDER_FACT, Fact
from reports.records.run_ledger import DamagedRun, Run, read_run

DECIDED = ("GO", "NO-GO")


def standing(run: Run, gate: Gate, entries: Iterable[HistoryEntry]) -> Fact:
    """Whether the phase before this one has a GO that holds for what this run asks: ok is True, or None."""
    before = gate.after
    decided = [each for each in entries if _decides(each, run, before)]
    newest = max(decided, key=lambda each: each.finished, default=None)
    why = "no run decided it" if newest is None else _why_not(newest, run, before)
    if not why and newest is not None:
        return Fact(phase=gate.phase, name=ORDER_FACT, ok=True, sentence=f"{before} is GO by {newest.run_id}")
    return Fact(
        phase=gate.phase,
        name=ORDER_FACT,
        ok=None,
        sentence=f"{before} has no valid GO for this deployment: {why}; run pytest -m {before} first, or say "
        "--out-of-order",
    )


def recorded(out: Path) -> Iterator[HistoryEntry]:
    """What the run folders in `out` said, each once, as far as it can be read."""
    for path in sorted(out.glob("*/verdict.json")):
        if path.parent.is_symlink():
            continue
        try:
            yield _entry(read_run(path.parent), json.loads(path.read_bytes()))
        except (DamagedRun, OSError, ValueError, KeyError, TypeError, AttributeError):
            continue


def _entry(run: Run, verdict: Mapping[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        run_id=run.run_id,
        target=run.target,
        where=where(run),
        started=run.started,
        finished=verdict["finished"],
        verdict=verdict["verdict"],
        flags=dict(run.flags),
        fingerprint=run.fingerprint,
        options=dict(run.options),
        phases={
            name: PhaseEntry(phase=name, verdict=entry["verdict"], gate_sha256=run.gates[name].sha256)
            for name, entry in verdict["phases"].items()
        },
    )


def _decides(entry: HistoryEntry, run: Run, phase: str) -> bool:
    own = (run.target, where(run))
    return (entry.target, entry.where) == own and phase in entry.phases and entry.phases[phase].verdict in DECIDED


def _why_not(entry: HistoryEntry, run: Run, phase: str) -> str:
    """Why that GO does not hold, '' if it does."""
    if entry.phases[phase].verdict != "GO":
        return f"{entry.run_id} said {entry.phases[phase].verdict}"
    hours = read_gate(run.gates[phase].text, run.gates[phase].path).valid_hours
    if datetime.fromisoformat(run.started) - datetime.fromisoformat(entry.finished) > timedelta(hours=hours):
        return f"the GO of {entry.run_id} held for {hours:g} h"
    if entry.phases[phase].gate_sha256 != run.gates[phase].sha256:
        return f"the GO of {entry.run_id} was given under another gate"
    changed = [
        name for name in ("backend", "connectra", "index") if entry.fingerprint.get(name) != run.fingerprint.get(name)
    ]
    return f"since the GO of {entry.run_id} changed: {', '.join(changed)}" if changed else ""
