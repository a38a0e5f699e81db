"""A change of a verdict as a webhook's body: for Slack, for Microsoft Teams, or as plain JSON for anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reports.output import presentation
from reports.records.escaping import markdown, slack
from reports.records.records import Entry

Changed = Mapping[str, str | None]  # phase -> its verdict before; None: its first run
CARD = "application/vnd.microsoft.card.adaptive"
REASONS, CRITERIA, INCIDENTS = 3, 5, 2  # named in a message; the page has all


def message(verdict: Entry, changed: Changed, page: str) -> str:
    """Slack's text: what changed, why, and where to read on."""
    lines = [
        f"*{outcome}* ({before}): {slack(name)}, {slack(title)}; {slack(verdict['label'])}"
        for name, title, outcome, before in _changes(verdict, changed)
    ]
    return "\n".join([*lines, *(f"- {slack(reason)}" for reason in _reasons(verdict)), page])


def of_slack(verdict: Entry, changed: Changed, page: str) -> dict[str, Any]:
    return {"text": message(verdict, changed, page)}


def of_teams(verdict: Entry, changed: Changed, page: str) -> dict[str, Any]:
    """An adaptive card, as a workflow of Teams takes it."""
    texts = [
        f"**{outcome}** ({before}): {markdown(name)}, {markdown(title)}; {markdown(verdict['label'])}"
        for name, title, outcome, before in _changes(verdict, changed)
    ]
    texts += [f"- {markdown(reason)}" for reason in _reasons(verdict)]
    blocks: list[dict[str, Any]] = [{"type": "TextBlock", "text": text, "wrap": True} for text in texts]
    actions = [{"type": "Action.OpenUrl", "title": "Page of the run", "url": page}]
    linked = page.startswith(("https://", "http://"))
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks, "actions": actions if linked else []}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": card}]}


def of_json(verdict: Entry, changed: Changed, page: str) -> dict[str, Any]:
    """Facts without a layout, for a receiver of one's own."""
    return {
        "verdict": verdict["verdict"],
        "run": verdict["run"],
        "target": verdict["target"],
        "changed": {name: {"verdict": verdict["phases"][name]["verdict"], "before": changed[name]} for name in changed},
        "reasons": _reasons(verdict),
        "page": page,
    }


FORMATS: Mapping[str, Callable[[Entry, Changed, str], dict[str, Any]]] = {
    "slack": of_slack,
    "teams": of_teams,
    "json": of_json,
}


def _changes(verdict: Entry, changed: Changed) -> list[tuple[str, str, str, str]]:
    """Phase, title, verdict and what it was before, for each phase that changed."""
    return [
        (
            name,
            verdict["phases"][name]["title"],
            verdict["phases"][name]["verdict"],
            f"was {before}" if before else "first run",
        )
        for name, before in changed.items()
    ]


def _reasons(verdict: Entry) -> list[str]:
    sentences = [
        f"{cause}: {', '.join(presentation.title(finding) for _, finding in findings[:CRITERIA])}"
        for cause, findings in presentation.reasons(verdict)[:REASONS]
    ]
    return sentences + [f"incident: {incident}" for incident in verdict["incidents"][:INCIDENTS]]
