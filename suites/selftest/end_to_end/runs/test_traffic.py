"""Customers' requests on a whole run: the fault of one hot record is caught; nothing of the log is kept or printed."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.sandbox.faults.catalogue import CATALOGUE
from fixtures.session.sandbox_process import OwnedSandbox
from fixtures.traffic.__main__ import main as profile
from suites.selftest.support.pytest_runs import CompletedRun, env_file, run

pytestmark = pytest.mark.drill  # whole runs over thousands of customers' requests

ROWS = 2_000  # one contact of them is 0.05 %
FAULTS = ("hot-contact-cached", "saved-search-wide", "hot-profile-lost")
OF_CUSTOMERS = [fault for fault in CATALOGUE if "--traffic" in fault.options]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PLANTED = ("planted", "pl4nted", "0.9.8.7", "dead0000")
KEY = "dead0000-5d6e-4f70-8a91-b2c3d4e5f607"
AGENT = '"https://planted.example/?q=planted" "planted agent"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """A sandbox with faults that only its customers show: how to reach it, and the log of its customers."""

    env: Path
    log: Path

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def keys(self, prefix: str) -> list[str]:
        """Of the requests that begin so, the most frequent first."""
        counts = Counter(
            key[0] for line in self.lines if line["path"].startswith(prefix) for key in UUID.finditer(line["path"])
        )
        return [key for key, _ in counts.most_common()]


@pytest.fixture(scope="module")
def customers(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customers]:
    folder = tmp_path_factory.mktemp("customers")
    log = folder / "access.log"
    sandbox = OwnedSandbox.start(checkout, rows=ROWS, faults=FAULTS, seed=7, access_log=str(log))
    yield Customers(env=env_file(folder / "live.env", sandbox.values), log=log)
    sandbox.stop()


def _ask(checkout: Path, tmp_path: Path, customers: Customers, *options: str) -> CompletedRun:
    live = ("--env-file", str(customers.env), "--allow-cost", "100000", "--max-rps", "500", "--seed", "7")
    return run(checkout, tmp_path / "out", *options, *live, timeout_s=400)


def _finding(completed: CompletedRun, phase: str, criterion: str) -> Mapping[str, Any]:
    (finding,) = (entry for entry in completed.verdict["phases"][phase]["findings"] if entry["criterion"] == criterion)
    return dict(finding)


def test_a_fault_of_a_twentieth_of_traffic_and_one_record_in_two_thousand(
    checkout: Path, tmp_path: Path, customers: Customers
) -> None:
    """By customers' requests it is caught; by records, of which each has the same chance, it is not."""
    source, (hot, *others) = random.Random(3), customers.keys("/api/v1/contacts/")
    keys = [hot if number % 20 == 0 else source.choice(others) for number in range(20_000)]
    lines = (f'- - - [23/Nov/2026:14:05:59 +0000] "GET /api/v1/contacts/{key}/ HTTP/1.1" 200 5\n' for key in keys)
    (tmp_path / "access.log").write_text("".join(lines))

    completed = _ask(checkout, tmp_path / "with", customers, "-m", "phase1", "--traffic", str(tmp_path / "access.log"))
    records = _ask(checkout, tmp_path / "without", customers, "-m", "phase1")

    finding = _finding(completed, "phase1", "traffic-parity")
    assert (completed.code, finding["outcome"], finding["cause"]["code"]) == (1, "missed", "field-mapping")
    low, high = map(float, re.search(r"\): ([\d.]+) % to ([\d.]+) % of", finding["sentence"]).groups())  # type: ignore[union-attr]
    assert low < 5 < high
    missed = [
        entry["criterion"] for entry in records.verdict["phases"]["phase1"]["findings"] if entry["outcome"] == "missed"
    ]
    assert [entry for entry in missed if "latency" not in entry] == []


def test_faults_of_customers_are_seldom_seen_without_their_log(checkout: Path, tmp_path: Path) -> None:
    """By design: of the same seed and samples most go unnoticed. The drills catch each by its log."""
    drawn = ("--target", "sandbox", "--rows", "1300", "--samples", "96", "--seed", "7")
    runs = {
        fault.name: run(
            checkout,
            tmp_path / fault.name,
            *("-m", fault.phase, "-k", "not slower", "--fault", fault.text, *drawn),
            extra={"SANDBOX_SERVICE_TIME": "5"},
            timeout_s=400,
        )
        for fault in OF_CUSTOMERS
    }

    caught = [name for name, completed in runs.items() if completed.verdict["verdict"] == "NO-GO"]
    assert len(OF_CUSTOMERS) - len(caught) >= 4, caught


