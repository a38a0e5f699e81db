"""What Allure is given: the verdict first, the guide's lines, a step per mismatch; and what its page must pass."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reports.judge.criteria import Criterion
from reports.output.ci import allure_html, allure_results
from reports.output.ci.allure_steps import line_of
from suites.selftest.support import verdict_builders
from suites.selftest.support.gate_runs import Rehearsal, rehearse

WRONG = """
def test_records(recorder):
    difference = Difference(path="title", kind=DifferenceKind.VALUE, expected="<str:1>", actual="<str:2>")
    for number in range(40):
        wrong = number % 2
        recorder.writer.append(sample(number, Outcome.DIFFERENT if wrong else Outcome.EQUAL, cause="index-stale",
                                      differences=(difference,) if wrong else ()))
    raise Mismatch("contact-endpoint: 20 of 40 answers differ")
"""
CRASH = """
import os
def test_records(recorder):
    recorder.writer.append(sample(1))
    os._exit(9)
"""


def _results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in (folder / "allure-results").glob("*-result.json")]


def _labels(result: dict[str, Any]) -> dict[str, str]:
    return {label["name"]: label["value"] for label in result["labels"]}


@pytest.fixture(scope="module", params=["0", "1"], ids=["alone", "a-worker"])
def wrong(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A run whose one test found twenty answers wrong."""
    return rehearse(tmp_path_factory.mktemp("wrong"), WRONG, "-n", request.param)


def test_a_mismatch_is_a_step_under_its_line_of_the_guide(wrong: Rehearsal) -> None:
    (test,) = [result for result in _results(wrong.folder) if "test_records" in result["name"]]
    labels = _labels(test)
    assert wrong.code == 1
    assert labels["epic"] == "phase1: Single record retrieval"
    assert labels["feature"] == "Phase 1, Validation Checks: Single contact retrieval works correctly"
    assert (labels["story"], labels["severity"]) == ("contact-endpoint", "critical")
    assert test["steps"][0]["name"] == "contact-endpoint: 40 questions: 20 equal, 20 different"
    assert len(test["steps"]) == 11, "the first ten mismatches, after the tally"


def test_each_of_the_first_ten_mismatches_has_a_table_of_its_fields(wrong: Rehearsal) -> None:
    (test,) = [result for result in _results(wrong.folder) if "test_records" in result["name"]]
    attached = [entry for step in test["steps"] for entry in step.get("attachments", ())]

    assert len(attached) == 10
    assert {entry["type"] for entry in attached} == {"text/csv"}
    table = (wrong.folder / "allure-results" / attached[0]["source"]).read_text()
    assert table == "field,PostgreSQL,service,kind\ntitle,<str:1>,<str:2>,value\n"


def test_the_gate_comes_first_with_a_step_per_criterion(wrong: Rehearsal) -> None:
    (gate,) = [result for result in _results(wrong.folder) if result["fullName"] == "GATE#phase1"]
    assert gate["name"] == "NO-GO - VQL gate"
    assert gate["status"] == "failed"
    assert {step["name"] for step in gate["steps"]} == {
        "Single contact retrieval works correctly: missed (contact-endpoint-parity)",
        "Error rate < 1%: met (error-rate)",
    }
    (body,) = (json.loads(path.read_text()) for path in (wrong.folder / "allure-results").glob("*-globals.json"))
    assert body["errors"][0]["message"].startswith("NO-GO: ")
    assert all((wrong.folder / "allure-results" / entry["source"]).exists() for entry in body["attachments"])


def test_no_phantom_tear_down_is_shown(wrong: Rehearsal) -> None:
    containers = [json.loads(path.read_text()) for path in (wrong.folder / "allure-results").glob("*-container.json")]
    assert containers
    assert not any("lambda" in after["name"] for container in containers for after in container.get("afters", ()))


def test_a_crashed_worker_is_shown_and_holds(tmp_path: Path) -> None:
    run = rehearse(tmp_path, CRASH, "-n", "1", "--max-worker-restart", "0")

    crashed = [result for result in _results(run.folder) if "crashed while it ran" in str(result.get("statusDetails"))]
    assert [result["status"] for result in crashed] == ["broken"]
    assert run.verdict["verdict"] == "HOLD"
    assert run.code == 6


def test_written_again_it_is_the_same(tmp_path: Path) -> None:
    for _ in range(2):
        allure_results.write(tmp_path, verdict_builders.verdict("NO-GO"), environ={})

    assert len(list((tmp_path / "allure-results").glob("*-result.json"))) == 1


def test_phases_judged_apart_keep_histories_of_their_own() -> None:
    of_phase_1, of_phase_2 = (
        allure_results.gate_result(verdict_builders.verdict(phases=[name])) for name in ("phase1", "phase2")
    )

    assert of_phase_1["historyId"] != of_phase_2["historyId"]


def test_allures_own_history_is_kept_beside_ours(tmp_path: Path) -> None:
    allure_results.write(tmp_path, verdict_builders.verdict(), history=tmp_path / "history", environ={})

    config = json.loads((tmp_path / "allurerc.json").read_text())
    assert config["historyPath"] == str(tmp_path / "history" / "allure.jsonl")
    assert not config["historyPath"].endswith(".json"), "ours are read by that ending"


