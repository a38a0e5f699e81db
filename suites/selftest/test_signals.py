"""Whether monitoring is active: what is watched must tell VQL from SQL; what only this suite sees is not monitoring."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checks.preflight.monitoring import (
    Monitoring,
    MonitoringSignal,
    _of_counter,
    _of_headers,
    _of_statistics,
    _of_trait,
)
from reports.records.records import Fact, Observation


def _signals(**words: str) -> tuple[MonitoringSignal, ...]:
    """Signals by name: "tells", "there" or "none"."""
    names = ("header", "log", "statistics", "body", "index")
    return tuple(
        MonitoringSignal(
            name=name, exists=words.get(name, "none") != "none", tells=words.get(name) == "tells", says="x"
        )
        for name in names
    )


def _active(flag_on: bool | None, **words: str) -> Fact:
    *_, judged = Monitoring(SimpleNamespace(), "phase0", flag_on=flag_on).facts(_signals(**words))  # type: ignore[arg-type]
    assert judged.name == "monitoring-active"
    return judged


@pytest.mark.parametrize(
    ("flag_on", "words", "ok"),
    [
        (True, {"header": "tells"}, True),
        (True, {"statistics": "tells", "body": "tells"}, True),
        (True, {"body": "tells", "index": "tells"}, False),
        (True, {"statistics": "there", "log": "there"}, False),
        (True, {}, False),
        (False, {"statistics": "there", "body": "tells"}, True),
        (False, {"log": "there"}, True),
        (False, {"body": "tells"}, None),
        (None, {"header": "tells"}, True),
        (None, {"log": "there"}, None),
    ],
    ids=[
        "header",
        "statistics",
        "only-our-own-eyes",
        "there-and-silent",
        "nothing",
        "off-and-there",
        "off-and-logged",
        "off-and-nothing",
        "not-told-and-tells",
        "not-told-and-silent",
    ],
)
def test_monitoring_is_active_when_something_watched_tells(
    flag_on: bool | None, words: Mapping[str, str], ok: bool | None
) -> None:
    fact = _active(flag_on, **words)

    assert fact.ok is ok
    assert fact.cause == ("unmonitored" if ok is False else None)


def test_the_finding_lists_every_signal() -> None:
    assert all(f"{name}: x" in _active(True).sentence for name in ("header", "log", "statistics", "body", "index"))


@pytest.mark.parametrize(
    ("signals", "exists", "tells"),
    [
        (("header:vql", "trait:vql"), True, True),
        (("header:fallback",), True, True),
        (("header:vql", "trait:direct"), True, False),
        (("trait:vql",), False, False),
    ],
    ids=["vql", "fallback", "contradicted", "none"],
)
def test_a_header_tells_unless_the_body_says_otherwise(signals: tuple[str, ...], exists: bool, tells: bool) -> None:
    found = _of_headers(Observation(side="backend", signals=signals))

    assert (found.exists, found.tells) == (exists, tells)


@pytest.mark.parametrize(
    ("before", "after", "exists", "tells"),
    [
        ({"n": 1}, {"n": 2}, True, True),
        ({"n": 1}, {"n": 1}, True, False),
        ({}, {}, False, False),
        ({}, {"n": 1}, True, False),
    ],
    ids=["moved", "still", "placeholder", "there-only-afterwards"],
)
def test_statistics_tell_when_they_move(before: Any, after: Any, exists: bool, tells: bool) -> None:
    found = _of_statistics(before, after)

    assert (found.exists, found.tells) == (exists, tells)


def test_the_body_and_the_index_are_told_apart_from_silence() -> None:
    assert _of_trait(Observation(side="backend", signals=("trait:vql",))).tells
    assert not _of_trait(Observation(side="backend")).exists
    assert [_of_counter(counter, True).tells for counter in ("counter:grew", "counter:flat", None)] == [
        True,
        True,
        False,
    ]
    assert not _of_counter(None, False).exists
