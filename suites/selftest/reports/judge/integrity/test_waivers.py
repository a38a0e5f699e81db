"""A waiver lets a run be GO without one criterion, says so everywhere, ends, and never covers wrong people."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.settings.waivers import WaiverError, read
from reports.__main__ import main
from reports.judge.criteria import read_gate
from reports.output import presentation
from reports.records.records import Fact, Waiver
from suites.selftest.support import guarded_runs
from suites.selftest.support.guarded_runs import folder, judged, records, run

NOW = datetime.now(UTC)
SECOND_FACT = """
[[criterion]]
id = "{phase}-alerts"
title = "Alerts"
guide = "g: alerts"
rule = "fact"
reason = "r"
checks = ["alerts"]
"""
EXACT = """
[[criterion]]
id = "{phase}-parity"
title = "Parity"
guide = "g: parity"
rule = "exact"
reason = "r"
checks = ["parity"]
"""


def _waiver(criterion: str = "phase1-alerts", days: int = 7, **different: str) -> Waiver:
    body = {"reason": "no pager yet", "ticket": "C360-77", "by": "Jane Doe"} | different
    return Waiver(criterion=criterion, until=(NOW.date() + timedelta(days=days)).isoformat(), **body)


def _judged(path: Path, *more: Any, criterion: str = SECOND_FACT) -> dict[str, Any]:
    """The verdict on a run of phase 1 in which one more criterion was not looked at."""
    file = guarded_runs.gate_file("phase1", flag="F1", more=criterion.format(phase="phase1"))
    return judged(folder(path / "r", run(gates={"phase1": file}), [*records("phase1"), *more]))


def test_without_a_waiver_the_criterion_holds_the_run(tmp_path: Path) -> None:
    assert _judged(tmp_path)["verdict"] == "HOLD"


def test_with_a_waiver_the_run_is_go_and_says_so(tmp_path: Path) -> None:
    verdict = _judged(tmp_path, _waiver())

    assert verdict["verdict"] == "GO"
    assert presentation.headline(verdict).startswith("GO with 1 waiver: every blocking criterion that is not waived")
    (waived,) = [entry for entry in verdict["phases"]["phase1"]["findings"] if entry["waived"]]
    assert (waived["criterion"], waived["kind"], waived["waived"]) == ("phase1-alerts", "advisory", "C360-77")
    assert "by Jane Doe (C360-77: no pager yet); not checked" in waived["sentence"]


def test_a_criterion_that_is_missed_may_be_waived_too(tmp_path: Path) -> None:
    assert _judged(tmp_path, _waiver(), Fact(phase="phase1", name="alerts", ok=False))["verdict"] == "GO"


def test_the_lock_takes_waivers_or_refuses_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _judged(tmp_path, _waiver())
    gate = tmp_path / "gate.toml"
    gate.write_text(guarded_runs.gate_file("phase1", flag="F1", more=SECOND_FACT.format(phase="phase1")).text)
    arguments = ["check", str(tmp_path / "r"), "--phase", "phase1", "--gate", str(gate)]

    assert main(arguments) == 0
    assert main([*arguments, "--no-waivers"]) == 6
    opened, refused = capsys.readouterr().out.splitlines()
    assert opened == "GO: r says GO for phase1, with 1 waiver"
    assert "it rests on waivers: phase1-alerts" in refused


def test_a_stale_waiver_is_reported(tmp_path: Path) -> None:
    verdict = _judged(tmp_path, _waiver(), Fact(phase="phase1", name="alerts", ok=True))

    assert presentation.headline(verdict).startswith("GO: ")
    (sentence,) = presentation.stale_waivers(verdict)
    assert "the waiver of phase1-alerts (C360-77) is no longer needed" in sentence


@pytest.mark.parametrize(
    "waivers",
    [
        [_waiver(days=-1)],
        [_waiver(days=31)],
        [_waiver(reason=" ")],
        [_waiver("phase1-health")],
        [_waiver(), *(_waiver(f"c{number}") for number in range(3))],
    ],
    ids=["ended", "too-long", "no-reason", "another-criterion", "too-many"],
)
def test_a_waiver_that_may_not_hold_holds_nothing(tmp_path: Path, waivers: list[Waiver]) -> None:
    assert _judged(tmp_path, *waivers)["verdict"] == "HOLD"


def test_exactness_is_never_waived(tmp_path: Path) -> None:
    assert _judged(tmp_path, _waiver("phase1-parity"), criterion=EXACT)["verdict"] == "HOLD"


# ------------------------------------------------------------------------------------------------------ the file


def _file(path: Path, **different: Any) -> Path:
    body = {"criterion": "contact-latency", "reason": "small hosts", "ticket": "C360-1", "by": "Jane"} | different
    until = body.pop("until", (NOW.date() + timedelta(days=5)).isoformat())
    lines = [f"{name} = {json.dumps(value)}" for name, value in body.items()]
    path.write_text("\n".join(["[[waiver]]", *lines, f"until = {until}"]) + "\n")
    return path


@pytest.fixture(scope="module")
def gates(checkout: Path) -> list[Any]:
    return [read_gate(path.read_text(), path.parent.name) for path in sorted(checkout.glob("suites/*/gate.toml"))]


def test_a_file_of_waivers_is_read(tmp_path: Path, gates: list[Any]) -> None:
    (waiver,) = read(_file(tmp_path / "w.toml"), gates, NOW)

    assert (waiver.criterion, waiver.ticket, date.fromisoformat(waiver.until) > NOW.date()) == (
        "contact-latency",
        "C360-1",
        True,
    )


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"criterion": "contact-latecny"}, "did you mean 'contact-latency'"),
        ({"criterion": "contact-endpoint-parity"}, "can never be waived"),
        ({"criterion": "fallback-rate"}, "can never be waived"),
        ({"criterion": "vql-success-rate"}, "can never be waived"),
        ({"criterion": "direct-path"}, "can never be waived"),
        ({"until": "2020-01-01"}, "it ended on 2020-01-01"),
        ({"until": (NOW.date() + timedelta(days=40)).isoformat()}, "a month at most"),
        ({"until": '"soon"'}, "expected a date"),
        ({"until": "2026-12-01T00:00:00Z"}, "expected a date"),
        ({"by": " "}, "by is blank"),
        ({"ticket": 7}, "ticket = 7"),
        ({"who": "Jane"}, "unknown key 'who'"),
    ],
    ids=[
        "misspelt",
        "exact",
        "fallback",
        "success",
        "rollback",
        "ended",
        "too-long",
        "no-date",
        "a-time",
        "nobody",
        "no-text",
        "unknown-key",
    ],
)
def test_a_waiver_that_can_not_be_used_is_refused(
    tmp_path: Path, gates: list[Any], different: dict[str, Any], message: str
) -> None:
    with pytest.raises(WaiverError, match=message):
        read(_file(tmp_path / "w.toml", **different), gates, NOW)