def test_every_measured_criterion_is_one_metric(tmp_path: Path) -> None:
    verdict = verdict_builders.verdict("HOLD", 15)
    allure_results.write(tmp_path, verdict, environ={})

    metrics = json.loads((tmp_path / "allure-results" / "gate-perf.json").read_text())
    measured = [entry for entry in verdict["phases"]["phase1"]["findings"] if entry["value"] is not None]
    assert len({metric["key"] for metric in metrics}) == len(metrics) == len(measured)


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("NO-GO: take it back", "The gate"),
        ("E\nMismatch: 3 of 9 answers differ\n", "Wrong answers"),
        ("the worker gw0 crashed while it ran this test", "Crashed workers"),
    ],
)
def test_categories_are_written_in_both_dialects(message: str, category: str) -> None:
    for rule in allure_results.CATEGORIES:
        java, javascript = allure_results._java(rule), allure_results._javascript(rule)
        if rule[0] == category:
            assert re.fullmatch(java["messageRegex"], message)
            assert re.search(javascript["matchers"]["message"], message)
        assert "(?" not in javascript["matchers"]["message"], "JavaScript knows no inline flags: the page would be lost"


@pytest.mark.parametrize(
    ("environ", "kind", "url"),
    [
        ({}, "local", None),
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_RUN_ID": "9",
                "GITHUB_RUN_NUMBER": "3",
            },
            "github",
            "https://github.example/o/r/actions/runs/9",
        ),
        ({"BUILD_URL": "https://jenkins.example/1"}, "jenkins", "https://jenkins.example/1"),
    ],
    ids=["nobody", "github", "jenkins"],
)
def test_the_executor_is_the_ci_where_there_is_one(environ: dict[str, str], kind: str, url: str | None) -> None:
    body = allure_results.executor(verdict_builders.verdict(), environ)

    assert (body["type"], body.get("buildUrl")) == (kind, url)


def test_a_check_stands_under_the_criterion_that_is_most_about_it() -> None:
    broad = Criterion(id="all", guide="g", rule="exact", reason="r", checks=("a", "b"))
    narrow = Criterion(id="a-only", guide="g", rule="exact", reason="r", checks=("a",))
    veto = Criterion(id="veto", guide="g", rule="lag", reason="r", checks=("b",), kind="veto", target=1, alert=2)

    assert line_of("a", [broad, narrow, veto]) is narrow
    assert line_of("b", [broad, narrow, veto]) is broad
    assert line_of("c", [broad, narrow, veto]) is None


def test_analytics_are_taken_out_of_allures_page() -> None:
    page = (
        '<head><script async src="https://www.googletagmanager.com/gtag/js?id=G"></script>\n <script>window.x=1;\n'
        "</script><script>keep()</script></head>"
    )

    assert allure_html.without_analytics(page) == "<head><script>keep()</script></head>"


@pytest.mark.parametrize("content", [None, "<html>an empty shell</html>"])
def test_a_page_that_allure_did_not_make_is_not_taken_for_one(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "index.html").write_text(content)

    with pytest.raises(allure_html.AllureUnavailable, match="no usable page"):
        allure_html.checked(tmp_path)


@pytest.mark.parametrize("verdict_word", ["GO", "HOLD", "NO-GO"])
def test_the_quality_gate_carries_the_verdict_and_each_blocking_criterion(verdict_word: str) -> None:
    verdict = verdict_builders.verdict(verdict_word, 15)

    rules = allure_results.quality_gate(verdict)

    findings = verdict["phases"]["phase1"]["findings"]
    blocking = {
        f"phase1: {finding['criterion']}": finding["outcome"] for finding in findings if finding["kind"] == "blocking"
    }
    assert rules.pop("verdict")["success"] is (verdict_word == "GO")
    assert {name: rule["success"] for name, rule in rules.items()} == {
        name: outcome == "met" for name, outcome in blocking.items()
    }


def test_a_waived_criterion_fails_no_quality_gate() -> None:
    verdict = verdict_builders.verdict("GO", 3)
    verdict["phases"]["phase1"]["findings"][0] |= {"outcome": "missed", "kind": "blocking", "waived": "C360-77"}

    assert all(rule["success"] for rule in allure_results.quality_gate(verdict).values())


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_node_reads_the_configuration_whatever_a_service_answered(tmp_path: Path) -> None:
    allure_results.write(tmp_path, verdict_builders.verdict("NO-GO", 15, hostile="</script>`${1}`\u2028\\"), environ={})
    read = 'import("./allurerc.mjs").then(({default: d, results}) => console.log(JSON.stringify([d, results])))'

    completed = subprocess.run(["node", "-e", read], cwd=tmp_path, capture_output=True, text=True, check=True)

    config, results = json.loads(completed.stdout)
    assert config["qualityGate"]["rules"][0].keys() == {entry["rule"] for entry in results}
    assert config["name"] == "NO-GO - Contact360 VQL gate"
