"""summary.html: one self-contained page for the person who decides. No script, no outside request, prints well.

Read from the top: the word, what it asks, what it is bound to, why; then one row per criterion; then pictures and
proof; on NO-GO the last thing is how to take it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from reports.history.entry import HistoryEntry
from reports.history.guide_coverage import GuideLine
from reports.output import page_sections, presentation, svg_charts
from reports.records.escaping import html as escape
from reports.records.records import Entry
from reports.records.run_ledger import RunRecords

REASONS = 5  # named under the headline; all of them are in the tables
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
HEADS = ("Outcome", "Criterion", "Measured", "Limit", "n", "What was found")


def html(
    verdict: Entry,
    recorded: RunRecords,
    *,
    earlier: Sequence[HistoryEntry] = (),
    drills: Sequence[Mapping[str, Any]] = (),
    lines: Sequence[GuideLine] = (),
) -> str:
    """The page. `earlier`: runs of the same deployment, for the trend; `drills`: rows of the detection matrix; `lines`:
    the guide's.

    Everything that came from outside is escaped, and the page's own policy forbids scripts and requests all the same.
    """
    body = (
        _facts(verdict, recorded),
        _why(verdict),
        _overview(verdict),
        *(_phase(name, phase) for name, phase in verdict["phases"].items()),
        page_sections.latency(verdict, recorded),
        page_sections.served(recorded),
        page_sections.trends(verdict, earlier),
        page_sections.known_differences(verdict),
        page_sections.mismatches(verdict, recorded),
        page_sections.coverage(verdict, recorded, lines),
        page_sections.detection(drills),
        page_sections.attestations(recorded, lines),
        page_sections.cost(verdict, recorded),
        page_sections.bound(verdict, recorded),
        _rollback(verdict),
    )
    return document(f"{verdict['verdict']} - Contact360 VQL gate", _banner(verdict), "".join(body))


def document(title: str, banner: str, body: str) -> str:
    """A whole page of ours around a banner and a body."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_style()}</style></head>"
        f"<body>{banner}<main>{body}</main></body></html>\n"
    )


def _banner(verdict: Entry) -> str:
    word = verdict["verdict"]
    titles = "; ".join(f"{name}, {phase['title']}" for name, phase in verdict["phases"].items()) or "no phase was asked"
    return (
        f'<header class="{word}"><div><p>Contact360 VQL gate: {escape(titles)}</p>'
        f"<h1><b>{word}</b><span>{escape(_sentence(presentation.meaning(verdict)))}</span></h1>"
        f"<p>{escape(_sentence(verdict['label']))}</p></div></header>"
    )


def _facts(verdict: Entry, recorded: RunRecords) -> str:
    until = "not valid as a GO"
    if verdict["valid_until"]:
        until = f"{presentation.moment(verdict['valid_until'])}, for this build, flags, index and gate"
    facts = {
        "Target": ", ".join(filter(None, (verdict["target"], recorded.run.described.get("backend")))),
        "Build": page_sections.build(verdict),
        "Finished": presentation.moment(verdict["finished"]),
        "Valid until": until,
        "Criteria": presentation.tally(verdict),
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items())
    return f'<dl class="facts">{rows}</dl>'


def _why(verdict: Entry) -> str:
    """What keeps the verdict from GO, by cause: one thing to repair may explain several criteria."""
    items = [
        f'<li class="HOLD"><strong>Incident: {escape(each)}</strong></li>' for each in verdict["incidents"][:REASONS]
    ]
    items += [_reason(cause, findings) for cause, findings in presentation.reasons(verdict)]
    if not items:
        return ""
    jump = '<p><a href="#rollback">How to take it back</a></p>' if presentation.rollback(verdict) else ""
    title = "Why it is no GO" if verdict["verdict"] == "NO-GO" else "What is lacking"
    return f'<section><h2>{title}</h2><ul class="why">{"".join(items)}</ul>{jump}</section>'


def _reason(title: str, findings: Sequence[Entry]) -> str:
    lines = "".join(f"<li>{escape(_short(finding))}</li>" for finding in findings[:REASONS])
    if len(findings) > REASONS:
        lines += f"<li>and {len(findings) - REASONS} more, in the tables below</li>"
    remedies = dict.fromkeys(finding["cause"]["remedy"] for finding in findings if finding["cause"])
    remedy = "".join(f"<small>Remedy: {escape(each)}</small>" for each in remedies)
    outcome = findings[0]["outcome"]
    return f'<li class="{outcome}"><strong>{escape(_sentence(title))}</strong><ul>{lines}</ul>{remedy}</li>'


