"""From the history to records: the earlier runs that a bake may pool, each with what sets it apart from this run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from reports.history.entry import FindingSummary, HistoryEntry, PairBlock, PhaseEntry, where
from reports.judge.criteria import AVAILABILITY, Gate
from reports.judge.effective_gate import gate_of
from reports.judge.integrity.standing_go import AHEAD, differing
from reports.judge.integrity.suite import identity
from reports.judge.rules.bake.window import reach
from reports.records.inputs.earlier_runs import EarlierCount, EarlierRun, EarlierTimes
from reports.records.run_ledger import Run


def recalled(entries: Iterable[HistoryEntry], run: Run, phase: str) -> tuple[EarlierRun, ...]:
    """What the bake of this phase asks for: runs of the same deployment, as old as its longest window, oldest first."""
    gate = gate_of(run, phase)
    now, bonds = datetime.fromisoformat(run.started), _bonds(run, gate)
    since = now - timedelta(hours=_longest(gate))
    runs = []
    for entry in entries:
        if (entry.target, entry.where) != (run.target, where(run)) or entry.ended_at < since:
            continue
        for name in sorted(bonds.keys() & entry.phases.keys()):
            differs = _differs(entry, name, bonds[name], now)
            runs.append(_past_run(entry, name, phase, differs))
    return tuple(runs)


def _longest(gate: Gate) -> float:
    """How many hours of history the gate's rules look at."""
    return max((reach(bake, criterion.hours) for bake in gate.bake for criterion in gate.criteria), default=0.0)


def _bonds(run: Run, gate: Gate) -> dict[str, Mapping[str, str]]:
    """What an earlier run of each phase must have been bound to: as this run is."""
    this_run = HistoryEntry(
        run_id=run.run_id,
        target=run.target,
        where=where(run),
        started=run.started,
        finished=run.started,
        verdict="",
        contract=run.contract,
        flags=dict(run.flags),
        fingerprint=run.fingerprint,
        known_sha256=run.known_sha256,
        suite=identity(),
        phases={name: PhaseEntry(phase=name, verdict="", gate_sha256=file.sha256) for name, file in run.gates.items()},
    )
    return {bake.phase: this_run.bond(bake.phase) for bake in gate.bake}


def _differs(entry: HistoryEntry, phase: str, bond: Mapping[str, str], now: datetime) -> tuple[str, ...]:
    unknown_to = ("known", "judge", "contract") if entry.is_summary_only else ()
    if phase == AVAILABILITY:  # a service that is out tells no build, and a new build does not forget an outage
        unknown_to = (*unknown_to, "build", "connectra", "index")
    differs = [name for name in differing(entry.bond(phase), bond) if name not in unknown_to]
    if entry.altered:
        differs.append("an invalid signature")
    if entry.options.get("faults"):
        differs.append("faults on purpose")
    if entry.ended_at > now + AHEAD:
        differs.append("clock")
    return tuple(differs)


def _past_run(entry: HistoryEntry, of: str, phase: str, differs: tuple[str, ...]) -> EarlierRun:
    phase_entry = entry.phases[of]
    return EarlierRun(
        phase=phase,
        run=entry.run_id,
        of=of,
        started=entry.started or entry.finished,
        finished=entry.finished,
        verdict=phase_entry.verdict,
        seed=entry.seed,
        differs=differs,
        qualified=not entry.is_summary_only,
        incident=next(iter(entry.withheld), ""),
        counts=tuple(count for kept in phase_entry.criteria if (count := _count(kept))),
        times=tuple(_times(check, blocks) for check, blocks in _by_check(phase_entry.blocks).items()),
    )


def _count(kept: FindingSummary) -> EarlierCount | None:
    """Shares, mismatches and pairs of times have counts; of anything else there is whether its evidence was fit."""
    share, exact, timed = kept.failures is not None, kept.unit == "mismatches", kept.unit == "ratio"
    if not (share or exact or timed or kept.unfit):
        return None
    return EarlierCount(
        criterion=kept.criterion,
        failures=kept.failures if kept.failures is not None else round(kept.value or 0) if exact else 0,
        count=kept.count if share or exact or timed else 0,
        unit="share" if share else kept.unit,
        whole=exact and kept.interval is not None and tuple(kept.interval) == (0.0, 0.0),
        unknown=kept.unknown,
        void=kept.void,
        lost=kept.lost,
        excused=kept.excused,
        unfit=kept.unfit,
    )


def _by_check(blocks: Sequence[PairBlock]) -> dict[str, list[PairBlock]]:
    """Blocks against plain SQL are left out: they can only advise."""
    by_check: dict[str, list[PairBlock]] = {}
    for block in blocks:
        if block.direct_by != "sql":
            by_check.setdefault(block.check, []).append(block)
    return by_check


def _times(check: str, blocks: Sequence[PairBlock]) -> EarlierTimes:
    again = tuple(time for block in blocks for time in block.again_ms)
    direct = tuple(time for block in blocks for time in block.direct_ms)
    return EarlierTimes(
        check=check,
        vql_ms=tuple(time for block in blocks for time in block.vql_ms),
        direct_ms=direct,
        again_ms=again if len(again) == len(direct) else (),
    )
