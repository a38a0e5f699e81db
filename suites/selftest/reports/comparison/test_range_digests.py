"""Digests of key ranges, as values: every key in one range, sums that tell, records that meet."""

import time
from bisect import bisect_right
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparison.range_digests import (
    KINDS,
    KeyContents,
    KeyRange,
    added,
    cut,
    disagreements_of,
    edges,
    kind_of,
    meetings,
    text_of,
    unequal,
)
from reports.judge.causes import codes
from reports.records.records import DifferenceKind

KEYS = st.lists(st.text(min_size=1, max_size=6), unique=True).map(sorted)
AT, BEFORE, LATER = "2026-01-15T12:00:00.000+00:00", datetime(2026, 1, 15, 11), datetime(2026, 1, 15, 13)


@given(KEYS, st.integers(1, 9))
def test_every_key_lies_in_exactly_one_part(keys: list[str], pieces: int) -> None:
    spans = cut(keys, pieces)

    assert (spans[0].low, spans[-1].high) == ("", None)
    assert all(sum(key in span for span in spans) == 1 for key in keys)
    assert len(spans) <= pieces or pieces > len(keys)


@given(KEYS, st.integers(1, 9))
def test_a_bound_is_no_longer_than_it_must_be(keys: list[str], pieces: int) -> None:
    for span in cut(keys, pieces)[1:]:
        before = max((key for key in keys if key < span.low), default="")

        assert any(key.startswith(span.low) for key in keys)
        assert span.low[:-1] <= before, "a shorter one would do"


@given(KEYS, st.integers(1, 9), st.sets(st.integers(0, 8)))
def test_a_bucket_leads_to_the_span_that_holds_its_keys(keys: list[str], pieces: int, chosen: set[int]) -> None:
    spans = [span for number, span in enumerate(cut(keys, pieces)) if number in chosen]

    bounds, owners = edges(spans)

    assert bounds == sorted(set(bounds))
    assert len(owners) == len(bounds) + 1
    for key in keys:
        owner = owners[bisect_right(bounds, key)]
        assert [number for number, span in enumerate(spans) if key in span] == ([owner] if owner >= 0 else [])


@given(KEYS, KEYS)
def test_pythons_order_of_texts_is_that_of_their_bytes(low: list[str], high: list[str]) -> None:
    assert sorted([*low, *high]) == sorted([*low, *high], key=str.encode)


def test_a_cut_within_a_span_stays_within() -> None:
    spans = cut(["b", "c", "d", "e"], 2, KeyRange(low="b", high="f"))

    assert spans == [KeyRange(low="b", high="d"), KeyRange(low="d", high="f")]
    assert [span.low for span in cut(["a", "b", "c", "f", "g"], 9, KeyRange(low="b", high="f"))] == ["b", "c"]


@pytest.mark.parametrize(
    ("spans", "bounds", "owners"),
    [
        ([KeyRange(low="b", high="d")], ["b", "d"], [-1, 0, -1]),
        ([KeyRange(low="b", high="d"), KeyRange(low="d", high="f")], ["b", "d", "f"], [-1, 0, 1, -1]),
        ([KeyRange(high="c"), KeyRange(low="e")], ["c", "e"], [0, -1, 1]),
        ([], [], [-1]),
    ],
)
def test_a_key_between_spans_belongs_to_none(spans: list[KeyRange], bounds: list[str], owners: list[int]) -> None:
    assert edges(spans) == (bounds, owners)


@pytest.mark.parametrize(
    ("ours", "theirs", "wrapped", "expected"),
    [
        ((3, 10), (3, 10), True, False),
        ((3, 10), (4, 10), True, True),
        ((3, 10), (3, 11), True, True),
        ((3, 2**64 + 10), (3, 10), True, False),  # one store wraps around, the other does not
        ((3, -5), (3, 2**64 - 5), True, False),
        ((3, 10), (3, 11), False, True),
        ((3, 2**60), (3, 2**60 + 1), True, True),
        ((3, 10, 11), (3, 10, 12), True, True),
        ((3, 128), (3, 0), True, True),
        ((3, 2**53 - 1), (3, 2**53 - 2), False, True),
        ((3, 2**53), (3, 2**53 - 1), False, False),  # beyond what a double holds: says nothing
        ((3, 2**54), (3, 5), False, False),
        ((3, 5), (3, -(2**54)), False, False),
        ((3, -(2**54)), (3, 5), False, False),
    ],
)
def test_digests_differ_where_their_numbers_do(
    ours: tuple[int, ...], theirs: tuple[int, ...], wrapped: bool, expected: bool
) -> None:
    assert unequal(ours, theirs, wrapped=wrapped) is expected


@pytest.mark.parametrize("wrapped", [True, False])
def test_digests_of_other_lengths_are_no_digests_of_the_same(wrapped: bool) -> None:
    with pytest.raises(ValueError, match="shorter"):
        unequal((3, 1, 2), (3, 1), wrapped=wrapped)
    with pytest.raises(ValueError, match="shorter"):
        added((3, 1, 2), (3, 1))


def test_parts_add_up() -> None:
    assert added((1, 2, 3), (10, 20, 30)) == (11, 22, 33)


@given(KEYS, KEYS)
def test_records_meet_by_key(ours: list[str], theirs: list[str]) -> None:
    met = list(meetings(((key, {}) for key in ours), ((key, key, {}) for key in theirs)))

    assert [key_contents.key for key_contents in met] == sorted({*ours, *theirs})
    assert [key_contents.key for key_contents in met if key_contents.row is None] == sorted({*theirs} - {*ours})
    assert [key_contents.key for key_contents in met if not key_contents.documents] == sorted({*ours} - {*theirs})


