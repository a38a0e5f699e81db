"""summary.html: one self-contained page for the person who decides. No script, no outside request, prints well.

Read from the top: the word and what to do next, with the causes; the guide's five metrics; one row per criterion;
then pictures and proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports.history.entry import HistoryEntry
from reports.history.guide_coverage import GuideLine
from reports.judge.criteria import Gate, GateError
from reports.judge.effective_gate import gate_of
from reports.output import next_steps, presentation
from reports.output.html import page_sections, svg_charts, tiles, timeline, traffic_report
from reports.output.html.rendering import render
from reports.records.records import Entry, Outcome
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, moment

REASONS = 5  # named under the headline; all of them are in the tables
FIELDS = 6  # named beside a reason
WHY = {"NO-GO": "Why it is NO-GO", "HOLD": "Why it is HOLD", "GO": "Why"}


def html(
    verdict: Entry,
    recorded: RunRecords,
    *,
    earlier: Sequence[HistoryEntry] = (),
    drills: Sequence[Mapping[str, Any]] = (),
    lines: Sequence[GuideLine] = (),
    refresh: int = 0,
) -> str:
    """The page. `earlier`: runs of the same deployment, for the trend; `drills`: rows of the detection matrix; `lines`:
    the guide's; `refresh`: seconds after which a browser loads it anew, for a run that goes on (0: never).

    Everything is escaped, and the page's own policy forbids scripts and requests all the same.
    """
    gates = {name: _gate(recorded, name) for name in verdict["phases"]}
    body = (
        _first_screen(verdict, recorded),
        _overview(verdict),
        _tiles(verdict, gates, recorded, earlier),
        _facts(verdict, recorded),
        *(_phase(name, phase) for name, phase in verdict["phases"].items()),
        page_sections.field_heat(verdict, recorded),
        timeline.served(recorded),
        page_sections.latency(verdict, recorded),
        traffic_report.traffic(recorded),
        timeline.bake(verdict, recorded, earlier),
        page_sections.trends(verdict, earlier),
        page_sections.known_differences(verdict),
        page_sections.mismatches(verdict, recorded),
        page_sections.coverage(verdict, recorded, lines),
        page_sections.detection(drills),
        page_sections.attestations(recorded, lines),
        page_sections.cost(verdict, recorded, [gate for gate in gates.values() if gate]),
        page_sections.bound(verdict, recorded),
    )
    title = f"{verdict['verdict']} - Contact360 VQL gate"
    return document(_rehearsed(verdict) + title, _banner(verdict), Markup().join(body), refresh=refresh)


def document(title: str, banner: Markup, body: Markup, *, refresh: int = 0) -> str:
    """A whole page of ours around a banner and a body."""
    return str(render("document.html", title=title, banner=banner, body=body, refresh=refresh)) + "\n"


def _rehearsed(verdict: Entry) -> str:
    running = "Running: " if verdict.get("going_on") else ""
    return running + ("Rehearsal: " if verdict["target"] == "sandbox" else "")


def _banner(verdict: Entry) -> Markup:
    titles = "; ".join(f"{name}, {phase['title']}" for name, phase in verdict["phases"].items())
    return render(
        "banner.html",
        word=verdict["verdict"],
        rehearsal=verdict["target"] == "sandbox",
        running=bool(verdict.get("going_on")),
        asked=titles or "no phase was asked",
        meaning=presentation.meaning(verdict),
        label=verdict["label"],
        notes=presentation.notes(verdict),
    )


def _first_screen(verdict: Entry, recorded: RunRecords) -> Markup:
    return render(
        "first_screen.html",
        why_title=WHY[verdict["verdict"]],
        incidents=verdict["incidents"][:REASONS],
        reasons=[_reason(cause, entries, recorded) for cause, entries in presentation.reasons(verdict)],
        steps=next_steps.steps(verdict),
    )


def _reason(title: str, findings: Sequence[tuple[str, Entry]], recorded: RunRecords) -> dict[str, Any]:
    """A cause, the criteria that it keeps from GO, the fields it shows in, and its remedies."""
    codes = {finding["cause"]["code"] for _, finding in findings if finding["cause"]}
    fields: Counter[str] = Counter()
    for sample in page_sections.comparisons(recorded):
        if sample.outcome is Outcome.DIFFERENT and sample.cause in codes:
            fields.update({page_sections.field_of(difference.path) for difference in sample.not_known})
    return {
        "title": title,
        "outcome": findings[0][1]["outcome"],
        "criteria": [
            {"title": presentation.title(finding), "anchor": _anchor(phase, finding)}
            for phase, finding in findings[:REASONS]
        ],
        "more": len(findings) - REASONS if len(findings) > REASONS else 0,
        "fields": ", ".join(f"{name} {count}" for name, count in fields.most_common(FIELDS)),
        "remedies": list(dict.fromkeys(finding["cause"]["remedy"] for _, finding in findings if finding["cause"])),
    }


def _tiles(
    verdict: Entry, gates: Mapping[str, Gate | None], recorded: RunRecords, earlier: Sequence[HistoryEntry]
) -> Markup:
    rows = [
        {"title": f"{name}, {phase['title']}: the guide's five metrics", "tiles": own_tiles}
        for name, phase in verdict["phases"].items()
        if (own_tiles := tiles.tiles(name, phase, gates[name], recorded, earlier))
    ]
    return render("tiles.html", rows=rows)


def _facts(verdict: Entry, recorded: RunRecords) -> Markup:
    until = "not valid as a GO"
    if verdict["valid_until"]:
        until = f"{moment(verdict['valid_until'])}, for this build, flags, index and gate"
    facts = {
        "Target": ", ".join(filter(None, (verdict["target"], recorded.run.described.get("backend")))),
        "Build": page_sections.build(verdict),
        "Finished": "it goes on" if verdict.get("going_on") else moment(verdict["finished"]),
        "Valid until": until,
        "Criteria": presentation.tally(verdict),
    }
    return render("facts.html", facts=facts.items())


def _overview(verdict: Entry) -> Markup:
    """Several phases: one line each, so that the page can be read from its top."""
    if len(verdict["phases"]) < 2:
        return Markup()
    phases = [
        {**phase, "name": name, "tally": presentation.tally({"phases": {name: phase}})}
        for name, phase in verdict["phases"].items()
    ]
    return render("overview.html", phases=phases)


def _phase(name: str, phase: Entry) -> Markup:
    rows = [_row(name, finding) for finding in presentation.ordered(phase["findings"])]
    return render(
        "phase.html", name=name, verdict=phase["verdict"], title=phase["title"], flag=phase["flag"], rows=rows
    )


def _anchor(phase: str, finding: Entry) -> str:
    return f"{phase}-{finding['criterion']}"


def _row(phase: str, finding: Entry) -> dict[str, Any]:
    outcome = finding["outcome"]
    return {
        "anchor": _anchor(phase, finding),
        "outcome": outcome,
        "symbol": presentation.SYMBOLS[outcome],
        "word": presentation.OUTCOMES[outcome],
        "advisory": finding["kind"] != "blocking",
        "waived": finding.get("waived") or "",
        "title": presentation.title(finding),
        "guide": finding["guide"],
        "criterion": finding["criterion"],
        "value": "" if finding["value"] is None or finding["unit"] == "mismatches" else presentation.value(finding),
        "gauge": _gauge(finding),
        "basis": _basis(finding),
        "finding": presentation.finding_sentence(finding),
        "cause": ""
        if outcome == "met"
        else "; ".join(f"{word}{cause['code']}, {cause['share']}" for cause, word in presentation.causes(finding)),
        "evidence": [path for path in finding["evidence"] if not path.startswith(("/", "\\")) and ":" not in path],
    }


def _basis(finding: Entry) -> str:
    """Limit, and on how much the finding rests."""
    lacking = f"{finding['needed']:,} more needed" if finding["needed"] else ""
    count = counted(finding["count"], "sample") if finding["count"] else ""
    limit = "" if finding["unit"] == "mismatches" else presentation.limit(finding)
    return "; ".join(filter(None, (limit, count, lacking)))


def _gauge(finding: Entry) -> Markup:
    if finding["target"] is None or finding["unit"] not in ("share", "ratio", "s"):
        return Markup()
    return svg_charts.gauge(
        finding["value"],
        finding["interval"],
        finding["target"],
        finding["alert"],
        finding["outcome"],
        flipped=presentation.counts_failures(finding),
    )


def _gate(recorded: RunRecords, phase: str) -> Gate | None:
    try:
        return gate_of(recorded.run, phase)
    except (GateError, KeyError):
        return None
