"""The verdict as properties of the JUnit file, where every CI shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reports.output import presentation
from reports.records.escaping import xml
from reports.records.records import Entry


def add_properties(config: pytest.Config, verdict: Entry) -> None:
    """Add the verdict to the JUnit file being written, if one is; record_testsuite_property is lost under xdist."""
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return  # private: without it the file lacks the property, nothing else
    file = config.stash.get(xml_key, None)
    if file is not None:
        for name, value in properties(verdict):
            file.add_global_property(xml(name), xml(value))


def properties(verdict: Entry) -> Iterator[tuple[str, str]]:
    """Name and value: the run, its phases, its criteria."""
    yield "verdict", verdict["verdict"]
    yield "verdict.run", verdict["run"]
    yield "verdict.target", verdict["target"]
    yield "verdict.valid_until", verdict["valid_until"] or ""
    for phase, entry in verdict["phases"].items():
        yield f"verdict.{phase}", entry["verdict"]
        for finding in entry["findings"]:
            told = f"{finding['outcome']}: {presentation.value(finding)} ({presentation.limit(finding) or 'no limit'})"
            yield f"verdict.{phase}.{finding['criterion']}", told
