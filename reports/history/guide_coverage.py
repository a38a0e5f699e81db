"""The guide's checkable lines, by id, and which criteria stand for them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.judge.criteria import Gate


class GuideError(ValueError):
    """The list of lines can't be used; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideLine:
    """One checkable line of the guide; `human` when only people can answer it."""

    id: str
    section: str
    says: str
    human: bool = False


def read_lines(text: str) -> tuple[GuideLine, ...]:
    """Every line in the text of suites/guide_lines.toml; raises GuideError."""
    lines: dict[str, GuideLine] = {}
    for section, entries in tomllib.loads(text).items():
        for name, entry in entries.items():
            if name in lines:
                raise GuideError(f"{name!r} is in {lines[name].section} and in {section}")
            if set(entry) - {"says", "human"} or not entry.get("says"):
                raise GuideError(f"{name!r}: expected says, and human = true where only people can answer")
            lines[name] = GuideLine(id=name, section=section, **entry)
    return tuple(lines.values())


def coverage(lines: Sequence[GuideLine], gates: Sequence[Gate]) -> Mapping[str, tuple[str, ...]]:
    """line id -> the criteria that stand for it, as phase/criterion; empty for a line without a criterion."""
    by_line: dict[str, list[str]] = {line.id: [] for line in lines}
    for gate in gates:
        for criterion in gate.criteria:
            for line in criterion.lines:
                by_line.setdefault(line, []).append(f"{gate.phase}/{criterion.id}")
    return {line: tuple(names) for line, names in by_line.items()}


def table(lines: Sequence[GuideLine], gates: Sequence[Gate]) -> str:
    """The same as a Markdown table: a row per line, in the guide's order."""
    by_line = coverage(lines, gates)
    rows = ["| section | line | the guide says | checked by |", "|---|---|---|---|"]
    for line in lines:
        names = ", ".join(f"`{name}`" for name in by_line[line.id]) or "no criterion yet"
        sentence = line.says.replace("|", "\\|")
        rows.append(f"| {line.section} | `{line.id}` | {sentence} | {'sign-off: ' if line.human else ''}{names} |")
    return "\n".join(rows) + "\n"
