"""evidence/: every mismatching key of a criterion, tokens instead of values, and how to see it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from reports.criteria import covers, read_gate
from reports.ledger import Recorded, write_text
from reports.observations import Outcome, Sample

_WRONG = (Outcome.DIFFERENT, Outcome.FAILED)


def write(folder: Path, recorded: Recorded) -> None:
    """One JSON-lines file per criterion that has settled differences or failures."""
    for phase, file in recorded.run.gates.items():
        gate = read_gate(file.text, file.path)
        samples = [record for record in recorded.records if isinstance(record, Sample) and record.phase == phase]
        for criterion in gate.criteria:
            bad = [each for each in samples if covers(criterion, each.check) and each.outcome in _WRONG]
            if bad:
                path = folder / "evidence" / f"{criterion.id}.jsonl"
                path.parent.mkdir(exist_ok=True)
                write_text(path, "".join(json.dumps(asdict(sample), ensure_ascii=False) + "\n" for sample in bad))
