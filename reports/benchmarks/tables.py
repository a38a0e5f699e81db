"""Tables of operating characteristics as Markdown, and the claims that rest on their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST = 0.01  # of either error, in every cell that the documentation claims
MOST_HARD = 0.05  # in the cells that it names as hard


@dataclass(frozen=True, slots=True, kw_only=True)
class CellOutcome:
    """What became of the rollouts of one cell: shares of them, and the pairs or answers they took on average."""

    go: float
    no_go: float
    pairs: float

    @property
    def hold(self) -> float:
        return max(1 - self.go - self.no_go, 0.0)

    def __str__(self) -> str:
        shares = " / ".join(f"{100 * share:.1f}" for share in (self.go, self.no_go, self.hold))
        return f"{shares} ({self.pairs:,.0f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence about one measured share, and the bounds within which it is true."""

    sentence: str
    measured: float
    most: float = 1.0
    least: float = 0.0

    @property
    def is_broken(self) -> bool:
        return not self.least <= self.measured <= self.most

    def __str__(self) -> str:
        bound = f"at least {100 * self.least:g} %" if self.least else f"at most {100 * self.most:g} %"
        return f"{self.sentence}: {100 * self.measured:.1f} %, {bound}"


@dataclass(slots=True)
class Table:
    """Rows of cells under truths; `cells` are shown as they print."""

    title: str
    truths: Sequence[str]
    rows: list[tuple[str, Sequence[object]]] = field(default_factory=list)

    def add(self, name: str, cells: Sequence[object]) -> None:
        self.rows.append((name, cells))

    def __str__(self) -> str:
        lines = [f"| {self.title} | {' | '.join(self.truths)} |", "|---|" + "---|" * len(self.truths)]
        return "\n".join([*lines, *(f"| {name} | {' | '.join(map(str, cells))} |" for name, cells in self.rows)])


def errors(
    title: str,
    truths: Sequence[float],
    cells: Sequence[CellOutcome],
    *,
    fine: float,
    alert: float,
    most: float = MOST,
) -> list[Claim]:
    """No false GO from the alert level on, no false NO-GO up to the target, but in so many rollouts at most."""
    claims = []
    for truth, cell in zip(truths, cells, strict=True):
        if truth <= fine:
            claims.append(Claim(sentence=f"{title}: false NO-GO at {truth:g}", measured=cell.no_go, most=most))
        if truth >= alert:
            claims.append(Claim(sentence=f"{title}: false GO at {truth:g}", measured=cell.go, most=most))
    return claims
