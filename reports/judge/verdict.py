"""The verdict: findings of every phase that was asked, what happened to the run, and the worst of it all."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from reports.comparison.known_differences import Excuse, excuses
from reports.judge.causes import entry_of
from reports.judge.criteria import POOLED, Criterion, Gate, covers
from reports.judge.effective_gate import bakes_of, gate_of
from reports.judge.findings import Finding, PhaseEvidence, evidence_of, verdict_of, worst
from reports.judge.integrity.doubt import in_doubt
from reports.judge.integrity.incidents import incidents_of
from reports.judge.integrity.suite import identity
from reports.judge.integrity.waivers import WaivedCriterion, too_many, waive
from reports.judge.rules import canary
from reports.judge.rules.contradictions import backend_answers, contradictions, served_by
from reports.judge.rules.dispatch import finding_of
from reports.judge.rules.latency import at_look
from reports.judge.rules.memory import right_again, still_wrong, with_memory
from reports.judge.rules.share import concerns
from reports.records.commands import GIVEN
from reports.records.inputs.wrong_keys import WrongKey
from reports.records.records import ORDER_FACT, PHASELESS, Event, Fact, Waiver
from reports.records.run_ledger import GUARDED_SCHEMA, Run, RunRecords

SCHEMA = 1
_STRICT = ("exact", "traffic", "latency")  # rules of which being missed needs no further question
EXIT_CODES = {"GO": 0, "NO-GO": 1, "HOLD": 6}  # 2 to 5 are pytest's own


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseVerdict:
    phase: str
    title: str
    flag: str
    verdict: str
    findings: tuple[Finding, ...]
    excuses: tuple[Excuse, ...] = ()
    withheld: tuple[str, ...] = ()  # why it can't be GO although all is met
    flag_on: bool | None = None  # whether its flag was in force, by the settings or by the answers
    valid_hours: float = 0.0  # its gate's: how long a GO of it is good for
    waived: tuple[WaivedCriterion, ...] = ()
    wrong_keys: tuple[WrongKey, ...] = ()  # what the next run has to find right
    right_again: tuple[WrongKey, ...] = ()  # what earlier runs found wrong and this one right

    @property
    def is_direct_path(self) -> bool:
        """Whether it speaks of the direct path alone: its flag was off."""
        return bool(self.flag) and self.flag_on is False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """GO, HOLD or NO-GO for a run, with everything it rests on."""

    verdict: str
    run: Run
    phases: tuple[PhaseVerdict, ...]
    incidents: tuple[str, ...]
    finished: str
    valid_until: str | None
    provenance: Mapping[str, int]
    requests: int
    credits: int
    canary: tuple[str, ...] | None = None  # what speaks against the rollout; None: no canary
    contradictions: tuple[str, ...] = ()  # between signals about who served: "header says VQL, log says fallback: ..."
    slowed: int = 0  # times that the pace gave way to a target under strain
    sha256: str = ""  # of all that was recorded


def judge(recorded: RunRecords, *, now: str) -> Verdict:
    """The verdict on a run folder's content. `now` (ISO 8601) stands in when no record tells when it ended."""
    events = [record for record in recorded.records if isinstance(record, Event)]
    finished = _finished(events, now)
    judged: dict[str, PhaseVerdict] = {}
    for name in _collected(recorded):  # in their order: a phase looks at the one before it
        judged[name] = _phase(recorded, name, finished, judged)
    phases = tuple(judged.values())
    incidents = (*incidents_of(recorded), *(why for phase in phases for why in phase.withheld))
    verdict = worst([phase.verdict for phase in phases])
    if incidents and verdict == "GO":
        verdict = "HOLD"
    hours = min((phase.valid_hours for phase in phases), default=0)
    return Verdict(
        verdict=verdict,
        run=recorded.run,
        phases=phases,
        incidents=incidents,
        finished=finished.isoformat(timespec="seconds"),
        valid_until=(finished + timedelta(hours=hours)).isoformat(timespec="seconds") if verdict == "GO" else None,
        provenance=served_by(recorded.records),
        contradictions=contradictions(backend_answers(recorded.records)),
        requests=sum(event.count for event in events if event.name == "requests"),
        credits=sum(event.credits for event in events),
        slowed=sum(event.count for event in events if event.name == "slowed"),
        canary=canary.of_run(recorded, [finding for phase in phases for finding in phase.findings], incidents),
        sha256=recorded.sha256,
    )


