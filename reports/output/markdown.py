"""summary.md: the verdict as Markdown, for a pull request or a CI's step summary."""

from __future__ import annotations

from reports.output import presentation
from reports.records.escaping import markdown as escaped
from reports.records.escaping import markdown_code
from reports.records.records import Entry


def markdown(verdict: Entry) -> str:
    """The whole page as Markdown text."""
    parts = [
        f"# {escaped(presentation.headline(verdict))}",
        "",
        f"{escaped(verdict['label'])}. Started {verdict['started']}, "
        f"finished {verdict['finished']}, valid until {verdict['valid_until'] or 'never'}.",
    ]
    parts += ["", *(f"- **incident**: {escaped(incident)}" for incident in verdict["incidents"])]
    for name, phase in verdict["phases"].items():
        parts += ["", f"## {escaped(name)}, {escaped(phase['title'])}: {phase['verdict']}", ""]
        parts += ["| outcome | criterion | measured | limit | n | what was found |", "|---|---|---|---|---|---|"]
        parts += [_row(finding) for finding in presentation.ordered(phase["findings"])]
    commands = presentation.rollback(verdict)
    if commands:
        parts += ["", "## Rollback", "", "```bash", *commands, "```"]
    return "\n".join(parts) + "\n"


def _row(finding: Entry) -> str:
    cause = finding["cause"]
    said = presentation.found(finding)
    if cause and finding["outcome"] != "met":
        said += f" ({cause['share']}: {cause['sentence']}; {cause['remedy']})"
    note = "" if finding["kind"] == "blocking" else ", advisory"
    cells = (
        f"{finding['outcome']}{note}",
        f"{escaped(presentation.title(finding))} ({markdown_code(finding['criterion'])})",
        escaped(presentation.value(finding)),
        escaped(presentation.limit(finding)),
        str(finding["count"]),
        escaped(said),
    )
    return "| " + " | ".join(cells) + " |"
