"""A check of an endpoint that the deployment does not have holds nothing back, and is never met."""

import pytest

from reports.judge.criteria import Criterion
from reports.judge.findings import Finding
from reports.judge.rules.dispatch import evidence_of, finding_of
from reports.judge.rules.not_deployed import NOT_DEPLOYED
from reports.output import presentation
from reports.records.records import CheckPlan, Comparison, Fact, Observation, Outcome, Provenance, Record
from suites.selftest.support.phase_builders import gate_of

PHASE = "phase2"
GONE = "attributes"


def _fact(name: str, ok: bool | None = True) -> Fact:
    return Fact(phase=PHASE, name=name, ok=ok, sentence="not in this deployment: GET /attributes/ answers 404")


def _answers(check: str, count: int, outcome: Outcome = Outcome.EQUAL) -> list[Record]:
    answer = Observation(side="backend", at=1.0, elapsed_ms=1.0, status=200, provenance=Provenance.VQL)
    keys = [f"{check}-{number}" for number in range(count)]
    samples = [
        Comparison(phase=PHASE, check=check, key=key, stratum="all", outcome=outcome, answers=(answer,)) for key in keys
    ]
    return [CheckPlan(phase=PHASE, check=check, population=10_000, strata={"all": 10_000}, planned=count), *samples]


def _finding(*records: Record, checks: tuple[str, ...] = (GONE,)) -> Finding:
    criterion = Criterion(id="c", guide="g", rule="exact", reason="r", checks=checks, least=3)
    return finding_of(criterion, gate_of(criterion, phase=PHASE), evidence_of(records, PHASE, True))


def test_a_confirmed_absence_is_advisory_and_unmeasured() -> None:
    own_finding = _finding(_fact(f"{NOT_DEPLOYED}{GONE}"))

    assert (own_finding.outcome, own_finding.kind, own_finding.not_deployed) == ("unmeasured", "advisory", (GONE,))
    assert own_finding.sentence.startswith("not in this deployment")


@pytest.mark.parametrize(
    "records",
    [
        [],
        [_fact(GONE, None)],
        [_fact(f"{NOT_DEPLOYED}{GONE}", None)],
        [_fact(f"{NOT_DEPLOYED}{GONE}"), _fact(f"{NOT_DEPLOYED}{GONE}", False)],
        [_fact(f"{NOT_DEPLOYED}{GONE}"), _fact(GONE, None)],
        [_fact(f"{NOT_DEPLOYED}other")],
    ],
    ids=["nothing", "declared-only", "open", "found-by-one", "doubted-by-one", "of-another"],
)
def test_what_is_not_confirmed_by_all_holds(records: list[Record]) -> None:
    own_finding = _finding(*records)

    assert (own_finding.outcome, own_finding.kind, own_finding.not_deployed) == ("unmeasured", "blocking", ())


def test_a_check_that_was_asked_all_the_same_is_judged() -> None:
    own_finding = _finding(_fact(f"{NOT_DEPLOYED}{GONE}"), *_answers(GONE, 3, Outcome.DIFFERENT))

    assert (own_finding.outcome, own_finding.kind) == ("missed", "blocking")


@pytest.mark.parametrize(
    ("outcome", "count", "judged"),
    [(Outcome.EQUAL, 3, "met"), (Outcome.EQUAL, 2, "unmeasured"), (Outcome.DIFFERENT, 3, "missed")],
)
def test_beside_it_the_other_checks_decide(outcome: Outcome, count: int, judged: str) -> None:
    own_finding = _finding(
        _fact(f"{NOT_DEPLOYED}{GONE}"), *_answers("listing", count, outcome), checks=("listing", GONE)
    )

    assert (own_finding.outcome, own_finding.kind, own_finding.not_deployed) == (judged, "blocking", (GONE,))
    assert own_finding.sentence.endswith(f"not in this deployment: {GONE}")


def test_the_headline_counts_them() -> None:
    finding = {"not_deployed": [GONE], "kind": "advisory", "outcome": "unmeasured"}
    phase = {"findings": [finding, finding], "flag": ""}
    verdict = {"verdict": "GO", "phases": {PHASE: phase}, "fingerprint": {}}

    assert presentation.headline(verdict).startswith(
        "GO, without 1 check of endpoints that this deployment does not have: every blocking criterion is met"
    )
    assert presentation.notes(verdict) == [f"{PHASE}: {GONE} was not asked: this deployment does not have it"]
