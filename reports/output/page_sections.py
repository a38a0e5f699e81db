"""What the decision page shows beyond its table: pictures, proof, and what the verdict is bound to.

Each exhibit is "" when there is nothing to show: no data, no heading.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from reports.history import guide_coverage
from reports.history.entry import FindingSummary, HistoryEntry
from reports.history.guide_coverage import GuideLine
from reports.judge.criteria import read_gate
from reports.output import presentation, svg_charts
from reports.output.presentation import MISMATCHES_SHOWN
from reports.output.svg_charts import TimeSlice, TrendPoint
from reports.records.escaping import html as escape
from reports.records.records import BUILD_KEYS, Attestation, Comparison, Entry, Event, Observation, Outcome, Pair
from reports.records.run_ledger import RunRecords

TREND = 60  # earlier runs in a trend's picture
SLICES = 60


def latency(verdict: Entry, recorded: RunRecords) -> str:
    """Both paths' times per check, against the limits of the criterion that judges them."""
    pairs = [record for record in recorded.records if isinstance(record, Pair)]
    figures = []
    for (phase, check), own in groupby(
        sorted(pairs, key=lambda each: (each.phase, each.check)), key=lambda each: (each.phase, each.check)
    ):
        finding = _latency_finding(verdict["phases"].get(phase), check)
        limits = (finding["target"], finding["alert"]) if finding else (None, None)
        said = f"{phase}, {check}" + (f": {finding['sentence']}" if finding else "")
        figures.append(_figure(said, svg_charts.distribution(check, list(own), *limits)))
    return _section("Response time, VQL against the direct path", _pictures(figures))


def served(recorded: RunRecords) -> str:
    """Who answered over the run: fallbacks and errors where they happened."""
    answers = sorted((answer for answer in _backend_answers(recorded) if answer.at), key=lambda each: each.at)
    if len(answers) < 2 or answers[-1].at <= answers[0].at:
        return ""
    begin, span = answers[0].at, answers[-1].at - answers[0].at
    counts = [Counter[str]() for _ in range(SLICES)]
    for answer in answers:
        kind = "errors" if answer.error else str(answer.provenance)
        counts[min(int((answer.at - begin) / span * SLICES), SLICES - 1)][kind] += 1
    slices = [TimeSlice(**dict(each)) for each in counts]
    fallen, failed = (sum(getattr(each, kind) for each in slices) for kind in ("fallback", "errors"))
    said = f"{len(answers)} answers of the backend over {span / 60:.1f} minutes: {fallen} by fallback, {failed} errors"
    return _section(
        "Fallback and errors over the run", _pictures([_figure(said, svg_charts.timeline(said, slices, span / 60))])
    )


def trends(verdict: Entry, earlier: Sequence[HistoryEntry]) -> str:
    """Every share and ratio over the earlier runs of this deployment, this run last."""
    figures = []
    for name, phase in verdict["phases"].items():
        runs = [entry for entry in earlier if name in entry.phases][-TREND:]
        for finding in phase["findings"]:
            if finding["unit"] in ("share", "ratio") and finding["value"] is not None:
                points = [*earlier_points(runs, name, finding["criterion"]), _point(finding, "this run")]
                title = f"{name}, {finding['criterion']}" + (
                    ", as failures" if presentation.counts_failures(finding) else ""
                )
                figures.append(
                    _figure("", svg_charts.trend(title, points, finding["target"], finding["alert"], finding["unit"]))
                )
    return _section("Trend over earlier runs", _pictures(figures))


def earlier_points(runs: Sequence[HistoryEntry], phase: str, criterion: str) -> list[TrendPoint]:
    """One point per run that measured the criterion, oldest first."""
    kept = [(run, each) for run in runs for each in run.phases[phase].criteria if each.criterion == criterion]
    return [_kept_point(each, run.finished) for run, each in kept if each.value is not None]


def known_differences(verdict: Entry) -> str:
    """Declared differences and what each covered: counted apart, never as equal; over the cap or stale is said."""
    rows = [
        (
            each["id"],
            each["ticket"],
            each["reason"],
            each["until"],
            f"{each['count']:,} of {each['of']:,}",
            f"at most {100 * each['cap']:g} %",
            _standing(each),
        )
        for phase in verdict["phases"].values()
        for each in phase.get("known") or ()
    ]
    if not rows:
        return ""
    note = (
        "<p>These answers differ in a way that was declared beforehand. They count neither as equal nor as wrong.</p>"
    )
    heads = ("Known difference", "Ticket", "Reason", "Until", "Answers", "Cap", "Standing")
    return _section("Known differences, counted apart", note + _table(heads, rows))


def _standing(excuse: Entry) -> str:
    if excuse["over"]:
        return "over its cap: holds the criterion"
    return "stale: it covered nothing" if excuse["stale"] else "within its cap"


