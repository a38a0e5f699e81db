"""Whether a verdict.json says what the observations beside it come to: they are judged again, and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.judge.criteria import GateError
from reports.judge.verdict import judge, to_json
from reports.records.run_ledger import DamagedRun, read
from reports.records.wording import plural

_OWN_TO_A_FILE = ("signature", "suite")  # of the verdict that was written, not of what it says


class Unfounded(ValueError):
    """The folder's observations can't be judged again; the message says why."""


def judged_again(folder: Path, finished: str) -> dict[str, Any]:
    """The verdict that the folder's observations come to by the judge that runs here; raises Unfounded.

    `finished` stands in where no record tells when the run ended.
    """
    try:
        again = to_json(judge(read(folder), now=finished))
    except (DamagedRun, GateError, OSError) as error:
        raise Unfounded(str(error)) from None
    verdict: dict[str, Any] = json.loads(json.dumps(again))
    return verdict


def why_altered(verdict: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    """In what the verdict differs from what its observations come to; '' if in nothing."""
    names = [
        name for name in {**again, **verdict} if name not in _OWN_TO_A_FILE and verdict.get(name) != again.get(name)
    ]
    if not names:
        return ""
    altered = "verdict.json or the observations were altered"
    do = plural(len(names), "does", "do")
    return f"its {', '.join(names[:3])} {do} not follow from its observations: {altered}"
