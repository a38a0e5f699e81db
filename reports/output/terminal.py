"""The terminal section: the verdict first, then each criterion, then what to do."""

from __future__ import annotations

import textwrap

from reports.output import presentation
from reports.records import escaping
from reports.records.records import Entry

WIDTH = 100


def lines(verdict: Entry, *, folder: str) -> list[tuple[str, str]]:
    """(text, style) per line; styles are those of pytest's terminal: green, red, yellow, bold or ''."""
    style = {"GO": "green", "NO-GO": "red", "HOLD": "yellow"}[verdict["verdict"]]
    found = [(presentation.headline(verdict), style)]
    if verdict["target"] == "sandbox":
        found.append((verdict["label"], ""))
    for incident in verdict["incidents"]:
        found += [(text, "yellow") for text in _wrapped(f"! {incident}", 0)]
    for stale in presentation.stale_waivers(verdict):
        found += [(text, "yellow") for text in _wrapped(f"! {stale}", 0)]
    for name, phase in verdict["phases"].items():
        found += [("", ""), (f"{name}, {phase['title']}: {phase['verdict']}", "bold")]
        for finding in presentation.ordered(phase["findings"]):
            found += _finding(finding)
    commands = presentation.rollback(verdict)
    if commands:
        found += [("", ""), ("to take it back (the guide, Rollback Procedures):", "bold")]
        found += [(f"    {command}", "") for command in commands]
    served = ", ".join(f"{count} {who}" for who, count in verdict["provenance"].items() if count)
    slowed = presentation.slowed(verdict)
    sent = f"{verdict['cost']['requests']} requests sent" + (f", {slowed}" if slowed else "")
    found += [("", ""), (f"served by: {served or 'nobody'}; {sent}", "")]
    if verdict["valid_until"]:
        found.append((f"valid until {verdict['valid_until']}, for this build, flags, index and gate", ""))
    found.append((f"page: {folder}/summary.html", ""))
    return [(escaping.terminal(text), style) for text, style in found]


def _finding(finding: Entry) -> list[tuple[str, str]]:
    outcome = finding["outcome"]
    style = {"missed": "red", "unmeasured": "yellow" if finding["kind"] == "blocking" else "", "met": "green"}[outcome]
    note = "" if finding["kind"] == "blocking" else ", advisory"
    head = (
        f"  {presentation.SYMBOLS[outcome]} {outcome:<10} {presentation.title(finding)} ({finding['criterion']}{note})"
    )
    found = [(head, style)] + [(text, "") for text in _wrapped(presentation.found(finding), 15)]
    if finding["cause"] and outcome != "met":
        cause = finding["cause"]
        found += [(text, "") for text in _wrapped(f"{cause['share']}: {cause['sentence']} [{cause['code']}]", 15)]
        found += [(text, "") for text in _wrapped(f"remedy: {cause['remedy']}", 15)]
    return found


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))
