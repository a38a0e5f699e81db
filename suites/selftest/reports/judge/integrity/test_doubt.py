"""What differs from a PostgreSQL in doubt is unmeasured; older rows put it in doubt, as a lagging standby does."""

from types import SimpleNamespace
from typing import Any

import pytest

from reports.judge.causes import most_frequent
from reports.judge.findings import Finding
from reports.judge.integrity.doubt import DOUBTED, in_doubt
from reports.records.cause_codes import CauseCode
from reports.records.records import Comparison, Event, Outcome

BEHIND, MAPPING = CauseCode.DATABASE_BEHIND, CauseCode.FIELD_MAPPING
RULES = {"parity": "exact", "traffic-parity": "traffic", "sync-lag": "lag", "contact-counts": "fact", "health": "fact"}
STANDBY = Event(name=DOUBTED, detail="it is a standby whose replay is paused")


def _comparisons(*causes: CauseCode | None) -> list[Comparison]:
    return [
        Comparison(
            phase="phase1",
            check="contact",
            key=f"k{number}",
            stratum="plain",
            outcome=Outcome.DIFFERENT if cause else Outcome.EQUAL,
            cause=cause,
            answers=(),
        )
        for number, cause in enumerate(causes)
    ]


def _finding(criterion: str, *causes: CauseCode, outcome: str = "missed") -> Finding:
    sentence = "2 of 9 answers differ"
    return Finding(
        criterion=criterion, guide="g", outcome=outcome, kind="blocking", sentence=sentence, cause=most_frequent(causes)
    )


def _after(*records: Any, findings: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    gate: Any = SimpleNamespace(criteria=[SimpleNamespace(id=name, rule=rule) for name, rule in RULES.items()])
    return [(after.outcome, after.cause and after.cause.code) for after in in_doubt(findings, gate, records)]


@pytest.mark.parametrize(
    ("causes", "behind", "others"),
    [
        ([MAPPING, None], "missed", "missed"),
        ([BEHIND, None, None], "unmeasured", "unmeasured"),
        ([BEHIND, BEHIND, MAPPING], "unmeasured", "unmeasured"),
        ([BEHIND, MAPPING], "unmeasured", "missed"),
        ([BEHIND, MAPPING, MAPPING], "unmeasured", "missed"),
    ],
    ids=["none", "all", "most", "half", "few"],
)
def test_older_rows_put_postgresql_in_doubt_for_all_if_they_are_most(
    causes: list[CauseCode | None], behind: str, others: str
) -> None:
    findings = _finding("parity", BEHIND, BEHIND), _finding("parity", MAPPING), _finding("parity", BEHIND, MAPPING)

    assert _after(*_comparisons(*causes), findings=findings[:2]) == [
        (behind, BEHIND) if behind == "unmeasured" else ("missed", BEHIND),
        (others, MAPPING if others == "missed" else None),
    ]
    assert _after(*_comparisons(*causes), findings=findings[2:]) == [(others, BEHIND)]


@pytest.mark.parametrize("record", [STANDBY, *_comparisons(BEHIND)], ids=["standby", "older"])
@pytest.mark.parametrize(
    ("criterion", "outcome"), [(name, "missed" if name == "health" else "unmeasured") for name in RULES]
)
def test_every_comparison_with_postgresql_is_in_doubt_and_nothing_else(
    record: Any, criterion: str, outcome: str
) -> None:
    assert _after(record, findings=(_finding(criterion, MAPPING),))[0][0] == outcome
    assert _after(record, findings=(_finding(criterion, outcome="met"),)) == [("met", None)]


def test_the_sentence_names_the_older_rows_and_the_way_out() -> None:
    gate: Any = SimpleNamespace(criteria=[SimpleNamespace(id="parity", rule="exact")])

    (after,) = in_doubt((_finding("parity", BEHIND),), gate, _comparisons(BEHIND, BEHIND, MAPPING, None))

    assert after.sentence == (
        "PostgreSQL may not be a reliable reference: 2 of 3 answers that differ show a newer row than PostgreSQL has, "
        "as if DATABASE_URL named an old copy (if it names the backend's own database, that was set back). "
        "Compared with it: 2 of 9 answers differ"
    )
