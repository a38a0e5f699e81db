"""The steps after a HOLD: by what a finding names and counts, never by how its sentence is worded."""

from collections.abc import Sequence
from typing import Any

import pytest

from fixtures.session.options import OPTIONS
from fixtures.settings.settings import NAMES
from reports.output import next_steps
from suites.selftest.support import verdict_builders


def _steps(*, incidents: Sequence[str] = (), **changes: Any) -> list[str]:
    verdict = verdict_builders.verdict("GO", 3) | {"verdict": "HOLD", "target": "live", "incidents": list(incidents)}
    for finding in verdict["phases"]["phase1"]["findings"]:
        finding |= {"kind": "advisory"}
    lacking = {"kind": "blocking", "outcome": "unmeasured", "needed": 0, "unit": "", "sentence": "", **changes}
    verdict["phases"]["phase1"]["findings"][0] |= {"unknown": 0, "void": 0, "lost": 0, "unfit": "", **lacking}
    return [" ".join((step.text, *step.commands)) for step in next_steps.steps(verdict)]


@pytest.mark.parametrize("name", [name for name in next_steps.WAYS_OUT if name != "-k"])
def test_each_way_out_names_an_option_or_a_setting_that_is_there(name: str) -> None:
    assert name in {*NAMES, *(option.name for option in OPTIONS)}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sentence": "words that will change (CONTACT360_BASELINE_URL)"}, "the same build with the flag off"),
        ({"sentence": "p0-alert-errors: the sign-off expired in May (--attestations)"}, "attestations.example.toml"),
        (
            {"sentence": "p0-alert-errors: the sign-off expired in May (--attestations)"},
            "--attestations attestations.toml",
        ),
        ({"sentence": "it costs credits: --allow-cost 5109 asks for it"}, "--allow-cost 5109"),
        ({"sentence": "no history to judge: --history DIR"}, "--history runs-history"),
        ({"sentence": "ELASTICSEARCH_HOST is not set"}, "Set ELASTICSEARCH_HOST"),
        ({"unit": "ratio", "unfit": "any words at all"}, "when the machines are quieter"),
        ({"unfit": "any words at all", "unknown": 40}, "Make visible which path serves"),
        ({"unfit": "any words at all", "void": 9, "unknown": 2}, "fewer rows are being written"),
        ({"lost": 12}, "Find out why requests fail"),
        ({"needed": 24, "unit": "h"}, "Let canaries run for 24 h more"),
        ({"needed": 200, "sentence": "who served, which timeout, unfit and noisy"}, "lacks 200 samples"),
    ],
)
def test_a_hold_says_how_to_get_what_is_missing(changes: dict[str, Any], sentence: str) -> None:
    steps = _steps(**changes)

    assert any(sentence in step for step in steps), steps


def test_a_run_that_did_not_begin_is_not_advised_to_sample_more() -> None:
    steps = _steps(needed=299, count=0, incidents=["the run was interrupted: PostgreSQL did not answer"])

    assert "Fix the problems of the run itself" in steps[0]
    assert not any("Sample more" in step for step in steps)


def test_a_phase_out_of_order_names_the_one_that_comes_first() -> None:
    (first, *_) = _steps(incidents=["phase0 has no valid GO for this deployment; run phase0 first (-m phase0)"])

    assert first.startswith("Verify phase0 first: pytest -m phase0 ")
