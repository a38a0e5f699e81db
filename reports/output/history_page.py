"""The history told: a table for the terminal, and a page of trends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from reports.history.entry import FindingSummary, HistoryEntry
from reports.history.store import read
from reports.output import page, page_sections, presentation, svg_charts
from reports.records.escaping import html as escape
from reports.records.run_ledger import write_text

DRAWN = 200  # runs in one picture: more are a smear
NAMED = 3  # missed criteria per line of the table


def tell(folder: Path, *, last: int, page_path: Path) -> Iterator[str]:
    """Lines of the table, newest last, what could not be read, and where the trends were drawn."""
    entries, problems = read(folder)
    yield from table(entries[-last:] if last > 0 else entries)
    shown = f", the last {last} shown" if 0 < last < len(entries) else ""
    yield f"{len(entries)} runs{shown}"
    yield from (f"can't be read: {problem}" for problem in problems)
    if entries:
        write_text(page_path, html(entries, problems))
        yield f"trends: {page_path}"


def table(entries: Sequence[HistoryEntry]) -> Iterator[str]:
    """One line per run and phase: when, where, the verdict, and what kept it from GO."""
    if entries:
        yield f"{'finished (UTC)':17} {'target':8} {'phase':8} {'verdict':8} missed, or not measured"
    for entry in entries:
        at = datetime.fromisoformat(entry.finished).strftime("%Y-%m-%d %H:%M")
        for name, phase in sorted(entry.phases.items()):
            yield f"{at:17} {entry.target:8} {name:8} {phase.verdict:8} {', '.join(_open(phase.criteria))}".rstrip()
        if not entry.phases:
            yield f"{at:17} {entry.target:8} {'-':8} {entry.verdict:8} nothing was asked"


def html(entries: Sequence[HistoryEntry], problems: Sequence[str] = ()) -> str:
    """A page of trends: every deployment, every phase, every share and ratio."""
    parts = (
        [
            f"<p class='soft'>{len(entries)} runs, {presentation.moment(entries[0].finished)} to "
            f"{presentation.moment(entries[-1].finished)}</p>"
        ]
        if entries
        else []
    )
    parts += [f'<p class="HOLD">Not read: {escape(problem)}</p>' for problem in problems]
    for target, where in sorted({(entry.target, entry.where) for entry in entries}):
        own = [entry for entry in entries if (entry.target, entry.where) == (target, where)]
        for phase in sorted({name for entry in own for name in entry.phases}):
            runs = [entry for entry in own if phase in entry.phases]
            parts.append(
                f"<section><h2>{escape(where)}, {escape(phase)}</h2>{_verdicts(runs, phase)}"
                f'<div class="pictures">{"".join(_pictures(runs[-DRAWN:], phase))}</div></section>'
            )
    banner = '<header class="plain"><div><h1>Contact360 VQL gate: history</h1></div></header>'
    return page.document("History - Contact360 VQL gate", banner, "".join(parts))


def _verdicts(runs: Sequence[HistoryEntry], phase: str) -> str:
    words = [run.phases[phase].verdict for run in runs]
    counted = ", ".join(f"{words.count(word)} {word}" for word in ("GO", "HOLD", "NO-GO") if word in words)
    drawn = f", the last {DRAWN} drawn" if len(runs) > DRAWN else ""
    return f"<p>{len(runs)} runs{drawn}: {counted}; the last: <strong class='{words[-1]}'>{words[-1]}</strong></p>"


def _pictures(runs: Sequence[HistoryEntry], phase: str) -> Iterable[str]:
    latest = {kept.criterion: kept for run in runs for kept in run.phases[phase].criteria}
    for criterion, kept in sorted(latest.items()):
        if kept.unit in ("share", "ratio"):
            points = page_sections.earlier_points(runs, phase, criterion)
            picture = svg_charts.trend(criterion, points, kept.target, kept.alert, kept.unit)
            if picture:
                yield f"<figure>{picture}</figure>"


def _open(criteria: Sequence[FindingSummary]) -> Iterator[str]:
    """The first few missed criteria with their values, and how many were not measured."""
    missed = [kept for kept in criteria if kept.outcome == "missed"]
    yield from (f"{kept.criterion} {_number(kept)}".rstrip() for kept in missed[:NAMED])
    if len(missed) > NAMED:
        yield f"{len(missed) - NAMED} more missed"
    lacking = [kept.criterion for kept in criteria if kept.outcome == "unmeasured" and kept.kind == "blocking"]
    if lacking:
        yield f"{len(lacking)} not measured ({lacking[0]}{', ...' if len(lacking) > 1 else ''})"


def _number(kept: FindingSummary) -> str:
    if kept.value is None:
        return ""
    return {"share": f"{100 * kept.value:.2f} %", "ratio": f"{kept.value:.2f}x"}.get(kept.unit, f"{kept.value:g}")
