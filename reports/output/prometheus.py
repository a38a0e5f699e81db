"""metrics.prom: a verdict in Prometheus' text format, for the textfile collector or a Pushgateway.

Every series carries `target` and `phase`, so that files and groups of different phases never meet. Shares are counted
as failures, as the judge counts them: vql-success-rate of 0.02 is 98 % success.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reports.records.escaping import prometheus_label
from reports.records.records import Entry

STATES = ("GO", "HOLD", "NO-GO")
OUTCOMES = ("met", "missed", "unmeasured")
FAMILIES = {
    "vql_gate_verdict": "1 for the verdict of a phase, 0 for the others",
    "vql_gate_outcome": "1 for the outcome of a criterion, 0 for the other outcomes",
    "vql_gate_value": "measured value of a criterion; shares are counted as failures",
    "vql_gate_interval": "bounds of the 99.7 % interval of the value",
    "vql_gate_limit": "the criterion's own limits",
    "vql_gate_samples": "observations a criterion rests on",
    "vql_gate_needed": "observations a criterion still needs",
    "vql_gate_answers": "backend answers of the run by the path that served them",
    "vql_gate_incidents": "things that happened to the run itself",
    "vql_gate_requests": "requests the run sent",
    "vql_gate_credits": "credits the run spent",
    "vql_gate_finished_seconds": "when the run finished, epoch seconds",
    "vql_gate_valid_until_seconds": "end of a GO's validity, epoch seconds; absent without a GO",
}
Series = tuple[str, dict[str, str], float]


def exposition(verdict: Entry) -> str:
    """All families as gauges, each with HELP and TYPE once."""
    lines: dict[str, list[str]] = {name: [] for name in FAMILIES}
    for name, labels, number in (*_of_phases(verdict), *_of_run(verdict)):
        text = ",".join(f'{label}="{prometheus_label(value)}"' for label, value in labels.items())
        lines[name].append(f"{name}{{{text}}} {number!r}")
    return "".join(
        f"# HELP {name} {FAMILIES[name]}\n# TYPE {name} gauge\n" + "".join(f"{line}\n" for line in series)
        for name, series in lines.items()
        if series
    )


def of_phase(verdict: Entry, phase: str) -> Entry:
    """The verdict as if that phase alone had been asked: what is pushed as one group."""
    return {**verdict, "phases": {phase: verdict["phases"][phase]}}


def _of_phases(verdict: Entry) -> Iterator[Series]:
    for phase, entry in verdict["phases"].items():
        labels = {"target": verdict["target"], "phase": phase}
        for state in STATES:
            yield "vql_gate_verdict", {**labels, "state": state}, float(entry["verdict"] == state)
        for finding in entry["findings"]:
            yield from _of_finding({**labels, "criterion": finding["criterion"]}, finding)


def _of_finding(labels: dict[str, str], finding: Entry) -> Iterator[Series]:
    for state in OUTCOMES:
        of_state = {**labels, "kind": finding["kind"], "state": state}
        yield "vql_gate_outcome", of_state, float(finding["outcome"] == state)
    if finding["value"] is not None:
        yield "vql_gate_value", {**labels, "unit": finding["unit"]}, float(finding["value"])
    for bound, number in zip(("low", "high"), finding["interval"] or (), strict=False):
        yield "vql_gate_interval", {**labels, "bound": bound}, float(number)
    for level in ("target", "alert"):
        if finding[level] is not None:
            yield "vql_gate_limit", {**labels, "level": level}, float(finding[level])
    yield "vql_gate_samples", labels, float(finding["count"])
    yield "vql_gate_needed", labels, float(finding["needed"])


def _of_run(verdict: Entry) -> Iterator[Series]:
    """What belongs to the run as a whole: to its phase, or to its phases together."""
    labels = {"target": verdict["target"], "phase": "+".join(verdict["phases"])}
    for served_by, count in verdict["provenance"].items():
        yield "vql_gate_answers", {**labels, "served_by": served_by}, float(count)
    yield "vql_gate_incidents", labels, float(len(verdict["incidents"]))
    yield "vql_gate_requests", labels, float(verdict["cost"]["requests"])
    yield "vql_gate_credits", labels, float(verdict["cost"]["credits"])
    yield "vql_gate_finished_seconds", labels, datetime.fromisoformat(verdict["finished"]).timestamp()
    if verdict["valid_until"]:
        yield "vql_gate_valid_until_seconds", labels, datetime.fromisoformat(verdict["valid_until"]).timestamp()
