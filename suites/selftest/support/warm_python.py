"""`python -m MODULE ARGUMENTS` in a process of its own that is forked from one which has imported the libraries.

A command that a user starts imports for a second before it does anything; forty of them in a test are a minute of CPU.
The child has an environment, a working directory, a path and output of its own. One that runs in another checkout
imports the project's modules itself. A test whose subject is the process (signals, memory, death) starts a real one,
and so does an environment that steers the interpreter.
"""

import atexit
import fcntl
import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
_LIBRARIES = (
    *("pytest", "_pytest.legacypath", "_pytest.doctest", "_pytest.junitxml", "_pytest.unittest", "_pytest.pastebin"),
    *("_pytest.warnings", "_pytest.faulthandler", "pluggy", "execnet", "asyncio", "packaging.version"),
    *("httpx", "encodings.idna", "psycopg", "psycopg.rows", "psycopg.sql", "elasticsearch", "jsonschema", "jinja2"),
    *("scipy.special", "scipy.optimize"),  # of the judge: to import them takes longer than all else of a small run
    *("allure_commons.model2", "allure_commons.logger", "werkzeug.serving", "attr", "doctest", "unittest.mock"),
    "msgspec",
)
_PLUGINS = (  # of pytest, which warns about those that it cannot rewrite any more
    *("xdist.plugin", "xdist.looponfail", "pytest_timeout", "pytest_httpserver", "pytest_httpserver.pytest_plugin"),
    *("allure_pytest.plugin", "anyio.pytest_plugin", "anyio._backends._asyncio"),
    *("fixtures", "fixtures.session.rootdir", "reports"),
    *runpy.run_path(str(CHECKOUT / "conftest.py"))["pytest_plugins"],
)
_STEERING = ("PYTHON", "LC_", "LANG", "TZ")  # names, or their beginnings, that Python reads when it starts
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*_LIBRARIES, *_PLUGINS])


def run(
    module: str, *arguments: str, cwd: Path, env: Mapping[str, str], timeout_s: float = 120, on_terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """The command from its start to its end, without input; `subprocess.TimeoutExpired` when it takes longer.

    `on_terminal`: it prints on one, errors too.
    """
    if _is_steered(env):
        assert not on_terminal
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s
        )
    readers, writers = _terminal() if on_terminal else _pipes()
    process = _CONTEXT.Process(target=_play, args=(module, arguments, str(cwd), dict(env), writers))
    process.start()
    for writer in writers:
        writer.close()
    with ThreadPoolExecutor(2) as pool:
        printed = [pool.submit(_read, reader) for reader in readers]
        process.join(timeout_s)
        late = process.exitcode is None
        if late:
            process.kill()
            process.join()
    if late:
        raise subprocess.TimeoutExpired([module, *arguments], timeout_s)
    output, *errors = (text.result() for text in printed)
    return subprocess.CompletedProcess([module, *arguments], process.exitcode, output, "".join(errors))


def _pipes() -> tuple[Sequence[Connection], Sequence[Connection]]:
    """(where output and errors are read, where they are written)."""
    output, errors = (_CONTEXT.Pipe(duplex=False) for _ in range(2))
    return (output[0], errors[0]), (output[1], errors[1])


def _terminal() -> tuple[Sequence[Connection], Sequence[Connection]]:
    """The same of a terminal, which shows both together."""
    outside, inside = os.openpty()
    return (Connection(outside),), (Connection(inside), Connection(os.dup(inside)))


def _is_steered(env: Mapping[str, str]) -> bool:
    """Whether Python reads something of it when it starts: a variable that differs from ours, or a sitecustomize."""
    differing = {name for name, _ in env.items() ^ os.environ.items()}
    places = [Path(path) for path in env.get("PYTHONPATH", "").split(os.pathsep)]
    return any((place / "sitecustomize.py").exists() for place in places) or any(
        name.startswith(_STEERING) and name != "PYTHONPATH" for name in differing
    )


def _read(pipe: Connection) -> str:
    """All that is written until the last process that has the pipe closes it, which a terminal reports as an error."""
    parts = []
    with suppress(OSError):
        while part := os.read(pipe.fileno(), 1 << 16):
            parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _play(
    module: str, arguments: tuple[str, ...], cwd: str, env: Mapping[str, str], outputs: Sequence[Connection]
) -> None:
    """In the child: everything that a fresh interpreter would have, then the module."""
    _redirect(outputs)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    paths = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    foreign = {"suites"} if str(CHECKOUT) in (cwd, *paths) else {"suites", "fixtures", "reports"}
    for name in [name for name in sys.modules if name.partition(".")[0] in foreign]:
        del sys.modules[name]
    for name in sys.modules.keys() & set(_PLUGINS):
        sys.modules[name].__doc__ = "PYTEST_DONT_REWRITE"
    sys.path[:] = [cwd, *paths, *(path for path in sys.path if path not in ("", str(CHECKOUT)))]
    sys.argv = [module, *arguments]
    gc.freeze()  # or each collection goes through all that the libraries hold
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # multiprocessing ends its children without them
        sys.stdout.flush()
        sys.stderr.flush()


def _redirect(outputs: Sequence[Connection]) -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, pipe in enumerate(outputs, 1):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    if os.isatty(1):
        os.setsid()
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)  # so that it is /dev/tty
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", errors="backslashreplace", closefd=False)  # type: ignore[misc]
