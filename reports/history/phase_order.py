"""The order of the phases: one may go on only where the one before it has a GO that still holds. Pure but for reading.

What counts is the newest run that decided: canaries that measured too little take nothing back, and give nothing.
A GO holds for the hours its gate says, for the build, the Connectra, the index and the gate it was given for. Flags may
differ: between two phases one goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from reports.history import run_folders
from reports.history.entry import HistoryEntry, where
from reports.history.premises import Unfounded, judged_again, why_altered
from reports.judge.criteria import Gate, read_gate
from reports.judge.integrity.signature import why_unsigned
from reports.judge.integrity.standing_go import PhaseResult, bonds_of, newest_decided, of_verdict, why_not
from reports.records.records import ORDER_FACT, Fact
from reports.records.run_ledger import Run


def standing(run: Run, gate: Gate, results: Iterable[PhaseResult], *, judge: str) -> Fact:
    """Whether the phase before this one has a GO that holds for what this run asks: ok is True, or None."""
    before, now = gate.after, datetime.fromisoformat(run.started)
    newest = newest_decided((phase_result for phase_result in results if phase_result.phase == before), now)
    why = "no run has judged it" if newest is None else _why_not(newest, run, before, now, judge)
    if not why and newest is not None:
        return Fact(phase=gate.phase, name=ORDER_FACT, ok=True, sentence=f"{before} is GO by {newest.run}")
    return Fact(
        phase=gate.phase,
        name=ORDER_FACT,
        ok=None,
        sentence=f"{before} has no valid GO for this deployment: {why}; run {before} first (-m {before}), or give "
        "--out-of-order",
    )


def results_of_history(entries: Iterable[HistoryEntry], run: Run) -> Iterator[PhaseResult]:
    """What runs in the history said of the deployment that this run asks, phase by phase."""
    for entry in entries:
        if (entry.target, entry.where) == (run.target, where(run)):
            yield from (entry.result(phase) for phase in entry.phases)


def results_of_folders(out: Path, run: Run, *, key: str = "") -> Iterator[PhaseResult]:
    """What the run folders in `out` said of it, each once, as far as it can be read."""
    for folder, earlier, verdict in run_folders.verdicts(out):
        if (verdict["target"], earlier.target, where(earlier)) == (run.target, run.target, where(run)):
            altered = why_unsigned(verdict, key)
            for phase in verdict["phases"]:
                yield replace(of_verdict(verdict, phase, altered=altered), folder=str(folder))


def _why_not(result: PhaseResult, run: Run, phase: str, now: datetime, judge: str) -> str:
    """Why that GO does not hold, '' if it does."""
    gate = read_gate(run.gates[phase].text, run.gates[phase].path)
    bonds = bonds_of(
        run.fingerprint, contract=run.contract, known=run.known_sha256, gate=run.gates[phase].sha256, judge=judge
    )
    why = why_not(result, now=now, hours=gate.valid_hours, bonds=bonds) or _why_unfounded(result)
    return f"{result.run}: {why}" if why else ""


def _why_unfounded(result: PhaseResult) -> str:
    """Why the folder that the GO lies in does not bear it out; '' if it does, or if it lies in none."""
    if not result.folder:
        return ""
    verdict = json.loads((Path(result.folder) / "verdict.json").read_bytes())
    try:
        return why_altered(verdict, judged_again(Path(result.folder), verdict["finished"]))
    except Unfounded as error:
        return str(error)