def mismatches(verdict: Entry, recorded: RunRecords) -> str:
    """The first ten mismatches of each kind of each check, tokens only."""
    parts = []
    for phase in verdict["phases"]:
        wrong = [each for each in _samples(recorded) if each.phase == phase and each.outcome is Outcome.DIFFERENT]
        for check in sorted({sample.check for sample in wrong}):
            own = [sample for sample in wrong if sample.check == check]
            keys = len({sample.key for sample in own})
            kinds = Counter(str(each.kind) for sample in own for each in sample.differences)
            said = f"{phase}, {check}: {keys} answers differ ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())})"
            parts.append(f"<details><summary>{escape(said)}</summary><pre>{escape(told(own))}</pre></details>")
    return _section("Mismatches", "".join(parts))


def told(samples: Sequence[Comparison]) -> str:
    """Mismatches in words, by kind, the first ten of each, and how to see them again."""
    lines: list[str] = []
    kinds = Counter(each.kind for sample in samples for each in sample.differences)
    for kind, count in kinds.most_common():
        lines.append(f"{kind}: {count}" + (f", the first {MISMATCHES_SHOWN}" if count > MISMATCHES_SHOWN else ""))
        shown = [(sample, each) for sample in samples for each in sample.differences if each.kind is kind][
            :MISMATCHES_SHOWN
        ]
        for sample, each in shown:
            by = sample.answers[0] if sample.answers else None
            who = f"served by {by.provenance} in {by.elapsed_ms:.0f} ms" if by else "no answer"
            lines.append(f"  {sample.key}  {each.path or 'record'}: PostgreSQL {each.expected}, service {each.actual}")
            lines.append(f"      {sample.stratum}, {who}, cause {sample.cause or 'not named'}")
    return "\n".join([*lines, f"again: {samples[0].again}"])


def coverage(verdict: Entry, recorded: RunRecords, lines: Sequence[GuideLine] = ()) -> str:
    """The guide's lines, each with the criteria that stand for it: what they came to here, or that they were not asked."""
    here: dict[str, list[tuple[str, Entry]]] = {}
    for phase, entry in verdict["phases"].items():
        for finding in entry["findings"]:
            for line in finding.get("lines") or ():
                here.setdefault(str(line), []).append((phase, finding))
    if not here:
        return ""
    listed = lines or tuple(GuideLine(id=line, section="", says=line) for line in here)
    gates = [read_gate(file.text, file.path) for file in recorded.run.gates.values()]
    anywhere = guide_coverage.coverage(listed, gates)
    rows = [(line.says, line.section, _held_by(here.get(line.id, ()), anywhere.get(line.id, ()))) for line in listed]
    proven = sum(all(each["outcome"] == "met" for _, each in found) for found in here.values())
    nobody = sum(not here.get(line.id) and not anywhere.get(line.id) for line in listed)
    elsewhere = len(listed) - len(here) - nobody
    head = f"Lines of the guide: {len(here)} asked in this run, {proven} of them hold"
    head += f"; {elsewhere} asked in other phases" if elsewhere > 0 else ""
    head += f"; {nobody} without a criterion" if nobody else ""
    table = _table(("The guide says", "Section", "Held by"), rows)
    return _section("The guide's lines", f"<details><summary>{escape(head)}</summary>{table}</details>")


def _held_by(here: Sequence[tuple[str, Entry]], anywhere: Sequence[str]) -> str:
    if here:
        return ", ".join(f"{presentation.SYMBOLS[each['outcome']]} {phase}/{each['criterion']}" for phase, each in here)
    return f"not asked in this run: {', '.join(anywhere)}" if anywhere else "nobody"


