"""Tells others of a verdict: a Pushgateway every time, a webhook when the verdict changed.

Neither is waited for long, and neither can cost more than a note. Addresses may hold secrets: notes name the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx

from reports.history.entry import HistoryEntry
from reports.output import prometheus
from reports.output.ci.http_deadline import bounded, within
from reports.output.ci.webhook_body import FORMATS
from reports.records.records import Entry
from reports.records.redaction import shown_url

TIMEOUT_S = 5.0
PUSHGATEWAY, WEBHOOK, PAGE = "GATE_PUSHGATEWAY", "GATE_WEBHOOK", "GATE_PAGE"
FORMAT = "GATE_WEBHOOK_FORMAT"
VARIABLES = {
    PUSHGATEWAY: "address of a Pushgateway; metrics are pushed there after each run, one group per target and phase",
    WEBHOOK: "address of a webhook; a message is posted when a verdict changed (needs `--history`)",
    FORMAT: "the webhook's format: slack (default), teams, or json",
    PAGE: "address of this run's page, for these messages (default: the CI's own page of the run)",
}


def announce(
    verdict: Entry,
    folder: Path,
    *,
    earlier: Sequence[HistoryEntry] | None,
    environ: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
) -> list[str]:
    """Push and post as the environment asks; returns a note for each that failed. `earlier` None: no history."""
    notes = []
    with bounded(httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, transport=transport)) as client:
        if address := environ.get(PUSHGATEWAY):
            notes += _pushed(client, address, verdict)
        if address := environ.get(WEBHOOK):
            if earlier is None:
                notes.append(f"{WEBHOOK}: not sent: only --history shows whether the verdict changed")
            elif changed := changes(verdict, earlier):
                notes += _posted(client, address, verdict, changed, environ, folder)
    return notes


def changes(verdict: Entry, earlier: Sequence[HistoryEntry]) -> dict[str, str | None]:
    """Phases whose verdict is another than in the latest earlier run of them, with what it was (None: no such run)."""
    changed: dict[str, str | None] = {}
    for name, phase in verdict["phases"].items():
        before = next((run.phases[name].verdict for run in reversed(earlier) if name in run.phases), None)
        if before != phase["verdict"]:
            changed[name] = before
    return changed


def _posted(
    client: httpx.Client,
    address: str,
    verdict: Entry,
    changed: Mapping[str, str | None],
    environ: Mapping[str, str],
    folder: Path,
) -> list[str]:
    """Post the message in the receiver's format; an unknown format is Slack's, and a note says so."""
    name = environ.get(FORMAT) or "slack"
    page = environ.get(PAGE) or _page(environ) or str(folder)
    body = FORMATS.get(name, FORMATS["slack"])(verdict, changed, page)
    slip = [] if name in FORMATS else [f"{FORMAT}={name!r}: expected {', '.join(FORMATS)}; Slack's format was sent"]
    return slip + _sent(client, "POST", address, WEBHOOK, json=body)


def _pushed(client: httpx.Client, address: str, verdict: Entry) -> list[str]:
    """One group per target and phase: a run of one phase leaves the others' numbers alone."""
    for phase in verdict["phases"]:
        path = f"/metrics/job/vql-gate/target/{quote(verdict['target'], safe='')}/phase/{quote(phase, safe='')}"
        body = prometheus.exposition(prometheus.of_phase(verdict, phase))
        notes = _sent(client, "PUT", address.rstrip("/") + path, PUSHGATEWAY, content=body.encode())
        if notes:
            return notes
    return []


def _sent(
    client: httpx.Client, method: str, address: str, name: str, *, content: bytes | None = None, json: object = None
) -> list[str]:
    try:
        with within(TIMEOUT_S), client.stream(method, address, content=content, json=json) as response:
            pass  # its status is all that matters
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        return [f"{name}: {shown_url(address)} was not reached: {type(error).__name__}"]
    if response.is_success:
        return []
    return [f"{name}: {shown_url(address)} answered {response.status_code}"]


def _page(environ: Mapping[str, str]) -> str:
    """Where the CI shows the run, if it says so."""
    if environ.get("GITHUB_RUN_ID"):
        return (
            f"{environ.get('GITHUB_SERVER_URL')}/{environ.get('GITHUB_REPOSITORY')}"
            f"/actions/runs/{environ['GITHUB_RUN_ID']}"
        )
    return environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or ""
