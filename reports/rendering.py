"""Writes a verdict down: verdict.json first, then everything for people and machines, each on its own.

A renderer that fails costs its own page and a note, never the verdict.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from reports import allure_results, evidence, metrics, page, summary
from reports.ledger import Recorded, write_text
from reports.wording import Entry


def write_verdict(folder: Path, verdict: Entry) -> None:
    write_text(folder / "verdict.json", json.dumps(verdict, ensure_ascii=False, indent=1) + "\n")


def write_all(folder: Path, recorded: Recorded, verdict: Entry) -> list[str]:
    """Every other output; returns a sentence for each that could not be written."""
    writers: dict[str, Callable[[], None]] = {
        "summary.md": lambda: write_text(folder / "summary.md", summary.markdown(verdict)),
        "summary.html": lambda: write_text(folder / "summary.html", page.html(verdict, recorded)),
        "metrics.prom": lambda: write_text(folder / "metrics.prom", metrics.exposition(verdict)),
        "evidence": lambda: evidence.write(folder, recorded),
        "allure-results": lambda: allure_results.write(folder, verdict),
    }
    notes = []
    for name, writer in writers.items():
        try:
            writer()
        except Exception as error:
            notes.append(f"{name} could not be written: {type(error).__name__}: {error}")
    return notes
