"""What the run's requests were good for: by check, how many it took, and the criteria that its answers serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from markupsafe import Markup

from reports.judge.criteria import Criterion, Gate, covers
from reports.output.html.rendering import folded, table
from reports.records.records import Comparison, Event, Pair
from reports.records.run_ledger import RunRecords

HEADS = ("Check", "Requests", "Answers and pairs", "For")
BACKEND = "backend"
_SIDES = {"connectra-errors": "connectra"}  # whose answers a share of that kind counts; the backend's otherwise
OTHERS = "logins, first contact, guards, answers asked again at the end"


def by_check(recorded: RunRecords, gates: Sequence[Gate], sent: int) -> Markup:
    """A folded table; nothing where the run was recorded without these counts."""
    rows = list(_rows(recorded, gates, sent))
    return folded("Requests by purpose", table(HEADS, rows)) if rows else Markup()


def _rows(recorded: RunRecords, gates: Sequence[Gate], sent: int) -> Iterator[tuple[str, ...]]:
    counts, answers = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    sides: set[tuple[str, str]] = set()  # (check, who answered)
    for record in recorded.records:
        if isinstance(record, Event) and record.name == "asked":
            counts.update({(phase, record.detail): record.count for phase in record.phases})
        elif isinstance(record, Comparison | Pair):
            answers[record.phase, record.check] += 1
            asked_sides = (BACKEND,) if isinstance(record, Pair) else (answer.side for answer in record.answers)
            sides.update((record.check, side) for side in asked_sides)
    named = {place: count for place, count in counts.items() if all(place)}
    for (phase, checks), count in sorted(named.items(), key=lambda item: (item[0][0], -item[1])):
        named_checks = checks.split(", ")
        of_checks = sum(answers[phase, check] for check in named_checks)
        yield checks, f"{count:,}", f"{of_checks:,}", "; ".join(_served(gates, phase, named_checks, sides))
    if named and sent > sum(named.values()):
        yield OTHERS, f"{sent - sum(named.values()):,}", "", ""


def _served(gates: Sequence[Gate], phase: str, checks: Sequence[str], sides: Collection[tuple[str, str]]) -> list[str]:
    """The titles of the criteria that look at one of these checks; a share may look at all answers of a side."""
    criteria = [criterion for gate in gates if gate.phase == phase for criterion in gate.criteria]
    return [criterion.title for criterion in criteria if any(_looks_at(criterion, check, sides) for check in checks)]


def _looks_at(criterion: Criterion, check: str, sides: Collection[tuple[str, str]]) -> bool:
    if criterion.rule == "share" and not criterion.checks:
        return (check, _SIDES.get(criterion.of, BACKEND)) in sides
    return covers(criterion, check)
