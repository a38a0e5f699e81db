"""One run as the history keeps it: what it was bound to, the k and n of each check, its pairs, what it said."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean
from typing import Any

from reports.records.records import Comparison, Entry, Observation, Outcome, Pair, Provenance
from reports.records.run_ledger import Run, RunRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class PairBlock:
    """One block of latency pairs, times in milliseconds: position i of each tuple is one question.

    The means are the unit of everything about latency: mean of log(vql/direct), and of log(again/direct).
    """

    check: str
    number: int
    vql_ms: tuple[float, ...]
    direct_ms: tuple[float, ...]
    again_ms: tuple[float, ...] = ()
    direct_by: str = "baseline"

    @property
    def mean(self) -> float:
        return fmean(math.log(vql / direct) for vql, direct in zip(self.vql_ms, self.direct_ms, strict=True))

    @property
    def again_mean(self) -> float | None:
        if len(self.again_ms) != len(self.direct_ms):
            return None
        return fmean(math.log(again / direct) for again, direct in zip(self.again_ms, self.direct_ms, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTally:
    """The k and n of one check: distinct questions by outcome, the backend's answers by who served them.

    `attempts` are answers that VQL should have been tried for (the denominator of fallback and success),
    `fallbacks` those of them that SQL answered, `errors` the backend's errors, all in backend answers.
    """

    check: str
    outcomes: Mapping[str, int]
    provenance: Mapping[str, int]
    attempts: int = 0
    fallbacks: int = 0
    errors: int = 0
    excused: Mapping[str, int] = field(default_factory=dict)  # by the known difference's id
    longest_lag_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """A finding as the history keeps it. `failures` is known for shares only: failures of count."""

    criterion: str
    outcome: str
    kind: str
    unit: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    count: int = 0
    failures: int | None = None
    needed: int = 0
    target: float | None = None
    alert: float | None = None
    title: str = ""  # '' in runs from before criteria had titles
    guide: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntry:
    phase: str
    verdict: str
    title: str = ""
    flag: str = ""
    gate_sha256: str = ""
    criteria: tuple[FindingSummary, ...] = ()
    tallies: tuple[CheckTally, ...] = ()
    blocks: tuple[PairBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One run: what it was bound to, what it measured, what it said. Holds no key, no value, no secret."""

    run_id: str
    target: str  # sandbox or live
    where: str  # which deployment: the backend's URL, or "sandbox"
    started: str  # ISO 8601, UTC
    finished: str
    verdict: str
    contract: str = ""
    seed: int = 0
    flags: Mapping[str, bool | None] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)  # backend, connectra, index
    phases: Mapping[str, PhaseEntry] = field(default_factory=dict)
    provenance: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    credits: int = 0
    incidents: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.finished)

    def bond(self, phase: str) -> Mapping[str, str]:
        """What a verdict on this phase is bound to, as comparable text: build, connectra, flags, index, gate."""
        told = {
            "build": self.fingerprint.get("backend"),
            "connectra": self.fingerprint.get("connectra"),
            "flags": dict(self.flags),
            "index": self.fingerprint.get("index"),
        }
        bond = {name: json.dumps(part, sort_keys=True, ensure_ascii=False) for name, part in told.items()}
        return {**bond, "gate": self.phases[phase].gate_sha256 if phase in self.phases else ""}


def entry_of(recorded: RunRecords, verdict: Entry) -> HistoryEntry:
    """What the history keeps of a judged run."""
    run = recorded.run
    return HistoryEntry(
        run_id=run.run_id,
        target=run.target,
        where=where(run),
        started=run.started,
        finished=verdict["finished"],
        verdict=verdict["verdict"],
        contract=run.contract,
        seed=run.seed,
        flags=dict(run.flags),
        fingerprint={name: run.fingerprint.get(name) for name in ("backend", "connectra", "index")},
        phases={name: _phase_entry(name, phase, verdict, recorded) for name, phase in verdict["phases"].items()},
        provenance=dict(verdict["provenance"]),
        requests=verdict["cost"]["requests"],
        credits=verdict["cost"]["credits"],
        incidents=len(verdict["incidents"]),
        options=dict(run.options),
    )


def where(run: Run) -> str:
    """Which deployment a run asks: the backend's URL, or "sandbox"."""
    return run.target if run.target != "live" else run.described.get("backend", "live")


def _phase_entry(name: str, phase: Entry, verdict: Entry, recorded: RunRecords) -> PhaseEntry:
    samples = [each for each in recorded.records if isinstance(each, Comparison) and each.phase == name]
    pairs = [each for each in recorded.records if isinstance(each, Pair) and each.phase == name]
    return PhaseEntry(
        phase=name,
        verdict=phase["verdict"],
        title=phase["title"],
        flag=phase["flag"],
        gate_sha256=verdict["fingerprint"]["gate_sha256"].get(name, ""),
        criteria=tuple(_kept(finding) for finding in phase["findings"]),
        tallies=tuple(_tally(check, samples) for check in sorted({sample.check for sample in samples})),
        blocks=_blocks(pairs),
    )


def _kept(finding: Entry) -> FindingSummary:
    value, count = finding["value"], finding["count"]
    return FindingSummary(
        criterion=finding["criterion"],
        outcome=finding["outcome"],
        kind=finding["kind"],
        unit=finding["unit"],
        value=value,
        interval=tuple(finding["interval"]) if finding["interval"] else None,
        count=count,
        failures=round(value * count) if finding["unit"] == "share" and value is not None else None,
        needed=finding["needed"],
        target=finding["target"],
        alert=finding["alert"],
        title=finding.get("title", ""),
        guide=finding["guide"],
    )


def _tally(check: str, samples: Sequence[Comparison]) -> CheckTally:
    own: dict[str, Comparison] = {}
    for sample in samples:
        if sample.check == check:
            own.setdefault(sample.key, sample)
    answers = [(sample, answer) for sample in own.values() if (answer := sample.answer("backend"))]
    attempts = [answer for sample, answer in answers if sample.attempt]
    excused = Counter(
        ticket
        for sample in own.values()
        if sample.outcome is Outcome.EXCUSED
        for ticket in {each.excused_by or "no ticket" for each in sample.differences}
    )
    return CheckTally(
        check=check,
        outcomes=dict(Counter(str(sample.outcome) for sample in own.values())),
        provenance=dict(Counter(str(answer.provenance) for _, answer in answers if answer.error is None)),
        attempts=len(attempts),
        fallbacks=sum(_by_sql(answer) for answer in attempts),
        errors=sum(answer.error is not None for _, answer in answers),
        excused=dict(excused),
        longest_lag_s=max((sample.lag_s for sample in own.values() if sample.lag_s is not None), default=None),
    )


def _by_sql(answer: Observation) -> bool:
    return answer.error is None and answer.provenance in (Provenance.FALLBACK, Provenance.DIRECT)


def _blocks(pairs: Sequence[Pair]) -> tuple[PairBlock, ...]:
    grouped: dict[tuple[str, int], list[Pair]] = {}
    for pair in pairs:
        grouped.setdefault((pair.check, pair.block), []).append(pair)
    return tuple(
        PairBlock(
            check=check,
            number=number,
            vql_ms=tuple(round(pair.vql_ms, 3) for pair in block),
            direct_ms=tuple(round(pair.direct_ms, 3) for pair in block),
            again_ms=tuple(round(pair.again_ms, 3) for pair in block if pair.again_ms),
            direct_by=block[0].direct_by,
        )
        for (check, number), block in sorted(grouped.items())
    )
