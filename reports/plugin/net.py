"""The net under pytest: an error of our own that no other place foresaw is one sentence and exit code 6, HOLD.

It is never pytest's own 3 with a traceback (which shows values), never 1 (that is NO-GO), never 0. And none of our
plugins can be left out: `-p no:NAME` of one of them would take a guard away without a word.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest

from reports.environment import environment, survive_output, unforeseen
from reports.judge.verdict import EXIT_CODES
from reports.plugin import failure_redaction, run_folder

OUR_PREFIXES = ("fixtures.", "reports.", "gate-", "vql_gate")
TRACE_NAME = "unforeseen.txt"
_CAUGHT = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    survive_output()
    try:
        refuse_blocked(config)
        config.pluginmanager.register(InternalErrors(config), "gate-internal-errors")
        code = yield
    except (pytest.UsageError, pytest.exit.Exception):
        raise
    except Exception as error:
        print(_caught(config, error), file=sys.stderr)  # noqa: T201 - the terminal plugin may be what failed
        return EXIT_CODES["HOLD"]
    if code == pytest.ExitCode.INTERNAL_ERROR and _is_gate(config):
        return EXIT_CODES["HOLD"]
    if code == pytest.ExitCode.OK and (why := why_looking_is_no_go(config, environment())):
        print(f"HOLD: {why}", file=sys.stderr)  # noqa: T201 - the terminal plugin has said its last already
        return EXIT_CODES["HOLD"]
    return code


class InternalErrors:
    """Plugin of pytest: has it print the sentence where it would print a traceback."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if _is_gate(self._config) and not hasattr(self._config, "workerinput"):
            sentence = _caught(self._config, excinfo.value)
            excrepr.toterminal = lambda writer: writer.line(sentence)


def refuse_blocked(config: pytest.Config) -> None:
    """A usage error where `-p no:NAME` leaves out a plugin of ours."""
    names = [name for name, plugin in config.pluginmanager.list_name_plugin() if plugin is None]
    ours = sorted(name for name in names if name.startswith(OUR_PREFIXES))
    if ours:
        raise pytest.UsageError(
            f"-p no:{ours[0]}: this plugin is a part of the gate, and a run without it proves nothing; "
            f"leave the option out (it may be in PYTEST_ADDOPTS)"
        )


def why_looking_is_no_go(config: pytest.Config, environ: Mapping[str, str]) -> str:
    """Why exit code 0 would be taken for a GO by a pipeline, where pytest only printed; '' for people at a desk.

    A pipeline shows by --require-live, by variables of the gate, or by PYTEST_ADDOPTS.
    """
    telling = _selection().tells_only(config)
    variables = sorted(name for name, value in environ.items() if name.startswith("GATE_") and value)
    if not telling or hasattr(config, "workerinput"):
        return ""
    if getattr(config.option, "require_live", None):
        why = "--require-live was given; leave one of them out"
    elif variables:
        why = f"{variables[0]} is set; unset it to look around"
    elif environ.get("PYTEST_ADDOPTS"):
        why = "PYTEST_ADDOPTS is set; unset it to look around"
    else:
        return ""
    return f"{telling} only lists: no target was asked, and {why}"


def _selection() -> ModuleType:
    """Imported when it is needed: pytest rewrites that plugin's asserts, and warns where it is imported before."""
    return importlib.import_module("reports.plugin.selection")


def _is_gate(config: pytest.Config) -> bool:
    try:
        return bool(_selection().wanted(config))
    except Exception:  # nobody knows what was wanted: rather HOLD than a traceback
        return True


def _caught(config: pytest.Config, error: BaseException) -> str:
    """The sentence for an unforeseen error; its redacted traceback goes into the run folder, where there is one."""
    if _CAUGHT in config.stash:
        return config.stash[_CAUGHT]
    where = ""
    with suppress(Exception):
        trace = str(failure_redaction.redacted_failure(error, error.__traceback__, config.rootpath))
        where = run_folder.keep_trace(config, TRACE_NAME, trace)
    config.stash[_CAUGHT] = unforeseen(error, where)
    return config.stash[_CAUGHT]
