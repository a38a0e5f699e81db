"""A canary's HOLD: clear where only samples are missing, and a reason for everything else."""

from dataclasses import replace

import pytest

from reports.judge.findings import Finding
from reports.judge.rules.canary import reasons_against
from reports.records.records import Comparison, Observation, Outcome, Provenance

RIGHT = Comparison(
    phase="phase1",
    check="contact-endpoint",
    key="k",
    stratum="s",
    outcome=Outcome.EQUAL,
    answers=(Observation(side="backend", status=200, provenance=Provenance.VQL),),
    attempt=True,
)
SHARE = Finding(
    criterion="fallback-rate",
    guide="g",
    outcome="unmeasured",
    kind="blocking",
    sentence="",
    unit="share",
    value=0.0,
    target=0.05,
)


def test_a_canary_that_only_lacks_samples_is_clear() -> None:
    assert reasons_against([SHARE], [RIGHT] * 32, ()) == ()


@pytest.mark.parametrize(
    ("findings", "comparisons", "incidents"),
    [
        ([], [], ()),
        ([replace(SHARE, outcome="missed")], [RIGHT], ()),
        ([replace(SHARE, value=0.2)], [RIGHT], ()),
        ([], [RIGHT, replace(RIGHT, outcome=Outcome.DIFFERENT)], ()),
        ([], [RIGHT, replace(RIGHT, outcome=Outcome.VOID)], ()),
        ([], [RIGHT, replace(RIGHT, answers=(Observation(side="backend", status=200),))], ()),
        ([], [RIGHT], ("the run was interrupted",)),
    ],
    ids=["empty", "missed", "over-target", "different", "void", "unknown-path", "incident"],
)
def test_everything_else_is_a_reason(
    findings: list[Finding], comparisons: list[Comparison], incidents: tuple[str, ...]
) -> None:
    assert len(reasons_against(findings, comparisons, incidents)) == 1
