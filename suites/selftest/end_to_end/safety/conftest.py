"""What the tests of safety share."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def impatient(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose gates ask differing answers again after a second, not after half a minute."""
    folder = tmp_path_factory.mktemp("impatient")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (checkout / name).is_file() and not name.startswith(("docs/", "suites/selftest/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / name, folder / name)
    for gate in (folder / "suites").glob("*/gate.toml"):
        gate.write_text(re.sub(r"^live_s = \[1, 5, 30\]", "live_s = [0.2, 1]", gate.read_text(), flags=re.MULTILINE))
    return folder
