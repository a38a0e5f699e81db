"""Known differences: what they cover is counted apart, and only as long, as often and where they say."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from reports.comparison.known_differences import Excuse, excused, excuses, in_force
from reports.comparison.record_diff import NOT_READ, RawDifference
from reports.records.known_difference import KnownDifference, KnownDifferenceError, known_of
from reports.records.records import Comparison, Difference, DifferenceKind, Observation, Outcome, Provenance

ENTRY: dict[str, Any] = {
    "id": "industry-first-only",
    "checks": ["company-*"],
    "field": "industry",
    "by": "vql",
    "reason": "first industry only",
    "ticket": "VQL-1",
    "until": date(2026, 12, 31),
    "cap": 0.1,
}
TODAY = date(2026, 11, 25)


def _differs(path: str = "industry", kind: DifferenceKind = DifferenceKind.VALUE) -> RawDifference:
    return RawDifference(path=path, kind=kind, expected="a, b", actual="a")


def _sample(key: str, outcome: Outcome, by: str | None = None) -> Comparison:
    difference = Difference(path="industry", kind=DifferenceKind.VALUE, expected="<a>", actual="<b>", excused_by=by)
    return Comparison(
        phase="phase1",
        check="company-endpoint",
        key=key,
        stratum="s",
        outcome=outcome,
        answers=(Observation(side="backend"),),
        differences=(difference,) if by else (),
    )


@pytest.mark.parametrize(
    ("check", "by", "today", "count"),
    [
        ("company-endpoint", Provenance.VQL, TODAY, 1),
        ("contact-endpoint", Provenance.VQL, TODAY, 0),
        ("company-endpoint", Provenance.DIRECT, TODAY, 0),
        ("company-endpoint", Provenance.UNKNOWN, TODAY, 0),
        ("company-endpoint", Provenance.VQL, date(2026, 12, 31), 1),
        ("company-endpoint", Provenance.VQL, date(2027, 1, 1), 0),
    ],
    ids=["as-declared", "other-check", "other-path", "unknown-path", "last-day", "over"],
)
def test_it_is_in_force_only_where_and_while_it_says(check: str, by: Provenance, today: date, count: int) -> None:
    assert len(in_force([known_of(ENTRY)], check, by, today)) == count


@pytest.mark.parametrize(
    ("difference", "by"),
    [
        (_differs(), "industry-first-only"),
        (_differs("city"), None),
        (_differs("industry", DifferenceKind.IDENTITY), None),
    ],
    ids=["declared", "other-field", "somebody-else"],
)
def test_it_covers_what_it_names(difference: RawDifference, by: str | None) -> None:
    (marked,) = excused([difference], [known_of(ENTRY)])

    assert marked.excused_by == by


@pytest.mark.parametrize(("kinds", "covered"), [([], True), (["missing"], False), (["missing", "value"], True)])
def test_only_the_kinds_that_are_named_are_covered(kinds: list[str], covered: bool) -> None:
    known_difference = known_of({**ENTRY, "kinds": kinds})

    assert (excused([_differs()], [known_difference])[0].excused_by is not None) is covered


@pytest.mark.parametrize(
    ("path", "field", "covered"),
    [
        ("rows.k1.industry", "industry", True),
        ("rows.k1.metadata.industry", "industry", False),
        ("rows.industry", "industry", False),
        ("metadata.rows.k1.industry", "industry", False),
        ("metadata.city", "metadata.*", True),
        ("metadata", "metadata.*", False),
    ],
)
def test_a_field_of_a_row_is_that_field(path: str, field: str, covered: bool) -> None:
    (difference,) = excused([_differs(path)], [known_of({**ENTRY, "field": field})])

    assert (difference.excused_by is not None) is covered


@pytest.mark.parametrize(
    ("reads_as", "expected", "actual", "covered"),
    [
        ("null", "a, b", None, True),
        ("null", "a, b", "", True),
        ("null", "a, b", "a", False),
        ("first-item", "a, b", "a", True),
        ("first-item", "a, b", "b", False),
        ("first-item", "ab, c", "a", False),
        ("first-item", ["a", "b"], "a", False),
        ("never-filled", "a, b", None, True),
        ("never-filled", {"name": "a"}, None, True),
        ("never-filled", "a, b", "", False),
        ("never-filled", "a, b", "a", False),
        ("only-first-item", "a, b", "a", True),
        ("only-first-item", "a,b", "a", True),
        ("only-first-item", "a, b", "b", False),
        ("only-first-item", "a, b", "", False),
        ("only-first-item", "a", "a", False),
        ("only-first-item", ["a", "b"], ["a"], True),
        ("only-first-item", ["a", "b"], ["b"], False),
        ("only-first-item", ["a", "b"], "a", False),
        ("only-first-item", ["a", "b"], [], False),
        ("null-for-empty", [], None, True),
        ("null-for-empty", ["a"], None, False),
        ("null-for-empty", [], "", False),
        ("null-for-empty", "", None, True),
        ("only-first-item", ["a"], ["a"], False),
        ("only-first-item", 5, "5", False),
        ("only-first-item", "5,6", 5, False),
        ("only-first-item", ",b", "", False),
        ("counts-zero", None, 0, True),
        ("counts-zero", None, False, False),
        ("counts-zero", None, 1, False),
        ("counts-zero", 5, 0, False),
        ("hollow", None, {"uuid": "u", "name": None}, True),
        ("hollow", None, {"uuid": "u", "name": "a"}, False),
        ("hollow", None, None, False),
        ("hollow", "a", {"uuid": "u", "name": None}, False),
        ("a-word-of-its-check", "a, b", "a", False),
        ("", "a, b", "anything", True),
    ],
)
def test_a_difference_that_reads_in_a_certain_way_covers_no_other(
    reads_as: str, expected: Any, actual: Any, covered: bool
) -> None:
    kind = DifferenceKind.MISSING if actual is None else DifferenceKind.VALUE
    difference = replace(_differs(kind=kind), expected=expected, actual=actual)

    (marked,) = excused([difference], [known_of({**ENTRY, "reads_as": reads_as})])

    assert (marked.excused_by is not None) is covered


@pytest.mark.parametrize(
    ("stored", "actual", "kind", "covered"),
    [
        ("a", "a", DifferenceKind.VALUE, True),
        ("b", "a", DifferenceKind.VALUE, False),
        (None, None, DifferenceKind.MISSING, True),
        (None, None, DifferenceKind.ABSENT, False),
        (NOT_READ, NOT_READ, DifferenceKind.VALUE, False),
    ],
    ids=["as-stored", "another", "null", "no-key", "no-column"],
)
def test_a_value_as_it_is_stored_needs_a_column_and_a_key(
    stored: Any, actual: Any, kind: DifferenceKind, covered: bool
) -> None:
    difference = replace(_differs(kind=kind), expected="A", stored=stored, actual=actual)

    (marked,) = excused([difference], [known_of({**ENTRY, "reads_as": "as-stored"})])

    assert (marked.excused_by is not None) is covered


@pytest.mark.parametrize(
    ("reads_as", "expected", "actual", "exact"),
    [
        ("never-filled", "a", None, True),
        ("only-first-item", "a, b", "a", True),
        ("null-for-empty", [], None, True),
        ("counts-zero", None, 0, True),
        ("hollow", None, {"uuid": "u"}, True),
        ("null", "a", None, False),
        ("first-item", "a, b", "a", False),
        ("", "a", "b", False),
    ],
)
def test_a_reading_is_exact_where_it_leaves_nothing_of_the_value_open(
    reads_as: str, expected: Any, actual: Any, exact: bool
) -> None:
    kind = DifferenceKind.MISSING if actual is None else DifferenceKind.VALUE
    known_difference = known_of({**ENTRY, "reads_as": reads_as})

    (marked,) = excused([replace(_differs(kind=kind), expected=expected, actual=actual)], [known_difference])

    assert (marked.excused_by, marked.exact) == ("industry-first-only", exact)
    for served, count in ((Provenance.VQL, 1), (Provenance.DIRECT, 0), (Provenance.UNKNOWN, int(exact))):
        assert len(in_force([known_difference], "company-endpoint", served, TODAY)) == count


@pytest.mark.parametrize(("reads_as", "covered"), [("null", False), ("never-filled", False), ("", True)])
def test_null_under_a_key_that_is_not_there_is_no_null(reads_as: str, covered: bool) -> None:
    difference = replace(_differs(kind=DifferenceKind.ABSENT), actual=None)

    (marked,) = excused([difference], [known_of({**ENTRY, "reads_as": reads_as})])

    assert (marked.excused_by is not None) is covered


@pytest.mark.parametrize(
    ("kind", "covered"),
    [(DifferenceKind.MISSING, True), (DifferenceKind.FORM, True), (DifferenceKind.ABSENT, False)],
)
def test_what_is_never_filled_is_shown_as_null_under_its_key(kind: DifferenceKind, covered: bool) -> None:
    difference = replace(_differs(kind=kind), expected="_", actual=None)

    (marked,) = excused([difference], [known_of({**ENTRY, "reads_as": "never-filled"})])

    assert (marked.excused_by is not None) is covered


def test_the_first_that_covers_a_difference_is_named_and_stays_so() -> None:
    known_differences = [
        known_of({**ENTRY, "id": name, "reads_as": how}) for name, how in (("a", "word"), ("b", ""), ("c", ""))
    ]

    (marked,) = excused([_differs()], known_differences)

    assert marked.excused_by == "b"
    assert excused([marked], known_differences[2:]) == (marked,)


@pytest.mark.parametrize(
    ("covered", "equal", "stale", "over"), [(0, 10, True, False), (1, 9, False, False), (2, 8, False, True)]
)
def test_an_excuse_knows_when_it_is_stale_and_when_it_is_over_its_cap(
    covered: int, equal: int, stale: bool, over: bool
) -> None:
    samples = [_sample(f"c{number}", Outcome.EXCUSED, "industry-first-only") for number in range(covered)]
    samples += [_sample(f"e{number}", Outcome.EQUAL) for number in range(equal)]

    (excuse,) = excuses(samples, [known_of(ENTRY)])

    assert (excuse.count, excuse.of, excuse.stale, excuse.over) == (covered, covered + equal, stale, over)


def test_an_excuse_counts_what_it_covered_itself_of_its_own_checks() -> None:
    samples = [
        _sample("a", Outcome.EXCUSED, "industry-first-only"),
        replace(_sample("verified", Outcome.EQUAL, "industry-first-only"), answers=()),
        _sample("b", Outcome.EXCUSED, "another"),
        _sample("c", Outcome.DIFFERENT, "industry-first-only"),
        _sample("d", Outcome.LAGGED),
        _sample("e", Outcome.VOID),
        replace(_sample("f", Outcome.EQUAL), check="contact-endpoint"),
    ]

    (excuse,) = excuses(samples, [known_of(ENTRY)])

    assert (excuse.count, excuse.of) == (2, 5)


def test_an_excuse_counts_at_any_of_its_checks_and_beside_another() -> None:
    both = _sample("a", Outcome.EXCUSED, "industry-first-only")
    both = replace(both, differences=(*both.differences, replace(both.differences[0], excused_by="another")))
    known_differences = [known_of({**ENTRY, "checks": ["nothing", "company-*"]}), known_of({**ENTRY, "id": "another"})]

    assert [excuse.count for excuse in excuses([both, replace(both, key="b", answers=())], known_differences)] == [2, 2]


@pytest.mark.parametrize(
    ("count", "of", "stale", "over"), [(0, 0, False, False), (0, 1, True, False), (1, 1, False, True)]
)
def test_an_excuse_that_nothing_was_asked_for_is_no_news(count: int, of: int, stale: bool, over: bool) -> None:
    excuse = Excuse(id="i", ticket="t", reason="r", until="u", count=count, of=of, cap=0.1)

    assert (excuse.stale, excuse.over) == (stale, over)
    assert excuses([], [known_of(ENTRY)]) == ()


@pytest.mark.parametrize(
    ("by", "served", "count"),
    [
        ("direct", Provenance.FALLBACK, 1),
        ("direct", Provenance.DIRECT, 1),
        ("direct", Provenance.VQL, 0),
        ("vql", Provenance.FALLBACK, 0),
    ],
)
def test_what_the_fallback_gives_is_of_the_direct_path(by: str, served: Provenance, count: int) -> None:
    known_difference = known_of({**ENTRY, "by": by})
    sample = replace(_sample("k", Outcome.EQUAL), answers=(Observation(side="backend", provenance=served),))

    assert len(in_force([known_difference], "company-endpoint", served, TODAY)) == count
    assert len(excuses([sample], [known_difference])) == count


def test_failures_and_repetitions_make_a_cap_no_larger() -> None:
    samples = [
        _sample("c0", Outcome.EXCUSED, "industry-first-only"),
        *(_sample(f"e{n}", Outcome.EQUAL) for n in range(4)),
    ]
    more = [_sample(f"f{n}", Outcome.FAILED) for n in range(20)] + samples[1:] * 5

    assert excuses([*samples, *more], [known_of(ENTRY)]) == excuses(samples, [known_of(ENTRY)])


@pytest.mark.parametrize(
    ("served", "count"),
    [(Provenance.VQL, 1), (Provenance.DIRECT, 0), (Provenance.FALLBACK, 0), (Provenance.UNKNOWN, 1)],
)
def test_an_excuse_is_not_stale_where_its_path_answered_nothing(served: Provenance, count: int) -> None:
    sample = replace(_sample("k", Outcome.EQUAL), answers=(Observation(side="backend", provenance=served),))

    assert len(excuses([sample], [known_of(ENTRY)])) == count


@pytest.mark.parametrize(
    "change",
    [
        {"until": "soon"},
        {"cap": 0},
        {"cap": 2},
        {"reason": ""},
        {"ticket": ""},
        {"by": "anybody"},
        {"why": "x"},
        {"field": ""},
        {"checks": []},
    ],
    ids=str,
)
def test_an_excuse_without_field_reason_ticket_end_and_cap_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(KnownDifferenceError, match="industry-first-only"):
        known_of({**ENTRY, **change})


def test_an_end_that_is_no_date_is_quoted_with_what_is_expected() -> None:
    with pytest.raises(KnownDifferenceError, match="until = 'soon': expected a date, as in "):
        known_of({**ENTRY, "until": "soon"})


@pytest.mark.parametrize("name", ["id", "checks", "field", "by", "reason", "ticket", "until", "cap"])
def test_every_part_of_an_excuse_is_needed(name: str) -> None:
    with pytest.raises(KnownDifferenceError):
        known_of({key: value for key, value in ENTRY.items() if key != name})


def test_a_known_difference_survives_being_recorded() -> None:
    known_difference = known_of(ENTRY)

    assert isinstance(known_difference, KnownDifference)
    assert known_difference.until == "2026-12-31"
    assert known_of({**ENTRY, "until": "2026-12-31", "cap": 1}).until == "2026-12-31"


@pytest.mark.parametrize(
    ("check", "declared", "count"),
    [
        ("rollback-linkedin", "linkedin-*", 1),
        ("rollback-company", "company-endpoint", 1),
        ("rollback-contact", "company-endpoint", 0),
        ("rollback-contact", "contact-endpoint", 1),
        ("rollback-listing", "company-endpoint", 0),
    ],
)
def test_the_rollback_asks_what_a_phase_asks_and_is_excused_as_it_is(check: str, declared: str, count: int) -> None:
    known_difference = known_of({**ENTRY, "checks": [declared]})

    assert len(in_force([known_difference], check, Provenance.VQL, TODAY)) == count
