"""`python -m suites.benchmarks.mutants`: do the self-tests notice when the judgement decides otherwise?

Each mutant is a module that decides, with one small change (see `mutations`). It is killed if a self-test fails, or
does not come to an end; exit code 1 when fewer than 90 % are. Only tests that need nothing but this process are run: of
those that pass over a mutant's lines the nearest first, and of those the fastest (see `trials`). Presentation is left
out.

Without arguments a fifth of every module's mutants is tried, drawn by the seed; `--all` tries each of them, and so does
naming files.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from suites.benchmarks.trials import Baseline, Mutant, Subject, baseline, mutants_of, survivors
from suites.selftest.support.import_graph import FLOORS, closure, imports_by_module, module_of

ROOT = Path(__file__).parents[2]
DECIDE = (  # the modules of these folders, and these modules: what they return decides a verdict
    "reports/comparison",
    "reports/judge",
    "reports/history/bake_inputs.py",
    "reports/history/phase_order.py",
    "reports/check_verdict.py",
    "fixtures/clients/provenance",
    "fixtures/clients/diagnosis.py",
    "fixtures/checks/attribution.py",
    "fixtures/checks/batch_runner.py",
    "fixtures/checks/check.py",
    "fixtures/checks/company_contacts/clients/page_shape.py",
    "fixtures/checks/company_contacts/diagnosis.py",
    "fixtures/checks/linkedin/answer_diff.py",
    "fixtures/checks/runner.py",
    "fixtures/transport/backoff.py",
    "fixtures/transport/circuit_breaker.py",
    "fixtures/transport/failure.py",
)
LEFT_OUT = {  # self-tests of these folders that do not take part, with the reason
    "test_escaping.py": "its fixtures lie in a conftest, and output decides nothing",
    "test_foreign_text.py": "its fixtures lie in a conftest, and output decides nothing",
}
TESTED_BY = (
    "reports/records",
    "reports/comparison",
    "reports/judge",
    "reports/history",
    "fixtures",
)  # of suites/selftest


def _modules() -> list[Path]:
    """Every module that decides."""
    paths = [ROOT / name for name in DECIDE]
    return [module for path in paths for module in ([path] if path.is_file() else sorted(path.rglob("[!_]*.py")))]


class TestChoice:
    """The self-tests that start no process, by what they import."""

    def __init__(self) -> None:
        self._graph = imports_by_module(ROOT, *FLOORS)
        tests = [path for name in TESTED_BY for path in sorted((ROOT / "suites/selftest" / name).rglob("test_*.py"))]
        self._tests = [path for path in tests if path.name not in LEFT_OUT]

    def that_reach(self, modules: Sequence[Path]) -> list[str]:
        """Test files that import one of these modules, themselves or through others."""
        names = set(map(_module, modules))
        return [str(path) for path in self._tests if not names.isdisjoint(closure(self._graph, _module(path)))]

    def of(self, module: Path) -> Subject:
        """The module with what imports it: test files from the root, themselves or through their support alone."""
        supports = {name: imported for name, imported in self._graph.items() if name.startswith("suites.")}
        name = _module(module)
        near = {
            path.relative_to(ROOT).as_posix()
            for path in self._tests
            if any(name in supports.get(entry, ()) for entry in closure(supports, _module(path)))
        }
        dependents = tuple(entry for entry in self._graph if name in closure(self._graph, entry))
        return Subject(path=module, near=frozenset(near), dependents=dependents)


def _module(path: Path) -> str:
    return module_of(path.resolve().relative_to(ROOT).as_posix())


ENOUGH = 0.90  # of the mutants
SAMPLED = 0.20  # of each module's mutants, unless all are asked for


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before SciPy is imported: threads do not outlive a fork
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        sys.dont_write_bytecode, sys.pycache_prefix = False, scratch  # compiled once, and not beside the sources
        choice = TestChoice()
        tests = choice.that_reach(options.files)
        if options.near:
            near = {file for path in options.files for file in choice.of(path).near}
            tests = [test for test in tests if Path(test).relative_to(ROOT).as_posix() in near]
        untouched = baseline(options.files, tests, options.jobs, Path(scratch))
        print(f"{len(untouched.seconds)} tests, {sum(untouched.seconds.values()):.0f} s of them traced", flush=True)
        for name in untouched.modules:
            with suppress(ImportError):
                import_module(name)
        tried, survivors = _all_tried(untouched, choice, options)
    killed = tried - len(survivors)
    print(f"in all {killed} of {tried} killed: {_share(killed, tried, options)}; {time.monotonic() - begun:.0f} s")
    return int(killed < ENOUGH * tried)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m suites.benchmarks.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="modules; none: all that decide")
    parser.add_argument(
        "--near", action="store_true", help="only tests of files that import the module: fast, kills fewer"
    )
    parser.add_argument("--all", action="store_true", help="every mutant, not a sample")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    options.sampled = not options.all and not options.files
    files = options.files or _modules()
    options.files = [path.resolve(strict=True) for path in files]
    return options


def _all_tried(untouched: Baseline, choice: TestChoice, options: argparse.Namespace) -> tuple[int, list[Mutant]]:
    """(how many were tried, those that survived), printed file by file."""
    draw, tried, surviving = random.Random(options.seed), 0, list[Mutant]()
    for path in options.files:
        unchanged, *mutants = mutants_of(choice.of(path), untouched)
        if not survivors([unchanged], 1):
            raise SystemExit(f"{path.name} is killed without a change: the trial itself is at fault")
        if options.sampled:
            mutants = draw.sample(mutants, math.ceil(SAMPLED * len(mutants)))
        survivors_here = survivors(mutants, options.jobs)
        print(f"{path.name}: {len(mutants) - len(survivors_here)} of {len(mutants)} killed", flush=True)
        print("".join(f"{mutant.described()}\n" for mutant in survivors_here), end="", flush=True)
        tried, surviving = tried + len(mutants), surviving + survivors_here
    return tried, surviving


def _share(killed: int, tried: int, options: argparse.Namespace) -> str:
    """In percent; of a sample with the interval for all of them."""
    from scipy.stats import binomtest

    sentence = f"{100 * killed / tried:.1f} %"
    if not options.sampled:
        return sentence
    interval = binomtest(killed, tried).proportion_ci(0.95, method="exact")
    return f"{sentence} of a sample (of all {100 * interval.low:.1f} to {100 * interval.high:.1f} %, at 95 %)"


if __name__ == "__main__":
    sys.exit(main())
