"""The detection matrix: which faults each phase caught, by the right cause, and what it cried for nothing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reports.judge.criteria import Gate
from reports.output.html import page, page_sections
from reports.output.html.rendering import render, section, table
from reports.records.records import Entry, is_of

CAUGHT, MISSED, FALSE_ALARM, QUIET = "caught", "missed", "false-alarm", "quiet"
SHOWN = {CAUGHT: "caught", MISSED: "MISSED", FALSE_ALARM: "FALSE ALARM", QUIET: "quiet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDetection:
    """What a fault has to do to a phase: the criteria it must break and by which cause, and those it may break too.

    What else is missed by the cause `damage` is the same damage, seen from another side; by any other cause, or by
    none, it is a false alarm. `verdict` is the phase's: at HOLD a broken criterion is one that is not met. Without
    criteria nothing may break.
    """

    fault: str
    phase: str
    criteria: tuple[str, ...] = ()
    cause: str | None = None
    may_also: tuple[str, ...] = ()
    damage: str | None = None
    verdict: str = "NO-GO"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One cell of the matrix, or one false alarm: `criterion` lists those it is about."""

    fault: str
    phase: str
    detection: str  # caught, missed, false-alarm, quiet (nothing had to break, and nothing did)
    criterion: str
    cause_expected: str | None = None
    cause_named: str | None = None

    @property
    def right(self) -> bool:
        """As it has to be: caught by the right cause, or quiet."""
        if self.detection == CAUGHT:
            return self.cause_expected is None or self.cause_expected == self.cause_named
        return self.detection == QUIET


def kin(criteria: Sequence[str], gate: Gate) -> tuple[str, ...]:
    """Other criteria of exactness that look at a check of one of these: a wrong answer is wrong in both."""
    broken = [
        check
        for criterion in gate.criteria
        if criterion.id in criteria and criterion.rule == "exact"
        for check in criterion.checks
    ]
    return tuple(
        criterion.id
        for criterion in gate.criteria
        if criterion.rule == "exact"
        and criterion.id not in criteria
        and any(is_of(check, name) for check in broken for name in criterion.checks)
    )


def rows_of(expected: ExpectedDetection, verdict: Entry) -> tuple[MatrixRow, ...]:
    """The rows that a rehearsal of the fault gives for one phase of its verdict.json."""
    phase = verdict["phases"].get(expected.phase, {"verdict": "HOLD", "findings": []})
    findings = {finding["criterion"]: finding for finding in phase["findings"]}
    broken = {name: finding for name, finding in findings.items() if _broken(finding, expected)}
    rows = [_row_of(expected, phase["verdict"], broken)]
    for name, finding in broken.items():
        allowed = any(is_of(name, text) for text in (*expected.criteria, *expected.may_also))
        allowed |= expected.damage is not None and _cause(finding) == expected.damage
        if not allowed and finding["outcome"] == "missed" and finding["kind"] == "blocking":
            rows.append(
                MatrixRow(
                    fault=expected.fault,
                    phase=expected.phase,
                    detection=FALSE_ALARM,
                    criterion=name,
                    cause_named=_cause(finding),
                )
            )
    return tuple(rows)


def complaint(rows: Sequence[MatrixRow], verdict: Entry) -> str:
    """What is wrong with these rows, and what the phases found instead; '' if nothing is."""
    wrong = [row for row in rows if not row.right]
    if not wrong:
        return ""
    lines = [
        f"{row.fault} in {row.phase}: {SHOWN[row.detection]} {row.criterion}, cause {row.cause_named}"
        + (f", expected {row.cause_expected}" if row.cause_expected else "")
        for row in wrong
    ]
    for name, phase in verdict["phases"].items():
        lines.append(f"{name} is {phase['verdict']}")
        lines += [
            f"  {finding['outcome']} {finding['criterion']} ({finding['kind']}, {_cause(finding)}): "
            f"{finding['sentence']}"
            for finding in phase["findings"]
            if finding["outcome"] != "met"
        ]
    return "\n".join(lines)


