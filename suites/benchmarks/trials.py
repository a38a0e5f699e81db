"""Self-tests on a mutant, each mutant in a process of its own that is left behind: which tests, and whether one fails.

A child is forked from a process that has everything imported already but the tests; what imports the changed module,
even through others, is imported anew. That makes half a second of what would be three, touches no file, and lets tables
and constants be changed like functions.
"""

from __future__ import annotations

import os
import pickle
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from operator import attrgetter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from suites.benchmarks.mutations import Mutation, mutations

T = TypeVar("T")
WORLD = {"calm", "stores_of"}  # fixtures that start processes: tests that need them are left out
LONGEST_S = 2.0  # traced: a test that takes longer is left out
MOST_S = 10.0  # of tests for one mutant
EXAMPLES = 50  # of a property, unless it says how many it needs
SLACK_S, SLOWER = 2.0, 3.0  # of the processor's time: so much, and so many times what it took, is for ever
LONGEST_TRIAL_S = 300  # by the clock: it may also wait
CHECKED = 50  # tests that have to pass where nothing is changed
NONE_LEFT = 5  # pytest's exit code when no test was collected: none failed
NOT_LOADED = 70  # exit code: the module was never imported
NOT_BEFORE = re.compile(r"(^|\.)(test_\w+|conftest|__main__|__mp_main__)$|^suites\.benchmarks\b")  # never preloaded
OPTIONS = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "--assert=plain",
    "--tb=no",
    "-o",
    "timeout=0",
    "--hypothesis-profile=mutants",
    "--noconftest",
    "-p",
    "suites.conftest",
)
Passed = dict[str, set[tuple[str, int]]]  # by test, or by file for what is set up: lines of files

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A module that is changed: its file, the test files that import it themselves, every module that reaches it."""

    path: Path
    near: frozenset[str]
    dependents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mutant:
    """A mutation of a file, and the tests it is tried on with their seconds, the fastest first.

    `near` are tests of files that import the mutated module themselves, `far` those that only pass over its lines.
    """

    subject: Subject
    mutation: Mutation
    near: Mapping[str, float]
    far: Mapping[str, float]

    def described(self) -> str:
        """Where it is, and the changed piece before and after."""
        was, now = self.mutation.change
        return f"{self.subject.path.relative_to(ROOT)}:{self.mutation.line}\n  - {was}\n  + {now}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Of each test of the unchanged code: the lines (file, line) it passes over, its seconds; every module imported."""

    lines: Passed
    seconds: dict[str, float]
    modules: dict[str, None]


class MutatedModule(SourceFileLoader, MetaPathFinder):
    """Finds one module of ours with other source than its file has."""

    def __init__(self, path: Path, source: str) -> None:
        super().__init__(".".join(path.resolve().relative_to(ROOT).with_suffix("").parts), str(path))
        self._source, self.loaded = source, False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        self.loaded = True
        return compile(self._source, self.path, "exec")


