"""Signals that contradict each other are counted and named; answers that tell nothing say why."""

import pytest

from reports.judge.rules.contradictions import contradictions, why_provenance_unknown
from reports.records.records import Observation, Provenance


def _answer(*signals: str, provenance: Provenance = Provenance.VQL) -> Observation:
    return Observation(side="backend", status=200, signals=signals, provenance=provenance)


def test_contradictions_are_counted_of_all_answers() -> None:
    answers = [_answer("header:vql", "trait:vql", "log:fallback")] * 3
    answers += [_answer("trait:vql", "counter:flat"), *[_answer("header:vql", "log:vql")] * 4]

    assert contradictions(answers) == (
        "header says VQL, log says fallback: 3 of 8",
        "body looks like VQL, search counter says the index did not search: 1 of 8",
    )


@pytest.mark.parametrize(
    "signals", [("header:vql", "log:known"), ("header:vql", "header:fallback"), ("log:fallback",), ()]
)
def test_signals_that_agree_are_no_contradiction(signals: tuple[str, ...]) -> None:
    assert contradictions([_answer(*signals)]) == ()


def test_an_answer_of_unknown_provenance_has_a_reason() -> None:
    unknown = Provenance.UNKNOWN
    answers = [
        *[_answer("stored:age", "header:vql", provenance=unknown)] * 2,
        _answer("header:vql", "log:missing", provenance=unknown),
        _answer("header:vql"),
    ]

    assert why_provenance_unknown(answers) == (
        "2 came out of a cache (Age), 1 have no line in the log, although other requests have one"
    )
