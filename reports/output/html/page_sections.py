"""What the decision page shows beyond its table: pictures, proof, and what the verdict is bound to.

Each section is empty when there is nothing to show: no data, no heading.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from markupsafe import Markup

from reports.history import guide_coverage
from reports.history.entry import FindingSummary, HistoryEntry
from reports.history.guide_coverage import GuideLine
from reports.judge.criteria import Gate, read_gate
from reports.output import evidence, presentation
from reports.output.html import request_counts, svg_charts
from reports.output.html.rendering import folded, render, section, table
from reports.output.html.svg_charts import TrendPoint
from reports.output.presentation import MISMATCHES_SHOWN
from reports.records import commands
from reports.records.records import (
    BUILD_KEYS,
    Attestation,
    Comparison,
    Entry,
    Event,
    Observation,
    Outcome,
    Pair,
    Provenance,
)
from reports.records.run_ledger import RunRecords
from reports.records.wording import counted, differ, differences, moment, plural, times

_PLACE, _DIGIT = re.compile(r"\[.*?\]|-\d+$"), re.compile(r"\d")
SHOWN_FIELDS = 12  # rows of the field heat
TREND = 60  # earlier runs in a trend's picture
SIDES = {"backend": "Service", "baseline": "Baseline", "connectra": "Connectra", "index": "Index"}


def latency(verdict: Entry, recorded: RunRecords) -> Markup:
    """Both paths' times per check, against the limits of the criterion that judges them."""
    pairs = sorted(
        (record for record in recorded.records if isinstance(record, Pair)), key=lambda pair: (pair.phase, pair.check)
    )
    figures = []
    for (phase, check), check_pairs in groupby(pairs, key=lambda pair: (pair.phase, pair.check)):
        finding = _latency_finding(verdict["phases"].get(phase), check)
        limits = (finding["target"], finding["alert"]) if finding else (None, None)
        caption = f"{phase}, {check}" + (f": {finding['sentence']}" if finding else "")
        figures.append((caption, svg_charts.distribution(check, list(check_pairs), *limits)))
    return section("Response time, VQL against the direct path", pictures(figures))


def trends(verdict: Entry, earlier: Sequence[HistoryEntry]) -> Markup:
    """Every share and ratio over the earlier runs of this deployment, this run last."""
    figures = []
    for name, phase in verdict["phases"].items():
        for finding in phase["findings"]:
            points = trend_points(finding, name, earlier)
            if len(points) > 1:
                title = f"{name}, {presentation.title(finding)}"
                figures.append(("", trend_picture(title, points, finding)))
    return section("Trend over earlier runs", pictures(figures), on_paper=False)


def trend_points(finding: Entry, phase: str, earlier: Sequence[HistoryEntry]) -> list[TrendPoint]:
    """The criterion's values in earlier runs and in this one; none for what is no share and no ratio."""
    if finding["unit"] not in ("share", "ratio") or finding["value"] is None:
        return []
    runs = [entry for entry in earlier if phase in entry.phases][-TREND:]
    flipped = presentation.counts_failures(finding)
    points = [*earlier_points(runs, phase, finding["criterion"]), _point(finding, "this run")]
    return [point.as_successes() for point in points] if flipped else points


def trend_picture(
    title: str, points: Sequence[TrendPoint], finding: Entry, changes: Sequence[tuple[float, str]] = ()
) -> Markup:
    """A trend with the limits in the guide's own way of counting: success is drawn as success."""
    limits = (finding["target"], finding["alert"])
    if presentation.counts_failures(finding):
        limits = tuple(None if limit is None else 1 - limit for limit in limits)  # type: ignore[assignment]
    return svg_charts.trend(title, points, *limits, finding["unit"], changes)


def sparkline(finding: Entry, phase: str, earlier: Sequence[HistoryEntry]) -> Markup:
    points = trend_points(finding, phase, earlier)
    return svg_charts.sparkline(f"{presentation.title(finding)} over {counted(len(points), 'run')}", points)


def earlier_points(runs: Sequence[HistoryEntry], phase: str, criterion: str) -> list[TrendPoint]:
    """One point per run that measured the criterion, oldest first, counted as the history keeps it."""
    points = [(run, kept) for run in runs for kept in run.phases[phase].criteria if kept.criterion == criterion]
    return [_kept_point(kept, run) for run, kept in points if kept.value is not None]


