"""Runs by a contract: of a later deployment, of one that it does not fit, and of one that it is wrong about.

The probe names the one that fits.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.contracts import __main__ as contract_probe
from fixtures.contracts.contract import load
from fixtures.session.sandbox_process import RUNNING, OwnedSandbox
from suites.selftest.support.pytest_runs import CompletedRun, env_file, run

FEW = ("--rows", "300", "--samples", "16")
LIVE = ("--target", "live", "--max-rps", "1000", "--samples", "16")
KNOWN = {"contact-without-company", "company-without-metadata", "company-industry-first-only"}
RECORDS = ("-m", "phase1", "-k", "equal and endpoint")
ABSENT = (
    "not in this deployment: the contract 'v3' has no attribute endpoints, and "
    "GET /api/v3/companies/company/{uuid}/contacts/{attribute}/ answers 404"
)


@pytest.fixture(scope="module")
def later(checkout: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a sandbox that plays the later deployment."""
    sandbox = OwnedSandbox.start(checkout, rows=300, seed=7, shape="v3", service_time_ms=0)
    yield sandbox.values
    sandbox.stop()


@pytest.fixture(scope="module")
def by_v3(checkout: Path, tmp_path_factory: pytest.TempPathFactory, later: Mapping[str, str]) -> CompletedRun:
    """Phase 2 by the later contract, on a sandbox that is lent to it, without the calls that are only timed."""
    out = tmp_path_factory.mktemp("v3")
    lent = {RUNNING: str(env_file(out / "lent.env", later))}
    selected = (
        "-m",
        "phase2",
        "-k",
        "(listing or count or unknown or attributes or filters) and not latency and not ghost",
    )
    return run(checkout, out, *selected, "--contract", "v3", *FEW, extra=lent)


@pytest.fixture(scope="module")
def records_without_flags(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, later: Mapping[str, str]
) -> CompletedRun:
    """Single records by the later contract, where the settings name flags that are off."""
    out = tmp_path_factory.mktemp("records")
    off = {"CONNECTRA_ENABLED": "false", "VQL_SINGLE_RECORD_RETRIEVAL": "false"}
    file = env_file(out / "live.env", {**later, **off})
    return run(checkout, out, *RECORDS, "--contract", "v3", *LIVE, "--env-file", str(file))


def _findings(completed: CompletedRun, phase: str) -> dict[str, dict[str, Any]]:
    return {entry["criterion"]: entry for entry in completed.verdict["phases"][phase]["findings"]}


