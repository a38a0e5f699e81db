"""The probe drafts the differences where no contract fits; which one fits is asked where contracts are run by."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fixtures.clients.connectra import Connectra
from fixtures.clients.diagnosis import Diagnosis
from fixtures.command_line import WRONG_USAGE
from fixtures.contracts import __main__ as contract_probe
from fixtures.contracts.contract import load
from fixtures.contracts.draft import ContractFit, ProbeResult, draft
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from suites.selftest.support.damaging_proxy import between
from suites.selftest.support.pytest_runs import env_file


def test_a_draft_removes_what_is_not_there_and_quotes_what_no_draft_can_remove(tmp_path: Path) -> None:
    signs = (
        ProbeResult(name="backend.login", there=True, sentence=""),
        ProbeResult(name="company_contacts.attribute", there=False, sentence="GET /x answers 404"),
        ProbeResult(name="records.contact.endpoint", there=False, sentence="GET /y answers 404"),
        ProbeResult(name="linkedin.endpoint", there=None, sentence="POST /z answers nothing (timeout)"),
    )
    path = tmp_path / "draft.toml"
    path.write_text(draft(ContractFit(contract="guide", signs=signs), "https://api.example:8443/base"))
    drafted = load(str(path))

    assert drafted.name == "api.example"
    assert drafted.company_contacts is not None
    assert drafted.company_contacts.attribute is None
    assert drafted.linkedin is not None
    assert "records.contact.endpoint: GET /y answers 404" in path.read_text()


def test_missing_settings_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = env_file(tmp_path / "live.env", {"CONTACT360_BASE_URL": "http://127.0.0.1:1"})

    assert contract_probe.main(["probe", "--env-file", str(file)]) == WRONG_USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


def _connectra_of_one_dialect(server: HTTPServer, heeded: str) -> None:
    """A Connectra that honours one dialect and gives two records to requests in another."""

    def answer(request: Request) -> Response:
        rows = [] if heeded in (request.get_json(silent=True) or {}) else [{"uuid": "a"}, {"uuid": "b"}]
        return Response(json.dumps({"success": True, "data": rows}), content_type="application/json")

    server.expect_request("/health").respond_with_json({"status": "up"})
    server.expect_request(re.compile(r"/(contacts|companies)/")).respond_with_handler(answer)


def test_a_connectra_of_another_dialect_is_drafted_and_nothing_costs(
    calm: Mapping[str, str],
    playing: Callable[..., None],
    tmp_path: Path,
    httpserver: HTTPServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The backend sends one dialect, Connectra honours the other: both are named, and no POST goes to what costs."""
    _connectra_of_one_dialect(httpserver, "where")
    playing("connectra-match-all")
    with between(calm["CONTACT360_BASE_URL"], ("/",)) as proxy:
        services = {"CONTACT360_BASE_URL": proxy.url, "CONNECTRA_BASE_URL": httpserver.url_for("").rstrip("/")}
        file, path = env_file(tmp_path / "live.env", {**calm, **services}), tmp_path / "ours.toml"
        code = contract_probe.main(["probe", "--env-file", str(file), "--draft", str(path)])

    printed, drafted = capsys.readouterr().out, load(str(path))
    assert code == contract_probe.DIFFERS
    assert "filters: ignored, an unknown id finds records, where: an unknown id finds nothing" in printed
    assert "your backend sends `filters`, and Connectra ignores it" in printed
    assert (drafted.connectra["dialect"], drafted.connectra["backend_dialect"]) == ("where", "filters")
    assert drafted.connectra["healthy"] == ["up"]
    assert drafted.exports is not None
    assert drafted.linkedin is not None
    posts = {where for method, where in proxy.requests if method == "POST"}
    assert posts == {"/api/v1/auth/login/"}


def test_the_safety_check_before_what_writes_asks_as_the_backend_does(httpserver: HTTPServer, tmp_path: Path) -> None:
    _connectra_of_one_dialect(httpserver, "where")
    path = tmp_path / "ours.toml"
    path.write_text(
        'schema = 1\nname = "ours"\nbased_on = "guide"\n[connectra]\ndialect = "where"\nbackend_dialect = "filters"\n'
    )
    contract = load(str(path))
    limiter = RateLimiter(tmp_path, None)
    with closing(HttpClient(httpserver.url_for(""), side="connectra", rate_limiter=limiter, trust_env=False)) as wire:
        diagnosis = Diagnosis(Connectra(wire, contract), None, contract)

        assert not diagnosis.matches_all(contract.records["contact"])
        assert diagnosis.matches_all(contract.records["contact"], by_backend=True)
