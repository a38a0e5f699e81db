"""Writes a verdict down: verdict.json first, then everything for people and machines, each on its own.

A renderer that fails costs its own page and a note, never the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.history.entry import HistoryEntry
from reports.history.guide_coverage import GuideLine, read_lines
from reports.history.store import remember
from reports.judge.integrity.signature import signed
from reports.output import evidence, markdown, prometheus
from reports.output.ci import allure_results, github, junit, notify
from reports.output.html import page
from reports.records.records import Entry
from reports.records.run_ledger import RunRecords, write_text

FILES = {  # of a run folder: what each holds
    "summary.html": "the page for people: one file without scripts",
    "summary.md": "the same in short, for a terminal or a pipeline's summary",
    "verdict.json": "the verdict for machines; schema: `reports/judge/verdict.schema.json`",
    "run.json": "what the run was bound to: target, options, flags, fingerprint and the gates' texts",
    "observations/*.jsonl": "everything recorded, one file per worker, written as it happened; survives a kill",
    "evidence/*.jsonl": "per criterion every key that differs: tokens instead of values, timings, the path that served "
    "it, the request, and the command that asks again",
    "junit.xml": "test cases for a pipeline",
    "metrics.prom": "metrics for Prometheus",
    "allure-results/": "results for Allure 2 and 3",
    "allurerc.mjs": "Allure 3's configuration, with the criteria as rules of its quality gate; reads `allurerc.json`",
}
GUIDE_LINES = Path(__file__).parents[1] / "suites" / "guide_lines.toml"


def write_verdict(folder: Path, verdict: Entry, *, key: str = "") -> None:
    """verdict.json, signed if there is a key."""
    plain = json.loads(json.dumps(verdict))
    write_text(folder / "verdict.json", json.dumps(signed(plain, key), ensure_ascii=False, indent=1) + "\n")


def publish(
    folder: Path,
    recorded: RunRecords,
    verdict: Entry,
    *,
    history: Path | None,
    environ: Mapping[str, str] | None = None,
    key: str = "",
) -> list[str]:
    """Keep the run in the history, write everything, tell those the environment names; returns a note per failure.

    `environ` None: no notification (a run that is judged again is no news).
    """
    earlier: Sequence[HistoryEntry] = ()
    notes: list[str] = []
    if history is not None:
        try:
            earlier, notes = remember(history, recorded, verdict, key=key)
        except Exception as error:  # whatever is wrong with the history, the verdict stands
            notes.append(f"the history could not be used: {type(error).__name__}: {error}")
    notes += write_all(folder, recorded, verdict, earlier=earlier, history=history)
    if environ is not None:
        try:
            github.report(verdict, folder, environ)
            notes += notify.announce(verdict, folder, earlier=earlier if history is not None else None, environ=environ)
        except Exception as error:  # others wait for nothing from us
            notes.append(f"the verdict could not be announced: {type(error).__name__}")
    return notes


def write_all(
    folder: Path,
    recorded: RunRecords,
    verdict: Entry,
    *,
    earlier: Sequence[HistoryEntry] = (),
    history: Path | None = None,
) -> list[str]:
    """Every other output; returns a sentence for each that could not be written.

    `earlier`: runs of the same deployment, for trends; `history`: the folder they are kept in.
    """
    writers: dict[str, Callable[[], None]] = {
        "summary.md": lambda: write_text(folder / "summary.md", markdown.markdown(verdict)),
        "summary.html": lambda: write_text(folder / "summary.html", _page(folder, recorded, verdict, earlier)),
        "junit.xml": lambda: junit.write(folder / "junit.xml", verdict),
        "metrics.prom": lambda: write_text(folder / "metrics.prom", prometheus.exposition(verdict)),
        "evidence": lambda: evidence.write(folder, recorded),
        "allure-results": lambda: allure_results.write(folder, verdict, history=history),
    }
    notes = []
    for name, writer in writers.items():
        try:
            writer()
        except Exception as error:
            notes.append(f"{name} could not be written: {type(error).__name__}: {error}")
    return notes


def newest_drills(out: Path) -> Sequence[Mapping[str, Any]]:
    """Rows of the newest detection matrix under the folder of run folders; none when no drill was run there."""
    paths = [path for depth in ("", "*/", "*/*/") for path in out.glob(f"{depth}drills.json")]
    if not paths:
        return ()
    newest = max(paths, key=lambda path: path.stat().st_mtime)
    try:
        rows = json.loads(newest.read_bytes())["rows"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else ()


def _page(folder: Path, recorded: RunRecords, verdict: Entry, earlier: Sequence[HistoryEntry]) -> str:
    return page.html(verdict, recorded, earlier=earlier, drills=newest_drills(folder.parent), lines=_guide_lines())


def _guide_lines() -> Sequence[GuideLine]:
    """The guide's lines as the checkout has them; none where the judge runs without one."""
    try:
        return read_lines(GUIDE_LINES.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