def _short(finding: Entry) -> str:
    return f"{presentation.title(finding)}: {presentation.found(finding)} ({finding['criterion']})"


def _overview(verdict: Entry) -> str:
    """Several phases: one line each, so that the page can be read from its top."""
    if len(verdict["phases"]) < 2:
        return ""
    rows = "".join(
        f'<tr><td class="o {phase["verdict"]}">{phase["verdict"]}</td><th scope="row">'
        f'<a href="#{escape(name)}">{escape(name)}, {escape(phase["title"])}</a></th>'
        f'<td data-h="Flag"><code>{escape(phase["flag"])}</code></td>'
        f'<td data-h="Criteria">{escape(presentation.tally({"phases": {name: phase}}))}</td></tr>'
        for name, phase in verdict["phases"].items()
    )
    head = "".join(f'<th scope="col">{each}</th>' for each in ("Verdict", "Phase", "Flag", "Criteria"))
    return f"<section><h2>Phases</h2><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"


def _phase(name: str, phase: Entry) -> str:
    rows = "".join(_row(finding) for finding in presentation.ordered(phase["findings"]))
    head = "".join(f'<th scope="col">{each}</th>' for each in HEADS)
    flag = f", <code>{escape(phase['flag'])}</code>" if phase["flag"] else ""
    return (
        f'<section id="{escape(name)}"><h2><span class="{phase["verdict"]}">{phase["verdict"]}</span>: {escape(name)}, '
        f"{escape(phase['title'])}{flag}</h2>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(finding: Entry) -> str:
    outcome = finding["outcome"]
    word = "not measured" if outcome == "unmeasured" else outcome
    note = "" if finding["kind"] == "blocking" else "<small>advisory</small>"
    needed = f"<small>{finding['needed']:,} more needed</small>" if finding["needed"] else ""
    cells = (
        f'<td class="o {outcome}">{presentation.SYMBOLS[outcome]} {word}{note}</td>',
        f'<th scope="row">{escape(presentation.title(finding))}<small>{escape(finding["guide"])}; <code>{escape(finding["criterion"])}</code></small></th>',
        f'<td class="m" data-h="Measured">{escape(presentation.value(finding))}{_gauge(finding)}'
        f"<small>{escape(presentation.bounds(finding))}</small></td>",
        f'<td class="l" data-h="Limit">{_limit(finding)}</td>',
        f'<td class="n" data-h="n">{finding["count"]:,}{needed}</td>',
        f'<td class="f">{escape(presentation.found(finding))}{_cause(finding)}{_evidence(finding)}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _limit(finding: Entry) -> str:
    target, _, alert = presentation.limit(finding).partition(", ")
    return escape(target) + (f"<small>{escape(alert)}</small>" if alert else "")


def _gauge(finding: Entry) -> str:
    if finding["target"] is None or finding["unit"] not in ("share", "ratio", "s"):
        return ""
    return svg_charts.gauge(
        finding["value"], finding["interval"], finding["target"], finding["alert"], finding["outcome"]
    )


def _cause(finding: Entry) -> str:
    cause = finding["cause"]
    if not cause or finding["outcome"] == "met":
        return ""
    named = f"Cause ({cause['share']}): {cause.get('sentence') or cause['code']} [{cause['code']}]"
    return f"<small>{escape(named)}</small><small>Remedy: {escape(cause['remedy'])}</small>"


def _evidence(finding: Entry) -> str:
    """Links into the run folder: they work where the page lies beside it, and are read as text elsewhere."""
    return "".join(
        f'<small>All of them: <a href="{escape(path)}">{escape(path)}</a></small>'
        for path in finding["evidence"]
        if not path.startswith(("/", "\\")) and ":" not in path
    )


def _rollback(verdict: Entry) -> str:
    commands = presentation.rollback(verdict)
    if not commands:
        return ""
    whole = "CONNECTRA_ENABLED=false" in commands
    title = "Immediate Rollback (All Endpoints)" if whole else "Selective Rollback (Single Endpoint)"
    check = (
        "All endpoints should use direct repository queries"
        if whole
        else "Only affected endpoint should use repository"
    )
    return (
        f'<section class="rollback" id="rollback"><h2>Take it back</h2><p>The guide, Rollback Procedures, {title}:</p>'
        f"<pre>{escape(chr(10).join(commands))}</pre>"
        f"<p>Then verify (the guide: {check}): <code>{escape(presentation.verification(verdict))}</code></p></section>"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")