def _samples(completed: CompletedRun) -> list[dict[str, Any]]:
    lines = [
        line
        for path in (completed.out / "latest" / "observations").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [entry for entry in map(json.loads, lines) if entry["type"] == "sample"]


def test_endpoints_that_the_deployment_does_not_have_are_counted_and_shown(by_v3: CompletedRun) -> None:
    findings = _findings(by_v3, "phase2")
    attributes, consistency = findings["company-contacts-attributes"], findings["data-consistency"]

    assert (by_v3.code, by_v3.verdict["verdict"], by_v3.verdict["incidents"]) == (6, "HOLD", [])
    assert attributes["sentence"] == ABSENT
    assert (attributes["outcome"], attributes["kind"]) == ("unmeasured", "advisory")
    assert attributes["not_deployed"] == consistency["not_deployed"] == ["company-contacts-attributes"]
    assert consistency["kind"] == "blocking"
    page = (by_v3.out / "latest" / "summary.html").read_text()
    note = "phase2: company-contacts-attributes was not asked: this deployment does not have it"
    assert note in by_v3.printed
    assert "was not asked: this deployment does not have it</strong>" in page


def test_what_is_there_is_asked_and_answered_rightly_by_vql(by_v3: CompletedRun) -> None:
    samples = _samples(by_v3)
    of_backend = [entry for entry in samples if entry["answers"][0]["side"] == "backend"]
    checks = {entry["check"] for entry in of_backend}

    assert {"company-contacts-listing", "company-contacts-count", "company-contacts-unknown"} <= checks
    assert {entry["outcome"] for entry in of_backend} == {"equal"}
    assert {entry["answers"][0]["provenance"] for entry in of_backend} == {"vql"}
    assert not any("header" in signal for entry in of_backend for signal in entry["answers"][0]["signals"])
    assert {
        entry["answers"][0]["signals"][-1] for entry in of_backend if entry["check"] == "company-contacts-count"
    } == {"log:vql"}


def test_without_flags_the_report_says_so_and_what_needs_one_is_judged(by_v3: CompletedRun) -> None:
    findings = _findings(by_v3, "phase2")

    assert "flags:  none: by the contract 'v3' VQL is mandatory" in by_v3.printed
    assert by_v3.verdict["fingerprint"]["mandatory"] is True
    assert by_v3.verdict["contract"] == "v3"
    assert findings["vql-success-rate"]["outcome"] == "met"
    assert "VQL_COMPANY_CONTACTS" not in by_v3.printed


def test_paths_of_another_deployment_are_named_with_the_way_out(
    checkout: Path, tmp_path: Path, later: Mapping[str, str]
) -> None:
    file = env_file(tmp_path / "live.env", later)
    selected = (
        "-m",
        "phase2 or phase4",
        "-k",
        "count and database or unknown and few or refused",
        "--allow-cost",
        "99",
    )
    completed = run(checkout, tmp_path, *selected, *LIVE, "--env-file", str(file))

    causes = {
        criterion: _findings(completed, phase)[criterion]["cause"]["code"]
        for phase, criterion in (
            ("phase2", "error-rate"),
            ("phase2", "company-contacts-count"),
            ("phase4", "linkedin-nobody"),
            ("phase4", "linkedin-errors"),
        )
    }
    assert completed.verdict["verdict"] == "NO-GO"
    assert set(causes.values()) == {"route-missing"}
    assert "try --contract v3" in " ".join(completed.printed.split())
    assert "try --contract v3" in (completed.out / "latest" / "summary.html").read_text()


def test_flags_that_are_set_all_the_same_change_nothing(records_without_flags: CompletedRun) -> None:
    assert records_without_flags.verdict["provenance"] == {"vql": 32, "fallback": 0, "direct": 0, "unknown": 0}
    assert _findings(records_without_flags, "phase1")["fallback-rate"]["kind"] == "blocking"


def test_without_any_signal_the_serving_path_is_unknown(
    checkout: Path, tmp_path: Path, later: Mapping[str, str]
) -> None:
    mute = [name for name in later if name.startswith(("LOGS_", "ELASTICSEARCH_"))]
    file = env_file(tmp_path / "live.env", {name: value for name, value in later.items() if name not in mute})
    selected = ("-m", "phase1", "-k", "equal and endpoint-company", "--contract", "v3")
    completed = run(checkout, tmp_path, *selected, *LIVE, "--env-file", str(file))

    assert completed.verdict["provenance"] == {"vql": 0, "fallback": 0, "direct": 0, "unknown": 16}
    assert completed.verdict["verdict"] == "HOLD"
    assert "unknown provenance" in _findings(completed, "phase1")["company-endpoint-parity"]["sentence"]


def test_an_endpoint_declared_absent_that_answers_is_reported(
    checkout: Path, tmp_path: Path, later: Mapping[str, str]
) -> None:
    contract = tmp_path / "wrong.toml"
    absent = ["company_contacts", "exports", "linkedin", "backend.vql_health"]
    contract.write_text(f'schema = 1\nname = "wrong"\nbased_on = "v3"\nabsent = {json.dumps(absent)}')
    file = env_file(tmp_path / "live.env", later)
    selected = (
        "-m",
        "phase0 or phase2 or phase3 or phase4",
        "-k",
        "reports or company-contacts-unknown or few or small-contacts",
    )
    options = ("--contract", str(contract), "--out-of-order", *LIVE, "--env-file", str(file))
    completed = run(checkout, tmp_path, *selected, *options)

    sentences = {
        phase: {finding["sentence"].partition("absent: ")[2] for finding in _findings(completed, phase).values()} - {""}
        for phase in completed.verdict["phases"]
    }
    body = {phase: sentence.split(" but ")[1] for phase, (sentence,) in sentences.items()}
    end = ": the contract is wrong about this deployment: take {!r} out of its `absent`"
    company = body.pop("phase2")
    assert {entry["verdict"] for entry in completed.verdict["phases"].values()} == {"HOLD"}
    assert completed.verdict["incidents"] == []
    assert company.startswith("GET /api/v3/companies/company/")
    assert company.endswith(f"/contacts/ answers 200{end.format('company_contacts')}")
    assert body == {
        "phase0": f"GET /api/v1/health/vql answers 200{end.format('backend.vql_health')}",
        "phase3": f"/api/v3/exports/contacts/export takes a POST{end.format('exports')}",
        "phase4": f"/api/v3/linkedin/ takes a POST{end.format('linkedin')}",
    }


def test_where_vql_is_mandatory_there_is_neither_rollback_nor_fallback_to_verify(
    checkout: Path, tmp_path: Path, later: Mapping[str, str]
) -> None:
    file = env_file(tmp_path / "live.env", later)
    completed = run(checkout, tmp_path, "-m", "rollback or phase5", "--contract", "v3", *LIVE, "--env-file", str(file))

    assert (completed.verdict["verdict"], completed.verdict["incidents"]) == ("HOLD", [])
    assert "there is no flag to take back" in _findings(completed, "rollback")["direct-path"]["sentence"]
    assert "nothing falls back" in _findings(completed, "phase5")["fallback-kept"]["sentence"]


def _by_api(later: Mapping[str, str], *paths: str) -> list[tuple[int, Any]]:
    """(status, body) of each path of the later backend, by the canary's login."""
    login = {"email": later["CONTACT360_EMAIL"], "password": later["CONTACT360_PASSWORD"]}
    with httpx.Client(base_url=later["CONTACT360_BASE_URL"], trust_env=False) as client:
        token = client.post("/api/v1/auth/login/", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return [(path.status_code, path.json()) for path in map(client.get, paths)]


def test_the_later_backend_answers_as_the_published_one(later: Mapping[str, str]) -> None:
    """By the database a contact whose company has every field, and a company of several industries."""
    with psycopg.connect(later["DATABASE_URL"], autocommit=True) as session:
        contact, company, first = session.execute(
            "SELECT c.uuid, k.uuid, k.industries[1] FROM contacts c JOIN companies k ON k.uuid = c.company_id "
            "JOIN companies_metadata n ON n.uuid = k.uuid WHERE cardinality(k.industries) > 1 AND k.name <> '' "
            "AND n.latest_funding_amount > 0 AND k.created_at IS NOT NULL ORDER BY 1 LIMIT 1"
        ).fetchone()
    (_, person), (_, firm), (_, counted) = _by_api(
        later,
        f"/api/v3/contacts/{contact}/",
        f"/api/v3/companies/{company}/",
        "/api/v3/companies/company/nobody/contacts/count/",
    )

    of_company = {name for name in person if name.startswith(("company", "latest_funding"))}
    never = {"corporate_phone", "employees", "industry", "keywords", "technologies", "annual_revenue", "meta_data"}
    assert {name: person[name] for name in (*of_company, *never, "metadata")} == dict.fromkeys(
        (*of_company, *never, "metadata")
    )
    assert (firm["industry"], firm["metadata"], firm["created_at"], firm["updated_at"]) == (first, None, None, None)
    assert counted == {"count": 0}


def _excuses(completed: CompletedRun) -> set[str]:
    return {difference["excused_by"] for sample in _samples(completed) for difference in sample["differences"]}


def test_known_differences_are_verified_and_listed(records_without_flags: CompletedRun) -> None:
    listed = (records_without_flags.out / "latest" / "verdict.json").read_text()

    assert _excuses(records_without_flags) >= KNOWN
    assert all(name in listed for name in KNOWN)
    assert {sample["outcome"] for sample in _samples(records_without_flags)} == {"equal"}
    assert _findings(records_without_flags, "phase1")["contact-endpoint-parity"]["outcome"] != "missed"
    assert records_without_flags.code != 1


@pytest.mark.drill  # the rule: reports/comparison/test_known_differences.py
def test_a_difference_that_is_not_known_is_wrong(checkout: Path, tmp_path: Path) -> None:
    wrong = ("--fault", "null-for-value")
    completed = run(checkout, tmp_path, *RECORDS, "--contract", "v3", "--show-values", *FEW, *wrong)

    assert _excuses(completed) > KNOWN
    assert {sample["outcome"] for sample in _samples(completed)} == {"equal", "different"}
    assert _findings(completed, "phase1")["contact-endpoint-parity"]["outcome"] == "missed"
    assert completed.code == 1


@contextmanager
def _without_connectra(values: Mapping[str, str]) -> Iterator[None]:
    """Connectra fails for the backend while inside."""
    try:
        httpx.put(f"{values['FAULT_PROXY_URL']}/mode/error-500").raise_for_status()
        yield
    finally:
        httpx.put(f"{values['FAULT_PROXY_URL']}/mode/pass")


@pytest.fixture(scope="module")
def client(later: Mapping[str, str]) -> Iterator[httpx.Client]:
    login = {"email": later["CONTACT360_EMAIL"], "password": later["CONTACT360_PASSWORD"]}
    token = httpx.post(f"{later['CONTACT360_BASE_URL']}/api/v1/auth/login/", json=login).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=later["CONTACT360_BASE_URL"], headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def paths(later: Mapping[str, str]) -> dict[str, str]:
    """A contact with a company, at the later deployment's places."""
    with psycopg.connect(later["DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT c.uuid, k.uuid FROM contacts c JOIN companies k ON k.uuid = c.company_id LIMIT 1"
        ).fetchone()
    assert row is not None
    company = f"/api/v3/companies/company/{row[1]}/contacts/"
    return {
        "contact": f"/api/v3/contacts/{row[0]}/",
        "company": f"/api/v3/companies/{row[1]}/",
        "listing": company,
        "count": f"{company}count/",
        "attribute": f"{company}title/",
    }


def test_the_twin_moves_its_routes_and_does_not_show_which_path_served(
    client: httpx.Client, paths: dict[str, str]
) -> None:
    answers = {name: client.get(path) for name, path in paths.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "contact": 200,
        "company": 200,
        "listing": 200,
        "count": 200,
        "attribute": 404,
    }
    assert not any(name.startswith("x-vql") for answer in answers.values() for name in answer.headers)


@pytest.mark.parametrize("path", ["/api/v1/contacts/x/", "/api/v2/linkedin/", "/api/v2/exports/x/status", "/nowhere"])
def test_the_twin_has_nothing_at_the_old_places(client: httpx.Client, path: str) -> None:
    assert (client.get(path).status_code, client.get(path).json()) == (404, {"detail": "Not Found"})
    assert client.post(path, json={}).status_code == 405


def test_the_twins_links_lead_to_where_it_is(client: httpx.Client, paths: dict[str, str]) -> None:
    page = client.get(paths["listing"], params={"limit": 1}).json()

    assert client.get(page["next"]).status_code == 200
    assert "/api/v3/" in page["next"]


def test_the_twin_falls_back_on_nothing(client: httpx.Client, paths: dict[str, str], later: Mapping[str, str]) -> None:
    with _without_connectra(later):
        answers = {name: client.get(path) for name, path in paths.items()}
        search = client.post("/api/v3/linkedin/", json={"url": "https://www.linkedin.com/in/nobody"})

    body = {name: (answer.status_code, answer.json()["detail"]) for name, answer in answers.items()}
    assert body == {
        "contact": (503, "Contact service temporarily unavailable"),
        "company": (503, "Company service temporarily unavailable"),
        "listing": (404, "Company not found"),
        "count": (503, "Contact service temporarily unavailable"),
        "attribute": (404, "Not Found"),
    }
    assert search.status_code == 500


@pytest.fixture(params=["guide", "v3"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """(the contract it keeps to, a file with its settings)."""
    values = request.getfixturevalue({"guide": "calm", "v3": "later"}[request.param])
    return request.param, str(env_file(tmp_path / "live.env", values))


def test_the_contract_that_fits_is_named(deployment: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    name, file = deployment

    code = contract_probe.main(["probe", "--env-file", file])

    lines = capsys.readouterr().out.splitlines()
    assert code == contract_probe.FITS
    assert lines[-1] == f"--contract {name} fits"
    assert lines[0].startswith(name)


def test_where_no_contract_fits_the_best_is_named_and_drafted(
    deployment: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, file = deployment
    other, path = {"guide": "v3", "v3": "guide"}[name], tmp_path / "draft.toml"

    code = contract_probe.main(["probe", "--env-file", file, "--contract", other, "--draft", str(path)])

    drafted = load(str(path))
    assert code == contract_probe.DIFFERS
    assert "not there: records.contact.endpoint" in capsys.readouterr().out
    assert (drafted.company_contacts, drafted.exports, drafted.linkedin) == (None, None, None)
