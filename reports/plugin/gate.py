"""The pytest side of the judgement: finds the gates, keeps the run folder, and turns the verdict into an exit code.

The controller owns the run; workers append what they see to their own file in its folder. At the end the controller
reads the folder back and judges it exactly as `python -m reports RUN_FOLDER` would.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from reports import publish
from reports.environment import environment
from reports.judge.criteria import read_gate
from reports.judge.integrity.signature import KEY_VARIABLE
from reports.judge.verdict import EXIT_CODES, judge, to_json
from reports.output import terminal
from reports.output.ci import allure_steps, github, junit
from reports.plugin import (
    failure_redaction,
    net,
    options,
    output_redaction,
    progress,
    quiet_logs,
    run_folder,
    selection,
    write_failures,
)
from reports.plugin import recorder as recording
from reports.plugin.incidents import Incidents, OrderlyEnd
from reports.plugin.recorder import RECORDER, Recorder, happened, recorder_of
from reports.plugin.run_folder import FOLDER
from reports.records import commands, escaping, redaction, run_ledger
from reports.records.records import Event
from reports.records.run_ledger import RecordNotWritten, Run, Writer


class Mismatch(AssertionError):
    """A question whose answer is wrong: recorded as such, so no incident of the run itself."""


_STARTED = pytest.StashKey[str]()
_KEY = pytest.StashKey[bytes]()
_SECRETS = pytest.StashKey[tuple[str, ...]]()
_VERDICT = pytest.StashKey[dict[str, Any]]()
_SIGNALS = pytest.StashKey[OrderlyEnd]()
_NOTES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    options.register(parser, options.GATE, "gate", "the verdict")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    net.refuse_blocked(config)
    allure_steps.quiet_phantom_teardowns()
    selection.gates(config)  # a gate file that can't be read is told before anything else
    if hasattr(config, "workerinput"):
        config.option.allure_report_dir = config.workerinput.get("allure_report_dir")
        if "run_folder" in config.workerinput:
            quiet_logs.install(config, lambda text: _cleaner(config)(text))
        return
    if selection.asks_nothing(config) or selection.about_ourselves(config):
        return
    options.fill_in(config, options.GATE)
    if config.option.keep is not None and config.option.keep < 1:
        raise pytest.UsageError(f"--keep {config.option.keep}: expected 1 or more")
    selection.require_paths(config)
    run_folder.forget_latest(config)
    if not selection.wanted(config):
        return
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{randomness.token_hex(3)}"
    config.stash[_STARTED] = now.isoformat(timespec="seconds")
    config.stash[_KEY] = randomness.token_bytes(32)
    config.stash[FOLDER] = run_folder.out(config) / run_id
    config.stash[_NOTES] = []
    config.stash[_SIGNALS] = OrderlyEnd()
    quiet_logs.install(config, lambda text: _cleaner(config)(text))
    if not getattr(config.option, "xmlpath", None):
        config.option.xmlpath = str(config.stash[FOLDER] / "junit.xml")
    if not getattr(config.option, "allure_report_dir", None):
        config.option.allure_report_dir = str(config.stash[FOLDER] / "allure-results")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say which phases this process is about to ask."""
    recorder = recorder_of(session.config)
    if recorder is None or session.config.option.collectonly:
        return
    phases = sorted(
        {phase for item in session.items for phase in selection.gates(session.config) if item.get_closest_marker(phase)}
    )
    happened(session.config, Event(name="collected", phases=tuple(phases), count=len(session.items)))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """In a worker: open its own file in the controller's folder."""
    worker_input = getattr(session.config, "workerinput", {})
    if "run_folder" in worker_input:
        session.config.stash[_SECRETS] = tuple(worker_input["secrets"])
        session.config.stash[_KEY] = bytes.fromhex(worker_input["redaction_key"])
        _open(session.config, Path(worker_input["run_folder"]), session.config.stash[_KEY])
        session.config.stash[RECORDER].writer.append(
            Event(name="worker-started", at=recording.epoch(), worker=recording.worker_of(session.config))
        )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    if RECORDER in node.config.stash:
        node.workerinput["run_folder"] = str(node.config.stash[FOLDER])
        node.workerinput["allure_report_dir"] = node.config.option.allure_report_dir
        node.workerinput["redaction_key"] = node.config.stash[_KEY].hex()
        node.workerinput["secrets"] = list(node.config.stash[_SECRETS])  # in memory, never through a file
        happened(node.config, Event(name="worker-expected", worker=node.gateway.id))


