"""The history of runs: a table for the terminal, and a page with the guide's five metrics over time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from reports.history.entry import FindingSummary, HistoryEntry
from reports.history.store import read
from reports.output import presentation
from reports.output.html import page, page_sections
from reports.output.html.rendering import folded, render
from reports.records.records import Entry
from reports.records.run_ledger import write_text
from reports.records.wording import counted, moment

DRAWN = 200  # runs in one picture: more are a smear
NAMED = 3  # missed criteria per line of the table
METRICS = ("success", "fallback", "latency", "error", "availability")  # the guide's five, by words of criteria's names
OTHER = {"p95", "week", "burn", "export"}  # words of criteria that are another view of them
CHANGED = {"build": "build", "connectra": "Connectra", "flags": "flags", "index": "index", "gate": "gate"}


def tell(folder: Path, *, last: int, page_path: Path, runs: Path | None = None) -> Iterator[str]:
    """Lines of the table, newest last, what could not be read, and where the page is.

    `runs`: the folder of run folders, for links from each run to its page.
    """
    entries, problems = read(folder)
    yield from table(entries[-last:] if last > 0 else entries)
    shown = f", the last {last} shown" if 0 < last < len(entries) else ""
    yield f"{counted(len(entries), 'run')}{shown}"
    yield from (f"can't be read: {problem}" for problem in problems)
    if entries:
        write_text(page_path, html(entries, problems, links=_links(entries, page_path, runs)))
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
            yield f"{at:17} {entry.target:8} {'-':8} {entry.verdict:8} no phase was asked"


def html(
    entries: Sequence[HistoryEntry],
    problems: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
    *,
    refresh: int = 0,
) -> str:
    """A page of trends: every deployment, every phase; `links`: the page of each run, by its id.

    `refresh`: seconds after which a browser loads it anew (0: never).
    """
    deployments = []
    for target, where in sorted({(entry.target, entry.where) for entry in entries}):
        of_target = [entry for entry in entries if (entry.target, entry.where) == (target, where)]
        phases = sorted({name for entry in of_target for name in entry.phases})
        deployments.append(
            {
                "where": where,
                "phases": [
                    _phase([run for run in of_target if name in run.phases], name, links or {}) for name in phases
                ],
            }
        )
    span = ""
    if entries:
        span = f"{counted(len(entries), 'run')}, {moment(entries[0].finished)} to {moment(entries[-1].finished)}"
    body = render("history.html", span=span, problems=problems, deployments=deployments)
    banner = render("plain_banner.html", kind="plain", title="Contact360 VQL gate: history", text="")
    return page.document("History - Contact360 VQL gate", banner, body, refresh=refresh)


def changes(runs: Sequence[HistoryEntry], phase: str) -> list[tuple[float, str]]:
    """When the runs of a phase met another build, Connectra, flag set, index or gate than the run before."""
    moments = []
    for before, after in pairwise(runs):
        old, new = before.bond(phase), after.bond(phase)
        changed = [CHANGED.get(name, name) for name in new if new[name] != old.get(name)]
        if changed:
            moments.append((datetime.fromisoformat(after.started).timestamp(), ", ".join(changed)))
    return moments


def _phase(runs: Sequence[HistoryEntry], phase: str, links: Mapping[str, str]) -> dict[str, object]:
    verdicts = [run.phases[phase].verdict for run in runs]
    tally = ", ".join(
        f"{verdicts.count(verdict)} {verdict}" for verdict in ("GO", "HOLD", "NO-GO") if verdict in verdicts
    )
    drawn = runs[-DRAWN:]
    latest = {kept.criterion: kept for run in runs for kept in run.phases[phase].criteria}
    first = _five(latest)
    further = [kept for name, kept in sorted(latest.items()) if name not in {shown.criterion for shown in first}]
    others = _pictures(drawn, phase, further, links)
    return {
        "name": phase,
        "title": runs[-1].phases[phase].title,
        "tally": f"{counted(len(runs), 'run')}: {tally}" + (f", the last {DRAWN} drawn" if len(runs) > DRAWN else ""),
        "last": verdicts[-1],
        "dots": [
            {"word": run.phases[phase].verdict, "at": moment(run.finished), "link": links.get(run.run_id, "")}
            for run in drawn
        ],
        "changes": [f"{moment(_iso(at))}: other {name}" for at, name in changes(drawn, phase)],
        "metrics": _pictures(drawn, phase, first, links),
        "others": folded("Other criteria", others) if others else "",
    }


def _five(latest: Mapping[str, FindingSummary]) -> list[FindingSummary]:
    """The criteria of the guide's five metrics: of each the first by name; of the latencies all but the tail."""
    summaries: dict[str, FindingSummary] = {}
    for metric in METRICS:
        for name, kept in sorted(latest.items()):
            parts = {"success" if part == "success" else part.removesuffix("s") for part in name.split("-")}
            is_own_metric = metric in parts and not parts & OTHER
            if is_own_metric and kept.unit in ("share", "ratio") and name not in summaries:
                summaries[name] = kept
                if metric != "latency":
                    break
    return list(summaries.values())


def _pictures(
    runs: Sequence[HistoryEntry], phase: str, criteria: Sequence[FindingSummary], links: Mapping[str, str]
) -> Markup:
    pages = {moment(run.finished): links[run.run_id] for run in runs if run.run_id in links}
    figures = []
    for kept in criteria:
        entry = _entry(kept)
        points = page_sections.earlier_points(runs, phase, kept.criterion)
        if presentation.counts_failures(entry):
            points = [point.as_successes() for point in points]
        points = [replace(point, link=pages.get(point.name, "")) for point in points]
        if kept.unit in ("share", "ratio"):
            title = f"{presentation.title(entry)}: now {presentation.value(entry)}"
            figures.append(("", page_sections.trend_picture(title, points, entry, changes(runs, phase))))
    return page_sections.pictures(figures)


def _entry(kept: FindingSummary) -> Entry:
    """The kept finding as the words of a finding take it; the criterion's name where an early history has no title."""
    entry = asdict(kept)
    return {**entry, "title": kept.title or kept.criterion}


def _links(entries: Sequence[HistoryEntry], page_path: Path, runs: Path | None) -> dict[str, str]:
    """Each run's own page, where it still lies in the folder of run folders, relative to the history's page."""
    if runs is None:
        return {}
    pages = {entry.run_id: runs / entry.run_id / "summary.html" for entry in entries}
    here = page_path.absolute().parent
    return {
        name: Path(os.path.relpath(path.absolute(), here)).as_posix() for name, path in pages.items() if path.exists()
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat()


def _open(criteria: Sequence[FindingSummary]) -> Iterator[str]:
    """The first few missed criteria with their values, and how many were not measured."""
    missed = [kept for kept in criteria if kept.outcome == "missed"]
    yield from (f"{kept.criterion} {presentation.value(_entry(kept))}" for kept in missed[:NAMED])
    if len(missed) > NAMED:
        yield f"{len(missed) - NAMED} more missed"
    lacking = [kept.criterion for kept in criteria if kept.outcome == "unmeasured" and kept.kind == "blocking"]
    if lacking:
        yield f"{len(lacking)} not measured ({lacking[0]}{', ...' if len(lacking) > 1 else ''})"