def field_heat(verdict: Entry, recorded: RunRecords) -> Markup:
    """In how many records each field differs, by cause: the more, the darker."""
    wrong = [sample for sample in comparisons(recorded) if _differs(sample, *verdict["phases"])]
    records: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for sample in wrong:
        for difference in sample.not_known:
            place = (field_of(difference.path), sample.cause or "cause not known")
            records.setdefault(place, set()).add((sample.check, sample.key))
    counts = {place: len(keys) for place, keys in records.items()}
    if not counts:
        return Markup()
    totals: Counter[str] = Counter()
    by_cause: Counter[str] = Counter()
    for (field, cause), count in counts.items():
        totals[field] += count
        by_cause[cause] += count
    causes = [cause for cause, _ in by_cause.most_common()]
    rows = [
        {"field": field, "cells": [_heat(counts.get((field, cause), 0), max(counts.values())) for cause in causes]}
        for field, _ in totals.most_common(SHOWN_FIELDS)
    ]
    more = len(totals) - SHOWN_FIELDS
    note = render("note.html", text=f"and {counted(more, 'more field')}") if more > 0 else Markup()
    return section("Fields that differ: records by cause", render("heat.html", causes=causes, rows=rows) + note)


def field_of(path: str) -> str:
    """The field without keys and places in lists: rows.KEY.city is rows.city, and every keyword is keywords.

    Keys and places have digits, names of fields have none; a token in angle brackets stands for an undeclared name.
    """
    parts = [_PLACE.sub("", part) for part in path.split(".")]
    return ".".join(part for part in parts if part.startswith("<") or not _DIGIT.search(part)) or "the whole record"


def _heat(count: int, most: int) -> dict[str, int]:
    """A cell and its shade, 1 to 4; 0 where nothing differs."""
    return {"count": count, "level": 1 + min(3, int(4 * (count - 1) / most)) if count else 0}


def known_differences(verdict: Entry) -> Markup:
    """Declared differences and what each covered: counted apart, never as equal; over the cap or stale is said."""
    rows = [
        (
            excuse["id"],
            excuse["ticket"],
            excuse["reason"],
            excuse["until"],
            f"{excuse['count']:,} of {excuse['of']:,}",
            f"at most {100 * excuse['cap']:g} %",
            _standing(excuse),
        )
        for phase in verdict["phases"].values()
        for excuse in phase.get("known") or ()
    ]
    if not rows:
        return Markup()
    note = render(
        "note.html",
        text="These answers differ in a way that was declared beforehand. They count neither as equal nor as wrong.",
    )
    heads = ("Known difference", "Ticket", "Reason", "Until", "Answers", "Cap", "Standing")
    return section("Known differences, counted apart", note + table(heads, rows))


def _standing(excuse: Entry) -> str:
    if excuse["over"]:
        return "over its cap: its criterion is not met"
    return "stale: it covered nothing" if excuse["stale"] else "within its cap"


def mismatches(verdict: Entry, recorded: RunRecords) -> Markup:
    """The first ten records that differ of each check, field by field; tokens stand for values."""
    groups = []
    for phase in verdict["phases"]:
        wrong = [sample for sample in comparisons(recorded) if _differs(sample, phase)]
        for check in sorted({sample.check for sample in wrong}):
            differing = list({sample.key: sample for sample in reversed(wrong) if sample.check == check}.values())[::-1]
            kinds = Counter(str(difference.kind) for sample in differing for difference in sample.not_known)
            shown = f"; the first {MISMATCHES_SHOWN}" if len(differing) > MISMATCHES_SHOWN else ""
            groups.append(
                {
                    "summary": f"{phase}, {check}: {differ(len(differing))} ({differences(kinds)}){shown}",
                    "records": [_mismatch(sample) for sample in differing[:MISMATCHES_SHOWN]],
                    "by_hand": _by_hand(differing[0], recorded),
                    "again": differing[0].again,
                }
            )
    prepare = commands.prepare_shell(presentation.run_options(verdict)) if verdict["target"] == "live" else ()
    alone = _without_direct_path(verdict, recorded)
    content = render("mismatches.html", groups=groups, prepare=prepare, alone=alone) if groups else ""
    return section("Records that differ", content)


def _without_direct_path(verdict: Entry, recorded: RunRecords) -> str:
    """Of which checks of the backend no answer of the direct path stands beside VQL's, and why, as far as known."""
    beside: dict[str, bool] = {}
    for sample in comparisons(recorded):
        if sample.phase not in verdict["phases"] or sample.outcome is not Outcome.DIFFERENT or not sample.answers:
            continue
        if sample.answers[0].side == "backend" and sample.answers[0].provenance is not Provenance.DIRECT:
            shown = any(difference.baseline is not None for difference in sample.differences)
            beside[sample.check] = shown or beside.get(sample.check, False)
    without = sorted(check for check, shown in beside.items() if not shown)
    if not without:
        return ""
    unset = recorded.run.described.get("baseline", "").startswith("none")
    costly = all(check.startswith(("export-", "linkedin-")) for check in without)
    why = ": CONTACT360_BASELINE_URL is not set" if unset else ": it would cost credits there as well" if costly else ""
    return f"No answer of the direct path was observed for {', '.join(without)}{why}."


