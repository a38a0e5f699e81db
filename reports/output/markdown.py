"""summary.md: the verdict as Markdown, for a pull request or a CI's step summary."""

from __future__ import annotations

from reports.output import next_steps, presentation
from reports.records.escaping import markdown as escaped
from reports.records.escaping import markdown_code
from reports.records.records import Entry
from reports.records.wording import moment


def markdown(verdict: Entry) -> str:
    """The whole page as Markdown text."""
    until = f"valid until {moment(verdict['valid_until'])}" if verdict["valid_until"] else "not valid as a GO"
    parts = [
        f"# {escaped(presentation.headline(verdict))}",
        "",
        f"{escaped(verdict['label'].capitalize())}. Started {moment(verdict['started'])}, "
        f"finished {moment(verdict['finished'])}, {until}.",
    ]
    parts += ["", *(f"- **note**: {escaped(note)}" for note in presentation.notes(verdict))]
    parts += [f"- **incident**: {escaped(incident)}" for incident in verdict["incidents"]]
    parts += [f"- **contradiction**: {escaped(sentence)}" for sentence in verdict.get("contradictions", ())]
    parts += ["", "## What to do next", ""]
    for number, step in enumerate(next_steps.steps(verdict), 1):
        parts.append(f"{number}. {escaped(step.text)}")
        if step.commands:
            parts += ["", *("   " + line for line in ("```bash", *step.commands, "```")), ""]
    for name, phase in verdict["phases"].items():
        parts += ["", f"## {escaped(name)}, {escaped(phase['title'])}: {phase['verdict']}", ""]
        parts += ["| outcome | criterion | measured | limit | n | finding |", "|---|---|---|---|---|---|"]
        parts += [_row(finding) for finding in presentation.ordered(phase["findings"])]
    return "\n".join(parts) + "\n"


def _row(finding: Entry) -> str:
    sentence = presentation.finding_sentence(finding)
    if finding["outcome"] != "met":
        for cause, word in presentation.causes(finding):
            sentence += f" ({word}{cause['share']}: {cause['sentence']}; {cause['remedy']})"
    note = "" if finding["kind"] == "blocking" else ", advisory"
    cells = (
        f"{presentation.OUTCOMES[finding['outcome']]}{note}",
        f"{escaped(presentation.title(finding))} ({markdown_code(finding['criterion'])})",
        escaped(presentation.value(finding)),
        escaped(presentation.limit(finding)),
        f"{finding['count']:,}",
        escaped(sentence),
    )
    return "| " + " | ".join(cells) + " |"
