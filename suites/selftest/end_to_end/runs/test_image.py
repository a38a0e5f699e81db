"""The image for live runs, by its Dockerfile and .dockerignore: what is copied suffices, and holds nothing private."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pytest

from suites.selftest.support.pytest_runs import environment

DOCKERFILE = "docs/deploy/kubernetes/Dockerfile"
PLANTED = (  # what lies about in a checkout that is used, and must not get into an image
    *(
        ".env",
        "live.env",
        "docs/live.env",
        "suites/live.env",
        "fixtures/.env.production",
        "reports/out/latest/run.json",
    ),
    *("history/20261130T031758Z.json", "reports/out/index-parity/contact.json", "waivers.toml", "attestations.toml"),
    *(".git/config", "suites/selftest/secrets.txt", "fixtures/__pycache__/settings.cpython-311.pyc", "run.log"),
)
MODULES = {"pyjwt": "jwt", "osmem-server": "osmem_server"}  # packages whose module is called otherwise
OTHERS = ("osmem", "trustme", "pytest_httpserver", "yaml")  # further modules that an image has not
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""
HELP = """
import contextlib, runpy, sys
for module in sys.argv[1:]:
    sys.argv[:] = [module, "--help"]
    with contextlib.suppress(SystemExit):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
COMMANDS = (
    *("fixtures.contracts", "fixtures.export_parity", "fixtures.index_parity", "fixtures.token", "fixtures.traffic"),
    *("fixtures.transport.fault_proxy", "reports"),
)
LIVE = {
    "CONTACT360_BASE_URL": "http://127.0.0.1:9",
    "CONTACT360_TOKEN": "t",
    "CONNECTRA_BASE_URL": "http://127.0.0.1:9",
    "CONNECTRA_API_KEY": "k",
    "DATABASE_URL": "postgresql://gate@127.0.0.1:9/contact360",
}


def _is_ignored(path: PurePosixPath, patterns: list[str]) -> bool:
    """As Docker reads .dockerignore: the last pattern that matches the path, or a folder it lies in, decides."""
    ignored = False
    for line in patterns:
        pattern = line.removeprefix("!")
        names = [path, *path.parents[:-1]]
        tails = [name.name for name in names] if pattern.startswith("**/") else [str(name) for name in names]
        if any(fnmatchcase(tail, pattern.removeprefix("**/")) for tail in tails):
            ignored = not line.startswith("!")
    return ignored


def _build(context: Path, image: Path) -> None:
    """What COPY puts into the image's folder."""
    lines = (context / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    copies = re.findall(r"^COPY (.*)$", (context / DOCKERFILE).read_text(), re.MULTILINE)
    for *sources, target in map(str.split, copies):
        for source in sources:
            files = [context / source] if (context / source).is_file() else (context / source).rglob("*")
            for path in (path for path in files if path.is_file()):
                name = path.relative_to(context)
                if not _is_ignored(PurePosixPath(name.as_posix()), patterns):
                    place = image / target / (name if target == "./" else path.relative_to(context / source))
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, place)


@pytest.fixture(scope="module")
def image(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's folder, built from a checkout in which private files lie about."""
    root = tmp_path_factory.mktemp("docker")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    texts = {
        name: (checkout / name).read_bytes() for name in listed.split("\0") if name and (checkout / name).is_file()
    }
    for name, content in {**texts, **dict.fromkeys(PLANTED, b"PRIVATE=zqf-planted\n")}.items():
        path = root / "context" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "suite").mkdir()
    _build(root / "context", root / "suite")
    return root / "suite"


@pytest.fixture(scope="module")
def without_extras(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that takes away what the extras bring."""
    extras = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = [re.match(r"[\w-]+", text)[0] for text in (*extras["sandbox"], *extras["opensearch"])]
    names = {MODULES.get(name, name.replace("-", "_")) for name in packages} | set(OTHERS)
    folder = tmp_path_factory.mktemp("path")
    (folder / "sitecustomize.py").write_text(ABSENT.format(names=names))
    return folder


def _in_image(
    image: Path, path: Path, *arguments: str, settings: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    data = image.parent / "data"
    variables = {"GATE_OUT": str(data / "runs"), "GATE_HISTORY": str(data / "history"), "GATE_KEEP": "200"}
    variables |= {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    extra = variables | (settings or {})
    return subprocess.run(command, cwd=image, env=environment(extra), capture_output=True, text=True, timeout=60)


def test_nothing_private_and_nothing_of_the_tests_is_in_the_image(image: Path) -> None:
    files = {str(path.relative_to(image)) for path in image.rglob("*") if path.is_file()}

    assert files & set(PLANTED) == set()
    assert [name for name in files if b"zqf-planted" in (image / name).read_bytes()] == []
    assert [name for name in files if name.endswith((".env", ".pyc", ".jsonl", ".log")) or "/out/" in name] == []
    assert {name.split("/")[1] for name in files if name.startswith("suites/")} & {
        *("selftest", "drills", "benchmarks"),
    } == set()
    assert [name for name in files if b"PRIVATE KEY-----" in (image / name).read_bytes()] == []
    assert {"pyproject.toml", "conftest.py", "locks/live.txt", "suites/phase1_single_record/gate.toml"} <= files


def test_the_image_plans_a_live_run_and_needs_no_extra(image: Path, without_extras: Path) -> None:
    options = ("-m", "phase1", "--plan", "--target", "live")

    completed = _in_image(image, without_extras, "-m", "pytest", "-p", "no:cacheprovider", *options, settings=LIVE)

    assert completed.returncode == 6, completed.stdout[-2000:] + completed.stderr[-2000:]
    assert "phase1, Single record retrieval" in completed.stdout
    assert "requests, first contact included: backend " in completed.stdout
    assert [line for line in (completed.stdout + completed.stderr).splitlines() if "HOLD" in line] == [
        "HOLD: --plan only lists: no target was asked, and GATE_HISTORY is set; unset it to look around"
    ]


@pytest.mark.drill
def test_the_images_own_command_holds_where_no_target_answers(image: Path, without_extras: Path) -> None:
    dockerfile = (image.parent / "context" / DOCKERFILE).read_text()
    arguments = [
        argument
        for name in ("ENTRYPOINT", "CMD")
        for argument in re.findall(r'"([^"]*)"', re.search(rf"^{name} (.*)$", dockerfile, re.MULTILINE)[1])
    ]

    completed = _in_image(image, without_extras, *arguments[1:], settings=LIVE)

    assert arguments[:3] == ["python", "-m", "pytest"], shlex.join(arguments)
    assert completed.returncode == 6, completed.stdout[-2000:] + completed.stderr[-2000:]
    assert "Traceback" not in completed.stdout + completed.stderr


def test_every_command_for_live_targets_starts_in_the_image(image: Path, without_extras: Path) -> None:
    completed = _in_image(image, without_extras, "-c", HELP, *COMMANDS)

    assert completed.returncode == 0, completed.stderr[-2000:]
    assert completed.stdout.count("usage:") == len(COMMANDS), completed.stdout[-2000:] + completed.stderr[-2000:]