def pytest_exception_interact(node: Any, call: pytest.CallInfo[Any], report: Any) -> None:
    """A test that failed for any other reason than a wrong answer is an incident: something was not asked."""
    recorder = recorder_of(node.config)
    if recorder is None or call.excinfo is None or call.excinfo.errisinstance(Mismatch):
        return
    where, kind = getattr(report, "nodeid", node.nodeid), getattr(call.excinfo.value, "kind", call.excinfo.typename)
    if kind == RecordNotWritten.__name__:
        node.session.shouldstop = "answers can't be recorded"  # to ask on would be for nothing
    happened(node.config, Event(name="test-error", detail=f"{where}: {kind}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
    """Judge before others report; put the verdict into the JUnit file once pytest has written it."""
    _finish(session, exitstatus)
    finished = yield
    verdict = session.config.stash.get(_VERDICT, None)
    if verdict is not None:
        try:
            junit.write(Path(session.config.option.xmlpath), verdict)
        except OSError as error:
            session.config.stash[_NOTES].append(f"junit.xml could not be written: {error.strerror}")
    return finished


def _finish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    recorder = recorder_of(config)
    if recorder is None:
        return
    if _SIGNALS in config.stash:
        config.stash[_SIGNALS].ending = True
    recording.say_last_words(config)
    if hasattr(config, "workerinput"):
        recording.say_guards(config)
        happened(config, Event(name="worker-finished", count=recorder.writer.lines + 1))
        recorder.writer.close()
        return
    _conclude(config, recorder, int(exitstatus))
    verdict = config.stash.get(_VERDICT, None)
    if verdict is not None and not config.option.gate_dry_run and int(exitstatus) in (0, 1):
        session.exitstatus = _exit_code(config, verdict)


def _exit_code(config: pytest.Config, verdict: Mapping[str, Any]) -> int:
    """The verdict's; 0 for a canary that only lacks samples, where --canary-ok asks for it."""
    if config.option.canary_ok and verdict["verdict"] == "HOLD" and verdict.get("canary", {}).get("clear"):
        return 0
    return EXIT_CODES[verdict["verdict"]]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is not None:
        run_folder.clear(folder)
        if config.option.keep and _VERDICT in config.stash:
            with suppress(OSError):  # another run may be deleting the same folders
                run_folder.prune(folder.parent, config.option.keep)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    verdict = config.stash.get(_VERDICT, None)
    if verdict is None:
        return
    terminalreporter.section(f"{verdict['verdict']}", sep="=")
    for text, style in terminal.lines(verdict, folder=str(_shown(config.stash[FOLDER], config.invocation_params.dir))):
        terminalreporter.write_line(text, **({style: True} if style else {}))
    for command in github.commands(verdict, environment()):
        terminalreporter.write_line(command)
    for text in terminal.skipped(selection.skip_reasons(terminalreporter)):
        terminalreporter.write_line(text)
    for note in config.stash.get(_NOTES, []):
        terminalreporter.write_line(escaping.terminal(f"note: {_cleaner(config)(note)}"))


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """Where this process records."""
    recorder = recorder_of(request.config)
    if recorder is None:
        pytest.fail("nothing is recorded here: this test needs a run that was selected with -m phaseN or by its path")
    return recorder


def begin(config: pytest.Config, run: Run, secrets: Sequence[str]) -> None:
    """Make the run folder and point `latest` at it: from here on everything is recorded."""
    folder = config.stash[FOLDER]
    config.stash[_SECRETS] = (*secrets, *filter(None, [environment().get(KEY_VARIABLE)]))
    clean = _cleaner(config)
    run = replace(run, described=clean.entry(run.described), fingerprint=clean.entry(run.fingerprint))
    try:
        run_ledger.begin(folder, run)
        run_folder.point_latest(folder)
        _open(config, folder, config.stash[_KEY])
    except OSError as error:
        pytest.exit(f"HOLD: the run folder {folder} can't be written: {error.strerror}", returncode=EXIT_CODES["HOLD"])
    config.pluginmanager.register(Incidents(config, config.stash[RECORDER]), "gate-incidents")
    progress.install(config, folder, environment())
    progress.watch(config, folder)
    happened(config, Event(name="run-started"))


def hold(
    config: pytest.Config,
    sentence: str,
    secrets: Sequence[str] = (),
    *,
    target: str,
    described: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> NoReturn:
    """End the run before it began, with a recorded HOLD: nothing could be asked."""
    sentence = escaping.terminal(redaction.Scrubber(secrets=tuple(secrets))(sentence))
    run = Run(
        run_id=run_id(config),
        started=started(config),
        target=target,
        described=described or {},
        seed=config.option.seed or 0,
        contract=str(config.option.contract),
        flags={},
        fingerprint={},
        gates=selection.selected(config),
        options={"dry_run": bool(config.option.gate_dry_run), commands.GIVEN: dict(options or {"target": target})},
        schema=run_ledger.RUN_SCHEMA,
    )
    begin(config, run, secrets)
    happened(config, Event(name="collected", phases=tuple(run.gates)))
    happened(config, Event(name="interrupted", detail=sentence))
    _judge(config, config.stash[RECORDER])
    del config.stash[RECORDER]
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"page: {config.stash[FOLDER]}/summary.html")
    pytest.exit(f"HOLD: {sentence}", returncode=EXIT_CODES["HOLD"])


def run_id(config: pytest.Config) -> str:
    return config.stash[FOLDER].name


def scratch(config: pytest.Config) -> Path:
    return run_folder.scratch(config.stash[FOLDER])


def started(config: pytest.Config) -> str:
    return config.stash[_STARTED]


def _conclude(config: pytest.Config, recorder: Recorder, exitstatus: int) -> None:
    config.pluginmanager.getplugin("gate-incidents").conclude(exitstatus)
    recording.say_guards(config)
    if recording.is_guarded(config):
        happened(config, recording.privacy_look(recorder.folder, _cleaner(config)))
    happened(config, Event(name="run-finished", count=recorder.writer.lines + 1))
    recorder.writer.close()
    if exitstatus == 5:
        return  # nothing was selected: pytest's own code says so, and there is nothing to judge
    _judge(config, recorder)


def _judge(config: pytest.Config, recorder: Recorder) -> None:
    recorded, now = recording.recorded_by(config), datetime.now(UTC).isoformat(timespec="seconds")
    verdict = to_json(judge(recorded, now=now))
    key = environment().get(KEY_VARIABLE, "")
    try:
        publish.write_verdict(recorder.folder, verdict, key=key)
    except OSError as error:  # a verdict that is not on disk is HOLD
        recorded = recording.besides(
            recorded, [Event(name="unrecorded", worker="controller", detail=str(error.strerror))]
        )
        verdict = to_json(judge(recorded, now=now))
    config.stash[_VERDICT] = verdict
    config.stash[_NOTES] += progress.stop_watching(config)
    history = Path(config.option.history).absolute() if config.option.history else None
    config.stash[_NOTES] += publish.publish(
        recorder.folder, recorded, verdict, history=history, environ=environment(), key=key
    )


def _open(config: pytest.Config, folder: Path, key: bytes) -> None:
    """Begin to record in this process; from here on nothing is written or printed that was not looked over."""
    show = bool(getattr(config.option, "show_values", False))
    clean = _cleaner(config)
    gates = [read_gate(gate.text, gate.path) for gate in selection.gates(config).values()]
    steps = allure_steps.AllureSteps(gates, _cleaner(config))
    writer = Writer(folder, recording.worker_of(config), clean=clean, heard=steps.hear)
    config.stash[RECORDER] = Recorder(
        folder=folder, writer=writer, redactor=redaction.Pseudonymizer(key, show_values=show)
    )
    config.pluginmanager.register(steps, "gate-allure-steps")
    failure_redaction.install(config, config.stash[_SECRETS], passing=(Mismatch,))
    output_redaction.install(config, clean)
    write_failures.install(config, config.stash.setdefault(_NOTES, []))


def _cleaner(config: pytest.Config) -> redaction.Scrubber:
    show = bool(getattr(config.option, "show_values", False))
    pseudonymizer = redaction.Pseudonymizer(config.stash[_KEY], show_values=show) if _KEY in config.stash else None
    return redaction.Scrubber(secrets=config.stash.get(_SECRETS, ()), personal=not show, pseudonymizer=pseudonymizer)


def _shown(path: Path, here: Path) -> Path:
    """The path as it is found from where the run was started."""
    return path.relative_to(here) if path.is_relative_to(here) else path
