"""GitHub Actions: the step summary, the step's outputs, and annotations on the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reports.output import markdown, presentation
from reports.records import escaping
from reports.records.records import Entry

ANNOTATED = 10  # GitHub shows ten of a kind per step


def report(verdict: Entry, folder: Path, environ: Mapping[str, str]) -> None:
    """Append to the files GitHub names; nothing where there is no GitHub."""
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        _append(path, markdown.markdown(verdict) + "\n")
    if path := environ.get("GITHUB_OUTPUT"):
        outputs = {
            "verdict": verdict["verdict"],
            "valid_until": verdict["valid_until"] or "",
            "run_folder": str(folder),
        }
        _append(path, "".join(f"{name}={escaping.output_value(value)}\n" for name, value in outputs.items()))


def commands(verdict: Entry, environ: Mapping[str, str]) -> Iterator[str]:
    """Workflow commands, each to stand on a line of its own; none where there is no GitHub."""
    if not environ.get("GITHUB_ACTIONS"):
        return
    level = {"GO": "notice", "NO-GO": "error", "HOLD": "warning"}
    yield escaping.workflow_command(level[verdict["verdict"]], verdict["verdict"], presentation.headline(verdict))
    wanted = [
        (name, finding)
        for name, phase in verdict["phases"].items()
        for finding in phase["findings"]
        if finding["kind"] == "blocking" and finding["outcome"] != "met"
    ]
    for name, finding in wanted[: ANNOTATED - 1]:
        kind = "error" if finding["outcome"] == "missed" else "warning"
        remedy = f" Remedy: {finding['cause']['remedy']}" if finding["cause"] else ""
        title = f"{name}, {presentation.title(finding)} ({finding['criterion']}): {'missed' if kind == 'error' else 'not measured'}"
        yield escaping.workflow_command(
            kind, title, f"{finding['guide']}. {presentation.finding_sentence(finding)}.{remedy}"
        )


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(text)
