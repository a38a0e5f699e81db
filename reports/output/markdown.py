"""summary.md: the verdict as Markdown, for a pull request or a CI's step summary."""

from __future__ import annotations

from reports.output import presentation
from reports.records.records import Entry


def markdown(verdict: Entry) -> str:
    """The whole page as Markdown text."""
    parts = [
        f"# {presentation.headline(verdict)}",
        "",
        f"{verdict['label']}. Started {verdict['started']}, "
        f"finished {verdict['finished']}, valid until {verdict['valid_until'] or 'never'}.",
    ]
    parts += ["", *(f"- **incident**: {_cell(incident)}" for incident in verdict["incidents"])]
    for name, phase in verdict["phases"].items():
        parts += ["", f"## {name}, {phase['title']}: {phase['verdict']}", ""]
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
        f"{presentation.title(finding)} (`{finding['criterion']}`)",
        presentation.value(finding),
        presentation.limit(finding),
        str(finding["count"]),
        said,
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
