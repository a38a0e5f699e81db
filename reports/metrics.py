"""metrics.prom: the verdict in Prometheus' text format, for the textfile collector."""

from __future__ import annotations

from datetime import datetime

from reports.wording import Entry

STATES = ("GO", "HOLD", "NO-GO")


def exposition(verdict: Entry) -> str:
    """Gauges: one per verdict state and phase, values, counts and the time of the run."""
    target = verdict["target"]
    states = [
        (f'phase="{_escaped(phase)}",state="{state}",target="{target}"', float(entry["verdict"] == state))
        for phase, entry in verdict["phases"].items()
        for state in STATES
    ]
    values, counts = [], []
    for phase, entry in verdict["phases"].items():
        for finding in entry["findings"]:
            labels = f'phase="{_escaped(phase)}",criterion="{_escaped(finding["criterion"])}",target="{target}"'
            counts.append((labels, float(finding["count"])))
            if finding["value"] is not None:
                values.append((f'{labels},unit="{_escaped(finding["unit"])}"', float(finding["value"])))
    finished = (f'target="{target}"', datetime.fromisoformat(verdict["finished"]).timestamp())
    families = (
        _family("vql_gate_verdict", "1 for the verdict of a phase, 0 for the others", states),
        _family("vql_gate_value", "measured value of a criterion", values),
        _family("vql_gate_samples", "observations a criterion rests on", counts),
        _family("vql_gate_finished_seconds", "when the run finished, epoch seconds", [finished]),
    )
    return "".join(families)


def _family(name: str, text: str, samples: list[tuple[str, float]]) -> str:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
    lines += [f"{name}{{{labels}}} {number!r}" for labels, number in samples]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
