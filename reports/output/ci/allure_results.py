"""Allure: the verdict on top of what allure-pytest writes. Plain files, so that a killed run can be rendered too.

Allure itself knows no go or no-go: its green ring counts tests. So a synthetic result carries the verdict, with a
history id of its own that makes its history the history of verdicts. File names go by the run: written again, the
same files are replaced.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.environment import environment
from reports.output import presentation
from reports.records.escaping import html as escape
from reports.records.records import Entry
from reports.records.run_ledger import write_text

STATUS = {"GO": "passed", "NO-GO": "failed", "HOLD": "broken"}
STEP = {"met": "passed", "missed": "failed", "unmeasured": "broken"}
COLOUR = {"GO": "#0b6b3a", "NO-GO": "#a61b1b", "HOLD": "#7a5200"}
_GATE_CONFIG = """// Allure's configuration with the gate's criteria as rules of its quality gate: Allure's own rules count tests.
import { readFileSync } from "node:fs";

const criteria = CRITERIA;
const config = JSON.parse(readFileSync(new URL("./allurerc.json", import.meta.url), "utf8"));
const rule = ([name, { success, actual, expected, message }]) => ({
  rule: name,
  message: () => message,
  successMessage: () => message,
  validate: async () => ({ success, actual, expected, testResults: [] }),
});

export const results = Object.entries(criteria).map(([name, found]) => ({ ...found, rule: name, testResults: [] }));
export default {
  ...config,
  qualityGate: {
    rules: [Object.fromEntries(Object.entries(criteria).map(([name, { expected }]) => [name, expected]))],
    use: Object.entries(criteria).map(rule),
  },
};
"""
HISTORY_LIMIT = 200  # runs in Allure's own history file: about 0.1 MB each
TOP = "00 GATE"  # first by name


def write(
    folder: Path, verdict: Entry, *, history: Path | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Everything Allure wants to know beyond the tests, into the run folder's allure-results."""
    results = folder / "allure-results"
    results.mkdir(exist_ok=True)
    name = uuid.uuid5(uuid.NAMESPACE_URL, verdict["run"])
    _json(results / f"{name}-result.json", gate_result(verdict))
    _json(results / f"{name}-globals.json", _globals(verdict, str(name)))
    write_text(results / f"{name}-attachment.html", _table(verdict))
    _json(results / f"{name}-attachment.json", verdict)
    write_text(results / "environment.properties", _environment(verdict))
    _json(results / "categories.json", [_java(rule) for rule in CATEGORIES])
    _json(results / "executor.json", executor(verdict, environment() if environ is None else environ))
    _json(results / "gate-perf.json", _metrics(verdict))
    _json(folder / "allurerc.json", _config(verdict, history))
    write_text(folder / "allurerc.mjs", _GATE_CONFIG.replace("CRITERIA", json.dumps(quality_gate(verdict), indent=1)))


def quality_gate(verdict: Entry) -> dict[str, dict[str, Any]]:
    """The blocking criteria as rules of Allure's quality gate, whose own rules only count tests; and the verdict."""
    outcome = verdict["verdict"]
    message = presentation.headline(verdict)
    rules: dict[str, dict[str, Any]] = {
        "verdict": {"success": outcome == "GO", "actual": outcome, "expected": "GO", "message": message}
    }
    for phase, entry in verdict["phases"].items():
        for finding in presentation.ordered(entry["findings"]):
            if finding["kind"] == "blocking":
                rules[f"{phase}: {finding['criterion']}"] = {
                    "success": finding["outcome"] == "met" or bool(finding.get("waived")),
                    "actual": presentation.value(finding),
                    "expected": presentation.limit(finding) or "met",
                    "message": f"{presentation.title(finding)}: {_outcome_phrase(finding)}; {presentation.finding_sentence(finding)}",
                }
    return rules


def gate_result(verdict: Entry) -> dict[str, Any]:
    """The synthetic test result that says the verdict: one step per criterion."""
    start, stop = _times(verdict)
    identity = _md5(f"GATE#{' '.join(verdict['phases'])}")
    steps = [
        {
            "name": f"{presentation.title(finding)}: {_outcome_phrase(finding)} ({finding['criterion']})",
            "status": STEP[finding["outcome"]],
            "stage": "finished",
            "statusDetails": {"message": presentation.finding_sentence(finding)},
            "start": start,
            "stop": stop,
            "parameters": [{"name": name, "value": value} for name, value in _status_details(finding).items()],
        }
        for phase in verdict["phases"].values()
        for finding in presentation.ordered(phase["findings"])
    ]
    labels = {"epic": TOP, "feature": "verdict", "severity": "blocker", "layer": "gate"}
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{verdict['run']}#gate")),
        "name": f"{verdict['verdict']} - VQL gate",
        "fullName": f"GATE#{' '.join(verdict['phases'])}",
        "historyId": identity,
        "testCaseId": identity,
        "titlePath": [TOP],
        "status": STATUS[verdict["verdict"]],
        "statusDetails": {"message": presentation.headline(verdict)},
        "stage": "finished",
        "start": start,
        "stop": stop,
        "descriptionHtml": _table(verdict),
        "steps": steps,
        "labels": [{"name": name, "value": value} for name, value in labels.items()],
    }


