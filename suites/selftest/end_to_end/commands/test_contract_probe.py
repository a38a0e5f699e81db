"""The probe tells which contract a deployment keeps to, and drafts what is not as any of them says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.contracts import __main__ as contract_probe
from fixtures.contracts.__main__ import ContractFit, ProbeResult, draft
from fixtures.contracts.contract import load
from fixtures.session.sandbox_process import OwnedSandbox
from suites.selftest.support.pytest_runs import env_file


@pytest.fixture(scope="module", params=["guide", "v3"])
def deployment(
    request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """(the contract it keeps to, a file with its settings)."""
    sandbox = OwnedSandbox.start(checkout, rows="100", seed="7", shape=request.param)
    yield request.param, str(env_file(tmp_path_factory.mktemp("settings") / "live.env", sandbox.values))
    sandbox.stop()


def test_the_contract_that_fits_is_named(deployment: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    name, file = deployment

    code = contract_probe.main(["probe", "--env-file", file])

    lines = capsys.readouterr().out.splitlines()
    assert code == contract_probe.FITS
    assert lines[-1] == f"--contract {name} fits"
    assert lines[0].startswith(name)


def test_where_none_fits_the_best_is_told_and_drafted(
    deployment: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, file = deployment
    other, path = {"guide": "v3", "v3": "guide"}[name], tmp_path / "draft.toml"

    code = contract_probe.main(["probe", "--env-file", file, "--contract", other, "--draft", str(path)])

    drafted = load(str(path))
    assert code == contract_probe.DIFFERS
    assert "not there: records.contact.endpoint" in capsys.readouterr().out
    assert (drafted.company_contacts, drafted.exports, drafted.linkedin) == (None, None, None)


def test_a_draft_takes_away_what_is_not_there_and_quotes_what_nobody_can_take_away(tmp_path: Path) -> None:
    signs = (
        ProbeResult(name="backend.login", there=True, said=""),
        ProbeResult(name="company_contacts.attribute", there=False, said="GET /x answers 404"),
        ProbeResult(name="records.contact.endpoint", there=False, said="GET /y answers 404"),
        ProbeResult(name="linkedin.endpoint", there=None, said="POST /z answers nothing (timeout)"),
    )
    path = tmp_path / "draft.toml"
    path.write_text(draft(ContractFit(contract="guide", signs=signs), "https://api.example:8443/base"))
    drafted = load(str(path))

    assert drafted.name == "api.example"
    assert drafted.company_contacts is not None
    assert drafted.company_contacts.attribute is None
    assert drafted.linkedin is not None
    assert "# records.contact.endpoint: GET /y answers 404" in path.read_text()


def test_what_can_not_be_asked_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = env_file(tmp_path / "live.env", {"CONTACT360_BASE_URL": "http://127.0.0.1:1"})

    assert contract_probe.main(["probe", "--env-file", str(file)]) == contract_probe.UNUSABLE
    assert len(capsys.readouterr().err.splitlines()) == 1