def test_documents_of_one_key_meet_its_row_together() -> None:
    (met,) = meetings([("a", {})], [("a", "1", {}), ("a", "2", {})])

    assert [identity for identity, _ in met.documents] == ["1", "2"]


@pytest.mark.parametrize(
    ("value", "rules", "expected"),
    [
        (None, (), ""),
        ("", (), ""),
        ([], ("list",), ""),
        (["a", None, "b"], ("list",), "a\x1eb"),
        (None, ("zero",), "0"),
        (0, ("zero",), "0"),
        (5.0, ("zero",), "5"),
        (True, (), "true"),
        (" \tA b ", ("trimmed",), "A b"),
        ("_", ("placeholder",), ""),
        ("_x", ("placeholder",), "_x"),
        (3, ("zero",), "3"),
        (True, ("zero",), "1"),
        ("n/a", ("zero",), "n/a"),
        (("a", "b"), ("list",), "a\x1eb"),
        ("!a\x00", ("trimmed",), "!a"),
        ("ÄB", ("lower",), "äb"),
    ],
)
def test_a_value_becomes_the_text_that_is_hashed(value: object, rules: tuple[str, ...], expected: str) -> None:
    assert text_of(value, rules) == expected


def _met(row: dict[str, object] | None, *documents: tuple[str, dict[str, object]]) -> KeyContents:
    return KeyContents(key="k", row=row, documents=documents)


RULES = {"city": (), "company_name": (), "size": ("zero",)}
ROW = {"city": "Oslo", "company_name": "Acme", "size": None}
DOCUMENT = {"city": "Oslo", "company_name": "Acme", "size": 0}


def test_what_both_hold_is_equal_and_so_is_what_neither_holds() -> None:
    assert disagreements_of(_met(ROW, ("k", DOCUMENT)), RULES) == ()
    assert disagreements_of(_met(None), RULES) == ()


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        (_met(ROW), [("", DifferenceKind.MISSING)]),
        (_met(None, ("k", DOCUMENT)), [("", DifferenceKind.GHOST)]),
        (_met(ROW, ("k", DOCUMENT), ("l", {})), [("_id", DifferenceKind.DUPLICATE)]),
        (_met(ROW, ("l", DOCUMENT), ("m", {})), [("_id", DifferenceKind.DUPLICATE)]),
        (_met(ROW, ("l", DOCUMENT)), [("_id", DifferenceKind.IDENTITY)]),
        (_met(ROW, ("k", {**DOCUMENT, "city": "Rome"})), [("city", DifferenceKind.VALUE)]),
        (_met(ROW, ("k", {**DOCUMENT, "city": None})), [("city", DifferenceKind.MISSING)]),
        (_met({**ROW, "city": None}, ("k", DOCUMENT)), [("city", DifferenceKind.GHOST)]),
        (_met(ROW, ("k", {**DOCUMENT, "size": 7})), [("size", DifferenceKind.VALUE)]),
    ],
)
def test_every_way_to_disagree_has_its_name(met: KeyContents, expected: list[tuple[str, DifferenceKind]]) -> None:
    assert [(disagreement.path, disagreement.kind) for disagreement in disagreements_of(met, RULES)] == expected


@pytest.mark.parametrize(
    ("document", "written", "company_written", "indexed", "expected"),
    [
        ({"city": "Rome"}, LATER, None, AT, "stale"),
        ({"city": "Rome"}, BEFORE, None, AT, "different"),
        ({"city": "Rome"}, BEFORE, LATER, AT, "stale"),
        ({"company_name": "Acme Ltd"}, BEFORE, LATER, AT, "copy-stale"),
        ({"company_name": "Acme Ltd"}, BEFORE, BEFORE, AT, "different"),
        ({"city": "Rome", "company_name": "Acme Ltd"}, BEFORE, LATER, AT, "stale"),
        ({"city": None}, BEFORE, None, AT, "different"),
        ({"city": "Rome"}, datetime(2026, 1, 15, 12), None, AT, "different"),
        ({"city": "Rome"}, LATER, None, "2026-01-15T14:00:00+02:00", "stale"),
        ({"city": "Rome"}, LATER, None, "2026-01-15T14:00:00", "different"),
        ({"city": "Rome"}, LATER, LATER, "yesterday", "different"),
        ({"city": "Rome"}, LATER, LATER, None, "different"),
    ],
)
def test_a_difference_is_stale_where_the_row_was_written_after_it_was_indexed(
    document: dict[str, object], written: datetime, company_written: datetime | None, indexed: str | None, expected: str
) -> None:
    differences = disagreements_of(_met(ROW, ("k", DOCUMENT | document)), RULES)

    assert kind_of(differences, {"company_name"}, written, company_written, indexed) == expected


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = disagreements_of(_met(ROW, ("k", {**DOCUMENT, "city": "Rome"})), RULES)

    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        kind = kind_of(differences, (), BEFORE, None, "2026-01-15T12:00:00")
    time.tzset()

    assert kind == "different"


@pytest.mark.parametrize(
    ("met", "kind", "cause"),
    [
        (_met(None, ("k", {})), "ghost", "ghost-in-index"),
        (_met(ROW), "missing", "missing-in-index"),
        (_met(ROW, ("k", DOCUMENT), ("l", DOCUMENT)), "duplicate", "ghost-in-index"),
    ],
)
def test_a_whole_record_outweighs_whatever_else_differs(met: KeyContents, kind: str, cause: str) -> None:
    assert kind_of(disagreements_of(met, RULES), (), LATER, LATER, AT) == kind
    assert KINDS[kind] == cause


def test_every_kind_has_a_cause_and_the_graver_comes_first() -> None:
    assert list(KINDS) == ["ghost", "missing", "duplicate", "stale", "copy-stale", "different"]
    assert set(KINDS.values()) <= codes()
