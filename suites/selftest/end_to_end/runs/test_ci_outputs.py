"""Outputs for machines: JUnit, GitHub, Prometheus, a Pushgateway, a webhook; none of them costs a verdict."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from reports.history.entry import HistoryEntry, entry_of
from reports.output import prometheus
from reports.output.ci import github, notify
from suites.selftest.support import verdict_builders
from suites.selftest.support.gate_runs import CALM, Rehearsal, rehearse

SECRET_URL = "https://user:hush@hooks.example/services/T000/B000/hush"
FAILING = """
def test_records(recorder):
    for number in range(40):
        recorder.writer.append(sample(number, Outcome.DIFFERENT if number % 2 else Outcome.EQUAL))
    raise Mismatch("contact-endpoint: 20 of 40 answers differ")
"""


@pytest.fixture(scope="module")
def on_github(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rehearsal, Path]:
    """A NO-GO under xdist in GitHub Actions, with a webhook and a Pushgateway where nothing listens."""
    root = tmp_path_factory.mktemp("github")
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(root / "step.md"),
        "CI": "true",
        "GITHUB_OUTPUT": str(root / "output"),
        "GATE_WEBHOOK": "http://user:hush@127.0.0.1:9/hush",
        "GATE_PUSHGATEWAY": "http://user:hush@127.0.0.1:9/hush",
        "NO_PROXY": "*",
    }
    run = rehearse(root, FAILING, "-n", "1", "--history", str(root / "history"), environ=environ)
    return run, root


def test_junit_says_the_verdict_under_xdist(on_github: tuple[Rehearsal, Path]) -> None:
    run, _ = on_github

    suite = ElementTree.parse(run.folder / "junit.xml").getroot()[0]
    body = {element.get("name"): element.get("value") for element in suite.iter("property")}
    assert body["verdict"] == body["verdict.phase1"] == "NO-GO"
    assert body["verdict.phase1.error-rate"] == "met: 0.00 % (≤ 10 %, alert 50 %)"


def test_github_annotations_are_on_lines_of_their_own(on_github: tuple[Rehearsal, Path]) -> None:
    run, root = on_github

    commands = [line for line in run.printed.splitlines() if "::error" in line]
    assert commands[0] == "::error title=NO-GO::NO-GO: roll back VQL_SINGLE_RECORD_RETRIEVAL"
    assert all(line.startswith("::error title=") for line in commands)
    assert (root / "step.md").read_text().startswith("# NO-GO: ")
    assert "verdict=NO-GO\n" in (root / "output").read_text()


def test_an_unreachable_receiver_is_noted_without_a_secret(on_github: tuple[Rehearsal, Path]) -> None:
    run, _ = on_github

    assert run.code == 1
    assert "note: GATE_PUSHGATEWAY: http://127.0.0.1:9 was not reached: ConnectError" in run.printed
    assert "note: GATE_WEBHOOK: http://127.0.0.1:9 was not reached: ConnectError" in run.printed
    assert "hush" not in run.printed


def test_elsewhere_github_is_not_imitated(tmp_path: Path) -> None:
    run = rehearse(tmp_path, CALM)

    assert run.code == 0
    assert "::" not in "".join(line for line in run.printed.splitlines() if line.startswith("::"))


def test_an_annotation_can_not_be_broken_out_of() -> None:
    verdict = verdict_builders.verdict("NO-GO", 2, hostile="\n::error::forged%0A, x:y")

    lines = list(github.commands(verdict, {"GITHUB_ACTIONS": "true"}))

    assert len(lines) == 2
    assert not any("\n" in line for line in lines)
    assert "%0A%3A%3Aerror%3A%3Aforged%250A%2C x%3Ay" in lines[1]


@pytest.mark.parametrize("verdict_word", ["GO", "NO-GO", "HOLD"])
def test_every_series_has_a_help_and_a_type_and_its_labels(verdict_word: str) -> None:
    text = prometheus.exposition(verdict_builders.verdict(verdict_word, 60, hostile='"\\\n'))

    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series)) > 200
    assert all('target="live",phase="' in line for line in series)
    assert {line.split("{")[0] for line in series} <= set(prometheus.FAMILIES)
    assert text.count("# TYPE vql_gate_value gauge\n") == 1
    assert ("vql_gate_valid_until_seconds{" in text) is (verdict_word == "GO")


def test_limits_and_intervals_stand_beside_the_value() -> None:
    verdict = verdict_builders.verdict("NO-GO", 5)
    text = prometheus.exposition(verdict)

    labels = 'target="live",phase="phase1",criterion="criterion-1"'
    assert f'vql_gate_value{{{labels},unit="share"}} 0.08' in text
    assert f'vql_gate_limit{{{labels},level="target"}} 0.01' in text
    assert f'vql_gate_limit{{{labels},level="alert"}} 0.05' in text
    assert f'vql_gate_interval{{{labels},bound="low"}}' in text
    assert f'vql_gate_outcome{{{labels},kind="blocking",state="missed"}} 1.0' in text


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: apt-get install prometheus")
def test_prometheus_itself_reads_the_metrics() -> None:
    text = prometheus.exposition(verdict_builders.verdict("NO-GO", 60))

    completed = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)

    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.fixture
def server() -> tuple[list[httpx.Request], Callable[[int], httpx.MockTransport]]:
    """What was asked, and a transport that answers with a status."""
    requests: list[httpx.Request] = []

    def answering(status: int) -> httpx.MockTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(status)

        return httpx.MockTransport(answer)

    return requests, answering


def _announce(server: Any, verdict: dict[str, Any], earlier: Any, status: int = 200, **environ: str) -> Any:
    requests, answering = server
    notes = notify.announce(verdict, Path("run"), earlier=earlier, environ=environ, transport=answering(status))
    return requests, notes


def _earlier(*verdicts: str, phase: str = "phase1") -> list[HistoryEntry]:
    entry = entry_of(verdict_builders.recorded(), verdict_builders.verdict("GO", phases=[phase]))
    return [
        replace(entry, run_id=str(number), phases={phase: replace(entry.phases[phase], verdict=verdict_word)})
        for number, verdict_word in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("before", "now", "announced"),
    [
        ([], "GO", True),
        (["GO"], "GO", False),
        (["GO"], "NO-GO", True),
        (["GO", "NO-GO"], "NO-GO", False),
        (["NO-GO", "GO"], "NO-GO", True),
    ],
)
def test_the_webhook_hears_of_changes_only(server: Any, before: list[str], now: str, announced: bool) -> None:
    requests, notes = _announce(server, verdict_builders.verdict(now), _earlier(*before), GATE_WEBHOOK=SECRET_URL)

    assert notes == []
    assert bool(requests) is announced


def test_another_phases_verdict_is_no_change() -> None:
    assert notify.changes(verdict_builders.verdict("GO"), _earlier("GO", phase="phase2")) == {"phase1": None}
    assert notify.changes(verdict_builders.verdict("HOLD"), _earlier("GO")) == {"phase1": "GO"}


def test_the_message_is_what_slack_takes(server: Any) -> None:
    requests, _ = _announce(
        server,
        verdict_builders.verdict("NO-GO"),
        _earlier("GO"),
        GATE_WEBHOOK=SECRET_URL,
        GATE_PAGE="https://pages.example/run",
    )

    body = json.loads(requests[0].content)
    assert list(body) == ["text"]
    assert body["text"].startswith("*NO-GO* (was GO): phase1, Single record retrieval; live deployment\n")
    assert body["text"].endswith("\nhttps://pages.example/run")


def test_without_a_history_no_webhook_is_sent(server: Any) -> None:
    requests, notes = _announce(server, verdict_builders.verdict("NO-GO"), None, GATE_WEBHOOK=SECRET_URL)

    assert requests == []
    assert "only --history shows" in notes[0]


def test_each_phase_is_pushed_as_a_group_of_its_own(server: Any) -> None:
    requests, notes = _announce(
        server, verdict_builders.verdict("GO", 30), [], GATE_PUSHGATEWAY="https://push.example/base/"
    )

    assert notes == []
    assert [request.url.path for request in requests] == [
        "/base/metrics/job/vql-gate/target/live/phase/phase1",
        "/base/metrics/job/vql-gate/target/live/phase/phase2",
    ]
    assert b'phase="phase1"' not in requests[1].content
    assert {request.method for request in requests} == {"PUT"}


@pytest.mark.parametrize("variable", ["GATE_WEBHOOK", "GATE_PUSHGATEWAY"])
@pytest.mark.parametrize("address", [SECRET_URL, "not a url hush", "http://[hush"])
def test_a_refusal_or_a_broken_address_is_a_note_without_the_secret(server: Any, variable: str, address: str) -> None:
    _, notes = _announce(server, verdict_builders.verdict("NO-GO"), [], 500, **{variable: address})

    assert len(notes) == 1
    assert notes[0].startswith(f"{variable}: ")
    assert "hush" not in notes[0]
