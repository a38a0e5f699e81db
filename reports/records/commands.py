"""Commands that a run prints: each is built here, from the run's own options, and runs as pasted. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

GIVEN = "given"  # where a run's options keep what was given on its command line
CHECKOUT = "checkout"  # among what was given: the suite's folder, where a run was started outside it
ASKED_OF = (
    *("target", "env_file", "contract", "fault", "flags", "rows", "shape", "search", "postgres"),
    *("max_rps", "max_sql_cost", "stop_after", "traffic", "show_values"),
)
DRAWN_BY = ("samples", "seed")
SETTLED_BY = ("attestations", "waivers", "allow_cost", "expect_flags", "history", "bake", "out", "canary_ok")
NAMES = (*ASKED_OF, *DRAWN_BY, *SETTLED_BY)
_OF_ONE_MARK = {"expect_flags": "rollback", "canary_ok": "canary"}


def again(phase: str, check: str, options: Mapping[str, Any]) -> str:
    """The command that asks one check again, of the same target, with the same samples."""
    return pytest_command(phase, options, (*_asked_of(options), *DRAWN_BY, "allow_cost"), select=check)


def rerun(phases: Iterable[str], options: Mapping[str, Any], *, without: Iterable[str] = (), **changed: Any) -> str:
    """The command that asks the same phases of the same target anew, with new samples."""
    mark = " or ".join(phases)
    unfit = {name for name, of in _OF_ONE_MARK.items() if mark != of}
    names = tuple(name for name in (*_asked_of(options), *SETTLED_BY, "samples") if name not in {*without, *unfit})
    return pytest_command(mark, {**options, **changed}, names)


def verify_rollback(kept: Iterable[str], options: Mapping[str, Any]) -> str:
    """The command that verifies a rollback: only the flags in `kept` are still on. A sandbox is started with them."""
    flags = ",".join(kept) or "none"
    on_sandbox = {"flags": flags} if options.get("target") == "sandbox" else {}
    return pytest_command(
        "rollback", {**options, **on_sandbox, "expect_flags": flags}, (*_asked_of(options), "expect_flags")
    )


def _asked_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Options that decide what is asked of which target: every one that is not known to draw samples or to settle."""
    return (*ASKED_OF, *(name for name in options if name not in {*NAMES, CHECKOUT}))


def prepare_shell(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The lines after which `$CONTACT360_BASE_URL` and the others of the curl and psql lines are set in a shell."""
    env_file = options.get("env_file")
    token = _command("python -m fixtures.token", options, ("env_file", "contract"))
    lines = (f"set -a; . {_path(str(env_file))}; set +a",) if env_file else ()
    return (*lines, f'export CONTACT360_TOKEN="$({token})"')


def pytest_command(mark: str, options: Mapping[str, Any], names: Iterable[str], *, select: str = "") -> str:
    """`pytest -m MARK` with those of the given options; a live target is always required to be one."""
    head = f"pytest -m {shlex.quote(mark)}" + (f" -k {shlex.quote(select)}" if select else "")
    live = "--require-live" if options.get("target") == "live" else ""
    return _command(head, options, names, live, *map(_value, _listed(options.get(CHECKOUT))))


def _command(head: str, options: Mapping[str, Any], names: Iterable[str], *tail: str) -> str:
    parts = [head]
    for name in names:
        option = f"--{name.replace('_', '-')}"
        parts += [option if value is True else f"{option} {_value(value)}" for value in _listed(options.get(name))]
    return " ".join([*parts, *filter(None, tail)])


def _listed(value: Any) -> list[Any]:
    if value is None or value is False or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) else f"{value:g}"
    return shlex.quote(str(value))


def _path(path: str) -> str:
    """A file as `.` of a shell finds it: without a slash it would look in PATH."""
    return shlex.quote(path if "/" in path else f"./{path}")
