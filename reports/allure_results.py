"""Allure: the verdict on top of what allure-pytest writes. Plain files, so that a killed run can be rendered too.

Allure itself knows no go or no-go: its green ring counts tests. So a synthetic result carries the verdict, with a
fixed history id that makes its history the history of verdicts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import allure_commons

from reports import wording
from reports.ledger import write_text
from reports.wording import Entry

STATUS = {"GO": "passed", "NO-GO": "failed", "HOLD": "broken"}
STEP = {"met": "passed", "missed": "failed", "unmeasured": "broken"}
COLOUR = {"GO": "#0b6b3a", "NO-GO": "#a61b1b", "HOLD": "#7a5200"}


def write(folder: Path, verdict: Entry, *, history: Path | None = None) -> None:
    del history
    """Everything Allure wants to know beyond the tests, into the run folder's allure-results."""
    results = folder / "allure-results"
    results.mkdir(exist_ok=True)
    _json(results / f"{uuid.uuid4()}-result.json", gate_result(verdict))
    write_text(results / "environment.properties", _environment(verdict))
    _json(results / "categories.json", _categories())
    _json(results / "gate-perf.json", _metrics(verdict))
    _json(folder / "allurerc.json", _config(verdict))


def gate_result(verdict: Entry) -> dict[str, Any]:
    """The synthetic test result that says the verdict: one step per criterion."""
    start, stop = (int(datetime.fromisoformat(verdict[key]).timestamp() * 1000) for key in ("started", "finished"))
    identity = hashlib.md5(b"GATE#verdict", usedforsecurity=False).hexdigest()
    steps = [
        {"name": f"{finding['criterion']}: {finding['outcome']}", "status": STEP[finding["outcome"]], "stage": "finished",
         "statusDetails": {"message": wording.found(finding)}, "start": start, "stop": stop,
         "parameters": [{"name": "measured", "value": wording.value(finding)}, {"name": "limit", "value": wording.limit(finding)},
                        {"name": "n", "value": str(finding["count"])}]}
        for phase in verdict["phases"].values() for finding in wording.ordered(phase["findings"])
    ]  # fmt: skip
    labels = {"epic": "00 GATE", "feature": "verdict", "severity": "blocker", "layer": "gate"}
    return {
        "uuid": str(uuid.uuid4()),
        "name": f"{verdict['verdict']} - VQL gate",
        "fullName": "GATE#verdict",
        "historyId": identity,
        "testCaseId": identity,
        "titlePath": ["00 GATE"],
        "status": STATUS[verdict["verdict"]],
        "statusDetails": {"message": wording.headline(verdict)},
        "stage": "finished",
        "start": start,
        "stop": max(stop, start),
        "descriptionHtml": _table(verdict),
        "steps": steps,
        "labels": [{"name": name, "value": value} for name, value in labels.items()],
    }


def write_crash(results: Path, crashed: str) -> None:
    """A broken result for the test a worker crashed in: allure-pytest writes none (allure-python#825)."""
    results.mkdir(parents=True, exist_ok=True)
    identity = hashlib.md5(crashed.encode(), usedforsecurity=False).hexdigest()
    _json(
        results / f"{uuid.uuid4()}-result.json",
        {"uuid": str(uuid.uuid4()), "name": crashed, "fullName": crashed, "historyId": identity, "status": "broken",
         "stage": "finished", "statusDetails": {"message": "the worker crashed while it ran this test"}},
    )  # fmt: skip


def quiet_phantom_teardowns() -> None:
    """Keep pytest's own finalizers out of Allure's tear-downs (allure-python#918, pytest 9.1 and later)."""
    original: Callable[..., Any] = allure_commons.fixture
    if getattr(original, "quiet", False):
        return

    def fixture(func: Any, parent_uuid: str | None = None, name: str | None = None) -> Any:
        if getattr(func, "__module__", "").startswith("_pytest."):
            return func
        return original(func, parent_uuid=parent_uuid, name=name)

    fixture.quiet = True  # type: ignore[attr-defined]
    setattr(allure_commons, "fixture", fixture)  # noqa: B010 - a class there, a function here: mypy would object


def _table(verdict: Entry) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{finding['outcome'].upper()}</td><td>{escape(finding['criterion'])}</td>"
        f"<td>{escape(wording.value(finding))}</td><td>{escape(wording.limit(finding))}</td><td>{finding['count']}</td>"
        f"<td>{escape(wording.found(finding))}</td></tr>"
        for name, phase in verdict["phases"].items()
        for finding in wording.ordered(phase["findings"])
    )
    head = "".join(f"<th>{name}</th>" for name in ("phase", "outcome", "criterion", "measured", "limit", "n", "found"))
    return f"<p><b>{escape(wording.headline(verdict))}</b></p><table><tr>{head}</tr>{rows}</table>"


def _environment(verdict: Entry) -> str:
    entries = {"VERDICT": verdict["verdict"], "target": verdict["target"], "label": verdict["label"],
               "valid_until": verdict["valid_until"] or "-", "seed": verdict["seed"], "run": verdict["run"]}  # fmt: skip
    return "".join(f"{name}={str(value).replace(chr(10), ' ')}\n" for name, value in entries.items())


def _categories() -> list[dict[str, Any]]:
    """Java regular expressions, for Allure 2; the configuration has the same for Allure 3 in JavaScript's."""
    return [
        {"name": "The gate", "messageRegex": "(GO|NO-GO|HOLD): .*"},
        {"name": "Wrong answers", "messageRegex": "(?s).*answers differ.*"},
        {"name": "The suite itself", "matchedStatuses": ["broken"]},
    ]


def _config(verdict: Entry) -> dict[str, Any]:
    word = verdict["verdict"]
    badge = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="32"><rect width="96" height="32" rx="6" fill="{COLOUR[word]}"/>'
        f'<text x="48" y="22" fill="#fff" font-family="sans-serif" font-size="16" text-anchor="middle">{word}</text></svg>'
    )
    logo = "data:image/svg+xml;base64," + base64.b64encode(badge.encode()).decode()
    options = {"logo": logo, "groupBy": ["epic", "feature", "story"], "defaultSortBy": "name,asc", "singleFile": True}
    return {
        "name": f"{word} - Contact360 VQL gate",
        "plugins": {"awesome": {"options": options}},
        "variables": {"VERDICT": word, **{phase: entry["verdict"] for phase, entry in verdict["phases"].items()}},
        "categories": {
            "rules": [{"name": "Wrong answers", "matchers": {"message": "[\\s\\S]*answers differ[\\s\\S]*"}}]
        },
    }


def _metrics(verdict: Entry) -> list[dict[str, Any]]:
    return [
        {"id": f"{phase}.{finding['criterion']}", "key": f"{phase}.{finding['criterion']}", "title": finding["criterion"],
         "value": finding["value"], "unit": finding["unit"], "group": phase, "better": "lower"}
        for phase, entry in verdict["phases"].items() for finding in entry["findings"] if finding["value"] is not None
    ]  # fmt: skip


def _json(path: Path, entry: Any) -> None:
    write_text(path, json.dumps(entry, ensure_ascii=False, indent=1))
