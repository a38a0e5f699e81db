"""What a benchmark aims at, what came of it, and whether that is enough."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


def goal(measure: str, value: float, aim: float, *, least: bool = False) -> dict[str, Any]:
    """`value` is to be `aim` at most, or at least."""
    return {
        "what": measure,
        "value": value,
        "goal": aim,
        "least": least,
        "met": value >= aim if least else value <= aim,
    }


def lines(goals: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line per goal, those that were missed marked."""
    for aim in goals:
        bound = "at least" if aim["least"] else "at most"
        yield f"{'met   ' if aim['met'] else 'MISSED'}  {aim['what']}: {aim['value']:g} ({bound} {aim['goal']:g})"


def published(parser: ArgumentParser, run: Callable[[Namespace], dict[str, Any]]) -> dict[str, Any]:
    """A benchmark's report: run as its command line says, printed as JSON, and written where --json wants it."""
    options = parser.parse_args()
    report = run(options)
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return report
