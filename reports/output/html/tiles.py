"""The guide's five metrics as tiles: now, how sure, the limits, on how much it rests, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.history.entry import HistoryEntry
from reports.judge.criteria import Criterion, Gate
from reports.output import presentation
from reports.output.html import page_sections, svg_charts
from reports.records.records import Entry, Pair
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, ratio

METRICS = (  # title, what the criterion measures
    ("VQL success", "vql-failures"),
    ("Fallback", "fallbacks"),
    ("Response time", "latency"),
    ("Errors", "errors"),
    ("Connectra availability", "connectra-errors"),
)
TAILS, TIMES = ("p95", "pooled-p95"), ("latency", "pooled-latency")
NOTHING = Markup()
WORDS = {"met": "on target", "missed": "missed", "unmeasured": "not decided", "absent": "not part of this phase"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One metric, ready to be shown."""

    title: str
    outcome: str
    number: str = "–"
    gauge: Markup = NOTHING
    limits: str = ""
    notes: tuple[str, ...] = ()
    trend: Markup = NOTHING
    waived: str = ""  # the ticket of a waiver

    @property
    def word(self) -> str:
        waived = f", waived ({self.waived})" if self.waived else ""
        return f"{presentation.SYMBOLS.get(self.outcome, '')} {WORDS[self.outcome]}{waived}".strip()


def tiles(
    name: str, phase: Entry, gate: Gate | None, recorded: RunRecords, earlier: Sequence[HistoryEntry]
) -> list[Tile]:
    """The five tiles of a phase; none without its gate, or where it asks for none of the metrics."""
    if gate is None:
        return []
    findings = {finding["criterion"]: finding for finding in phase["findings"]}
    chosen = [(title, _chosen(gate.criteria, findings, measure)) for title, measure in METRICS]
    if all(finding is None for _, finding in chosen):
        return []
    pairs = [record for record in recorded.records if isinstance(record, Pair) and record.phase == name]
    tail = _tail(gate.criteria, findings, pairs)
    return [
        _tile(title, finding, name, earlier, tail if title == "Response time" else "")
        if finding is not None
        else Tile(title=title, outcome="absent")
        for title, finding in chosen
    ]


def _chosen(criteria: Sequence[Criterion], findings: Mapping[str, Entry], measure: str) -> Entry | None:
    """The finding that speaks of the metric: that of the longest view is not it, the worst of several latencies is."""
    if measure == "latency":
        chosen = [
            findings[criterion.id]
            for criterion in criteria
            if criterion.rule in TIMES and not criterion.hours and criterion.id in findings
        ]
        return min(
            chosen, key=lambda finding: (presentation.RANK[finding["outcome"]], -(finding["value"] or 0)), default=None
        )
    chosen = [
        findings[criterion.id]
        for criterion in sorted(
            criteria, key=lambda criterion: ("success" in criterion.id and measure == "errors", criterion.hours or 0)
        )
        if criterion.of == measure and criterion.rule != "burn" and criterion.id in findings
    ]
    return chosen[0] if chosen else None


def _tile(title: str, finding: Entry, phase: str, earlier: Sequence[HistoryEntry], tail: str) -> Tile:
    flipped = presentation.counts_failures(finding)
    measured = finding["value"] is not None
    gauge = Markup()
    if measured and finding["target"] is not None:
        gauge = svg_charts.gauge(
            finding["value"],
            finding["interval"],
            finding["target"],
            finding["alert"],
            finding["outcome"],
            flipped=flipped,
            width=220,
        )
    return Tile(
        title=title,
        outcome=finding["outcome"],
        number=presentation.value(finding) if measured else "–",
        gauge=gauge,
        limits=presentation.limit(finding),
        notes=tuple(filter(None, (_basis(finding), _lacking(finding), tail))),
        trend=page_sections.sparkline(finding, phase, earlier),
        waived=finding.get("waived") or "",
    )


def _basis(finding: Entry) -> str:
    if finding["value"] is None:
        return presentation.finding_sentence(finding)
    noun = "pair" if finding["unit"] == "ratio" else "answer"
    interval = presentation.bounds(finding)
    return f"n = {counted(finding['count'], noun)}" + (f"; likely {interval}" if interval else "")


def _lacking(finding: Entry) -> str:
    if finding["outcome"] != "unmeasured" or finding["value"] is None:
        return ""
    return f"so far; {finding['needed']:,} more needed to decide" if finding["needed"] else "so far"


def _tail(criteria: Sequence[Criterion], findings: Mapping[str, Entry], pairs: Sequence[Pair]) -> str:
    """The slowest calls: as judged, or as known so far."""
    judged = [findings[criterion.id] for criterion in criteria if criterion.rule in TAILS and criterion.id in findings]
    if judged and judged[0]["value"] is not None and judged[0]["unit"] == "ratio":
        measured = ratio(judged[0]["value"])
        return (
            f"slowest 5 % (p95): {measured}, {presentation.SYMBOLS[judged[0]['outcome']]} {WORDS[judged[0]['outcome']]}"
        )
    if not pairs:
        return ""
    vql, direct = (svg_charts.quantile(sorted(times), 0.95) for times in _times(pairs))
    return f"slowest 5 % (p95): {ratio(vql / direct)} so far"


def _times(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    return [pair.vql_ms for pair in pairs], [pair.direct_ms for pair in pairs]
