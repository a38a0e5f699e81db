"""Whether an earlier run's GO for a phase holds for a run that builds on it now.

There is one meaning of "a GO that holds", and the lock (`check`), the order of the phases, the bake and the merge of
shards take it from here: recomputed from the findings, withheld by no incident, given with the phase's flag in force,
finished in the past and not too long ago, and bound to the same things. Times are compared as instants. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reports.judge.findings import verdict_of, worst
from reports.judge.policy import POLICY
from reports.records.records import BUILD_KEYS
from reports.records.run_ledger import GUARDED_SCHEMA

AHEAD = timedelta(
    seconds=POLICY.ahead_s
)  # clocks may differ by so much; a run that ended later than that has a wrong one
BOND_NAMES = {
    "build": "the build",
    "connectra": "Connectra",
    "index": "the index",
    "contract": "the contract",
    "known": "the known differences",
    "gate": "the gate",
    "judge": "the judge",
    "flags": "the flags",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseResult:
    """What an earlier run says of one phase, from its verdict.json or its history entry."""

    run: str
    phase: str
    stated: str  # GO, HOLD or NO-GO, as written there
    outcomes: tuple[tuple[str, str], ...]  # (kind, outcome) of each finding
    finished: datetime
    incidents: tuple[str, ...] = ()
    flag: str = ""
    flag_on: bool | None = None
    valid_hours: float | None = None  # None: not written down
    bonds: Mapping[str, str] = field(default_factory=dict)
    schema: int = 1  # the format of its run folder
    altered: str = ""  # why it can't be taken at its word, such as a missing signature
    waivers: tuple[str, ...] = ()
    folder: str = ""  # the run folder that it was read from

    @property
    def verdict(self) -> str:
        """The worse of what is written there and of what its findings come to."""
        return worst([self.stated, verdict_of(self.outcomes)])

    @property
    def is_direct_path(self) -> bool:
        """Whether the phase was asked with its flag off: a GO then speaks of the direct path, and opens nothing."""
        return bool(self.flag) and self.flag_on is False


def why_not(
    result: PhaseResult, *, now: datetime, hours: float, bonds: Mapping[str, str], waivers_allowed: bool = True
) -> str:
    """Why the GO does not hold now, for these bonds; '' if it does. `hours`: how long such a GO is good for."""
    waived = ", ".join(result.waivers)
    reasons = (
        result.altered,
        _why_no_go(result),
        why_of_another_time(result.finished, now, hours),
        why_bound_elsewhere(result.bonds, bonds),
        f"it rests on waivers: {waived}" if waived and not waivers_allowed else "",
    )
    return next(filter(None, reasons), "")


def _why_no_go(result: PhaseResult) -> str:
    if result.verdict != result.stated:
        return (
            f"it says {result.stated}, but its findings amount to {verdict_of(result.outcomes)}: the file was altered"
        )
    if result.verdict != "GO":
        return f"it says {result.verdict}"
    if result.incidents:
        return f"its GO was withheld: {result.incidents[0]}"
    if result.is_direct_path:
        return f"{result.flag} was off: its GO is about the direct path and does not cover VQL"
    if result.flag and result.flag_on is None:
        return f"it does not say whether {result.flag} was on"
    if result.schema < GUARDED_SCHEMA:
        return "it was recorded by an earlier version, which did not record whether its guards ran"
    return ""


def why_of_another_time(finished: datetime, now: datetime, hours: float) -> str:
    """Why a run that ended then is of no use now; '' if it ended in the last `hours`."""
    if finished - now > AHEAD:
        return f"it ended in the future, at {finished.isoformat()}: one of two clocks is wrong"
    if now - finished > timedelta(hours=hours):
        return f"it ended at {finished.isoformat()}, and its GO held for {hours:g} h"
    return ""


def differing(bound: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what the two are bound to that are not the same in both."""
    return tuple(name for name, text in wanted.items() if bound.get(name) != text)


def why_bound_elsewhere(bound: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    changed = [BOND_NAMES.get(name, name) for name in differing(bound, wanted)]
    return f"changed since then: {', '.join(changed)}" if changed else ""


def bonds_of(fingerprint: Mapping[str, Any], *, contract: str, known: str, gate: str, judge: str) -> dict[str, str]:
    """What a verdict on a phase is bound to, as comparable text. `known`, `gate` and `judge` are hashes."""
    parts = {name: _build(fingerprint.get(key)) for name, key in (("build", "backend"), ("connectra", "connectra"))}
    parts["index"] = fingerprint.get("index")
    bonds = {name: json.dumps(part, sort_keys=True, ensure_ascii=False) for name, part in parts.items()}
    return {**bonds, "contract": contract, "known": known, "gate": gate, "judge": judge}


def _build(health: Any) -> Any:
    """What a health page tells of its build: a status or an uptime is none. None where it names no build."""
    if not isinstance(health, Mapping):
        return health
    return {name: health[name] for name in BUILD_KEYS if name in health} or None


def newest_decided(results: Iterable[PhaseResult], now: datetime) -> PhaseResult | None:
    """The newest result that decides: GO or NO-GO. One that measured too little takes nothing back and gives nothing.

    A GO that was withheld, or of the direct path, decides nothing either. Of the future counts a NO-GO alone: it does
    not get better by a clock that is wrong.
    """
    decided = [phase_result for phase_result in results if _decides(phase_result, now)]
    return max(
        decided,
        key=lambda phase_result: (phase_result.finished, phase_result.verdict == "NO-GO", phase_result.run),
        default=None,
    )


def _decides(result: PhaseResult, now: datetime) -> bool:
    if result.verdict == "NO-GO":
        return True
    return result.verdict == "GO" and not result.altered and not _why_no_go(result) and result.finished - now <= AHEAD


def of_verdict(entry: Mapping[str, Any], phase: str, *, altered: str = "") -> PhaseResult:
    """The phase's result in a valid verdict.json."""
    of_phase, fingerprint = entry["phases"][phase], entry["fingerprint"]
    flag = of_phase["flag"]
    return PhaseResult(
        run=entry["run"],
        phase=phase,
        stated=of_phase["verdict"],
        outcomes=tuple((item["kind"], item["outcome"]) for item in of_phase["findings"]),
        finished=datetime.fromisoformat(entry["finished"]),
        incidents=tuple(entry["incidents"]),
        flag=flag,
        flag_on=flag_in_force(of_phase, fingerprint, flag, entry["provenance"]),
        valid_hours=of_phase.get("valid_hours"),
        bonds=bonds_of(
            fingerprint,
            contract=entry.get("contract", ""),
            known=fingerprint.get("known_sha256", ""),
            gate=fingerprint["gate_sha256"].get(phase, ""),
            judge=entry.get("suite", {}).get("sha256", ""),
        ),
        schema=entry.get("run_schema", 1),
        altered=altered,
        waivers=tuple(item["criterion"] for item in of_phase["findings"] if item.get("waived")),
    )


def flag_in_force(
    of_phase: Mapping[str, Any], fingerprint: Mapping[str, Any], flag: str, served: Mapping[str, int]
) -> bool | None:
    """Whether the phase's flag was on: both what is written there and the flags must not say that it was off.

    Where nothing is written (by an earlier version, flags unknown), answers that VQL served show that it was.
    """
    if not flag or fingerprint.get("mandatory"):
        return True
    flags = fingerprint["flags"]
    switches: Sequence[bool | None] = (flags.get("CONNECTRA_ENABLED"), flags.get(flag), of_phase.get("flag_on"))
    if False in switches:
        return False
    if True in (of_phase.get("flag_on"), flags.get(flag)):
        return True
    return True if served.get("vql") else None