def _planted(customers: Customers) -> tuple[list[str], list[str]]:
    """The sandbox's log with personal data in every place: in JSON lines, and as nginx writes it."""
    company = customers.keys("/api/v1/companies/company/")[0]
    listing = f"/api/v1/companies/company/{company}/contacts/"
    person = "Planted%20Person%22%3Cpl4nted%3E"
    targets = [
        f"{listing}?title={person}&limit=25",
        f"{listing}count/?first_name={person}",
        f"{listing}title/?search={person}&distinct=true",
        f"{listing}?planted_name={person}",
        f"{listing}?ordering=planted",
        f"{listing}?email=planted%40planted.example&email=pl4nted",
        f"/api/v1/contacts/{KEY}/",
        "/api/v1/contacts/planted@planted.example/",
        "/planted/pl4nted@planted.example?planted=1",
    ]
    person_headers = {"user_agent": "planted agent", "authorization": "Bearer planted", "remote_addr": "0.9.8.7"}
    bodies: list[object] = [
        {"url": "https://www.linkedin.com/in/planted-person"},
        {"url": "https://www.linkedin.com/in/planted-person", "planted": "pl4nted"},
        '{"url": "linkedin.com/in/planted-person"}',
        {"planted": "pl4nted@planted.example"},
        "planted",
    ]
    logged = [{"time": "2026-11-23T14:05:59Z", "method": "GET", "path": target, "status": 200} for target in targets]
    logged += [{"method": "POST", "path": "/api/v2/linkedin/", "status": 200, "body": body} for body in bodies]
    logged += [
        {"method": "PLANTED", "path": listing, "status": 200},
        {"method": "GET", "path": "/x", "status": "pl4"},
    ]
    as_json = [json.dumps(entry | person_headers) for entry in logged]
    as_nginx = [
        f'0.9.8.7 - planted [23/Nov/2026:14:05:59 +0000] "GET {target} HTTP/1.1" 200 5 {AGENT}' for target in targets
    ]
    return as_json, [*as_nginx, "planted noise pl4nted"]


def test_nothing_of_a_log_is_kept_or_printed(
    checkout: Path, tmp_path: Path, customers: Customers, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every key and planted word of the log is searched for in each file of the run and in all that was printed."""
    as_json, as_nginx = _planted(customers)
    lines = customers.log.read_text().splitlines()[:4000]
    first, second = tmp_path / "one.log", tmp_path / "two.log"
    first.write_text("\n".join([*lines, *as_json * 40, ""]))
    second.write_text("\n".join(as_nginx * 40) + "\n")
    logs = ("--traffic", str(first), "--traffic", str(second))

    completed = _ask(
        checkout,
        tmp_path,
        customers,
        "-m",
        "phase1 or phase2 or phase4",
        "-k",
        "customers",
        *logs,
        "-v",
        "-rA",
        "--showlocals",
    )
    profile([str(first), str(second), "--json", str(tmp_path / "p.json"), "--html", str(tmp_path / "p.html")])

    printed = capfd.readouterr()
    folder = (tmp_path / "out" / "latest").resolve()
    places = {
        str(path.relative_to(folder)): path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*")
        if path.is_file()
    }
    places |= {"printed": completed.printed, "profile": printed.out + printed.err}
    places |= {name: (tmp_path / name).read_text() for name in ("p.json", "p.html")}
    keys = {key for line in [*lines, *as_json] for key in UUID.findall(line)}
    slugs = {url.lower() for line in lines for url in re.findall(r"linkedin\.com/in/([^\"/?]+)", line)}
    assert (len(keys) > 500, len(slugs) > 50) == (True, True)
    assert [_finding(completed, phase, "traffic-parity")["outcome"] for phase in ("phase1", "phase2", "phase4")] == [
        "missed"
    ] * 3
    assert {path.parent.name for path in folder.rglob("*.jsonl")} >= {"observations", "evidence"}
    leaks = [f"{place}: {planted}" for place, text in places.items() for planted in PLANTED if planted in text.lower()]
    leaks += [f"{place}: a key" for place, text in places.items() if keys & set(UUID.findall(text.lower()))]
    leaks += [f"{place}: a profile" for place, text in places.items() if any(slug in text.lower() for slug in slugs)]
    assert leaks == []