def phase_verdict(findings: Iterable[Finding]) -> str:
    """NO-GO if a blocking criterion is missed, GO if every one is met, otherwise HOLD."""
    return verdict_of((finding.kind, finding.outcome) for finding in findings)


def decided(recorded: RunRecords, gate: Gate, check: str) -> Finding | None:
    """The finding that makes asking this check any further idle; None while it is worth it.

    A NO-GO of exactness or latency is enough, once every such criterion that the check serves is missed. A GO is enough
    when every criterion that looks at the check is met, of whatever kind, or lacks only what other checks are asked
    for; a share that a GO does not need, and that takes many runs, keeps no check going. The verdict itself rests on
    all that was recorded. Latency is looked at after 8, 16, 32, ... blocks.
    """
    evidence = _evidence_of(recorded, gate)
    evidence = replace(evidence, pairs=at_look(evidence.pairs))
    looking = [
        criterion
        for criterion in gate.criteria
        if criterion.rule not in POOLED
        and _looks_at(criterion, check, evidence)
        and not (criterion.rule == "share" and criterion.kind != "blocking")
    ]
    strict = [criterion for criterion in looking if criterion.rule in _STRICT and criterion.served_by == "vql"]

    @cache  # judged only until the answer is known: the first open criterion is mostly enough, and this is asked often
    def finding(criterion: Criterion) -> Finding:
        return _for_check(finding_of(criterion, gate, evidence), criterion, gate, evidence, check)

    if strict and all(finding(criterion).outcome == "missed" for criterion in strict):
        return finding(strict[0])
    if looking and all(finding(criterion).outcome == "met" for criterion in looking):
        return finding(looking[0])
    return None


def _for_check(finding: Finding, criterion: Criterion, gate: Gate, evidence: PhaseEvidence, check: str) -> Finding:
    """The finding; of a criterion of several checks that is open, and has enough of them all, this check's part."""
    if finding.outcome != "unmeasured" or criterion.rule != "exact" or len(criterion.checks) == 1:
        return finding
    if finding.count < criterion.least:
        return finding
    return finding_of(replace(criterion, checks=(check,), least=1), gate, evidence)


def _looks_at(criterion: Criterion, check: str, evidence: PhaseEvidence) -> bool:
    if criterion.needs_flag and evidence.flag_on is False:
        return False
    return concerns(criterion, check, evidence) if criterion.rule == "share" else covers(criterion, check)


def is_missed(recorded: RunRecords, gate: Gate, criterion_id: str) -> bool:
    """Whether that criterion is missed already, by what is on record."""
    evidence = _evidence_of(recorded, gate)
    own_findings = (
        finding_of(criterion, gate, evidence) for criterion in gate.criteria if criterion.id == criterion_id
    )
    return any(finding.outcome == "missed" for finding in own_findings)


def _evidence_of(recorded: RunRecords, gate: Gate) -> PhaseEvidence:
    """What a run has on record for that phase so far."""
    run = recorded.run
    return evidence_of(
        recorded.records,
        gate.phase,
        run.flag_on(gate.flag) if gate.flag else None,
        target=run.target,
        known_differences=run.known,
    )


