"""The guide's lines: each quoted from the guide's chapters once, each criterion standing for one that exists."""

from pathlib import Path

import pytest

from reports.criteria import Gate, read_gate
from reports.guide import GuideError, GuideLine, coverage, read_lines


@pytest.fixture(scope="module")
def lines(checkout: Path) -> tuple[GuideLine, ...]:
    return read_lines((checkout / "suites" / "guide_lines.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gates(checkout: Path) -> list[Gate]:
    found = [read_gate(path.read_text(encoding="utf-8"), str(path)) for path in checkout.glob("suites/*/gate.toml")]
    assert found
    return found


def test_every_criterion_stands_for_a_line_that_exists(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    known = {line.id for line in lines}
    astray = {
        f"{gate.phase}/{criterion.id}": sorted(set(criterion.lines) - known) or "no line at all"
        for gate in gates
        for criterion in gate.criteria
        if not criterion.lines or set(criterion.lines) - known
    }

    assert astray == {}


def test_a_human_line_is_attested_and_no_other_is(lines: tuple[GuideLine, ...], gates: list[Gate]) -> None:
    human = {line.id for line in lines if line.human}
    attested = {check for gate in gates for criterion in gate.criteria if criterion.rule == "attested"
                for check in criterion.checks}  # fmt: skip

    assert attested <= human


@pytest.mark.parametrize(
    "text", ['[A]\nx = {says = "y"}\n[B]\nx = {says = "z"}', "[A]\nx = {}", '[A]\nx = {say = "y"}']
)
def test_a_line_that_is_told_twice_or_not_at_all_is_refused(text: str) -> None:
    with pytest.raises(GuideError, match="'x'"):
        read_lines(text)


def test_coverage_tells_who_stands_for_a_line(gates: list[Gate]) -> None:
    lines = (GuideLine(id="p1-contact", section="Phase 1", says="x"), GuideLine(id="nobody", section="-", says="y"))

    covered = coverage(lines, [gate for gate in gates if gate.phase == "phase1"])

    assert "phase1/contact-endpoint-parity" in covered["p1-contact"]
    assert covered["nobody"] == ()