def _by_hand(sample: Comparison, recorded: RunRecords) -> list[str]:
    """The shell lines that show both sides of one record on a live target; a sandbox ends with its run."""
    if recorded.run.target != "live":
        return []
    requests = [evidence.request(answer) for answer in sample.answers]
    return [line for line in (*requests, evidence.row(sample, recorded.run.options.get("tables", {}))) if line]


def _differs(sample: Comparison, *phases: str) -> bool:
    return sample.outcome is Outcome.DIFFERENT and sample.phase in phases


def _mismatch(sample: Comparison) -> dict[str, Any]:
    answer = sample.answers[0] if sample.answers else None
    served = f"served by {answer.provenance} in {answer.elapsed_ms:.0f} ms" if answer else "no answer"
    side = SIDES.get(answer.side if answer else "", "Service")
    beside = any(difference.baseline is not None for difference in sample.differences)
    return {
        "heads": ("Field", "PostgreSQL", side, *(("Baseline",) if beside else ()), "Kind"),
        "beside": beside,
        "key": sample.key,
        "about": f"{sample.stratum}; {served}; cause {sample.cause or 'not known'}",
        "side": side,
        "fields": presentation.first_differences(sample),
    }


def coverage(verdict: Entry, recorded: RunRecords, lines: Sequence[GuideLine] = ()) -> Markup:
    """The guide's lines, each with the criteria that stand for it and their outcomes, or where they are asked."""
    here: dict[str, list[tuple[str, Entry]]] = {}
    for phase, entry in verdict["phases"].items():
        for finding in entry["findings"]:
            for line in finding.get("lines") or ():
                here.setdefault(str(line), []).append((phase, finding))
    if not here:
        return Markup()
    listed = lines or tuple(GuideLine(id=line, section="", says=line) for line in here)
    gates = [read_gate(file.text, file.path) for file in recorded.run.gates.values()]
    anywhere = guide_coverage.coverage(listed, gates)
    rows = [(line.says, line.section, _held_by(here.get(line.id, ()), anywhere.get(line.id, ()))) for line in listed]
    proven = sum(all(entry["outcome"] == "met" for _, entry in findings) for findings in here.values())
    without = sum(not here.get(line.id) and not anywhere.get(line.id) for line in listed)
    elsewhere = len(listed) - len(here) - without
    head = f"Lines of the guide: {len(here)} asked in this run, {proven} of them {plural(proven, 'holds', 'hold')}"
    head += f"; {elsewhere} asked in other phases" if elsewhere > 0 else ""
    head += f"; {without} without a criterion" if without else ""
    content = table(("The guide says", "Section", "Criterion"), rows)
    return section("The guide's lines", folded(head, content), on_paper=False)


def _held_by(here: Sequence[tuple[str, Entry]], anywhere: Sequence[str]) -> str:
    if here:
        return ", ".join(
            f"{presentation.SYMBOLS[finding['outcome']]} {phase}/{finding['criterion']}" for phase, finding in here
        )
    return f"not asked in this run: {', '.join(anywhere)}" if anywhere else "no criterion"


