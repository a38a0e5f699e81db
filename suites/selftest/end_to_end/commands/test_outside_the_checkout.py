"""Outside a checkout pytest says where the suite is run, and is otherwise left as it is."""

import os
from pathlib import Path

import pytest

from suites.selftest.support import warm_python

PLACE = "the suite runs in its checkout"


def _pytest(checkout: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GATE_"))}
    environment |= {"PYTHONPATH": str(checkout), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugin = ("-p", "fixtures.session.rootdir")
    completed = warm_python.run("pytest", *plugin, *arguments, cwd=folder, env=environment, timeout_s=60)
    return completed.returncode, completed.stdout + completed.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("-m", "phase1"), 5), (("-m", "phase1", "--env-file", "live.env"), 4), (("--plan",), 4)],
    ids=["a-phase", "settings", "an-option"],
)
def test_in_an_empty_folder_the_message_names_the_way_out(
    checkout: Path, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    (tmp_path / "live.env").touch()

    returned, printed = _pytest(checkout, tmp_path, *arguments)

    assert returned == code
    assert PLACE in printed


@pytest.mark.parametrize("arguments", [("--plan",), ("-m", "phase1"), ()], ids=["own-option", "own-mark", "plain"])
def test_another_project_is_left_alone(checkout: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    option = 'def pytest_addoption(parser): parser.addoption("--plan", action="store_true")\n'
    (tmp_path / "conftest.py").write_text(option, encoding="utf-8")
    test = "import pytest\n@pytest.mark.phase1\ndef test_it(): pass\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")

    returned, printed = _pytest(checkout, tmp_path, *arguments)

    assert returned == 0
    assert PLACE not in printed
