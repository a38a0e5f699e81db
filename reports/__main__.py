"""`python -m reports RUN_FOLDER`: judge a recorded run again, write its pages, and exit with its code."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from reports import ledger, rendering, terminal
from reports.criteria import GateError
from reports.verdict import EXIT_CODES, judge, to_json


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reports", description="Judge a recorded run again.")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="a folder in reports/out, or reports/out/latest")
    folder: Path = parser.parse_args(arguments).run
    try:
        recorded = ledger.read(folder)
        verdict = to_json(judge(recorded, now=datetime.now(UTC).isoformat(timespec="seconds")))
    except (ledger.DamagedRun, GateError) as error:
        print(f"python -m reports: {error}", file=sys.stderr)
        return 4
    rendering.write_verdict(folder, verdict)
    notes = rendering.write_all(folder, recorded, verdict)
    for text, _ in terminal.lines(verdict, folder=str(folder)):
        print(text)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    return EXIT_CODES[verdict["verdict"]]


if __name__ == "__main__":
    sys.exit(main())