def to_json(rows: Sequence[MatrixRow]) -> dict[str, Any]:
    """drills.json."""
    return {"rows": [asdict(row) for row in rows]}


def headline(rows: Sequence[MatrixRow]) -> str:
    counts = Counter(row.detection for row in rows)
    right = sum(row.right for row in rows if row.detection == CAUGHT)
    return (
        f"{counts[CAUGHT]} of {counts[CAUGHT] + counts[MISSED]} caught, {right} of them by the right cause, "
        f"false alarms: {counts[FALSE_ALARM]}"
    )


def lines(rows: Sequence[MatrixRow]) -> list[str]:
    """The matrix for a terminal: a line per fault, a column per phase, and each false alarm by name below."""
    phases = sorted({row.phase for row in rows})
    faults = list(dict.fromkeys(row.fault for row in rows))
    width = max((len(fault) for fault in faults), default=0)
    texts = [f"{'':{width}}  " + "  ".join(f"{phase:<19}" for phase in phases)]
    for fault in faults:
        texts.append(f"{fault:{width}}  " + "  ".join(f"{_cell(rows, fault, phase):<19}" for phase in phases).rstrip())
    alarms = [row for row in rows if row.detection == FALSE_ALARM]
    texts += [f"FALSE ALARM under {row.fault}, {row.phase}: {row.criterion}, cause {row.cause_named}" for row in alarms]
    return [*texts, headline(rows)]


def html(rows: Sequence[MatrixRow]) -> str:
    """drills.html: the matrix, and every row."""
    phases = sorted({row.phase for row in rows})
    cells = [
        (fault, *(_cell(rows, fault, phase) or "-" for phase in phases))
        for fault in dict.fromkeys(row.fault for row in rows)
    ]
    matrix = section("Fault by phase", table(("Fault", *phases), cells))
    outcome = "GO" if all(row.right for row in rows) else "NO-GO"
    banner = render("plain_banner.html", kind=outcome, title="Detection matrix", text=headline(rows))
    every = page_sections.detection([asdict(row) for row in rows])
    return page.document("Detection matrix - Contact360 VQL gate", banner, matrix + every)


def _row_of(expected: ExpectedDetection, verdict: str, broken: Mapping[str, Entry]) -> MatrixRow:
    """Whether all that must break did, and the phase says so."""
    names = {
        name: finding
        for name, finding in broken.items()
        if any(is_of(name, criterion) for criterion in expected.criteria)
    }
    absent = [criterion for criterion in expected.criteria if not any(is_of(name, criterion) for name in names)]
    causes = Counter(cause for finding in names.values() if (cause := _cause(finding)))
    wrong = [cause for cause in sorted(causes) if cause != expected.cause] if expected.cause else []
    detection = MISSED if absent or verdict != expected.verdict != "GO" else CAUGHT
    if not expected.criteria:
        detection = QUIET
    return MatrixRow(
        fault=expected.fault,
        phase=expected.phase,
        detection=detection,
        criterion=", ".join(absent or expected.criteria),
        cause_expected=expected.cause,
        cause_named=wrong[0] if wrong else next(iter(sorted(causes)), None),
    )


def _broken(finding: Entry, expected: ExpectedDetection) -> bool:
    return finding["outcome"] == "missed" or (expected.verdict == "HOLD" and finding["outcome"] == "unmeasured")


def _cell(rows: Sequence[MatrixRow], fault: str, phase: str) -> str:
    of_cell = [row for row in rows if (row.fault, row.phase) == (fault, phase)]
    if any(row.detection == FALSE_ALARM for row in of_cell):
        return SHOWN[FALSE_ALARM]
    return next((SHOWN[row.detection] + _of_cause(row) for row in of_cell), "")


def _of_cause(row: MatrixRow) -> str:
    """', cause right' or ', cause wrong' of a fault that was caught, where its cause is known."""
    if row.detection != CAUGHT or row.cause_expected is None:
        return ""
    return ", cause right" if row.right else ", cause wrong"


def _cause(finding: Entry) -> str | None:
    cause = finding["cause"]
    return str(cause["code"]) if cause else None
