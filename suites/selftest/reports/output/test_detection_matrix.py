"""The detection matrix: caught, missed, false alarm or quiet, and by which cause; nothing is passed over in silence."""

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox.faults.drill_matrix import expected_of, keep
from fixtures.sandbox.faults.fault import Fault
from reports import publish
from reports.judge.criteria import Criterion, Gate
from reports.output import detection_matrix
from reports.output.detection_matrix import ExpectedDetection, MatrixRow
from suites.selftest.support.phase_builders import gate_of


def _finding(
    criterion: str, outcome: str = "missed", kind: str = "blocking", cause: str | None = "c"
) -> dict[str, Any]:
    return {
        "criterion": criterion,
        "outcome": outcome,
        "kind": kind,
        "sentence": f"{criterion} is {outcome}",
        "cause": {"code": cause} if cause else None,
    }


def _verdict(*findings: dict[str, Any], verdict_word: str = "NO-GO") -> dict[str, Any]:
    return {"phases": {"phase1": {"verdict": verdict_word, "findings": list(findings)}}}


def _expected(*criteria: str, **more: Any) -> ExpectedDetection:
    return ExpectedDetection(**{"fault": "f", "phase": "phase1", "criteria": criteria, "cause": "c", **more})


@pytest.mark.parametrize(
    ("expected", "verdict", "detections"),
    [
        (_expected("a"), _verdict(_finding("a")), ["caught"]),
        (_expected("a", "b"), _verdict(_finding("a")), ["missed"]),
        (_expected("a"), _verdict(_finding("a", "unmeasured")), ["missed"]),
        (_expected("a"), _verdict(_finding("a"), _finding("b")), ["caught", "false-alarm"]),
        (_expected("a", may_also=("b*",)), _verdict(_finding("a"), _finding("big")), ["caught"]),
        (_expected("a", damage="c"), _verdict(_finding("a"), _finding("b")), ["caught"]),
        (_expected("a", damage="c"), _verdict(_finding("a"), _finding("b", cause="d")), ["caught", "false-alarm"]),
        (_expected("a", damage="c"), _verdict(_finding("a"), _finding("b", cause=None)), ["caught", "false-alarm"]),
        (_expected(damage=None, verdict="GO"), _verdict(_finding("b", cause=None)), ["quiet", "false-alarm"]),
        (_expected("a"), _verdict(_finding("a"), _finding("b", kind="advisory")), ["caught"]),
        (_expected("a"), _verdict(_finding("a"), _finding("b", "unmeasured")), ["caught"]),
        (_expected("a"), _verdict(_finding("a", kind="advisory"), verdict_word="GO"), ["missed"]),
        (_expected("a", verdict="GO"), _verdict(_finding("a", kind="advisory"), verdict_word="GO"), ["caught"]),
        (
            _expected("a", verdict="HOLD", cause=None),
            _verdict(_finding("a", "unmeasured"), verdict_word="HOLD"),
            ["caught"],
        ),
        (_expected("a", verdict="HOLD", cause=None), _verdict(_finding("a", "met"), verdict_word="GO"), ["missed"]),
        (_expected(verdict="GO"), _verdict(verdict_word="HOLD"), ["quiet"]),
        (_expected(verdict="GO"), _verdict(_finding("b")), ["quiet", "false-alarm"]),
        (_expected("a"), {"phases": {}}, ["missed"]),
    ],
)
def test_the_detection_of_a_rehearsal(
    expected: ExpectedDetection, verdict: dict[str, Any], detections: list[str]
) -> None:
    assert [row.detection for row in detection_matrix.rows_of(expected, verdict)] == detections


@pytest.mark.parametrize(
    ("named", "right"), [(["c", "c"], True), (["c", "d"], False), ([None, "c"], True), ([None, None], False)]
)
def test_every_cause_that_is_named_has_to_be_the_right_one(named: list[str | None], right: bool) -> None:
    findings = [_finding(name, cause=cause) for name, cause in zip("ab", named, strict=True)]

    (row,) = detection_matrix.rows_of(_expected("a", "b"), _verdict(*findings))

    assert (row.detection, row.right) == ("caught", right)


def test_a_fault_without_a_cause_may_be_given_any() -> None:
    (row,) = detection_matrix.rows_of(_expected("a", cause=None), _verdict(_finding("a")))

    assert row.right


def test_a_wrong_detection_is_shown_with_all_findings_of_the_phases() -> None:
    verdict = _verdict(_finding("a", cause="d"), _finding("b"), _finding("x", "met"))
    rows = detection_matrix.rows_of(_expected("a"), verdict)

    sentence = detection_matrix.complaint(rows, verdict)

    assert "f in phase1: caught a, cause d, expected c" in sentence
    assert "f in phase1: FALSE ALARM b, cause c" in sentence
    assert "missed b (blocking, c): b is missed" in sentence
    assert "met" not in sentence
    assert (
        detection_matrix.complaint(
            detection_matrix.rows_of(_expected("a"), _verdict(_finding("a"))), _verdict(_finding("a"))
        )
        == ""
    )


ROWS = (
    MatrixRow(fault="one", phase="phase1", detection="caught", criterion="a", cause_expected="c", cause_named="c"),
    MatrixRow(fault="one", phase="phase2", detection="missed", criterion="b"),
    MatrixRow(fault="two", phase="phase1", detection="caught", criterion="a", cause_expected="c", cause_named="d"),
    MatrixRow(fault="two <b>", phase="phase1", detection="false-alarm", criterion="x"),
    MatrixRow(fault="calm", phase="phase1", detection="quiet", criterion=""),
)


def test_the_matrix_has_a_line_per_fault_and_a_column_per_phase() -> None:
    lines = detection_matrix.lines(ROWS)

    assert lines[0].split() == ["phase1", "phase2"]
    assert lines[1].split() == ["one", "caught,", "cause", "right", "MISSED"]
    assert "caught, cause wrong" in lines[2]
    assert lines[-1] == "2 of 3 caught, 1 of them by the right cause, false alarms: 1"


def test_the_matrix_is_kept_where_the_pages_of_runs_look_for_it(tmp_path: Path) -> None:
    folder = keep(tmp_path, ROWS)

    body = json.loads((folder / "drills.json").read_text())
    assert set(body["rows"][0]) == {"fault", "phase", "detection", "criterion", "cause_expected", "cause_named"}
    assert list(publish.newest_drills(tmp_path)) == body["rows"]
    assert "two &lt;b&gt;" in (folder / "drills.html").read_text()


def test_a_fault_says_what_it_does_to_each_phase() -> None:
    fault = Fault(
        name="f",
        where="data",
        sentence="s",
        criteria=("a",),
        cause="c",
        elsewhere=("phase2/b",),
        may_also=("m", "phase2/n"),
    )
    gates = {name: _gate(name) for name in ("phase1", "phase2")}

    first, second = expected_of(fault, gates)

    assert (first.phase, first.criteria, first.cause, first.may_also) == ("phase1", ("a",), "c", ("m", "all"))
    assert (second.phase, second.criteria, second.cause, second.may_also) == ("phase2", ("b",), "c", ("m", "n"))
    assert (first.damage, second.damage) == ("c", "c")
    assert [expected_detection.phase for expected_detection in expected_of(fault, {"phase2": gates["phase2"]})] == [
        "phase2"
    ]


def _gate(phase: str) -> Gate:
    criteria = tuple(
        Criterion(id=name, guide="g", rule="exact", reason="r", checks=checks)
        for name, checks in (("a", ("x",)), ("all", ("x", "y")), ("b", ("z",)))
    )
    return gate_of(*criteria, phase=phase)