def detection(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which faults the drills caught, by the right cause: why a GO can be believed."""
    if not rows:
        return ""
    counts = Counter(str(row.get("detection", "?")) for row in rows)
    right = sum(row.get("cause_expected") == row.get("cause_named") for row in rows if row.get("detection") == "caught")
    head = (
        f"Detection matrix: {counts['caught']} of {counts['caught'] + counts['missed']} faults caught, {right} by the "
        f"right cause, false alarms: {counts['false-alarm']}"
    )
    cells = [
        tuple(
            str(row.get(name) or "-")
            for name in ("detection", "fault", "phase", "criterion", "cause_expected", "cause_named")
        )
        for row in rows
    ]
    table = _table(("Detection", "Fault", "Phase", "Criterion", "Cause expected", "Cause named"), cells)
    return _section("What this gate has caught", f"<details><summary>{escape(head)}</summary>{table}</details>")


def attestations(recorded: RunRecords, lines: Sequence[GuideLine] = ()) -> str:
    """What people vouch for because nothing can measure it."""
    says = {line.id: line.says for line in lines}
    rows = [
        (
            says.get(each.line, each.line),
            each.who,
            presentation.moment(each.when),
            presentation.moment(each.until),
            each.note,
        )
        for each in recorded.records
        if isinstance(each, Attestation)
    ]
    return _section("Vouched for", _table(("The guide says", "Who", "When", "Until", "Note"), rows) if rows else "")


def cost(verdict: Entry, recorded: RunRecords) -> str:
    """What asking has cost."""
    begun, ended = (datetime.fromisoformat(verdict[name]) for name in ("started", "finished"))
    seconds = max((ended - begun).total_seconds(), 0)
    requests = verdict["cost"]["requests"]
    compared = sum(1 for _ in _samples(recorded))
    entries = {
        "Duration": f"{seconds / 60:.1f} minutes",
        "Requests sent": f"{requests:,}" + (f", {requests / seconds:.1f} a second" if seconds else ""),
        **(
            {"Pace": f"{presentation.slowed(verdict)}: {escape(_strains(recorded))}"}
            if presentation.slowed(verdict)
            else {}
        ),
        "Credits spent": f"{verdict['cost']['credits']:,}",
        "Answers compared": f"{compared:,}",
    }
    return _section("What the run cost", _list(entries))


def _strains(recorded: RunRecords) -> str:
    """Why the pace gave way, each reason once, the most frequent first."""
    told = Counter(each.detail for each in recorded.records if isinstance(each, Event) and each.name == "slowed")
    return ", ".join(f"{why} ({presentation.times(count)})" if count > 1 else why for why, count in told.most_common(5))


def bound(verdict: Entry, recorded: RunRecords) -> str:
    """Everything the verdict holds for, and nothing else."""
    described = recorded.run.described
    served_by = ", ".join(f"{count:,} {who}" for who, count in verdict["provenance"].items() if count) or "nobody"
    prints = verdict["fingerprint"]
    entries = {
        **described,
        "build": build(verdict),
        "index build": _told(prints["index"]),
        "connectra build": _told(prints["connectra"]),
        "answers served by": served_by,
        "contract": recorded.run.contract,
        "seed": str(verdict["seed"]),
        "run": verdict["run"],
        **{f"gate {phase}": digest[:16] for phase, digest in prints["gate_sha256"].items()},
    }
    return _section("Bound to", _list(entries))


def build(verdict: Entry) -> str:
    """The backend's own word on what it is."""
    part = verdict["fingerprint"]["backend"]
    if isinstance(part, Mapping):
        named = {name: value for name, value in part.items() if name in BUILD_KEYS and value}
        return _told(named) if named else f"the backend does not say ({_told(part)})"
    return "the backend does not say"


def _latency_finding(phase: Entry | None, check: str) -> Entry | None:
    """The finding that a latency check's name points to: `contact-latency` is judged by contact-latency."""
    ratios = [each for each in (phase or {"findings": ()})["findings"] if each["unit"] == "ratio"]
    return next((each for each in ratios if each["criterion"] == check), ratios[0] if ratios else None)


def _point(finding: Entry, name: str) -> TrendPoint:
    low, high = finding["interval"] or (None, None)
    return TrendPoint(value=finding["value"], outcome=finding["outcome"], name=name, low=low, high=high)


def _kept_point(kept: FindingSummary, finished: str) -> TrendPoint:
    low, high = kept.interval or (None, None)
    assert kept.value is not None
    return TrendPoint(value=kept.value, outcome=kept.outcome, name=presentation.moment(finished), low=low, high=high)


def _samples(recorded: RunRecords) -> Iterable[Comparison]:
    return (record for record in recorded.records if isinstance(record, Comparison))


def _backend_answers(recorded: RunRecords) -> Iterable[Observation]:
    return (answer for sample in _samples(recorded) for answer in sample.answers if answer.side == "backend")


def _told(part: Any) -> str:
    """A fingerprint's part in words: its entries, an error's name, or that it did not say."""
    if isinstance(part, Mapping):
        shown = {
            name: value for name, value in part.items() if value is not None and not isinstance(value, list | dict)
        }
        return ", ".join(f"{name} {str(value)[:40]}" for name, value in shown.items()) or "it does not say"
    return json.dumps(part, ensure_ascii=False) if part not in (None, "") else "it does not say"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _figure(caption: str, picture: str) -> str:
    if not picture:
        return ""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{words}{picture}</figure>"


def _pictures(figures: Sequence[str]) -> str:
    drawn = "".join(figures)
    return f'<div class="pictures">{drawn}</div>' if drawn else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-h="{escape(name)}">{escape(cell)}</td>' for name, cell in zip(heads, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _list(entries: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in entries.items())
    return f'<dl class="bound">{rows}</dl>'
