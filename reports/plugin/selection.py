"""What a run asks, in which order: the gates of the phases, the marks that folders give tests, what `-m` matches."""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NoReturn

import pytest
from _pytest.mark.expression import Expression  # -m as pytest itself reads it; there is no public way

from reports.judge.criteria import GateError, read_gate
from reports.plugin import run_folder
from reports.records.run_ledger import GateFile
from reports.records.suggestion import suggest

FOLDER_MARKS = {"rollback": "rollback", "drills": "drill", "selftest": "selftest"}
BY_NAME = {  # marks that a bare `pytest` leaves out -> why
    "drill": "it injects faults",
    "selftest": "it asks no deployment",
    "availability": "it belongs on a schedule: each run is one moment",
    "phase5": "it judges the history of a bake",
    "rollback": "it asks whether flags went off",
}
OURSELVES = ("drills", "selftest")  # folders whose tests ask no target of this run
_ONLY_TELLS = {  # destination -> option
    "collectonly": "--collect-only",
    "help": "--help",
    "version": "--version",
    "markers": "--markers",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "setupplan": "--setup-plan",
    "cacheshow": "--cache-show",
    "plan": "--plan",
}
AT_END = "at_end"  # fixture of tests that come after everything else of their phase
_LOOK_S = 120.0  # for pytest to collect
_GATES = pytest.StashKey[dict[str, GateFile]]()
_FOLDERS = pytest.StashKey[Mapping[Path, str]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave folders alone that -m can't match: a self-test that can't even be imported must not hold a rollout.

    A bare `pytest` asks the phases that one sandbox can answer in one go; all others are asked for by name.
    """
    if collection_path.parent != config.rootpath / "suites":
        return None
    mark = _mark_of_folder(config, collection_path.name)
    if is_bare(config):
        return True if mark in BY_NAME else None
    markexpr = config.option.markexpr
    return True if markexpr and mark and not _may_match(markexpr, mark) else None


def is_bare(config: pytest.Config) -> bool:
    """Whether nothing on the command line says what to ask."""
    option = config.option
    return not (option.markexpr or option.keyword) and config.args_source is pytest.Config.ArgsSource.TESTPATHS


def is_canary(config: pytest.Config) -> bool:
    """Whether this is a scheduled small run: `-m canary`."""
    return str(config.option.markexpr).strip() == "canary"


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test's mark is its folder's: the phase of the gate file there, or the folder's own.

    A self-test that is marked `drill` plays whole runs for minutes: it runs with the drills alone.
    """
    mark = "drill" if item.get_closest_marker("drill") else _mark_of_folder(item.config, _suite_folder(item))
    if not mark:
        return
    item.add_marker(mark)
    item.extra_keyword_matches |= checks_of(item)
    if mark in gates(item.config):
        file = gates(item.config)[mark]
        title = read_gate(file.text, file.path).title
        item.add_marker(pytest.mark.allure_label(f"{mark}: {title}", label_type="epic"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread latency blocks over the other work of their phase, for one dense burst on drifting hosts errs in a quarter
    of runs. Never over another phase's work: the later phase would begin before the earlier one has ended.
    """
    folders: dict[Path, list[pytest.Item]] = {}
    for item in items:
        folders.setdefault(item.path.parent, []).append(item)
    items[:] = [item for of_folder in folders.values() for item in _in_order(of_folder)]


def _in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """One phase's tests: latency blocks spread over the others, then those that come last.

    All checks' first looks come first, then their second ones: what is wrong shows early, and what all checks serve
    together is known before one is asked more than it needs.
    """
    blocks = [item for item in items if "block" in getattr(item, "fixturenames", ())]
    last = [item for item in items if AT_END in getattr(item, "fixturenames", ())]
    tests = _by_look([item for item in items if item not in blocks and item not in last])
    return [*(_spread(blocks, tests) if blocks and tests else [*tests, *blocks]), *last]


def _by_look(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Each file's tests by the ends of their looks; what has none stays before or after them, as in the file."""
    ordered: list[pytest.Item] = []
    for _, of_file in groupby(items, key=lambda item: item.path):
        begun, ends = False, list[tuple[float, pytest.Item]]()
        for item in of_file:
            look = item.callspec.params.get("look") if hasattr(item, "callspec") else None
            begun = begun or isinstance(look, slice)
            ends.append((look.stop if isinstance(look, slice) else math.inf if begun else 0, item))
        ordered += [item for _, item in sorted(ends, key=lambda entry: entry[0])]
    return ordered


def _spread(blocks: Sequence[pytest.Item], tests: Sequence[pytest.Item]) -> list[pytest.Item]:
    step = len(tests) / len(blocks)
    ranked = [(index, 0, item) for index, item in enumerate(tests)]
    ranked += [((number + 1) * step - 0.5, 1, item) for number, item in enumerate(blocks)]  # type: ignore[misc]
    return [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])]


def checks_of(item: pytest.Item) -> set[str]:
    """The checks that a test asks, by its `asks` marks: `-k` with a check's name selects it.

    A mark's text may name the test's parameters: `asks("{record}-unknown-{way}")`.
    """
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return {str(name).format(**parameters) for mark in item.iter_markers("asks") for name in mark.args}


def shard_of(config: pytest.Config) -> tuple[int, int]:
    """(this shard, number of shards), counted from 1: `--shard 2/4`."""
    text = config.option.shard
    if not text:
        return 1, 1
    number, slash, of = text.partition("/")
    if not (slash and number.isdigit() and of.isdigit() and 0 < int(number) <= int(of)):
        raise pytest.UsageError(f"--shard {text!r}: expected K/N, such as 2/4")
    return int(number), int(of)


def wanted(config: pytest.Config) -> bool:
    """Whether this run may ask the target at all: some gate's mark can match -m and the given paths."""
    if asks_nothing(config) or (not config.option.markexpr and about_ourselves(config)):
        return False
    markexpr = config.option.markexpr
    return not markexpr or any(_may_match(markexpr, phase) for phase in gates(config))


def require_paths(config: pytest.Config) -> None:
    """A usage error for a path of the command line that is not there, before anything is started or moved."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS or config.option.pyargs:
        return
    for argument in config.args:
        path = config.invocation_params.dir / argument.split("[")[0].split("::")[0]
        if not path.exists():
            suggestion = suggest(*_misnamed(path), or_list=False)
            raise pytest.UsageError(f"{argument}: no such file or folder{suggestion}; `-m phase1` selects a phase")


def _misnamed(path: Path) -> tuple[str, list[str]]:
    """The first part of a path that is not there, and the names beside it."""
    missing = next(part for part in reversed((path, *path.parents)) if not part.exists())
    return missing.name, [other.name for other in missing.parent.iterdir()] if missing.parent.is_dir() else []


def finds_tests(config: pytest.Config) -> bool:
    """False where nothing is selected, which pytest then says; a usage error for a test that is not there.

    pytest collects only once the session has begun, with xdist never in the controller. So where single tests, paths
    or words of `-k` are given, a pytest of its own collects first, before a target is asked.
    """
    if not _may_miss(config):
        return True
    code, printed = _collected(config.invocation_params)
    if code == pytest.ExitCode.USAGE_ERROR:
        run_folder.restore_latest(config)
        raise pytest.UsageError(_not_found(printed))
    return code != pytest.ExitCode.NO_TESTS_COLLECTED


def _collected(typed: pytest.Config.InvocationParams) -> tuple[int, str]:
    """(exit code, output) of the same command line with `--collect-only`; the code is negative when it takes too long.

    In a fork: a new interpreter would import for a second what this process has imported.
    """
    with tempfile.TemporaryFile() as output:
        process = multiprocessing.get_context("fork").Process(target=_collect, args=(typed, output.fileno()))
        process.start()
        try:
            process.join(_LOOK_S)
        finally:
            process.kill()
            process.join()
        output.seek(0)
        return process.exitcode or 0, output.read().decode("utf-8", "replace")


def _collect(typed: pytest.Config.InvocationParams, output: int) -> NoReturn:
    """In the fork: without input, with an output of its own, and with signals that end it."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(ending)):  # what is ignored, as under nohup, stays ignored
            signal.signal(ending, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    os.chdir(typed.dir)
    code = pytest.main([*map(str, typed.args), "--collect-only", "--quiet", "--junitxml="])
    sys.stdout.flush()
    os._exit(code)


def _may_miss(config: pytest.Config) -> bool:
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return named or bool(config.option.keyword) or bool(config.option.deselect)


def _not_found(printed: str) -> str:
    """pytest's own words for what was not found, and the way out."""
    lines = [line for line in printed.splitlines() if line.strip()]
    first = next((number for number, line in enumerate(lines) if line.startswith("ERROR: ")), len(lines))
    sentence = " ".join(lines[first : first + 2]).removeprefix("ERROR: ") or "a test that is not there"
    return f"{sentence}; `pytest -m phase1 --collect-only -q` lists the tests of a phase"


def skip_reasons(reporter: pytest.TerminalReporter) -> Counter[str]:
    """How many tests were skipped for which reason."""
    reports = [report for report in reporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    return Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)


def gates(config: pytest.Config) -> dict[str, GateFile]:
    """Every phase's gate file as it was at the start of this process; a usage error when one can't be read."""
    if _GATES not in config.stash:
        config.stash[_GATES] = _found_gates(config.rootpath)
    return config.stash[_GATES]


def phases_by_folder(config: pytest.Config) -> Mapping[Path, str]:
    """The phase of each folder that holds a gate file."""
    if _FOLDERS not in config.stash:
        config.stash[_FOLDERS] = {(config.rootpath / file.path).parent: phase for phase, file in gates(config).items()}
    return config.stash[_FOLDERS]


def attested_lines(config: pytest.Config) -> set[str]:
    """The human lines that some criterion of some phase asks a person to sign off."""
    read = [read_gate(file.text, file.path) for file in gates(config).values()]
    return {
        line
        for gate in read
        for criterion in gate.criteria
        if criterion.rule == "attested"
        for line in criterion.checks
    }


class _Marked:
    """Answers `-m` for an imagined test that carries these marks."""

    def __init__(self, *marks: str) -> None:
        self._marks = marks

    def __call__(self, name: str, /, **_: str | int | bool | None) -> bool:
        return name in self._marks


def _found_gates(root: Path) -> dict[str, GateFile]:
    by_phase: dict[str, GateFile] = {}
    for path in sorted((root / "suites").glob("*/gate.toml")):
        text = path.read_text(encoding="utf-8")
        try:
            phase = read_gate(text, str(path.relative_to(root))).phase
        except GateError as error:
            raise pytest.UsageError(str(error)) from None
        by_phase[phase] = GateFile(
            path=str(path.relative_to(root)), sha256=hashlib.sha256(text.encode()).hexdigest(), text=text
        )
    return by_phase


def selected(config: pytest.Config) -> dict[str, GateFile]:
    """Those whose mark -m can match; without -m those that a bare `pytest` asks."""
    gate_files = gates(config)
    if is_bare(config):
        return {phase: file for phase, file in gate_files.items() if phase not in BY_NAME}
    if not config.option.markexpr:
        return {**gate_files}
    return {phase: file for phase, file in gate_files.items() if _may_match(config.option.markexpr, phase)}


def _may_match(markexpr: str, mark: str) -> bool:
    """Whether `-m` can select a test with this mark, alone or together with those that tests add themselves.

    No drill and no self-test is a `canary`.
    """
    try:
        expression = Expression.compile(markexpr)
    except SyntaxError:
        return False  # pytest says so itself
    of_tests = [(), ("slow",)]
    if mark not in {FOLDER_MARKS[folder] for folder in OURSELVES}:
        of_tests += [("canary",), ("canary", "slow")]
    return any(expression.evaluate(_Marked(mark, *also)) for also in of_tests)


def _suite_folder(item: pytest.Item) -> str:
    try:
        parts = item.path.relative_to(item.config.rootpath / "suites").parts
    except ValueError:
        return ""
    return parts[0] if len(parts) > 1 else ""


def _mark_of_folder(config: pytest.Config, folder: str) -> str | None:
    """The mark of a folder in suites: its own, or the phase of the gate file in it."""
    return FOLDER_MARKS.get(folder) or phases_by_folder(config).get(config.rootpath / "suites" / folder)


def asks_nothing(config: pytest.Config) -> bool:
    """Whether pytest was asked to tell something, not to run anything."""
    return bool(tells_only(config))


def tells_only(config: pytest.Config) -> str:
    """The option by which pytest was asked to tell something, not to run anything; '' where it was not."""
    return next((option for name, option in _ONLY_TELLS.items() if getattr(config.option, name, None)), "")


def about_ourselves(config: pytest.Config) -> bool:
    """Whether only drills and self-tests can be meant, by -m or by the given paths."""
    markexpr = config.option.markexpr
    if markexpr:
        ours = any(_may_match(markexpr, FOLDER_MARKS[folder]) for folder in OURSELVES)
        return ours and not any(_may_match(markexpr, phase) for phase in gates(config))
    arguments = [argument.split("::")[0].rstrip("/") for argument in config.args]
    return all(any(f"suites/{folder}" in argument for folder in OURSELVES) for argument in arguments)
