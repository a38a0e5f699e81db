"""Which path serves after a rollback, by answers, the log and the index; and which flags should be on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fixtures.checks.preflight.rollback import ENDPOINTS, RollbackFacts, expected_flags, of_flags, searches
from fixtures.clients.elasticsearch import IndexUnreachable
from fixtures.clients.provenance.request_log import LogProvenance
from fixtures.settings.settings import FLAGS, SettingsError
from reports.records.records import Comparison, Observation, Outcome, Provenance

VQL, DIRECT, FALLBACK, UNKNOWN = Provenance.VQL, Provenance.DIRECT, Provenance.FALLBACK, Provenance.UNKNOWN


def _samples(*served: Provenance, error: str | None = None) -> list[Comparison]:
    return [
        Comparison(
            phase="rollback",
            check="rollback-contact",
            key=str(number),
            stratum="s",
            outcome=Outcome.EQUAL,
            answers=(Observation(side="backend", provenance=provenance, error=error),),
        )
        for number, provenance in enumerate(served)
    ]


@pytest.mark.parametrize(
    ("served", "ok"),
    [
        ([DIRECT] * 20, True),
        ([DIRECT] * 19 + [VQL], False),
        ([DIRECT] * 19 + [FALLBACK], False),
        ([DIRECT] * 19 + [UNKNOWN], True),
        ([DIRECT] * 17 + [UNKNOWN] * 3, None),
        ([UNKNOWN] * 20, None),
        ([], None),
    ],
    ids=["all-direct", "one-by-vql", "one-fell-back", "one-unknown", "too-many-unknown", "nothing-known", "nothing"],
)
def test_an_endpoint_whose_flag_is_off_must_be_direct(served: Sequence[Provenance], ok: bool | None) -> None:
    fact = RollbackFacts("rollback", "contact", False).served(_samples(*served))

    assert (fact.name, fact.ok) == ("direct-contact", ok)
    assert fact.cause == ("flag-in-force" if ok is False else None)


@pytest.mark.parametrize(
    ("served", "ok"),
    [([VQL] * 20, True), ([VQL, FALLBACK], True), ([VQL, DIRECT], False), ([FALLBACK] * 9, False), ([UNKNOWN], None)],
    ids=["all-vql", "tried-and-fell-back", "one-direct", "never-vql", "unknown"],
)
def test_an_endpoint_whose_flag_is_on_must_be_vqls(served: Sequence[Provenance], ok: bool | None) -> None:
    fact = RollbackFacts("rollback", "listing", True).served(_samples(*served))

    assert (fact.name, fact.ok) == ("vql-listing", ok)


@pytest.mark.parametrize(
    ("signals", "ok"),
    [
        (("log:known",), True),
        (("log:unread",), None),
        (("log:missing",), None),
        (("log:known", "part:unknown"), None),
        ((), None),
    ],
)
def test_a_count_is_direct_where_the_log_knows_it_without_a_marker(signals: tuple[str, ...], ok: bool | None) -> None:
    unknown = Observation(side="backend", provenance=UNKNOWN, signals=signals)
    counted = [replace(sample, answers=(unknown,)) for sample in _samples(*[UNKNOWN] * 9)]

    assert RollbackFacts("rollback", "count", False).served(counted).ok is ok
    assert RollbackFacts("rollback", "count", True).served(counted).ok is None


def test_errors_do_not_show_which_path_serves() -> None:
    assert RollbackFacts("rollback", "contact", False).served(_samples(VQL, error="timeout")).ok is None


def test_with_an_unknown_flag_nothing_is_decided() -> None:
    assert RollbackFacts("rollback", "contact", None).served(_samples(DIRECT)).ok is None


class _Log:
    usable = True

    def __init__(self, **words: set[str]) -> None:
        self._words = LogProvenance(**words)

    def entries_of(self, request_ids: Sequence[str]) -> LogProvenance:
        del request_ids
        return self._words


@pytest.mark.parametrize(
    ("log", "ok"),
    [
        (_Log(logged={"a", "b"}), True),
        (_Log(logged={"a", "b"}, served={"a"}), False),
        (_Log(logged={"a", "b"}, fell_back={"b"}), False),
        (_Log(), None),
        (None, None),
    ],
    ids=["no-marker", "served", "fell-back", "knows-nobody", "no-log"],
)
def test_the_log_must_know_the_requests_and_mark_none(log: Any, ok: bool | None) -> None:
    fact = RollbackFacts("rollback", "contact", False).in_log(log, ["a", "b"], wait=lambda _: None)

    assert (fact.name, fact.ok) == ("log-contact", ok)


class _Index:
    """Counts searches as the test wants; raises for silence."""

    def __init__(self, *counts: int | IndexUnreachable) -> None:
        self._counts = list(counts)

    def counts_searches(self, *indices: str) -> bool:
        return True

    def searches(self, *indices: str) -> int:
        count = self._counts.pop(0)
        if isinstance(count, IndexUnreachable):
            raise count
        return count


@pytest.mark.parametrize(
    ("index", "ok"),
    [(_Index(5, 5, 5), True), (_Index(5, 5, 9), None), (_Index(IndexUnreachable("x")), None), (None, None)],
    ids=["flat", "grown", "silent", "none"],
)
def test_an_index_that_did_not_search_is_idle(index: Any, ok: bool | None) -> None:
    requested: list[str] = []

    counted = searches(index, ["i"], lambda: requested.append("once"))

    assert RollbackFacts("rollback", "contact", False).idle(counted).ok is ok
    assert requested == ["once"]


def test_flags_are_those_of_the_option_or_else_of_the_settings() -> None:
    named = expected_flags("vql_exports, VQL_LINKEDIN_SEARCH", lambda _: True)

    assert {flag for flag, on in named.items() if on} == {"VQL_EXPORTS", "VQL_LINKEDIN_SEARCH"}
    assert set(expected_flags("none", lambda _: True).values()) == {False}
    assert expected_flags(None, lambda flag: None) == dict.fromkeys(FLAGS)


def test_a_name_that_is_no_flag_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"VQL_EXPORT.*did you mean 'VQL_EXPORTS'"):
        expected_flags("VQL_EXPORT", lambda _: True)


@pytest.mark.parametrize(
    ("on", "wanted"),
    [(True, {"direct-none": False}), (False, {"vql-none": True}), (None, {})],
    ids=["all-on", "none-on", "not-told"],
)
def test_conclusions_from_flags_alone(on: bool | None, wanted: dict[str, bool]) -> None:
    facts = of_flags("rollback", dict.fromkeys(FLAGS, on))

    assert {fact.name: fact.ok for fact in facts} == wanted


def test_every_endpoint_belongs_to_a_flag() -> None:
    assert set(ENDPOINTS.values()) < set(FLAGS)
