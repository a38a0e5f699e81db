"""What the run's requests were good for: by check, how many it took, and the criteria that its answers serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from reports.judge.criteria import Gate, covers
from reports.output.html.rendering import folded, table
from reports.records.records import Comparison, Event, Pair
from reports.records.run_ledger import RunRecords

HEADS = ("Check", "Requests", "Answers and pairs", "For")
OTHERS = "logins, first contact, guards, answers asked again at the end"


def by_check(recorded: RunRecords, gates: Sequence[Gate], sent: int) -> Markup:
    """A folded table; nothing where the run was recorded without these counts."""
    rows = list(_rows(recorded, gates, sent))
    return folded("What the requests were good for", table(HEADS, rows)) if rows else Markup()


def _rows(recorded: RunRecords, gates: Sequence[Gate], sent: int) -> Iterator[tuple[str, ...]]:
    counts, answers = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for record in recorded.records:
        if isinstance(record, Event) and record.name == "asked":
            counts[record.phases[0], record.detail] += record.count
        elif isinstance(record, Comparison | Pair):
            answers[record.phase, record.check] += 1
    named = {place: count for place, count in counts.items() if all(place)}
    for (phase, checks), count in sorted(named.items(), key=lambda item: (item[0][0], -item[1])):
        entry = checks.split(", ")
        of_checks = sum(answers[phase, check] for check in entry)
        yield checks, f"{count:,}", f"{of_checks:,}", "; ".join(_served(gates, phase, entry))
    if named and sent > sum(named.values()):
        yield OTHERS, f"{sent - sum(named.values()):,}", "", ""


def _served(gates: Sequence[Gate], phase: str, checks: Sequence[str]) -> list[str]:
    """The titles of the criteria that look at one of these checks."""
    criteria = [criterion for gate in gates if gate.phase == phase for criterion in gate.criteria]
    return [criterion.title for criterion in criteria if any(covers(criterion, check) for check in checks)]