def write_crash(results: Path, crashed: str, worker: str = "") -> None:
    """A broken result for the test a worker crashed in: allure-pytest writes none (allure-python#825)."""
    results.mkdir(parents=True, exist_ok=True)
    now = int(time.time() * 1000)
    labels = {"epic": TOP, "feature": "crashed workers", "severity": "blocker"}
    _json(
        results / f"{uuid.uuid4()}-result.json",
        {
            "uuid": str(uuid.uuid4()),
            "name": crashed,
            "fullName": crashed,
            "historyId": _md5(crashed),
            "testCaseId": _md5(crashed),
            "status": "broken",
            "stage": "finished",
            "start": now,
            "stop": now,
            "statusDetails": {"message": f"the worker {worker} crashed while it ran this test: its samples are lost"},
            "labels": [{"name": name, "value": value} for name, value in labels.items()],
        },
    )


def executor(verdict: Entry, environ: Mapping[str, str]) -> dict[str, Any]:
    """Who ran it: the CI's own words where there is one."""
    name = f"{verdict['verdict']} {verdict['run']}"
    if environ.get("GITHUB_ACTIONS"):
        url = f"{environ.get('GITHUB_SERVER_URL')}/{environ.get('GITHUB_REPOSITORY')}"
        number = environ.get("GITHUB_RUN_NUMBER", "0")
        return {
            "name": "GitHub Actions",
            "type": "github",
            "url": url,
            "reportName": name,
            "buildName": f"{environ.get('GITHUB_WORKFLOW', 'run')} #{number}",
            "buildOrder": int(number) if number.isdigit() else 0,
            "buildUrl": f"{url}/actions/runs/{environ.get('GITHUB_RUN_ID')}",
        }
    for kind, named in (("gitlab", "CI_JOB_URL"), ("jenkins", "BUILD_URL")):
        if environ.get(named):
            return {
                "name": kind.title(),
                "type": kind,
                "reportName": name,
                "buildName": verdict["run"],
                "buildUrl": environ[named],
            }
    return {"name": "command line", "type": "local", "reportName": name, "buildName": verdict["run"]}


CATEGORIES = (  # name, statuses, a word of the message; each page wants another dialect of regular expressions
    ("The gate", ("failed", "broken"), "(NO-GO|HOLD): "),
    ("Wrong answers", ("failed",), "answers differ"),
    ("Crashed workers", ("broken",), "crashed while it ran"),
    ("Decided before this test ran", ("skipped",), "decided already"),
    ("Could not be asked", ("broken",), ""),
)


def _java(rule: tuple[str, tuple[str, ...], str]) -> dict[str, Any]:
    """For Allure 2: the whole message must match, in Java's dialect."""
    name, statuses, message = rule
    return {"name": name, "matchedStatuses": list(statuses), "messageRegex": f"(?s).*{message}.*"}


def _javascript(rule: tuple[str, tuple[str, ...], str]) -> dict[str, Any]:
    """For Allure 3: JavaScript's dialect, which knows no (?s)."""
    name, statuses, message = rule
    return {"name": name, "matchers": {"statuses": list(statuses), "message": f"[\\s\\S]*{message}[\\s\\S]*"}}


def _globals(verdict: Entry, name: str) -> dict[str, Any]:
    """What both Allures show before any test: the table always, a red error unless it is a GO."""
    _, stop = _times(verdict)
    attached = [
        {"name": "gate table", "source": f"{name}-attachment.html", "type": "text/html", "timestamp": stop},
        {"name": "verdict.json", "source": f"{name}-attachment.json", "type": "application/json", "timestamp": stop},
    ]
    errors = [] if verdict["verdict"] == "GO" else [{"message": presentation.headline(verdict), "timestamp": stop}]
    errors += [{"message": f"Incident: {entry}", "timestamp": stop} for entry in verdict["incidents"]]
    return {"attachments": attached, "errors": errors}


