"""The gate a phase is judged by: its own, and with `--bake` also the rules over the window of its bake."""

from __future__ import annotations

from dataclasses import replace

from reports.judge.criteria import AVAILABILITY, POOLED, Bake, Criterion, Gate, GateError, covers, read_gate
from reports.records.run_ledger import Run


def gate_of(run: Run, phase: str) -> Gate:
    """The phase's gate as the run kept it; raises GateError if it kept none.

    If the run asked for the bake, the criteria over a bake's window come from the gate that bakes this phase, as they
    stand there, and look at this phase alone. A gate that bakes others has them anyway.
    """
    gate = _kept(run, phase)
    if not run.options.get("bake") or gate.bake:
        return gate
    for name in sorted(run.gates):
        baking = _kept(run, name)
        window = tuple(bake for bake in baking.bake if bake.phase in (phase, AVAILABILITY))
        if any(bake.phase == phase for bake in window):
            return replace(gate, criteria=(*gate.criteria, *filter(_over_a_bake, baking.criteria)), bake=window)
    return gate


def bakes_of(run: Run) -> list[Bake]:
    """How long each phase has to bake, by the gates that the run kept."""
    return [bake for name in sorted(run.gates) for bake in _kept(run, name).bake]


def _over_a_bake(criterion: Criterion) -> bool:
    """Not over the weeks before flags go, and not what the bake asks of the deployment itself."""
    return criterion.hours is None and (criterion.rule in POOLED or covers(criterion, "history"))


def _kept(run: Run, phase: str) -> Gate:
    file = run.gates.get(phase)
    if file is None:
        raise GateError(f"the run asked {phase}, but kept no gate file for it")
    return read_gate(file.text, file.path)
