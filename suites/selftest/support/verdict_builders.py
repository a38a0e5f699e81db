"""Invented runs and verdicts for the self-tests of the outputs: any verdict, any size, hostile on request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.judge.criteria import read_gate
from reports.records import run_ledger
from reports.records.records import (
    Comparison,
    Difference,
    DifferenceKind,
    Event,
    Observation,
    Outcome,
    Pair,
    Provenance,
    Record,
)

BEGAN = 1_795_600_000.0  # 25 Nov 2026, 09:46 UTC
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;\u202e{{7*7}}|`x`"""
FLAGS = {
    "CONNECTRA_ENABLED": True,
    "VQL_SINGLE_RECORD_RETRIEVAL": True,
    "VQL_COMPANY_CONTACTS": True,
    "VQL_EXPORTS": True,
    "VQL_LINKEDIN_SEARCH": True,
}
PHASES = {
    "phase1": ("Single record retrieval", "VQL_SINGLE_RECORD_RETRIEVAL"),
    "phase2": ("Company contacts", "VQL_COMPANY_CONTACTS"),
    "phase3": ("Exports", "VQL_EXPORTS"),
    "phase4": ("LinkedIn search", "VQL_LINKEDIN_SEARCH"),
}
LINES = (  # guide, unit, target, alert, a met value, a missed one
    ("Phase 1, Validation Checks: Single contact retrieval works correctly", "mismatches", None, None, 0.0, 11.0),
    ("Phase 1, Success Criteria: Error rate < 1%", "share", 0.01, 0.05, 0.0, 0.08),
    ("Phase 1, Success Criteria: Fallback rate < 5%", "share", 0.05, 0.10, 0.004, 0.19),
    ("Monitoring Dashboard, 1: VQL Success Rate > 95%, alert < 90%", "share", 0.05, 0.10, 0.004, 0.19),
    ("Phase 1, Validation Checks: Response times are acceptable (<= 20% slower)", "ratio", 1.2, 1.5, 1.03, 4.1),
)
CAUSE = {
    "code": "index-stale",
    "share": "7 of 9",
    "sentence": "the index holds an older version",
    "remedy": "Troubleshooting, Data Inconsistencies, Solution 1: Re-sync Elasticsearch data",
}


def finding(number: int, outcome: str = "met", hostile: str = "", **changes: Any) -> dict[str, Any]:
    """One finding of a kind that goes by its number."""
    guide, unit, target, alert, good, bad = LINES[number % len(LINES)]
    value = {"met": good, "missed": bad, "unmeasured": None}[outcome]
    spread = None if value is None or value > 5 else [value * 0.8, value * 1.2 + 0.01]
    entry = {
        "criterion": f"criterion-{number}{hostile}",
        "guide": guide + hostile,
        "outcome": outcome,
        "kind": "blocking",
        "value": value,
        "interval": spread,
        "unit": unit,
        "count": 299,
        "needed": 40 if outcome == "unmeasured" else 0,
        "target": target,
        "alert": alert,
        "lines": [],
        "cause": CAUSE if outcome == "missed" else None,
        "sentence": f"{outcome} after 299 questions{hostile}",
        "evidence": [],
    }
    return entry | changes


