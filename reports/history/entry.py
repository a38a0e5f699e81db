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

from reports.judge.integrity.standing_go import PhaseResult, bonds_of, flag_in_force
from reports.records.decoding import converted
from reports.records.inputs.wrong_keys import WrongKey
from reports.records.records import Comparison, Entry, Observation, Outcome, Pair
from reports.records.run_ledger import Run, RunRecords

SCHEMA = 2  # of a history file


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
    unknown: int = 0  # answers that do not tell who served them
    void: int = 0
    lost: int = 0  # requests that failed
    excused: int = 0
    unfit: str = ""  # why its evidence is no ground to build on
    waived: str = ""  # the waiver's ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntry:
    phase: str
    verdict: str
    title: str = ""
    flag: str = ""
    gate_sha256: str = ""
    flag_on: bool | None = None
    valid_hours: float | None = None
    wrong_keys: tuple[WrongKey, ...] = ()  # what the next run has to find right
    right_again: tuple[WrongKey, ...] = ()  # what earlier runs found wrong and this one right
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
    schema: int = SCHEMA
    withheld: tuple[str, ...] = ()  # what the incidents were, in words
    mandatory: bool = False
    known_sha256: str = ""
    suite: Mapping[str, str] = field(default_factory=dict)  # version and sha256 of the judge
    run_schema: int = 1
    recorded_sha256: str = ""
    signature: str = ""
    altered: str = ""  # why it can't be taken at its word; found when it is read, never written

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.finished)

    @property
    def is_summary_only(self) -> bool:
        """Whether it was written by format 1, which kept no doubts, no incidents and no judge."""
        return self.schema < SCHEMA

    def bond(self, phase: str) -> Mapping[str, str]:
        """What a verdict on this phase is bound to, as comparable text; format 1 knew less of it."""
        bond = bonds_of(
            self.fingerprint,
            contract=self.contract,
            known=self.known_sha256,
            gate=self.phases[phase].gate_sha256 if phase in self.phases else "",
            judge=self.suite.get("sha256", ""),
        )
        return {**bond, "flags": json.dumps(dict(self.flags), sort_keys=True, ensure_ascii=False)}

    def result(self, phase: str) -> PhaseResult:
        """What it says of one phase, for a run that builds on it."""
        of_phase = self.phases[phase]
        return PhaseResult(
            run=self.run_id,
            phase=phase,
            stated=of_phase.verdict,
            outcomes=tuple((criterion.kind, criterion.outcome) for criterion in of_phase.criteria),
            finished=self.ended_at,
            incidents=self.withheld or ((f"{self.incidents} incidents",) if self.incidents else ()),
            flag=of_phase.flag,
            flag_on=flag_in_force(
                {"flag_on": of_phase.flag_on},
                {"flags": self.flags, "mandatory": self.mandatory},
                of_phase.flag,
                self.provenance,
            ),
            valid_hours=of_phase.valid_hours,
            bonds=self.bond(phase),
            schema=self.run_schema,
            altered=self.altered,
            waivers=tuple(criterion.criterion for criterion in of_phase.criteria if criterion.waived),
        )


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
        withheld=tuple(verdict["incidents"]),
        mandatory=run.mandatory,
        known_sha256=run.known_sha256,
        suite=dict(verdict.get("suite", {})),
        run_schema=run.schema,
        recorded_sha256=recorded.sha256,
    )


def where(run: Run) -> str:
    """Which deployment a run asks: the backend's URL, or "sandbox"."""
    return run.target if run.target != "live" else run.described.get("backend", "live")


def _phase_entry(name: str, phase: Entry, verdict: Entry, recorded: RunRecords) -> PhaseEntry:
    samples = [record for record in recorded.records if isinstance(record, Comparison) and record.phase == name]
    pairs = [record for record in recorded.records if isinstance(record, Pair) and record.phase == name]
    return PhaseEntry(
        phase=name,
        verdict=phase["verdict"],
        title=phase["title"],
        flag=phase["flag"],
        gate_sha256=verdict["fingerprint"]["gate_sha256"].get(name, ""),
        flag_on=phase.get("flag_on"),
        valid_hours=phase.get("valid_hours"),
        wrong_keys=converted(tuple[WrongKey, ...], phase.get("wrong_keys", ())),
        right_again=converted(tuple[WrongKey, ...], phase.get("right_again", ())),
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
        unknown=finding.get("unknown", 0),
        void=finding.get("void", 0),
        lost=finding.get("lost", 0),
        excused=finding.get("excused", 0),
        unfit=finding.get("unfit", ""),
        waived=finding.get("waived", ""),
    )


def _tally(check: str, samples: Sequence[Comparison]) -> CheckTally:
    by_key: dict[str, Comparison] = {}
    for sample in samples:
        if sample.check == check:
            by_key.setdefault(sample.key, sample)
    answers = [(sample, answer) for sample in by_key.values() if (answer := sample.answer("backend"))]
    attempts = [answer for sample, answer in answers if sample.attempt]
    excused = Counter(
        ticket
        for sample in by_key.values()
        if sample.outcome is Outcome.EXCUSED
        for ticket in {difference.excused_by or "no ticket" for difference in sample.differences}
    )
    return CheckTally(
        check=check,
        outcomes=dict(Counter(str(sample.outcome) for sample in by_key.values())),
        provenance=dict(Counter(str(answer.provenance) for _, answer in answers if answer.error is None)),
        attempts=len(attempts),
        fallbacks=sum(_by_sql(answer) for answer in attempts),
        errors=sum(answer.error is not None for _, answer in answers),
        excused=dict(excused),
        longest_lag_s=max((sample.lag_s for sample in by_key.values() if sample.lag_s is not None), default=None),
    )


def _by_sql(answer: Observation) -> bool:
    return answer.error is None and answer.provenance.is_sql


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