def detection(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Which faults the drills caught, by the right cause: why a GO can be believed."""
    if not rows:
        return Markup()
    counts = Counter(str(row.get("detection", "?")) for row in rows)
    right = sum(row.get("cause_expected") == row.get("cause_named") for row in rows if row.get("detection") == "caught")
    head = (
        f"Detection matrix: {counts['caught']} of {counts['caught'] + counts['missed']} faults caught, {right} by the "
        f"right cause, false alarms: {counts['false-alarm']}"
    )
    names = ("detection", "fault", "phase", "criterion", "cause_expected", "cause_named")
    cells = [tuple(str(row.get(name) or "-") for name in names) for row in rows]
    content = table(("Detection", "Fault", "Phase", "Criterion", "Cause expected", "Cause named"), cells)
    return section("What this gate has caught", folded(head, content), on_paper=False)


def attestations(recorded: RunRecords, lines: Sequence[GuideLine] = ()) -> Markup:
    """What people have signed off because nothing can measure it."""
    sentences = {line.id: line.says for line in lines}
    rows = [
        (sentences.get(record.line, record.line), record.who, moment(record.when), moment(record.until), record.note)
        for record in recorded.records
        if isinstance(record, Attestation)
    ]
    return section("Signed off", table(("The guide says", "Who", "When", "Until", "Note"), rows) if rows else "")


def cost(verdict: Entry, recorded: RunRecords, gates: Sequence[Gate]) -> Markup:
    """What the run has cost the deployment, and which checks its requests were for."""
    begun, ended = (datetime.fromisoformat(verdict[name]) for name in ("started", "finished"))
    seconds = max((ended - begun).total_seconds(), 0)
    requests = verdict["cost"]["requests"]
    entries = {
        "Duration": f"{seconds / 60:.1f} minutes",
        "Requests sent": f"{requests:,}" + (f", {requests / seconds:.1f} a second" if seconds else ""),
        **({"Pace": f"{slowed}: {_strains(recorded)}"} if (slowed := presentation.slowed(verdict)) else {}),
        "Credits spent": f"{verdict['cost']['credits']:,}",
        "Answers compared": f"{sum(1 for _ in comparisons(recorded)):,}",
    }
    return section("What the run cost", _list(entries) + request_counts.by_check(recorded, gates, requests))


def _strains(recorded: RunRecords) -> str:
    """Why the run slowed down, each reason once, the most frequent first."""
    reasons = Counter(event.detail for event in recorded.records if isinstance(event, Event) and event.name == "slowed")
    return ", ".join(f"{why} ({times(count)})" if count > 1 else why for why, count in reasons.most_common(5))


def bound(verdict: Entry, recorded: RunRecords) -> Markup:
    """Everything the verdict holds for, and nothing else."""
    served_by = ", ".join(f"{count:,} {who}" for who, count in verdict["provenance"].items() if count) or "no answer"
    prints = verdict["fingerprint"]
    suite = verdict.get("suite") or {}
    entries = {
        **recorded.run.described,
        "build": build(verdict),
        "index build": _parts(prints["index"]),
        "connectra build": _parts(prints["connectra"]),
        "answers served by": served_by,
        **({"contradicted": "; ".join(disputed)} if (disputed := verdict.get("contradictions")) else {}),
        "contract": recorded.run.contract,
        "seed": str(verdict["seed"]),
        "run": verdict["run"],
        **({"suite": _parts({name: str(part)[:16] for name, part in suite.items()})} if suite else {}),
        **{f"gate {phase}": digest[:16] for phase, digest in prints["gate_sha256"].items()},
    }
    return section("Bound to", _list(entries))


def build(verdict: Entry) -> str:
    """How the backend names its own build."""
    part = verdict["fingerprint"]["backend"]
    if isinstance(part, Mapping):
        named = {name: value for name, value in part.items() if name in BUILD_KEYS and value}
        return _parts(named) if named else f"the backend does not name it ({_parts(part)})"
    return "the backend does not name it"


def comparisons(recorded: RunRecords) -> Iterable[Comparison]:
    return (record for record in recorded.records if isinstance(record, Comparison))


def backend_answers(recorded: RunRecords) -> Iterable[tuple[Comparison, Observation]]:
    """Each answer of the backend, with the comparison that it belongs to."""
    return (
        (sample, answer) for sample in comparisons(recorded) for answer in sample.answers if answer.side == "backend"
    )


def pictures(figures: Sequence[tuple[str, Markup]]) -> Markup:
    """Figures side by side, each with a caption or none; nothing without a picture."""
    drawn = [{"caption": caption, "picture": picture} for caption, picture in figures if picture]
    return render("pictures.html", figures=drawn) if drawn else Markup()


def _latency_finding(phase: Entry | None, check: str) -> Entry | None:
    """The finding that a latency check's name points to: `contact-latency` is judged by contact-latency."""
    ratios = [finding for finding in (phase or {"findings": ()})["findings"] if finding["unit"] == "ratio"]
    return next((finding for finding in ratios if finding["criterion"] == check), ratios[0] if ratios else None)


def _point(finding: Entry, name: str) -> TrendPoint:
    low, high = finding["interval"] or (None, None)
    return TrendPoint(value=finding["value"], outcome=finding["outcome"], name=name, low=low, high=high)


def _kept_point(kept: FindingSummary, run: HistoryEntry) -> TrendPoint:
    low, high = kept.interval or (None, None)
    assert kept.value is not None
    at = datetime.fromisoformat(run.finished).timestamp()
    return TrendPoint(value=kept.value, outcome=kept.outcome, name=moment(run.finished), low=low, high=high, at=at)


def _parts(part: Any) -> str:
    """A fingerprint's part in words: its entries, an error's name, or that it is not known."""
    if isinstance(part, Mapping):
        shown = {
            name: value for name, value in part.items() if value is not None and not isinstance(value, list | dict)
        }
        return ", ".join(f"{name} {str(value)[:40]}" for name, value in shown.items()) or "not known"
    return json.dumps(part, ensure_ascii=False) if part not in (None, "") else "not known"


def _list(entries: Mapping[str, str]) -> Markup:
    return render("list.html", entries=entries.items())