def to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as verdict.json holds it; valid against verdict.schema.json."""
    run = verdict.run
    entry: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": verdict.verdict,
        "run": run.run_id,
        "target": run.target,
        "label": _label(run),
        "suite": identity(),
        "run_schema": run.schema,
        "recorded_sha256": verdict.sha256,
        "dry_run": bool(run.options.get("dry_run")),
        "shards": _shards(run),
        "started": run.started,
        "finished": verdict.finished,
        "valid_until": verdict.valid_until,
        "seed": run.seed,
        "contract": run.contract,
        "fingerprint": {
            "backend": run.fingerprint.get("backend"),
            "flags": dict(run.flags),
            "mandatory": run.mandatory,
            "connectra": run.fingerprint.get("connectra"),
            "index": run.fingerprint.get("index"),
            "known_sha256": run.known_sha256,
            "gate_sha256": {phase.phase: run.gates[phase.phase].sha256 for phase in verdict.phases},
        },
        "phases": {
            phase.phase: {
                "verdict": phase.verdict,
                "title": phase.title,
                "flag": phase.flag,
                "flag_on": phase.flag_on,
                "direct_path": phase.is_direct_path,
                "valid_hours": phase.valid_hours,
                "valid_until": _until(verdict, phase),
                "waived": [waived_criterion.as_json() for waived_criterion in phase.waived],
                "wrong_keys": [asdict(key) for key in phase.wrong_keys],
                "right_again": [asdict(wrong_key) for wrong_key in phase.right_again],
                "findings": [_finding_entry(finding) for finding in phase.findings],
                "known": [{**asdict(excuse), "stale": excuse.stale, "over": excuse.over} for excuse in phase.excuses],
            }
            for phase in verdict.phases
        },
        "incidents": list(verdict.incidents),
        "provenance": dict(verdict.provenance),
        **({"contradictions": list(verdict.contradictions)} if verdict.contradictions else {}),
        "cost": {"requests": verdict.requests, "credits": verdict.credits, "slowed": verdict.slowed},
    }
    if run.schema < GUARDED_SCHEMA:
        entry = _of_format_1(entry)
    if GIVEN in run.options:  # a run from before kept none
        entry[GIVEN] = dict(run.options[GIVEN])
        for bake in (of_run for of_run in bakes_of(run) if of_run.phase in entry["phases"]):
            entry["phases"][bake.phase]["bake"] = asdict(bake)
    entry |= canary.entry_of(verdict.canary)
    validate(entry)
    return entry


def _shards(run: Run) -> list[str]:
    """`K/N RUN` for each shard that the run was joined from."""
    names, runs = run.options.get("shards", ()), run.options.get("merged", ())
    return [f"{name} {shard}" for name, shard in zip(names, runs, strict=False)]


def _of_format_1(entry: dict[str, Any]) -> dict[str, Any]:
    """The verdict on a run of format 1, without what that format knew nothing of: it stays as it was written then."""
    added = {"suite", "run_schema", "recorded_sha256", "dry_run", "shards", "known_sha256", "flag_on", "direct_path"}
    added |= {"valid_hours", "waived", "wrong_keys", "right_again", "unknown", "void", "lost", "excused", "unfit"}
    kept = _without(entry, added)
    kept["fingerprint"] = _without(entry["fingerprint"], added)
    kept["provenance"] = entry["provenance"]
    kept["phases"] = {
        name: _without(phase, {*added, "valid_until"})
        | {"findings": [_without(finding, added) for finding in phase["findings"]]}
        for name, phase in entry["phases"].items()
    }
    return kept


def _without(entry: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def validate(entry: Mapping[str, Any]) -> None:
    """Raises jsonschema.ValidationError when the entry is no verdict.json of this schema."""
    jsonschema.Draft202012Validator(schema()).validate(entry)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of verdict.json."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("verdict.schema.json").read_text(encoding="utf-8"))
    return loaded


def _until(verdict: Verdict, phase: PhaseVerdict) -> str | None:
    """How long the phase's own GO is good for; None where it has none, or an incident withholds it."""
    if phase.verdict != "GO" or verdict.incidents:
        return None
    finished = datetime.fromisoformat(verdict.finished)
    return (finished + timedelta(hours=phase.valid_hours)).isoformat(timespec="seconds")


def _finding_entry(finding: Finding) -> dict[str, Any]:
    entry = asdict(finding)
    entry["cause"] = entry_of(finding.cause)
    entry["interval"] = list(finding.interval) if finding.interval else None
    entry["evidence"] = list(finding.evidence)
    entry["lines"] = list(finding.lines)
    if finding.not_deployed:
        entry["not_deployed"] = list(finding.not_deployed)
    else:
        del entry["not_deployed"]
    if not finding.title:
        del entry["title"]  # a gate from before criteria had titles
    return entry


def _label(run: Run) -> str:
    if run.target == "sandbox":
        return "rehearsal on the sandbox: it says nothing about your deployment"
    return f"{run.target} deployment"


