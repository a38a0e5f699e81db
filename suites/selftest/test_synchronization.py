"""Facts about the index: mappings named where they are wrong, counts allowed what was written meanwhile."""

from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checks.preflight.index_status import IndexFacts, lacking
from fixtures.clients.elasticsearch import IndexUnreachable, NotInIndex
from fixtures.contracts.contract import load

WANTED = {"uuid": "keyword", "title": "text ngram", "size": "long"}
GRAMS = {"type": "text", "fields": {"ngram": {"type": "text"}}}
RIGHT = {"uuid": {"type": "keyword"}, "title": GRAMS, "size": {"type": "long"}}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"more": {"type": "geo_point"}}, []),
        ({"uuid": {"type": "text"}}, ["uuid: text, should be keyword"]),
        ({"size": None}, ["size: not mapped, should be long"]),
        ({"title": {"type": "text"}}, ["title.ngram: not mapped"]),
        ({"uuid": {"properties": {}}}, ["uuid: object, should be keyword"]),
    ],
    ids=["right", "further-fields", "other-type", "missing", "without-sub-field", "object"],
)
def test_a_mapping_is_named_where_it_is_wrong(changed: dict[str, Any], wrong: list[str]) -> None:
    mapping = {name: entry for name, entry in (RIGHT | changed).items() if entry is not None}

    assert lacking(WANTED, mapping) == wrong


def _facts(index: Any, *rows: tuple[int, int], silent: str = "") -> IndexFacts:
    """Facts of a target whose database counts so: (all, fresh) before and after, again and again."""
    counts = list(rows)

    def counted(query: str, parameters: Any) -> list[dict[str, int]]:
        every, fresh = counts.pop(0) if len(counts) > 1 else counts[0]
        return [{"every": every, "fresh": fresh}]

    target = SimpleNamespace(
        index=index,
        database=SimpleNamespace(rows=counted),
        contract=load("guide"),
        settings=SimpleNamespace(index_silent=silent),
    )
    return IndexFacts(target, "phase0", pauses=(1.0,), fresh_s=60, wait=lambda _: None)  # type: ignore[arg-type]


def _index(*counts: int) -> Any:
    """An index that counts so, one after another."""
    told = list(counts)
    return SimpleNamespace(count=lambda _: told.pop(0) if len(told) > 1 else told[0])


CONTACT = load("guide").records["contact"]


@pytest.mark.parametrize(
    ("index", "rows", "ok", "cause"),
    [
        (_index(10), [(10, 0)], True, None),
        (_index(9), [(10, 0)], False, "missing-in-index"),
        (_index(11), [(10, 0)], False, "ghost-in-index"),
        (_index(9), [(10, 1)], True, None),
        (_index(11), [(10, 1)], False, "ghost-in-index"),
        (_index(11), [(10, 0), (12, 0)], True, None),
        (_index(9, 10), [(10, 0)], True, None),
    ],
    ids=["equal", "missing", "ghost", "just-written", "ghost-beside-fresh", "written-meanwhile", "agreed-later"],
)
def test_counts_agree_but_for_what_was_written_meanwhile(
    index: Any, rows: list[tuple[int, int]], ok: bool, cause: str | None
) -> None:
    fact = _facts(index, *rows).count(CONTACT)

    assert (fact.name, fact.ok, fact.cause) == ("count-contact", ok, cause)


def _raising(error: Exception) -> Any:
    def fail(*_: Any) -> Any:
        raise error

    return SimpleNamespace(count=fail, described=fail, health=fail, mapping=fail)


def test_silence_is_a_failure_of_the_engine_and_no_word_about_what_it_holds() -> None:
    facts = _facts(_raising(IndexUnreachable("gone")), (1, 0))

    assert [fact.ok for fact in (facts.reachable(), facts.health())] == [False, False]
    assert [fact.ok for fact in (facts.mapping(CONTACT), facts.count(CONTACT))] == [None, None]


def test_an_index_that_was_silent_from_the_beginning_is_missed_and_not_called_unset() -> None:
    facts = _facts(None, (1, 0), silent="Elasticsearch gave no answer (ConnectionError)")
    reachable, mapping = facts.reachable(), facts.mapping(CONTACT)

    assert (reachable.ok, reachable.cause) == (False, "elasticsearch-silent")
    assert (mapping.ok, mapping.sentence) == (None, "Elasticsearch gave no answer (ConnectionError)")


def test_an_index_that_does_not_exist_is_a_finding() -> None:
    facts = _facts(_raising(NotInIndex("no such index")), (1, 0))

    assert {(fact.ok, fact.cause) for fact in (facts.mapping(CONTACT), facts.count(CONTACT))} == {
        (False, "index-absent")
    }


def test_without_an_index_nothing_is_said() -> None:
    facts = _facts(None, (1, 0))

    assert {fact.ok for fact in (facts.reachable(), facts.health(), facts.mapping(CONTACT), facts.count(CONTACT))} == {
        None
    }


@pytest.mark.parametrize(("status", "ok"), [("green", True), ("yellow", True), ("red", False)])
def test_only_red_is_ill(status: str, ok: bool) -> None:
    assert _facts(SimpleNamespace(health=lambda: status), (1, 0)).health().ok is ok
