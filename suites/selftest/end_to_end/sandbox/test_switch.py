"""Faults are switched on in a running playground, and off again; a command that can't do it says why."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

from fixtures.sandbox import __main__ as command


@pytest.fixture
def env_file(calm: Mapping[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in calm.items()), encoding="utf-8")
    return path


@pytest.fixture
def health(calm: Mapping[str, str]) -> Callable[[], str]:
    """What Connectra's health page says."""
    url, key = calm["CONNECTRA_BASE_URL"], calm["CONNECTRA_API_KEY"]
    return lambda: str(httpx.get(f"{url}/health", headers={"X-API-Key": key}, trust_env=False).json()["status"])


@pytest.mark.usefixtures("playing")  # off again, also where this fails halfway
@pytest.mark.slow
def test_a_fault_is_switched_on_and_off(env_file: Path, health: Callable[[], str]) -> None:
    before = health()
    assert command.main(["--switch", str(env_file), "--fault", "connectra-unhealthy"]) == 0
    during = health()
    assert command.main(["--switch", str(env_file)]) == 0

    assert (before, during, health()) == ("ok", "unhealthy", "ok")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("stale-record", "--fault 'stale-record' can't be switched on in a running sandbox"),
        ("connectra-unhelthy", "no fault 'connectra-unhelthy'"),
    ],
)
def test_what_can_not_be_switched_is_bad_input(
    env_file: Path, capsys: pytest.CaptureFixture[str], fault: str, sentence: str
) -> None:
    assert command.main(["--switch", str(env_file), "--fault", fault]) == 4
    assert sentence in capsys.readouterr().err


def test_a_file_that_is_no_sandboxs_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.env"
    path.write_text("CONTACT360_BASE_URL=http://x\n")

    assert command.main(["--switch", str(path)]) == 4
    assert str(path) in capsys.readouterr().err
