"""When a check is asked no further, beyond latency: what other checks lack, and shares that a GO does not need."""

from collections.abc import Mapping

import pytest

from reports.judge.criteria import Criterion, Gate, Latency, Recheck
from reports.judge.verdict import decided
from reports.records.records import CheckPlan, Comparison, Observation, Outcome, Provenance, Record
from reports.records.run_ledger import GateFile, Run, RunRecords

STRATA = {"s": 500, "t": 500}
TOGETHER = Criterion(id="together", guide="g", rule="exact", reason="r", checks=("x", "y"), least=20)


def _gate(*criteria: Criterion) -> Gate:
    return Gate(
        phase="p",
        title="t",
        flag="",
        guide="g",
        valid_hours=1,
        samples=1,
        latency=Latency(floor_ms=5.0),
        recheck=Recheck(live_s=(), sandbox_s=()),
        criteria=criteria,
    )


def _asked(check: str, counts: Mapping[str, int]) -> list[Record]:
    """A check whose population has `STRATA`, and so many equal answers of each."""
    answer = Observation(side="backend", provenance=Provenance.VQL)
    return [
        CheckPlan(phase="p", check=check, population=1000, planned=50, strata=STRATA),
        *(
            Comparison(
                phase="p",
                check=check,
                key=f"{stratum}{number}",
                stratum=stratum,
                outcome=Outcome.EQUAL,
                answers=(answer,),
            )
            for stratum, count in counts.items()
            for number in range(count)
        ),
    ]


def _decided(records: list[Record], *criteria: Criterion) -> str | None:
    run = Run(
        run_id="r",
        started="",
        target="live",
        seed=1,
        contract="guide",
        flags={},
        fingerprint={},
        gates={"p": GateFile(path="p", sha256="s", text="t")},
    )
    finding = decided(RunRecords(run=run, records=tuple(records)), _gate(*criteria), "x")
    return finding.outcome if finding else None


@pytest.mark.parametrize(
    ("of_x", "of_y", "outcome"),
    [
        ({"s": 10, "t": 10}, {"s": 20}, "met"),
        ({"s": 20}, {"s": 20}, None),
        ({"s": 2, "t": 2}, {"s": 4}, None),
    ],
    ids=["only-the-other-lacks-strata", "its-own-strata-are-lacking", "not-enough-together"],
)
def test_a_check_is_not_asked_for_what_only_another_one_lacks(
    of_x: Mapping[str, int], of_y: Mapping[str, int], outcome: str | None
) -> None:
    assert _decided([*_asked("x", of_x), *_asked("y", of_y)], TOGETHER) == outcome


@pytest.mark.parametrize(("kind", "outcome"), [("blocking", None), ("veto", "met"), ("advisory", "met")])
def test_a_share_that_a_go_does_not_need_keeps_no_check_going(kind: str, outcome: str | None) -> None:
    parity = Criterion(id="parity", guide="g", rule="exact", reason="r", checks=("x",), least=20)
    errors = Criterion(
        id="errors", guide="g", rule="share", reason="r", of="errors", target=0.001, alert=0.01, kind=kind
    )

    assert _decided(_asked("x", {"s": 10, "t": 10}), parity, errors) == outcome
