"""The run and the bake over time: who served when, fallback periods, phases, and how far a bake has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from reports.history.entry import HistoryEntry
from reports.judge.criteria import Bake
from reports.judge.effective_gate import bakes_of
from reports.output.html import page_sections, svg_charts
from reports.output.html.rendering import section, table
from reports.output.html.svg_charts import TimeSlice
from reports.records.inputs.earlier_runs import EarlierRun
from reports.records.records import Comparison, Entry, Observation
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, duration, moment

SLICES = 60
_HOUR_S = 3600.0


def served(recorded: RunRecords) -> Markup:
    """Who answered over the run: fallbacks and errors where they happened, the phases below."""
    answers = sorted(
        ((sample, answer) for sample, answer in page_sections.backend_answers(recorded) if answer.at),
        key=lambda pair: pair[1].at,
    )
    if len(answers) < 2 or answers[-1][1].at <= answers[0][1].at:
        return Markup()
    begin, span = answers[0][1].at, answers[-1][1].at - answers[0][1].at
    counts = [Counter[str]() for _ in range(SLICES)]
    phases: dict[str, tuple[float, float]] = {}
    for sample, answer in answers:
        place = (answer.at - begin) / span
        counts[min(int(place * SLICES), SLICES - 1)][server(sample, answer)] += 1
        phases[sample.phase] = (phases.get(sample.phase, (place, place))[0], place)
    slices = [TimeSlice(**dict(count)) for count in counts]
    fallbacks, failed = (sum(getattr(part, kind) for part in slices) for kind in ("fallback", "errors"))
    caption = (
        f"{counted(len(answers), 'answer')} of the backend over {duration(span)}: "
        f"{counted(fallbacks, 'fallback')}, {counted(failed, 'error')}{_periods(slices, span)}"
    )
    picture = svg_charts.timeline(caption, slices, span / 60, phases if len(phases) > 1 else {})
    return section("Fallback and errors over the run", page_sections.pictures([(caption, picture)]))


def server(sample: Comparison, answer: Observation) -> str:
    """Who served the answer; while the flag is on, an answer of SQL is a fallback, however it calls itself."""
    if answer.error:
        return "errors"
    if sample.attempt and answer.provenance.is_sql:
        return "fallback"
    return str(answer.provenance)


def _periods(slices: Sequence[TimeSlice], span: float) -> str:
    """ "; mostly fallback from 1 min to 2 min", for each stretch in which SQL served at least half."""
    width, runs = span / len(slices), svg_charts.fallback_runs(slices)
    sentences = [f"{duration(first * width)} to {duration((last + 1) * width)}" for first, last in runs[:3]]
    more = f" and {len(runs) - 3} more" if len(runs) > 3 else ""
    return f"; mostly fallback at {', '.join(sentences)}{more}" if sentences else ""


def bake(verdict: Entry, recorded: RunRecords, earlier: Sequence[HistoryEntry]) -> Markup:
    """How far each phase's bake has come: the time watched so far of what the guide wants, and the runs in it."""
    rows = [row for name in verdict["phases"] for row in _rows(name, verdict, recorded, earlier)]
    heads = ("Phase", "Watched since", "So far", "Wanted", "Runs")
    return section("Bake", table(heads, rows) if rows else "")


def _rows(phase: str, verdict: Entry, recorded: RunRecords, earlier: Sequence[HistoryEntry]) -> list[tuple[str, ...]]:
    bakes = [bake for bake in bakes_of(recorded.run) if phase in (bake.phase, "phase5")]
    now = datetime.fromisoformat(verdict["finished"])
    return [row for bake in bakes if (row := _row(bake, phase, recorded, earlier, now))]


def _row(
    bake: Bake, phase: str, recorded: RunRecords, earlier: Sequence[HistoryEntry], now: datetime
) -> tuple[str, ...] | None:
    begun = [
        datetime.fromisoformat(record.started)
        for record in recorded.records
        if isinstance(record, EarlierRun) and record.of == bake.phase and not record.differs
    ] or [datetime.fromisoformat(entry.started) for entry in earlier if phase == bake.phase and phase in entry.phases]
    if not begun:
        return None
    seconds = (now - min(begun)).total_seconds()
    return bake.phase, moment(min(begun).isoformat()), day(seconds, bake), f"{bake.hours:g} h", f"{len(begun) + 1:,}"


def day(seconds: float, bake: Bake) -> str:
    """ "day 1 of 2 (14 h)"; past the wanted time: "complete (50 h)"."""
    hours = seconds / _HOUR_S
    if hours >= bake.hours:
        return f"complete ({duration(seconds)})"
    days = max(1, round(bake.hours / 24))
    return f"day {min(int(hours // 24) + 1, days)} of {days} ({duration(seconds)})"