def verdict(
    verdict_word: str = "GO", criteria: int = 15, hostile: str = "", phases: Sequence[str] = ()
) -> dict[str, Any]:
    """A verdict.json of that word, its criteria spread over the phases."""
    names = list(phases) or list(PHASES)[: max(1, criteria // 15)]
    bad = {"GO": "met", "NO-GO": "missed", "HOLD": "unmeasured"}[verdict_word]
    findings = [finding(number, bad if number % 7 == 1 else "met", hostile) for number in range(criteria)]
    return {
        "schema": 1,
        "verdict": verdict_word,
        "run": "20261125T094640Z-abcdef",
        "target": "live",
        "label": f"live deployment{hostile}",
        "started": "2026-11-25T09:46:40+00:00",
        "finished": "2026-11-25T09:52:00+00:00",
        "valid_until": "2026-11-26T09:52:00+00:00" if verdict_word == "GO" else None,
        "seed": 7,
        "contract": "guide",
        "fingerprint": {
            "backend": {"version": f"2.14.1{hostile}"},
            "flags": dict(FLAGS),
            "connectra": {"status": "ok"},
            "index": {"name": "contacts_index", "mapping_sha256": "ab" * 32},
            "gate_sha256": dict.fromkeys(names, "cd" * 32),
        },
        "phases": {
            name: {
                "verdict": verdict_word,
                "title": PHASES[name][0] + hostile,
                "flag": PHASES[name][1],
                "findings": findings[number :: len(names)],
            }
            for number, name in enumerate(names)
        },
        "incidents": [f"a worker crashed (gw0){hostile}"] if verdict_word == "HOLD" else [],
        "provenance": {"vql": 590, "fallback": 23, "direct": 0, "unknown": 0},
        "cost": {"requests": 2124, "credits": 0},
    }


def of_gate(verdict_word: str = "GO", phase: str = "phase1") -> dict[str, Any]:
    """A verdict with the real criteria of a phase: what a page of a whole phase looks like."""
    gate = read_gate(_gate_file(phase).text, phase)
    entry = verdict(verdict_word, phases=[phase])
    bad = {"GO": "met", "NO-GO": "missed", "HOLD": "unmeasured"}[verdict_word]
    numbers = {"exact": 0, "share": 2, "latency": 4, "p95": 4}
    findings = []
    for place, criterion in enumerate(gate.criteria):
        number = 3 if criterion.of in ("vql-failures", "connectra-errors") else numbers.get(criterion.rule, 0)
        entry_of_criterion = finding(number, bad if place % 3 == 0 and criterion.kind == "blocking" else "met")
        described = {"criterion": criterion.id, "title": criterion.title, "guide": criterion.guide}
        limits = (
            {"target": criterion.target, "alert": criterion.alert}
            if entry_of_criterion["unit"] in ("share", "ratio")
            else {}
        )
        kind = "blocking" if criterion.kind == "blocking" else "advisory"
        findings.append(
            entry_of_criterion | described | limits | {"kind": kind, "evidence": [f"evidence/{criterion.id}.jsonl"]}
        )
    entry["phases"][phase]["findings"] = findings
    return entry


def run_of_gate(phase: str = "phase1") -> run_ledger.Run:
    """The run that such a verdict is about, with the phase's gate."""
    return run(gates={phase: _gate_file(phase)})


def _gate_file(phase: str) -> run_ledger.GateFile:
    path = next(Path(__file__).parents[2].glob(f"{phase}_*/gate.toml"))
    return run_ledger.GateFile(path=str(path), sha256="cd" * 32, text=path.read_text(encoding="utf-8"))


def run(hostile: str = "", **changes: Any) -> run_ledger.Run:
    defaults = {
        "run_id": "20261125T094640Z-abcdef",
        "started": "2026-11-25T09:46:40+00:00",
        "target": "live",
        "seed": 7,
        "contract": "guide",
        "flags": dict(FLAGS),
        "fingerprint": {"backend": {"version": "2.14.1"}, "connectra": None, "index": None},
        "gates": {},
        "described": {"target": "live", "backend": f"https://contact360.example{hostile}"},
    }
    return run_ledger.Run(**(defaults | changes))


def recorded(hostile: str = "", phase: str = "phase1", of: run_ledger.Run | None = None) -> run_ledger.RunRecords:
    """A run of 120 answers over five minutes: fallbacks, errors, mismatches, known differences, latency pairs."""
    records: list[Record] = [_sample(number, phase, hostile) for number in range(120)]
    records += [
        Pair(
            phase=phase,
            check="contact-latency",
            key=f"k{number}",
            block=number // 16,
            vql_ms=38 + number % 17,
            direct_ms=36 + number % 13,
            again_ms=36.5 + number % 13,
        )
        for number in range(128)
    ]
    records.append(Event(name="requests", at=BEGAN + 320, worker="controller", count=2124))
    return run_ledger.RunRecords(run=of or run(hostile), records=tuple(records))


def _sample(number: int, phase: str, hostile: str) -> Comparison:
    served = Provenance.FALLBACK if number % 9 == 4 else Provenance.VQL
    error = "http-500" if number % 31 == 7 else None
    outcome = (
        Outcome.FAILED
        if error
        else Outcome.DIFFERENT
        if number % 11 == 3
        else Outcome.EXCUSED
        if number % 17 == 5
        else Outcome.EQUAL
    )
    differences = ()
    if outcome in (Outcome.DIFFERENT, Outcome.EXCUSED):
        ticket = "C360-77" if outcome is Outcome.EXCUSED else None
        kind = DifferenceKind.VALUE if number % 2 else DifferenceKind.MISSING
        differences = (
            Difference(path="title", kind=kind, expected="<str:9f1c>" + hostile, actual="null", excused_by=ticket),
        )
    answer = Observation(
        side="backend",
        status=500 if error else 200,
        error=error,
        elapsed_ms=41.0,
        at=BEGAN + 2.5 * number,
        provenance=Provenance.UNKNOWN if error else served,
    )
    return Comparison(
        phase=phase,
        check="contact-endpoint",
        key=f"00000000-0000-4000-8000-{number:012d}",
        stratum="ordinary",
        outcome=outcome,
        answers=(answer,),
        differences=differences,
        attempt=True,
        cause="index-stale" if differences else None,
        again="pytest -m phase1 -k contact-endpoint",
    )
