"""A NO-GO of exactness ends only when the keys that were wrong are right, whatever seed the next run has."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reports.history.wrong_keys import RunMemory, outstanding
from reports.judge.findings import Finding, evidence_of
from reports.judge.rules.dispatch import finding_of
from reports.judge.rules.memory import right_again, still_wrong, with_memory
from reports.records.inputs.wrong_keys import WrongKey, token_of
from reports.records.records import Difference, DifferenceKind, Outcome, Record, from_json, to_json
from suites.selftest.support.phase_builders import FALLBACK, criterion_of, gate_of, plan_of, sampled, samples

EXACT = criterion_of("exact", "x", least=10)
GATE = gate_of(EXACT)
FINE = [*samples(20), plan_of()]
DIFFERENCE = (Difference(path="a", kind=DifferenceKind.VALUE, expected="<1>", actual="<2>"),)


def _wrong(key: object, *, check: str = "x", run: str = "r1", forgotten: bool = False) -> WrongKey:
    return WrongKey(phase="p", check=check, token=token_of(check, str(key)), seed=3, run=run, forgotten=forgotten)


def _finding(records: Sequence[Record], flag_on: bool | None = True) -> Finding:
    evidence = evidence_of(records, "p", flag_on)
    return with_memory(EXACT, evidence, finding_of(EXACT, GATE, evidence))


@pytest.mark.parametrize(
    ("records", "outcome", "says"),
    [
        (FINE, "met", "no mismatch in 20"),
        ([*FINE, _wrong(3)], "met", "no mismatch in 20"),
        (
            [*FINE, _wrong(99)],
            "missed",
            "1 key that r1 found wrong (x) was not found right since; run it with",
        ),
        ([*FINE, _wrong(98), _wrong(99)], "missed", "2 keys that r1 found wrong (x) were not found right since"),
        ([*FINE, sampled(99, Outcome.DIFFERENT, differences=DIFFERENCE), _wrong(99)], "missed", "1 of 21 answers"),
        ([*FINE, sampled(99, Outcome.FAILED, error="timeout"), _wrong(99)], "missed", "not found right since"),
        ([*FINE, sampled(99, Outcome.VOID), _wrong(99)], "missed", "not found right since"),
        ([*FINE, sampled(99, served=FALLBACK), _wrong(99)], "missed", "not found right since"),
        ([*FINE, sampled(99, Outcome.EXCUSED, differences=DIFFERENCE), _wrong(99)], "met", "no mismatch in 20"),
        ([*FINE, _wrong(3, check="y")], "met", "no mismatch in 20"),
        ([*FINE, _wrong(99, forgotten=True)], "met", "1 key that earlier runs found wrong was forgotten"),
        ([*samples(5), plan_of(), _wrong(99)], "missed", "now: no mismatch in 5; need 10"),
    ],
)
def test_a_key_that_was_wrong_has_to_be_right(records: list[Record], outcome: str, says: str) -> None:
    finding = _finding(records)

    assert finding.outcome == outcome, finding.sentence
    assert says in finding.sentence


def test_answers_of_sql_settle_nothing() -> None:
    """With the flag off the finding speaks of the direct path, and what VQL answered wrongly stays remembered."""
    records = [*samples(20, served=FALLBACK), plan_of(), _wrong(3)]
    evidence = evidence_of(records, "p", False)

    assert right_again(GATE, evidence) == ()
    assert still_wrong(GATE, evidence, seed=9, run="r2") == (_wrong(3),)


def test_the_next_run_remembers_what_is_still_wrong() -> None:
    wrong = sampled(7, Outcome.DIFFERENT, differences=DIFFERENCE)
    evidence = evidence_of([*samples(5), wrong, _wrong(2), _wrong(99), _wrong(98, forgotten=True)], "p", True)

    kept = still_wrong(GATE, evidence, seed=9, run="r2")

    assert {(wrong_key.token, wrong_key.seed, wrong_key.run) for wrong_key in kept} == {
        (token_of("x", "7"), 9, "r2"),
        (token_of("x", "99"), 3, "r1"),
    }
    assert {wrong_key.token for wrong_key in right_again(GATE, evidence)} == {token_of("x", "2"), token_of("x", "98")}


def test_a_key_is_remembered_until_a_later_run_found_it_right() -> None:
    begun = datetime(2026, 11, 25, tzinfo=UTC)

    def run(hours: int, wrong: Sequence[WrongKey] = (), right: Sequence[WrongKey] = (), phase: str = "p") -> RunMemory:
        finished = begun + timedelta(hours=hours)
        return RunMemory(phase=phase, finished=finished, wrong=tuple(wrong), right=tuple(right))

    first_key, second_key = _wrong(1), _wrong(2)

    assert outstanding([run(1, [first_key])], ["p"]) == (first_key,)
    assert outstanding([run(1, [first_key]), run(2, right=[first_key])], ["p"]) == ()
    assert outstanding([run(2, right=[first_key]), run(1, [first_key, second_key])], ["p"]) == (second_key,)
    assert outstanding([run(1, [first_key]), run(2)], ["p"]) == (first_key,), (
        "a run that began before knows nothing of it"
    )
    assert outstanding([run(1, right=[first_key]), run(2, [first_key])], ["p"]) == (first_key,)
    assert outstanding([run(1, [first_key]), run(2, [second_key])], ["p"]) == (second_key, first_key)
    assert outstanding([run(1, [first_key])], ["q"]) == ()


def test_a_token_holds_no_key_and_is_a_record() -> None:
    wrong = _wrong("9b2e0c5e-6a4f-4a55-8f0e-000000000001")

    assert from_json(to_json(wrong)) == wrong
    assert "9b2e0c5e" not in str(to_json(wrong))
    assert wrong.token != token_of("y", "9b2e0c5e-6a4f-4a55-8f0e-000000000001")
