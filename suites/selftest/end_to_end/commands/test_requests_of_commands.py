"""Every request of every command beside pytest is on record: none makes an export, searches for credits or writes."""

import inspect
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.elasticsearch_node import HttpNode
from fixtures.contracts import __main__ as probe
from fixtures.export_parity import __main__ as export_parity
from fixtures.index_parity import __main__ as index_parity
from fixtures.token import __main__ as token
from fixtures.transport.http import HttpClient
from reports import __main__ as reports
from reports.output.ci.notify import PUSHGATEWAY, WEBHOOK
from suites.selftest.support import warm_python
from suites.selftest.support.damaging_proxy import between
from suites.selftest.support.pytest_runs import LEAN, env_file, environment, run

READS = (
    r"(backend|baseline|connectra) (GET|OPTIONS) /.*",
    r"(backend|baseline) POST /api/v\d/auth/login/",
    r"connectra POST /(contacts|companies)(/|/count)?",
    r"index (GET|HEAD) /.*",
    r"index POST /(contacts|companies)_index/_(search|count|mget|pit)(\?.*)?",
    r"index (POST|DELETE) /_(search|pit|mget)(\?.*)?",
)
COMMANDS: dict[str, tuple[Callable[[list[str]], int], tuple[str, ...]]] = {
    "probe": (probe.main, ("probe",)),
    "index_parity": (index_parity.main, ()),
    "index_parity without scripts": (index_parity.main, ("--no-scripts",)),
    "index_parity of Connectra": (index_parity.main, ("--store", "connectra")),
    "export_parity": (export_parity.main, ("missing.csv", "--kind", "contacts")),
    "token": (token.main, ()),
}
RECORDED, RUN = "suites/selftest/house/recorded_format", "20261130T031758Z-27f2d1"
SILENT = {  # commands that ask no service, by what is given to them
    "fixtures.traffic": ("LOG", "--json", "OUT/p.json", "--html", "OUT/p.html"),
    "fixtures.sandbox": ("--fault", "list"),
    "reports": ("RUN", "--history", "OUT/history"),
    "reports check": ("RUN", "--phase", "phase5"),
    "reports history": ("HISTORY",),
    "reports watch": ("RUN", "--until-stdin-closes"),
    "reports merge": ("OUT/merged", "RUN"),
    "reports allure": ("RUN",),
    "reports coverage": (),
}
RUNS = {  # of pytest: its options, its exit code, and the most requests, first contact and last look included
    "availability": (("-m", "availability"), 0, 30),
    "exports and linkedin": (("-m", "phase3 or phase4", "--samples", "4", "--max-rps", "500"), 6, 300),
    "rollback": (("-m", "rollback", "--samples", "4", "--max-rps", "500"), 1, 600),  # every flag is on
}
LONG = ("availability", "rollback")
OF_DEVELOPERS = {"reports.benchmarks", "suites.benchmarks"}
CONFINED = "suites.selftest.support.confined_module"
PROGRAMS = ("git", "node")  # which version this is; and what makes Allure's page


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What left this process by HTTP: "side METHOD path"."""
    lines: list[str] = []
    once, perform = HttpClient._once, HttpNode.perform_request

    def recorded(client: HttpClient, method: str, path: str, *arguments: Any, **named: Any) -> Any:
        lines.append(f"{client.side} {method} {path}")
        return once(client, method, path, *arguments, **named)

    def performed(node: HttpNode, method: str, target: str, *arguments: Any, **named: Any) -> Any:
        lines.append(f"index {method} {target}")
        return perform(node, method, target, *arguments, **named)

    monkeypatch.setattr(HttpClient, "_once", recorded)
    monkeypatch.setattr(HttpNode, "perform_request", performed)
    return lines


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_only_reads_and_costs_nothing(
    name: str, calm: Mapping[str, str], tmp_path: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, arguments = COMMANDS[name]
    file = env_file(tmp_path / "live.env", calm)
    state = ("--state", str(tmp_path / "state")) if name.startswith("index_parity") else ()

    command([*arguments, "--env-file", str(file), *state])

    assert [request for request in requests if not any(re.fullmatch(read, request) for read in READS)] == []
    assert requests or name == "export_parity", "it reads a file and PostgreSQL"


def test_the_probe_asks_what_costs_for_its_methods_only(
    calm: Mapping[str, str], tmp_path: Path, requests: list[str]
) -> None:
    probe.main(["probe", "--env-file", str(env_file(tmp_path / "live.env", calm))])

    costly = [request for request in requests if "export" in request or "linkedin" in request]
    assert costly
    assert {text.split()[1] for text in costly} == {"OPTIONS"}


def test_every_command_is_tested_for_what_it_sends(checkout: Path) -> None:
    modules = {
        ".".join(path.parent.relative_to(checkout).parts)
        for top in ("fixtures", "reports", "suites")
        for path in (checkout / top).rglob("__main__.py")
    }
    commands = {name.partition(" ")[0] for name in (*SILENT, *(f"fixtures.{name}" for name in COMMANDS))}

    assert modules == commands - {"fixtures.probe"} | {"fixtures.contracts"} | OF_DEVELOPERS


@pytest.mark.parametrize("name", SILENT)
def test_a_command_without_a_question_sends_nothing(checkout: Path, tmp_path: Path, name: str) -> None:
    """Also with the settings of a live target and a webhook: requests to either would be seen."""
    module, *part = name.split()
    line = f'- - - [23/Nov/2026:14:05:59 +0000] "GET /api/v1/contacts/{"0" * 36}/ HTTP/1.1" 200 5\n'
    (tmp_path / "access.log").write_text(line)
    shutil.copytree(checkout / RECORDED / "runs" / RUN, tmp_path / "run")
    shutil.copytree(checkout / RECORDED / "history", tmp_path / "history")
    places = {"LOG": tmp_path / "access.log", "RUN": tmp_path / "run", "HISTORY": tmp_path / "history"}
    arguments = [str(places.get(text, text)).replace("OUT", str(tmp_path)) for text in SILENT[name]]
    live = {
        "CONTACT360_BASE_URL": "http://127.0.0.1:9",
        "CONNECTRA_BASE_URL": "http://127.0.0.1:9",
        "DATABASE_URL": "postgresql://gate@127.0.0.1:9/contact360",
        WEBHOOK: "http://127.0.0.1:9",
        PUSHGATEWAY: "http://127.0.0.1:9",
    }

    arguments = ["watched", module, *part, *arguments]
    completed = warm_python.run(CONFINED, *arguments, cwd=checkout, env=environment(live), timeout_s=60)

    sent = {line for line in completed.stderr.splitlines() if line.startswith("SENT")}
    assert sent - {f"SENT {program}" for program in PROGRAMS} == set()
    assert completed.returncode in (0, 1, 4, 6), completed.stderr
    assert "Traceback" not in completed.stderr


def test_every_subcommand_is_tested_for_what_it_sends() -> None:
    """`python -m reports check`, and its like: a new one has to be listed above."""
    (table,) = re.findall(r"commands = \{(.*?)\}", inspect.getsource(reports.main), re.DOTALL)

    assert {f"reports {subcommand}" for subcommand in re.findall(r'"(\w+)":', table)} == set(SILENT) - {
        *("fixtures.traffic", "fixtures.sandbox", "reports"),
    }


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.drill if name in LONG else ()) for name in RUNS])
def test_a_run_without_leave_to_spend_only_reads(
    name: str, checkout: Path, tmp_path: Path, calm: Mapping[str, str]
) -> None:
    """By what the services themselves got: nothing that costs, and no more than such a run is for."""
    options, code, most = RUNS[name]
    engine = f"http://{calm['ELASTICSEARCH_HOST']}:{calm['ELASTICSEARCH_PORT']}"
    upstreams = {"backend": calm["CONTACT360_BASE_URL"], "connectra": calm["CONNECTRA_BASE_URL"], "index": engine}
    with ExitStack() as opened:
        proxies = {side: opened.enter_context(between(url, ("/",))) for side, url in upstreams.items()}
        urls = {"CONTACT360_BASE_URL": proxies["backend"].url, "CONNECTRA_BASE_URL": proxies["connectra"].url}
        index = {"ELASTICSEARCH_HOST": "127.0.0.1", "ELASTICSEARCH_PORT": proxies["index"].url.rpartition(":")[2]}
        file = env_file(tmp_path / "live.env", {**calm, **urls, **index})
        completed = run(checkout, tmp_path / "out", "--env-file", str(file), *options)

    requests = [f"{side} {method} {path}" for side, proxy in proxies.items() for method, path in proxy.requests]
    assert completed.code == code, completed.printed[-3000:]
    assert [request for request in requests if not any(re.fullmatch(read, request) for read in READS)] == []
    assert 0 < len(requests) <= most, requests


def test_a_token_is_had_by_one_login(calm: Mapping[str, str], tmp_path: Path, requests: list[str]) -> None:
    token.main(["--env-file", str(env_file(tmp_path / "live.env", calm))])

    assert requests == ["backend POST /api/v1/auth/login/"]


def test_a_rehearsal_needs_no_network(checkout: Path, tmp_path: Path) -> None:
    """Sandbox and suite where there is no other interface than the loopback."""
    apart = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    if shutil.which("unshare") is None or subprocess.run(apart, capture_output=True).returncode:
        pytest.skip("only root can take the network away")
    few = ("--rows", "100", "--samples", "4", "-k", "contact-endpoint")
    options = ("-m", "phase1", "--target", "sandbox", *few, "--out", str(tmp_path / "out"))

    completed = warm_python.run(
        CONFINED, "offline", "pytest", *LEAN, *options, cwd=checkout, env=environment(), timeout_s=180
    )

    assert completed.returncode == 6, completed.stdout[-2000:] + completed.stderr[-2000:]
    assert "too few samples" in completed.stdout or "need" in completed.stdout
    assert (tmp_path / "out" / "latest" / "verdict.json").exists()
