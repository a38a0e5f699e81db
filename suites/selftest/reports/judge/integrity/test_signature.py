"""A signature holds for exactly the entry it was made for, and for no other key."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reports.history import store
from reports.history.entry import HistoryEntry, PhaseEntry
from reports.judge.integrity.signature import signed, why_unsigned

KEY = "a key of the pipeline"
ENTRY = {"verdict": "GO", "phases": {"phase1": {"findings": [{"count": 299}]}}, "share": 0.25, "text": "é"}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_what_was_signed_is_known_again() -> None:
    assert why_unsigned(signed(ENTRY, KEY), KEY) == ""
    assert why_unsigned(json.loads(json.dumps(signed(ENTRY, KEY))), KEY) == ""


def test_without_a_key_nothing_is_signed_or_asked_for() -> None:
    assert signed(ENTRY, "") == ENTRY
    assert signed(signed(ENTRY, KEY), "") == ENTRY
    assert why_unsigned(ENTRY, "") == ""


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        {**ENTRY, "signature": ""},
        {**ENTRY, "signature": None},
        {**ENTRY, "signature": "hmac-sha256:é"},
        {**ENTRY, "signature": "hmac-sha256:" + 64 * "0"},
        signed(ENTRY, "another key"),
        {**signed(ENTRY, KEY), "verdict": "HOLD"},
        {**signed(ENTRY, KEY), "phases": {"phase1": {"findings": [{"count": 300}]}}},
        {**signed(ENTRY, KEY), "more": 1},
        {name: value for name, value in signed(ENTRY, KEY).items() if name != "share"},
    ],
    ids=["none", "empty", "null", "odd", "zeros", "other-key", "changed", "deep", "more", "less"],
)
def test_whatever_differs_is_not_signed(entry: dict[str, object]) -> None:
    assert why_unsigned(entry, KEY)


def _entry(name: str) -> HistoryEntry:
    ended = (NOW - timedelta(hours=1)).isoformat()
    return HistoryEntry(
        run_id=name,
        target="live",
        where="https://contact360.example",
        recorded_sha256=name,
        started=ended,
        finished=ended,
        verdict="GO",
        phases={"phase1": PhaseEntry(phase="phase1", verdict="GO")},
    )


def test_a_history_entry_that_was_changed_or_never_signed_is_altered(tmp_path: Path) -> None:
    store.write(tmp_path, _entry("20261125T110000Z-000001"), key=KEY)
    store.write(tmp_path, _entry("20261125T110000Z-000002"))
    changed = store.write(tmp_path, _entry("20261125T110000Z-000003"), key=KEY)
    changed.write_text(changed.read_text().replace('"GO"', '"HOLD"'))

    entries, problems = store.read(tmp_path, key=KEY)

    assert problems == ()
    assert {entry.run_id[-1]: bool(entry.altered) for entry in entries} == {"1": False, "2": True, "3": True}
    assert not any(entry.altered for entry in store.read(tmp_path)[0])
