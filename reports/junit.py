"""The verdict as properties of the JUnit file, where every CI shows it."""

from __future__ import annotations

import pytest

from reports.wording import Entry


def add_properties(config: pytest.Config, verdict: Entry) -> None:
    """Add the verdict to the JUnit file being written, if one is; record_testsuite_property is lost under xdist."""
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return  # private: without it the file lacks the property, nothing else
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    xml.add_global_property("verdict", verdict["verdict"])
    for phase, entry in verdict["phases"].items():
        xml.add_global_property(f"verdict.{phase}", entry["verdict"])
