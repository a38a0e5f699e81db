"""What can be done with recorded runs:

python -m reports RUN_FOLDER      judge a recorded run again, write its pages, and exit with its code
python -m reports check VERDICT --phase PHASE    is that verdict.json a GO for the phase, and still valid?
python -m reports history DIR     print the history of verdicts and draw its trends
python -m reports watch PATH      rewrite the page of a running run, or of a history, every few seconds
python -m reports merge INTO RUN RUN...   join the shards of a run into one folder, and judge that
python -m reports allure [RUN]    make Allure's page of a run
python -m reports coverage        print which criteria stand for which line of the guide
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from reports import check_verdict, publish
from reports.environment import CommandParser, environment, run_command
from reports.history import guide_coverage
from reports.judge.criteria import GateError, read_gate
from reports.judge.integrity.signature import KEY_VARIABLE
from reports.judge.integrity.suite import identity
from reports.judge.verdict import EXIT_CODES, judge, to_json
from reports.merge_shards import IncompatibleShards, merge
from reports.output import terminal
from reports.output.ci import allure_html
from reports.output.html import history_page, live_page
from reports.records import run_ledger
from reports.records.escaping import terminal as terminal_line

LOW_PRIORITY = 15  # what the run measures must not wait for its page
LATEST = Path("reports/out/latest")
SUITES = Path(__file__).parents[1] / "suites"


def main(arguments: list[str] | None = None) -> int:
    argv = sys.argv[1:] if arguments is None else arguments
    commands = {
        "check": _check,
        "history": _history,
        "watch": _watch,
        "merge": _merge,
        "allure": _allure,
        "coverage": _coverage,
    }
    command = commands.get(argv[0]) if argv else None
    return command(argv[1:]) if command else _judge_again(argv)


def _judge_again(arguments: list[str]) -> int:
    parser = CommandParser(
        prog="python -m reports", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help=f"a folder in reports/out, or {LATEST}")
    parser.add_argument(
        "--history", type=Path, metavar="DIR", help="show its trends, and add this run if it is missing there"
    )
    options = parser.parse_args(arguments)
    folder: Path = options.run
    try:
        recorded = run_ledger.read(folder)
        verdict = to_json(judge(recorded, now=datetime.now(UTC).isoformat(timespec="seconds")))
    except (run_ledger.DamagedRun, GateError) as error:
        return _refused(str(error))
    key = environment().get(KEY_VARIABLE, "")
    publish.write_verdict(folder, verdict, key=key)
    notes = publish.publish(folder, recorded, verdict, history=options.history, key=key)
    for text, _ in terminal.lines(verdict, folder=str(folder)):
        print(text)
    for note in notes:
        print(terminal_line(f"note: {note}"), file=sys.stderr)
    return EXIT_CODES[verdict["verdict"]]


def _check(arguments: list[str]) -> int:
    parser = CommandParser(
        prog="python -m reports check",
        description="For pipelines: exits with 0 for a GO that is still valid, 1 for NO-GO, 6 for anything else.",
    )
    parser.add_argument("verdict", type=Path, metavar="VERDICT", help="a run's verdict.json, or its folder")
    parser.add_argument("--phase", required=True, metavar="PHASE", help="phase0 to phase5, or rollback")
    parser.add_argument(
        "--max-age", default="24h", metavar="AGE", help="how long ago the run may have ended: 24h (default), 90m, 2d"
    )
    parser.add_argument("--require-live", action="store_true", help="do not accept a run on the sandbox")
    parser.add_argument(
        "--require-suite",
        nargs="?",
        const="",
        metavar="SHA256",
        help="accept only a verdict of this version of the judge, or of the one named; judging again is not enough",
    )
    parser.add_argument("--no-waivers", action="store_true", help="do not accept a GO that rests on waivers")
    parser.add_argument(
        "--gate",
        type=Path,
        metavar="FILE",
        help="the gate file that the verdict must rest on (default: the checkout's)",
    )
    options = parser.parse_args(arguments)
    try:
        oldest, verdict = check_verdict.age(options.max_age), check_verdict.read(options.verdict)
        outcome, why = check_verdict.opened(
            verdict,
            options.phase,
            now=datetime.now(UTC),
            oldest=oldest,
            demands=_demands(options),
            folder=check_verdict.folder_of(options.verdict),
        )
    except (check_verdict.InvalidVerdict, GateError, OSError) as error:
        return _refused(str(error))
    print(terminal_line(f"{outcome}: {why}"))
    return EXIT_CODES[outcome]


def _demands(options: argparse.Namespace) -> check_verdict.Demands:
    paths = [options.gate] if options.gate else sorted(SUITES.glob("*/gate.toml"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    gates = {read_gate(text, str(path)).phase: text for path, text in zip(paths, texts, strict=True)}
    return check_verdict.Demands(
        judge=options.require_suite or identity()["sha256"],
        require_suite=options.require_suite is not None,
        require_live=options.require_live,
        waivers=not options.no_waivers,
        key=environment().get(KEY_VARIABLE, ""),
        gates=gates or None,
    )


def _merge(arguments: list[str]) -> int:
    parser = CommandParser(prog="python -m reports merge", description="Join the shards of a run.")
    parser.add_argument("into", type=Path, metavar="INTO", help="the folder to create")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_FOLDER", help="run folders of --shard 1/N to N/N")
    parser.add_argument(
        "--history", type=Path, metavar="DIR", help="folder of the history to which the joined run is added"
    )
    options = parser.parse_args(arguments)
    try:
        merge(options.runs, options.into)
    except (run_ledger.DamagedRun, IncompatibleShards, FileExistsError) as error:
        return _refused(str(error))
    return _judge_again([str(options.into), *(["--history", str(options.history)] if options.history else [])])


def _history(arguments: list[str]) -> int:
    parser = CommandParser(prog="python -m reports history", description="Print and draw a history of runs.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder given to --history")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="runs to print (default: 20)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="file to write the page to (default: DIR/trend.html)")
    parser.add_argument(
        "--runs",
        type=Path,
        default=LATEST.parent,
        metavar="DIR",
        help=f"run folders to link to (default: {LATEST.parent})",
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        return _refused(f"{options.folder}: no such folder")
    for line in history_page.tell(
        options.folder, last=options.last, page_path=options.html or options.folder / "trend.html", runs=options.runs
    ):
        print(terminal_line(line))
    return 0


def _watch(arguments: list[str]) -> int:
    parser = CommandParser(
        prog="python -m reports watch",
        description="Keep a page fresh: a run's summary.html until the run ends, a history's trend.html until Ctrl-C.",
    )
    parser.add_argument(
        "path", type=Path, nargs="?", default=LATEST, metavar="PATH", help=f"run folder, or history (default: {LATEST})"
    )
    parser.add_argument("--every", type=int, default=live_page.EVERY_S, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when the process that started this one ends"
    )
    options = parser.parse_args(arguments)
    if not options.path.is_dir():
        return _refused(f"{options.path}: no such folder; give a run folder of reports/out, or a folder of --history")
    if options.every < 1:
        return _refused(f"--every {options.every}: expected 1 or more")
    os.nice(LOW_PRIORITY)
    try:
        live_page.keep_fresh(
            options.path, options.every, live_page.stdin_closes if options.until_stdin_closes else live_page.sleeps
        )
    except (run_ledger.DamagedRun, GateError, OSError) as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        return 0
    return 0


def _allure(arguments: list[str]) -> int:
    parser = CommandParser(prog="python -m reports allure", description="Make Allure's page of a run.")
    parser.add_argument("run", type=Path, nargs="?", default=LATEST, metavar="RUN_FOLDER", help=f"default: {LATEST}")
    parser.add_argument("--fetch-node", action="store_true", help="let pip install Node.js where none is found")
    options = parser.parse_args(arguments)
    try:
        print(f"Allure's page: {allure_html.make(options.run, fetch_node=options.fetch_node)}")
    except allure_html.AllureUnavailable as error:
        return _refused(str(error))
    return 0


def _coverage(arguments: list[str]) -> int:
    parser = CommandParser(prog="python -m reports coverage", description="The guide's lines by criterion.")
    parser.parse_args(arguments)
    try:
        lines = guide_coverage.read_lines((SUITES / "guide_lines.toml").read_text(encoding="utf-8"))
        gates = [read_gate(path.read_text(encoding="utf-8"), str(path)) for path in sorted(SUITES.glob("*/gate.toml"))]
        print(guide_coverage.table(lines, gates), end="")
    except (OSError, GateError, guide_coverage.GuideError) as error:
        return _refused(str(error))
    return 0


def _refused(sentence: str) -> int:
    print(terminal_line(f"python -m reports: {sentence}"), file=sys.stderr)
    return 4


if __name__ == "__main__":
    sys.exit(run_command(main, "python -m reports"))
