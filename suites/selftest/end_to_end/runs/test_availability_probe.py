"""The availability probe asks the services alone: a PostgreSQL that does not answer is not theirs to explain."""

import socket
from pathlib import Path

from suites.selftest.support.pytest_runs import CompletedRun, env_file, run
from suites.selftest.support.stub_server import stub_service


def _run(checkout: Path, tmp_path: Path, mark: str, services: str, *, log: bool = False) -> CompletedRun:
    """A live run whose PostgreSQL takes no connection, nor does that of its log."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    database = f"postgresql://reader:sesame-4711@127.0.0.1:{port}/contact360"
    values = {
        "CONTACT360_BASE_URL": services,
        "CONTACT360_TOKEN": "token-4711",
        "CONNECTRA_BASE_URL": services,
        "CONNECTRA_API_KEY": "key-4711",
        "DATABASE_URL": database,
        **({"LOGS_DATABASE_URL": database} if log else {}),
        "CONNECTRA_ENABLED": "true",
    }
    live = env_file(tmp_path / "live.env", values)
    return run(checkout, tmp_path / "out", "-m", mark, "--env-file", str(live))


def test_the_probe_needs_no_postgres(checkout: Path, tmp_path: Path) -> None:
    with stub_service() as server:
        probe = _run(checkout, tmp_path, "availability", server.url, log=True)

    assert probe.code == 0, probe.printed
    assert probe.errors() == []
    assert "Keep the probe on its schedule" in probe.printed


def test_a_phase_without_postgres_is_one_sentence_with_the_way_out(checkout: Path, tmp_path: Path) -> None:
    with stub_service() as server:
        completed = _run(checkout, tmp_path, "availability or phase1", server.url)

    (sentence,) = completed.errors()
    assert completed.code == 6, completed.printed
    assert "PostgreSQL did not answer at DATABASE_URL" in sentence
    assert "check the address" in sentence
    assert f"page: {tmp_path / 'out'}" in completed.printed
    assert "sesame" not in completed.printed
