"""How findings read to people: the same words on the terminal, on the page and in Allure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SYMBOLS = {"met": "✓", "missed": "✗", "unmeasured": "…"}
RANK = {"missed": 0, "unmeasured": 1, "met": 2}
Entry = Mapping[str, Any]  # a part of verdict.json


def headline(verdict: Entry) -> str:
    """The verdict in one sentence."""
    flags = ", ".join(concerned_flags(verdict)) or "the next step"
    word = verdict["verdict"]
    meaning = {
        "GO": f"every blocking criterion is met for {_phases(verdict)}",
        "HOLD": f"not decided yet: do not go on with {flags}",
        "NO-GO": f"do not enable {flags}, or take it back",
    }[word]
    return f"{word}: {meaning}"


def concerned_flags(verdict: Entry) -> list[str]:
    """Flags of the phases that are not GO; of all phases when all are."""
    phases = verdict["phases"].values()
    open_ones = [phase for phase in phases if phase["verdict"] == verdict["verdict"]]
    return [phase["flag"] for phase in open_ones if phase["flag"]]


def ordered(findings: list[Entry]) -> list[Entry]:
    """Findings as a reader wants them: blocking before advisory, missed first, met last."""
    return sorted(findings, key=lambda each: (each["kind"] != "blocking", RANK[each["outcome"]]))


def limit(finding: Entry) -> str:
    """The limit a finding was held against, in the guide's own way of counting."""
    if finding["target"] is None:
        return "no mismatch" if finding["unit"] == "mismatches" else ""
    if finding["unit"] == "share":
        return f"≤ {100 * finding['target']:g} %, alert {100 * finding['alert']:g} %"
    if finding["unit"] == "ratio":
        return f"≤ {finding['target']:.2f}x, alert {finding['alert']:.2f}x"
    return f"≤ {finding['target']:g} {finding['unit']}, alert {finding['alert']:g} {finding['unit']}"


def value(finding: Entry) -> str:
    """The measured value with its unit."""
    number = finding["value"]
    if number is None:
        return "-"
    if finding["unit"] == "share":
        return f"{100 * number:.2f} %"
    if finding["unit"] == "ratio":
        return f"{number:.2f}x"
    return f"{number:g} {finding['unit']}"


def rollback(verdict: Entry) -> list[str]:
    """The guide's rollback commands for exactly the flags of the phases that are NO-GO; none otherwise."""
    flags = [phase["flag"] for phase in verdict["phases"].values() if phase["verdict"] == "NO-GO" and phase["flag"]]
    if not flags:
        return []
    restart = "systemctl restart contact360-backend   # or: docker-compose restart backend"
    return [*(f"{flag}=false" for flag in flags), restart]


def _phases(verdict: Entry) -> str:
    return ", ".join(verdict["phases"]) or "no phase"
