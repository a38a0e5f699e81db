"""A later deployment, played whole: GO with its known differences listed, NO-GO for anything that is new."""

from pathlib import Path

import pytest

from suites.selftest.support.pytest_runs import CompletedRun, run

pytestmark = pytest.mark.drill

QUICK = ("--rows", "600", "--samples", "64")  # enough to be sure of a fault; a GO needs the full count


def _run(checkout: Path, out: Path, phase: str, *options: str) -> CompletedRun:
    return run(checkout, out, "-m", phase, "--contract", "v3", *options, timeout_s=600)


@pytest.mark.parametrize("phase", ["phase1", "phase2", "phase4"])
def test_it_is_go_with_its_known_differences_listed(checkout: Path, tmp_path: Path, phase: str) -> None:
    completed = _run(checkout, tmp_path, phase)

    judged = completed.verdict["phases"][phase]
    not_deployed = {check for finding in judged["findings"] for check in finding.get("not_deployed", ())}
    assert (completed.code, judged["verdict"]) == (0, "GO"), completed.printed[-6000:]
    assert any(known_difference["count"] for known_difference in judged["known"])
    assert not_deployed == ({"company-contacts-attributes"} if phase == "phase2" else set())


@pytest.mark.parametrize(
    ("phase", "fault", "criterion"),
    [
        ("phase1", "null-for-value", "contact-endpoint-parity"),
        ("phase2", "page-drop", "company-contacts-pagination"),
        ("phase2", "filter-wrong-field", "company-contacts-filters"),
        ("phase4", "linkedin-no-companies", "linkedin-companies"),
    ],
)
def test_something_new_is_no_go(checkout: Path, tmp_path: Path, phase: str, fault: str, criterion: str) -> None:
    completed = _run(checkout, tmp_path, phase, "--fault", fault, *QUICK)

    judged = completed.verdict["phases"][phase]
    missed = {finding["criterion"] for finding in judged["findings"] if finding["outcome"] == "missed"}
    assert (completed.code, judged["verdict"]) == (1, "NO-GO"), completed.printed[-6000:]
    assert criterion in missed
