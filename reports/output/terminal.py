"""The terminal section: the verdict first, then each criterion, then what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from reports.output import next_steps, presentation
from reports.records import escaping
from reports.records.records import Entry
from reports.records.wording import counted, moment

WIDTH = 100
REASONS = 6  # of skipped tests, a line each


def lines(verdict: Entry, *, folder: str) -> list[tuple[str, str]]:
    """(text, style) per line; styles are those of pytest's terminal: green, red, yellow, bold or ''."""
    style = {"GO": "green", "NO-GO": "red", "HOLD": "yellow"}[verdict["verdict"]]
    shown = [(presentation.headline(verdict), style)]
    if verdict["target"] == "sandbox":
        shown.append((verdict["label"], ""))
    for note in (*presentation.notes(verdict), *verdict["incidents"]):
        shown += [(text, "yellow") for text in _wrapped(f"! {note}", 0)]
    for name, phase in verdict["phases"].items():
        shown += [("", ""), (f"{name}, {phase['title']}: {phase['verdict']}", "bold")]
        for finding in presentation.ordered(phase["findings"]):
            shown += _finding(finding)
    shown += [("", ""), ("what to do next:", "bold")]
    for step in next_steps.steps(verdict):
        shown += [(text, "") for text in _wrapped(step.text, 2)]
        shown += [(f"      {command}", "") for command in step.commands]
    served = ", ".join(f"{count:,} {who}" for who, count in verdict["provenance"].items() if count)
    slowed = presentation.slowed(verdict)
    sent = f"{counted(verdict['cost']['requests'], 'request')} sent" + (f", {slowed}" if slowed else "")
    shown += [("", ""), (f"served by: {served or 'no answer'}; {sent}", "")]
    contradicted = verdict.get("contradictions", ())
    shown += [(text, "yellow") for sentence in contradicted for text in _wrapped(f"! {sentence}", 0)]
    if verdict["valid_until"]:
        shown.append((f"valid until {moment(verdict['valid_until'])}, for this build, flags, index and gate", ""))
    shown.append((f"page: {folder}/summary.html", ""))
    return [(escaping.terminal(text), style) for text, style in shown]


def skipped(reasons: Mapping[str, int]) -> list[str]:
    """Why tests were skipped: a line for each reason, the most frequent first; nothing where none was."""
    if not reasons:
        return []
    ordered = sorted(reasons.items(), key=lambda entry: -entry[1])
    shown = [f"{counted(sum(reasons.values()), 'test')} skipped:"]
    shown += [f"  {count}: {reason}" for reason, count in ordered[:REASONS]]
    unlisted = sum(count for _, count in ordered[REASONS:])
    return [
        escaping.terminal(text)
        for text in (*shown, *([f"  {unlisted}: other reasons (-rs lists them)"] if unlisted else []))
    ]


def _finding(finding: Entry) -> list[tuple[str, str]]:
    outcome = finding["outcome"]
    style = {"missed": "red", "unmeasured": "yellow" if finding["kind"] == "blocking" else "", "met": "green"}[outcome]
    note = "" if finding["kind"] == "blocking" else ", advisory"
    head = f"  {presentation.SYMBOLS[outcome]} {presentation.OUTCOMES[outcome]:<12} {presentation.title(finding)} ({finding['criterion']}{note})"
    wrapped = [(head, style)] + [(text, "") for text in _wrapped(presentation.finding_sentence(finding), 15)]
    if finding["cause"] and outcome != "met":
        for cause, word in presentation.causes(finding):
            text = f"{word}{cause['share']}: {cause['sentence']} [{cause['code']}]"
            wrapped += [(line, "") for line in _wrapped(text, 15)]
            wrapped += [(line, "") for line in _wrapped(f"remedy: {cause['remedy']}", 15)]
    return wrapped


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))
