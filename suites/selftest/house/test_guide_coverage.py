"""The guide's lines: each quoted from the guide's chapters once, each criterion standing for one that exists."""

from pathlib import Path

import pytest

from reports.history.guide_coverage import GuideError, GuideLine, coverage, read_lines, table
from reports.judge.criteria import Gate, covers, read_gate


@pytest.fixture(scope="module")
def lines(checkout: Path) -> tuple[GuideLine, ...]:
    return read_lines((checkout / "suites" / "guide_lines.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gates(checkout: Path) -> list[Gate]:
    paths = sorted(checkout.glob("suites/*/gate.toml"))
    gates = [read_gate(path.read_text(encoding="utf-8"), str(path)) for path in paths]
    assert gates
    return gates


def test_every_criterion_stands_for_a_line_that_exists(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    line_ids = {line.id for line in lines}
    astray = {
        f"{gate.phase}/{criterion.id}": sorted(set(criterion.lines) - line_ids) or "no line at all"
        for gate in gates
        for criterion in gate.criteria
        if not criterion.lines or set(criterion.lines) - line_ids
    }

    assert astray == {}


def test_a_human_line_is_attested_and_no_other_is(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    human = {line.id for line in lines if line.human}
    attested = {
        check
        for gate in gates
        for criterion in gate.criteria
        if criterion.rule == "attested"
        for check in criterion.checks
    }

    assert attested <= human


@pytest.mark.parametrize(
    "text", ['[A]\nx = {says = "y"}\n[B]\nx = {says = "z"}', "[A]\nx = {}", '[A]\nx = {say = "y"}']
)
def test_a_line_that_stands_twice_or_nowhere_is_refused(text: str) -> None:
    with pytest.raises(GuideError, match="'x'"):
        read_lines(text)


def test_every_line_has_a_criterion(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    open_lines = sorted(line for line, criteria in coverage(lines, gates).items() if not criteria)

    assert open_lines == []


def test_a_human_line_is_covered_by_an_attestation_alone(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    human = {line.id for line in lines if line.human}
    otherwise = [
        f"{gate.phase}/{criterion.id}"
        for gate in gates
        for criterion in gate.criteria
        if criterion.rule != "attested" and human & set(criterion.lines)
    ]

    assert otherwise == []


def test_the_table_quotes_the_line_and_names_the_sign_off() -> None:
    lines = (GuideLine(id="a", section="S", says="x | y", human=True), GuideLine(id="b", section="S", says="z"))

    *_, first, second = table(lines, []).splitlines()

    assert first == "| S | `a` | x \\| y | sign-off: no criterion yet |"
    assert second == "| S | `b` | z | no criterion yet |"


def test_coverage_names_the_criteria_of_a_line(gates: list[Gate]) -> None:
    lines = (GuideLine(id="p1-contact", section="Phase 1", says="x"), GuideLine(id="nobody", section="-", says="y"))

    covered = coverage(lines, [gate for gate in gates if gate.phase == "phase1"])

    assert "phase1/contact-endpoint-parity" in covered["p1-contact"]
    assert covered["nobody"] == ()


def test_a_wrong_answer_by_any_path_counts_in_every_phase_with_a_flag(gates: list[Gate]) -> None:
    """A check that only one criterion names, and only for VQL's answers, would let the fallback answer wrongly."""
    exact = [
        (gate, criterion) for gate in gates for criterion in gate.criteria if gate.flag and criterion.rule == "exact"
    ]
    by_any_path = [(gate.phase, criterion) for gate, criterion in exact if criterion.served_by == "any"]
    left_out = [
        f"{gate.phase}: {check}"
        for gate, criterion in exact
        for check in criterion.checks
        if not any(phase == gate.phase and covers(other, check) for phase, other in by_any_path)
    ]

    assert len(exact) > 20
    assert left_out == [], 'a criterion with served_by = "any" has to name these checks'


def test_every_criterion_has_a_short_title_of_its_own(checkout: Path) -> None:
    for path in sorted((checkout / "suites").glob("*/gate.toml")):
        titles = [criterion.title for criterion in read_gate(path.read_text(encoding="utf-8"), str(path)).criteria]

        assert all(0 < len(title) <= 64 for title in titles), f"{path}: a criterion without a title, or a long one"
        assert len(set(titles)) == len(titles), f"{path}: two criteria with one title"