def _table(verdict: Entry) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{_outcome_phrase(finding).upper()}</td><td>{escape(presentation.title(finding))} ({escape(finding['criterion'])})</td>"
        f"<td>{escape(presentation.value(finding))}</td><td>{escape(presentation.limit(finding))}</td><td>{finding['count']}</td>"
        f"<td>{escape(presentation.finding_sentence(finding))}</td></tr>"
        for name, phase in verdict["phases"].items()
        for finding in presentation.ordered(phase["findings"])
    )
    head = "".join(f"<th>{name}</th>" for name in ("phase", "outcome", "criterion", "measured", "limit", "n", "found"))
    commands = presentation.rollback(verdict)
    undo = f"<p>To roll back:</p><pre>{escape(chr(10).join(commands))}</pre>" if commands else ""
    return f"<p><b>{escape(presentation.headline(verdict))}</b></p><table><tr>{head}</tr>{rows}</table>{undo}"


def _status_details(finding: Entry) -> dict[str, str]:
    body = {
        "guide": finding["guide"],
        "measured": presentation.value(finding),
        "interval": presentation.bounds(finding),
        "limit": presentation.limit(finding),
        "n": str(finding["count"]),
        "still needed": str(finding["needed"] or ""),
        "kind": finding["kind"],
    }
    if finding["cause"]:
        body |= {
            "cause": f"{finding['cause']['code']} ({finding['cause']['share']})",
            "remedy": finding["cause"]["remedy"],
        }
    return {name: value for name, value in body.items() if value}


def _outcome_phrase(finding: Entry) -> str:
    return "not measured" if finding["outcome"] == "unmeasured" else str(finding["outcome"])


def _environment(verdict: Entry) -> str:
    entries = {
        "VERDICT": verdict["verdict"],
        "target": verdict["target"],
        "label": verdict["label"],
        "valid_until": verdict["valid_until"] or "-",
        "seed": verdict["seed"],
        "run": verdict["run"],
        "build": json.dumps(verdict["fingerprint"]["backend"], ensure_ascii=False),
        **verdict["fingerprint"]["flags"],
    }
    return "".join(f"{name}={_property(value)}\n" for name, value in entries.items())


def _property(value: Any) -> str:
    """A value of a Java properties file: one line, backslashes doubled."""
    return " ".join(str(value).split()).replace("\\", "\\\\")


def _config(verdict: Entry, history: Path | None) -> dict[str, Any]:
    outcome = verdict["verdict"]
    badge = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="32"><rect width="96" height="32" rx="6" fill="{COLOUR[outcome]}"/>'
        f'<text x="48" y="22" fill="#fff" font-family="sans-serif" font-size="16" text-anchor="middle">{outcome}</text></svg>'
    )
    logo = "data:image/svg+xml;base64," + base64.b64encode(badge.encode()).decode()
    options = {
        "logo": logo,
        "groupBy": ["epic", "feature", "story"],
        "defaultSortBy": "name,asc",
        "singleFile": True,
        "sections": ["metrics", "charts", "timeline"],
    }
    kept: dict[str, Any] = {}
    if history is not None:
        kept = {"historyPath": str(history / "allure.jsonl"), "appendHistory": True, "historyLimit": HISTORY_LIMIT}
    return {
        "name": f"{outcome} - Contact360 VQL gate",
        "plugins": {"awesome": {"options": options}},
        "variables": {
            "VERDICT": outcome,
            **{phase: entry["verdict"] for phase, entry in verdict["phases"].items()},
            "valid until": verdict["valid_until"] or "-",
        },
        "categories": {"rules": [_javascript(rule) for rule in CATEGORIES]},
        **kept,
    }


def _metrics(verdict: Entry) -> list[dict[str, Any]]:
    """One final number per criterion: Allure averages the samples of one key."""
    start, stop = _times(verdict)
    return [
        {
            "id": f"{phase}.{finding['criterion']}",
            "key": f"{phase}.{finding['criterion']}",
            "title": presentation.title(finding),
            "value": finding["value"],
            "unit": finding["unit"],
            "group": phase,
            "better": "lower",
            "start": start,
            "stop": stop,
            "source": "contact360-vql-gate",
        }
        for phase, entry in verdict["phases"].items()
        for finding in entry["findings"]
        if finding["value"] is not None
    ]


def _times(verdict: Entry) -> tuple[int, int]:
    start, stop = (int(datetime.fromisoformat(verdict[name]).timestamp() * 1000) for name in ("started", "finished"))
    return start, max(start, stop)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _json(path: Path, entry: Any) -> None:
    write_text(path, json.dumps(entry, ensure_ascii=False, indent=1))
