"""What a failure of the suite itself may show: kind and place. A library's message may hold a value.

A traceback shows arguments and locals, an assertion shows both its sides, a driver quotes the row it stumbled over; and
all of that would go to the terminal, into junit.xml and into Allure. Sentences of our own are written for the user.
"""

from __future__ import annotations

import traceback
from collections.abc import Generator, Iterable
from pathlib import Path
from types import TracebackType

import pytest

from reports.records.redaction import mask_secrets

OURS = ("fixtures", "reports", "suites")
_MOST_PLACES = 8


def install(config: pytest.Config, secrets: tuple[str, ...], *, passing: tuple[type[BaseException], ...]) -> None:
    """From now on, redact the failures of set-ups and tests of this process, but for those of the `passing` types."""
    if getattr(config.option, "show_values", False):
        config.pluginmanager.register(ShownFailures(), "gate-failure-redaction")
    elif not getattr(config.option, "usepdb", False):
        outcomes = (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception)
        redaction = FailureRedaction(config.rootpath, secrets, (*passing, *outcomes))
        config.pluginmanager.register(redaction, "gate-failure-redaction")


class ShownFailures:
    """Stands for the redaction under --show-values, which only a sandbox takes: its people are invented."""


class FailureRedaction:
    """Plugin of pytest; innermost, so that a failure is redacted before other plugins see it."""

    def __init__(self, root: Path, secrets: tuple[str, ...], passing: tuple[type[BaseException], ...]) -> None:
        self._root = root
        self._secrets = secrets
        self._passing = passing

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except Exception as error:
            not_run = self._not_run_of(error)
            if not_run is None:
                raise
            raise not_run from None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        not_run = self._not_run_of(call.excinfo.value) if call.excinfo else None
        if not_run is not None and call.excinfo is not None:
            call.excinfo = pytest.ExceptionInfo.from_exc_info((type(not_run), not_run, call.excinfo.tb))
        report = yield
        if not_run is not None:
            report.longrepr = str(not_run)
        return report

    def _not_run_of(self, error: BaseException) -> CheckNotRun | None:
        """The error as it may be shown; None when it may be shown as it is."""
        if isinstance(error, CheckNotRun):
            return error
        if isinstance(error, self._passing):
            return None
        return redacted_failure(error, error.__traceback__, self._root, self._secrets)


class CheckNotRun(Exception):
    """A question could not be asked; `kind` names what was raised."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def redacted_failure(
    error: BaseException, at: TracebackType | None, root: Path, secrets: Iterable[str] = ()
) -> CheckNotRun:
    """The error as it may be shown: its own words if they are ours, its kind otherwise, and where it came from."""
    kind = type(error).__name__
    sentence = (
        str(error) if _is_ours(error) else "its message is not shown, it may hold a value (sandbox: --show-values)"
    )
    return CheckNotRun(kind, "\n  ".join([f"{kind}: {mask_secrets(sentence, secrets)}", *_places(at, root)]))


def _is_ours(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in OURS or isinstance(error, pytest.fail.Exception)


def _places(at: TracebackType | None, root: Path) -> list[str]:
    """The last places in our own code that it came through, and the very last one."""
    frames = traceback.extract_tb(at)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(root) and ".venv" not in frame.filename]
    kept = ours[-_MOST_PLACES:] + ([frames[-1]] if frames and frames[-1] not in ours else [])
    return [f"{_short(Path(frame.filename), root)}:{frame.lineno} in {frame.name}" for frame in kept]


def _short(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else Path(*path.parts[-2:])