def _phase(recorded: RunRecords, phase: str, now: datetime, before: Mapping[str, PhaseVerdict]) -> PhaseVerdict:
    gate = gate_of(recorded.run, phase)
    flag_on = recorded.run.flag_on(gate.flag) if gate.flag else None
    evidence = evidence_of(
        recorded.records,
        phase,
        flag_on,
        target=recorded.run.target,
        now=now.isoformat(timespec="seconds"),
        known_differences=recorded.run.known,
        gates={bake.phase: gate_of(recorded.run, bake.phase) for bake in gate.bake if bake.phase in recorded.run.gates},
    )
    findings = tuple(
        with_memory(criterion, evidence, finding_of(criterion, gate, evidence)) for criterion in gate.criteria
    )
    findings = in_doubt(findings, gate, recorded.records)
    findings, waived = waive(findings, gate, _waivers(recorded), now)
    verdict = phase_verdict(findings)
    early = _early(recorded, gate, before)
    withheld = tuple(filter(None, (_untold(gate, flag_on, evidence) if gate.flag else "", early)))
    if verdict == "GO" and withheld:
        verdict = "HOLD"
    return PhaseVerdict(
        phase=phase,
        title=gate.title,
        flag=gate.flag,
        verdict=verdict,
        findings=findings,
        excuses=excuses(evidence.samples, evidence.known_differences),
        withheld=withheld,
        flag_on=evidence.flag_on if gate.flag else None,
        valid_hours=gate.valid_hours,
        waived=waived,
        wrong_keys=still_wrong(gate, evidence, seed=recorded.run.seed, run=recorded.run.run_id),
        right_again=right_again(gate, evidence),
    )


def _waivers(recorded: RunRecords) -> tuple[Waiver, ...]:
    """Those that the run was given; none where there are more than may hold at once."""
    waivers = tuple(dict.fromkeys(record for record in recorded.records if isinstance(record, Waiver)))
    return () if too_many(waivers) else waivers


def _untold(gate: Gate, on_record: bool | None, evidence: PhaseEvidence) -> str:
    """Why a phase can't be GO although all is met: no setting says that the flag is off, and SQL answered everything.

    A flag that is off and a VQL that never serves look alike from outside.
    """
    if on_record is not None or evidence.flag_on is not False:
        return ""
    return (
        f"SQL answered everything, and no setting says whether {gate.flag} is on: set it as the deployment has it, "
        "because a flag that is off and a VQL that never serves look alike"
    )


def _early(recorded: RunRecords, gate: Gate, before: Mapping[str, PhaseVerdict]) -> str:
    """Why the phase comes too early: '' where the phase before it is GO, and on the sandbox, which has no order."""
    facts = [record for record in recorded.records if isinstance(record, Fact) and record.name == ORDER_FACT]
    standing = [fact for fact in facts if fact.phase == gate.phase]
    refused = next((fact.sentence for fact in standing if fact.ok is not True), "")
    run = recorded.run
    if run.schema < GUARDED_SCHEMA:
        return refused
    if run.target == "sandbox" or not gate.after or run.options.get("out_of_order") is True:
        return ""
    earlier = before.get(gate.after)
    if earlier is not None and earlier.verdict == "NO-GO":
        return f"{gate.after} comes before {gate.phase}, and is NO-GO in this run"
    if earlier is not None and earlier.verdict == "GO" and not earlier.is_direct_path:
        return ""
    return refused or ("" if standing else f"no record shows a GO of {gate.after}, the phase before")


def _collected(recorded: RunRecords) -> list[str]:
    """The phases this run set out to ask; a run that was killed before it could say tells by its samples."""
    named = {phase for record in recorded.records if isinstance(record, Event) for phase in record.phases}
    shown = {record.phase for record in recorded.records if not isinstance(record, PHASELESS)}
    return sorted(named | shown)


def _finished(events: Sequence[Event], now: str) -> datetime:
    """When the run ended; of joined shards when the first of them did, for its evidence is the oldest."""
    ends = [event.at for event in events if event.at and event.name == "run-finished"]
    times = [min(ends)] if ends[1:] else [event.at for event in events if event.at]
    try:
        return datetime.fromtimestamp(max(times), UTC) if times else datetime.fromisoformat(now)
    except (OverflowError, ValueError, OSError):
        return datetime.fromisoformat(now)  # an impossible time; `incidents_of` says so
