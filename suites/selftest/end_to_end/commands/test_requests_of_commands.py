"""Every request of every command beside pytest is on record: none makes an export, searches for credits or writes."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.elasticsearch_node import HttpNode
from fixtures.contracts import __main__ as probe
from fixtures.export_parity import __main__ as export_parity
from fixtures.index_parity import __main__ as index_parity
from fixtures.transport.http import HttpClient
from suites.selftest.support.pytest_runs import env_file

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
    "export_parity": (export_parity.main, ("missing.csv", "--kind", "contacts")),
}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What left this process by HTTP: "side METHOD path"."""
    seen: list[str] = []
    once, perform = HttpClient._once, HttpNode.perform_request

    def recorded(client: HttpClient, method: str, path: str, *arguments: Any, **named: Any) -> Any:
        seen.append(f"{client.side} {method} {path}")
        return once(client, method, path, *arguments, **named)

    def performed(node: HttpNode, method: str, target: str, *arguments: Any, **named: Any) -> Any:
        seen.append(f"index {method} {target}")
        return perform(node, method, target, *arguments, **named)

    monkeypatch.setattr(HttpClient, "_once", recorded)
    monkeypatch.setattr(HttpNode, "perform_request", performed)
    return seen


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_only_reads_and_costs_nothing(
    name: str, calm: Mapping[str, str], tmp_path: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command, arguments = COMMANDS[name]
    file = env_file(tmp_path / "live.env", calm)
    state = ("--state", str(tmp_path / "state")) if name == "index_parity" else ()

    command([*arguments, "--env-file", str(file), *state])

    assert [each for each in requests if not any(re.fullmatch(read, each) for read in READS)] == []
    assert requests or name == "export_parity", "it reads a file and PostgreSQL"


def test_the_probe_asks_what_costs_for_its_methods_only(
    calm: Mapping[str, str], tmp_path: Path, requests: list[str]
) -> None:
    probe.main(["probe", "--env-file", str(env_file(tmp_path / "live.env", calm))])

    costly = [each for each in requests if "export" in each or "linkedin" in each]
    assert costly
    assert {each.split()[1] for each in costly} == {"OPTIONS"}
