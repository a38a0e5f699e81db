"""The run folders beside one another: what their verdicts say, as far as they can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from reports.judge.verdict import validate
from reports.records.run_ledger import DamagedRun, Run, read_run


def verdicts(out: Path) -> Iterator[tuple[Path, Run, dict[str, Any]]]:
    """(folder, run, verdict) of each run in `out`, oldest first; damaged ones and links (`latest`) are left out."""
    for path in sorted(out.glob("*/verdict.json")):
        if path.parent.is_symlink():
            continue
        try:
            run, verdict = read_run(path.parent), json.loads(path.read_bytes())
            validate(verdict)
        except (DamagedRun, OSError, ValueError, RecursionError, jsonschema.ValidationError):
            continue
        yield path.parent, run, verdict