class ChosenTests:
    """Lets pytest run these tests alone, in this order; one that takes much longer than it did ends the process."""

    def __init__(self, tests: Mapping[str, float]) -> None:
        self._tests = tests
        self._place = {name: place for place, name in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((test for test in items if test.nodeid in self._place), key=lambda at: self._place[at.nodeid])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        signal.setitimer(signal.ITIMER_PROF, SLACK_S + SLOWER * self._tests[item.nodeid])


class TestTrace:
    """Which lines each test passes over, and its seconds of the processor. What is set up counts for its whole file."""

    def __init__(self, files: set[str]) -> None:
        self._files = files
        self._now: set[tuple[str, int]] = set()
        self._begun = 0.0
        self.lines: Passed = defaultdict(set)
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [test for test in items if WORLD.isdisjoint(getattr(test, "fixturenames", ()))]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        self._begun = time.process_time()
        self._now = self.lines[item.nodeid.split("::")[0]]
        sys.settrace(self._called)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._now = self.lines[item.nodeid]
        sys.settrace(self._called)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.seconds[item.nodeid] = time.process_time() - self._begun

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._passed(frame, event, argument) if frame.f_code.co_filename in self._files else None

    def _passed(self, frame: FrameType, event: str, argument: Any) -> Any:
        self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._passed


def baseline(paths: Sequence[Path], tests: Sequence[str], jobs: int, scratch: Path) -> Baseline:
    """What the tests do when nothing is changed, file by file; SystemExit if one of them fails."""

    def traced(test: str) -> int:
        spy = TestTrace({str(path) for path in paths})
        code = int(pytest.main([*OPTIONS, test], plugins=[spy]))
        _place(scratch, test).write_bytes(pickle.dumps((dict(spy.lines), spy.seconds, list(sys.modules))))
        return code

    untouched = Baseline(lines={}, seconds={}, modules={})
    for test, code in _in_children({test: partial(traced, test) for test in tests}, jobs):
        if code:
            raise SystemExit(f"{test} fails, and nothing was changed: exit code {code}")
        lines, seconds, modules = pickle.loads(_place(scratch, test).read_bytes())
        untouched.seconds.update(seconds)
        untouched.lines.update({name: lines.get(name, set()) | lines.get(test, set()) for name in seconds})
        untouched.modules.update(dict.fromkeys(name for name in modules if not NOT_BEFORE.search(name)))
    return untouched


def _place(scratch: Path, test: str) -> Path:
    """Where the trace of a test file is left: two of them in different folders may have one name."""
    return scratch / "-".join(Path(test).relative_to(ROOT).parts)


def mutants_of(subject: Subject, untouched: Baseline) -> list[Mutant]:
    """Every mutant of a module. The first one has no change: it has to survive."""
    file, near = str(subject.path), subject.near
    passed = {name: {line for place, line in lines if place == file} for name, lines in untouched.lines.items()}
    ranked = sorted(untouched.seconds.items(), key=lambda second: second[1])
    usable = {name: took for name, took in ranked if took <= LONGEST_S and (passed[name] or _file(name) in near)}
    usable = dict(sorted(usable.items(), key=lambda test: _file(test[0]) not in near))
    none = Mutation(line=1, last=1, start=0, before="", after="", change=("", ""), everywhere=True)
    unchanged = Mutant(subject=subject, mutation=none, near=dict(tuple(usable.items())[:CHECKED]), far={})
    source = subject.path.read_text(encoding="utf-8")
    return [unchanged, *(_mutant(subject, mutation, usable, passed) for mutation in mutations(source))]


def _file(test: str) -> str:
    return test.split("::")[0]


def _mutant(
    subject: Subject, mutation: Mutation, usable: Mapping[str, float], passed: Mapping[str, set[int]]
) -> Mutant:
    """`usable` are those tests first that are near. What stands outside functions may decide in any of them."""
    lines_changed = set(range(mutation.line, mutation.last + 1))
    tests, total = {}, 0.0
    for name, took in usable.items():
        if total + took <= MOST_S and (mutation.everywhere or lines_changed & passed[name]):
            tests[name] = took
            total += took
    return Mutant(
        subject=subject,
        mutation=mutation,
        near={name: took for name, took in tests.items() if _file(name) in subject.near},
        far={name: took for name, took in tests.items() if _file(name) not in subject.near},
    )


def survivors(mutants: Sequence[Mutant], jobs: int) -> list[Mutant]:
    """Those that no test kills, by line; SystemExit if one was not even imported."""
    alive = list(mutants)
    for tests_of in (attrgetter("near"), attrgetter("far")):
        work = {mutant: partial(_tested, mutant, tests_of(mutant)) for mutant in alive if tests_of(mutant)}
        for mutant, code in _in_children(work, jobs):
            if code == NOT_LOADED:
                raise SystemExit(f"never imported: {mutant.described()}")
            if code not in (0, NONE_LEFT):
                alive.remove(mutant)
    return sorted(alive, key=lambda mutant: mutant.mutation.line)


def _tested(mutant: Mutant, tests: Mapping[str, float]) -> int:
    """pytest's exit code of these tests on the mutant."""
    signal.alarm(LONGEST_TRIAL_S)
    path = mutant.subject.path
    _forget(mutant.subject.dependents)
    loader = MutatedModule(path, mutant.mutation.applied(path.read_text(encoding="utf-8")))
    sys.meta_path.insert(0, loader)
    files = dict.fromkeys(map(_file, tests))
    code = int(pytest.main([*OPTIONS, *files], plugins=[ChosenTests(tests)]))
    return code if code or loader.loaded else NOT_LOADED


def _forget(modules: Sequence[str]) -> None:
    """Let these be imported anew."""
    for name in modules:
        package, _, last = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and hasattr(sys.modules.get(package), last):
            delattr(sys.modules[package], last)


def _in_children(work: Mapping[T, Callable[[], int]], jobs: int) -> Iterator[tuple[T, int]]:
    """(what it was, exit code or minus the signal) of each piece of work, in a process of its own, as they end."""
    waiting, running = list(reversed(work)), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop()
            child = os.fork()
            if not child:
                _work(work[name])
            running[child] = name
        child, status = os.wait()
        yield running.pop(child), os.waitstatus_to_exitcode(status)


def _work(of: Callable[[], int]) -> None:
    """In the child: silently, and without a way back."""
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        settings.register_profile(
            "mutants",
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=EXAMPLES,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=tuple(HealthCheck),
        )
        code = of()
    finally:
        os._exit(code)
