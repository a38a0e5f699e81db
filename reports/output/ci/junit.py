"""The verdict in the JUnit file, where every CI shows it: a test case of its own beside those of the tests.

GO passes, NO-GO is a failure, HOLD is an error with its reason: a server that shows a green suite has a GO. The file is
there after every run, also after one that ended before its first test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from reports.output import next_steps, presentation
from reports.records.escaping import xml
from reports.records.records import Entry
from reports.records.run_ledger import write_text

CLASS = "GATE"
_TAGS = {"NO-GO": "failure", "HOLD": "error"}


def write(path: Path, verdict: Entry) -> None:
    """Put the verdict into the file at that path, in place of an earlier one; make the file where there is none."""
    root = _read(path)
    suite = root.find("testsuite") if root.tag == "testsuites" else root
    if suite is None:
        suite = SubElement(root, "testsuite", {"name": "vql-gate"})
    _forget(suite)
    listed = suite.find("properties")
    if listed is None:
        listed = Element("properties")
        suite.insert(0, listed)
    for name, value in properties(verdict):
        SubElement(listed, "property", {"name": xml(name), "value": xml(value)})
    suite.extend(cases(verdict))
    for case in suite.findall("testcase"):  # Jenkins' schema (junit-10.xsd) knows neither, and refuses the file
        case.attrib.pop("file", None)
        case.attrib.pop("line", None)
    _count(suite)
    write_text(path, '<?xml version="1.0" encoding="utf-8"?>' + ElementTree.tostring(root, encoding="unicode"))


def cases(verdict: Entry) -> Iterator[Element]:
    """The verdict of the run, and of each phase where it has several."""
    yield _case("verdict", verdict["verdict"], presentation.headline(verdict), _reasons(verdict))
    if len(verdict["phases"]) > 1:
        for name, phase in verdict["phases"].items():
            verdict_of_phase = {**verdict, "verdict": phase["verdict"], "phases": {name: phase}, "incidents": []}
            headline = f"{phase['verdict']}: {name}, {phase['title']}"
            yield _case(f"verdict of {name}", phase["verdict"], headline, _reasons(verdict_of_phase))


def properties(verdict: Entry) -> Iterator[tuple[str, str]]:
    """Name and value: the run, its phases, its criteria."""
    yield "verdict", verdict["verdict"]
    yield "verdict.run", verdict["run"]
    yield "verdict.target", verdict["target"]
    yield "verdict.valid_until", verdict["valid_until"] or ""
    for phase, entry in verdict["phases"].items():
        yield f"verdict.{phase}", entry["verdict"]
        for finding in entry["findings"]:
            outcome, limit = presentation.OUTCOMES[finding["outcome"]], presentation.limit(finding) or "no limit"
            yield f"verdict.{phase}.{finding['criterion']}", f"{outcome}: {presentation.value(finding)} ({limit})"


def _case(name: str, verdict: str, headline: str, reasons: list[str]) -> Element:
    case = Element("testcase", {"classname": CLASS, "name": name, "time": "0"})
    if verdict in _TAGS:
        element = SubElement(case, _TAGS[verdict], {"message": xml(headline), "type": verdict})
        element.text = xml("\n".join(reasons))
    return case


def _reasons(verdict: Entry) -> list[str]:
    """What keeps the verdict from GO, a line each, and what to do."""
    lines = [f"incident: {incident}" for incident in verdict["incidents"]]
    for cause, findings in presentation.reasons(verdict):
        lines.append(f"{cause}:")
        lines += [
            f"  {phase}, {presentation.title(finding)} ({finding['criterion']}): {presentation.finding_sentence(finding)}"
            for phase, finding in findings
        ]
    lines.append("What to do next:")
    for step in next_steps.steps(verdict):
        lines += [f"  {step.text}", *(f"    {command}" for command in step.commands)]
    return lines


def _read(path: Path) -> Element:
    try:
        return ElementTree.parse(path).getroot()  # noqa: S314 - pytest wrote it a moment ago
    except (OSError, ElementTree.ParseError):
        return Element("testsuites", {"name": "pytest tests"})


def _forget(suite: Element) -> None:
    for case in suite.findall(f"testcase[@classname='{CLASS}']"):
        suite.remove(case)
    for listed in suite.findall("properties"):
        for listed_property in listed.findall("property"):
            if str(listed_property.get("name")).split(".")[0] == "verdict":
                listed.remove(listed_property)


def _count(suite: Element) -> None:
    """The suite's own sums, which servers show instead of counting."""
    cases_of = suite.findall("testcase")
    suite.set("tests", str(len(cases_of)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases_of)))
