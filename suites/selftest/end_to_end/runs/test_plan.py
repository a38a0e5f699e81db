"""`--plan` prints the requests of a run and sends none; a run sends no more than its plan says."""

import gzip
import re
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fixtures.session import plan_estimates, plan_file
from fixtures.session.plan_file import PlanFileError
from reports.judge.criteria import Gate, read_gate
from reports.records import run_ledger
from reports.records.records import Event
from suites.selftest.support.pytest_runs import CompletedRun, env_file, run
from suites.selftest.support.stub_server import StubServer, stub_service

EVERY_PHASE = "phase0 or phase1 or phase2 or phase3 or phase4 or phase5 or rollback"
SECRETS = ("token-4711", "key-4711", "sesame-4711", "engine-4711")
ASKING = "(phase0 and not slow) or phase1 or phase2 or phase4 or rollback"  # exports: see their own test


@contextmanager
def listening(called: list[object]) -> Iterator[int]:
    """A port that notes each connection: a database that would be asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, where = server.accept()
                except OSError:
                    return
                called.append(where)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def everybody() -> Iterator[tuple[dict[str, str], list[StubServer], list[object]]]:
    """The settings of a live target all of whose services note who asks them."""
    called: list[object] = []
    with ExitStack() as opened:
        services = [opened.enter_context(stub_service()) for _ in range(4)]
        port = opened.enter_context(listening(called))
        backend, baseline, connectra, engine = (service.url for service in services)
        yield (
            {
                "CONTACT360_BASE_URL": backend,
                "CONTACT360_TOKEN": SECRETS[0],
                "CONTACT360_BASELINE_URL": baseline,
                "CONNECTRA_BASE_URL": connectra,
                "CONNECTRA_API_KEY": SECRETS[1],
                "ELASTICSEARCH_HOST": engine,
                "ELASTICSEARCH_API_KEY": SECRETS[3],
                "FAULT_PROXY_URL": connectra,
                "DATABASE_URL": f"postgresql://verifier:{SECRETS[2]}@127.0.0.1:{port}/contact360",
                "LOGS_DATABASE_URL": f"postgresql://verifier:{SECRETS[2]}@127.0.0.1:{port}/logs",
            },
            services,
            called,
        )


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("--allow-cost", "9")], ids=["alone", "workers", "paid"])
def test_a_plan_sends_no_request(checkout: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    with everybody() as (values, services, called):
        file = env_file(tmp_path / "live.env", values)
        completed = run(checkout, tmp_path / "out", "-m", EVERY_PHASE, "--plan", "--env-file", str(file), *options)

        assert [service.requests for service in services] == [[]] * 4
        assert called == []

    assert completed.code == 0, completed.printed[-2000:]
    assert not (tmp_path / "out").exists()
    assert values["CONTACT360_BASE_URL"] in completed.printed
    assert [secret for secret in SECRETS if secret in completed.printed] == []


def test_a_plan_of_the_sandbox_starts_none(checkout: Path, tmp_path: Path) -> None:
    completed = run(checkout, tmp_path / "out", "-m", "phase1", "--plan", "--rows", "300", "--samples", "32")

    assert completed.code == 0
    assert "an embedded sandbox of 300 contacts would be started" in completed.printed
    assert re.search(r"contact-latency +32 +32 to 48", completed.printed)
    assert not (tmp_path / "out").exists()


CUSTOMERS = [
    *(("GET", f"/api/v1/contacts/dead0000-5d6e-4f70-8a91-{number:012d}/") for number in range(60)),
    *(("GET", f"/api/v1/companies/company/{uuid.UUID(int=number)}/contacts/?title=Planted") for number in range(30)),
    *(("GET", f"/api/v1/companies/company/{uuid.UUID(int=number)}/contacts/?planted={number}") for number in range(10)),
    *(("POST", "/api/v2/linkedin/") for _ in range(9)),
    *(("DELETE", "/planted/person") for _ in range(5)),
]


def test_a_plan_shows_the_requests_of_customers(checkout: Path, tmp_path: Path) -> None:
    """By option and by its twin of the environment, of two files: how many, how often, why not; and no key or text."""
    logs = [tmp_path / "one.log", tmp_path / "two.log.gz"]
    lines = [f'- - - [23/Nov/2026:14:05:59 +0000] "{method} {path} HTTP/1.1" 200 5' for method, path in CUSTOMERS]
    logs[0].write_text("\n".join(lines[::2]))
    logs[1].write_bytes(gzip.compress("\n".join(lines[1::2]).encode()))
    options = ("-m", "phase1 or phase2 or phase4", "--plan")
    with everybody() as (values, services, called):
        file = str(env_file(tmp_path / "live.env", values))
        by_option = [part for log in logs for part in ("--traffic", str(log))]
        completed = run(checkout, tmp_path / "out", *options, "--env-file", file, *by_option)
        from_variable = run(
            checkout, tmp_path / "out", *options, "--env-file", file, extra={"GATE_TRAFFIC": str(logs[0])}
        )

        assert ([service.requests for service in services], called) == ([[]] * 4, [])

    assert (completed.code, from_variable.code) == (0, 6), (
        "a variable of the gate asks for a verdict, and a plan gives none"
    )
    assert "one.log: form common, 57 lines\ntwo.log.gz: form common, 57 lines\n114 requests" in completed.printed
    assert "one.log: form common, 57 lines\n57 requests" in from_variable.printed
    assert "phase1: 60 requests drawn of 60." in completed.printed
    assert (
        "phase2: 40 requests drawn of 40; not asked again: 10 a parameter that the contract does not know"
        in completed.printed
    )
    assert "phase4: 9 requests drawn of 9; not asked again: 9 its body is not logged." in completed.printed
    assert "outside: DELETE /*/*" in completed.printed
    assert re.findall(r"\n  traffic +(\d+) ", completed.printed)[:2] == ["60", "30"]
    assert [
        planted
        for planted in ("Planted", "planted", "dead0000")
        if planted in completed.printed.replace("planted/", "")
    ] == []
    assert not (tmp_path / "out").exists()


def test_tests_of_customers_can_be_chosen_by_their_name(checkout: Path, tmp_path: Path) -> None:
    """Before a target is asked, tests are listed to see whether there are any: with a log, these are there."""
    (tmp_path / "access.log").write_text(f'- - - [23/Nov/2026:14:05:59 +0000] "GET {CUSTOMERS[0][1]} HTTP/1.1" 200 5\n')
    options = ("-m", "phase1", "-k", "customers", "--collect-only", "-q")
    without = run(checkout, tmp_path / "out", *options)
    with_log = run(checkout, tmp_path / "out", *options, "--traffic", str(tmp_path / "access.log"))

    assert without.code == 5
    assert with_log.code == 0
    assert "test_customers_get_right_answers" in with_log.printed


def test_a_plan_of_the_sandbox_counts_customers_too(checkout: Path, tmp_path: Path) -> None:
    completed = run(checkout, tmp_path / "out", "-m", "phase1", "--plan", "--traffic", "sandbox", "--target", "sandbox")

    assert "the sandbox writes its customers' log when it starts; to be drawn: phase1 512" in completed.printed
    assert re.findall(r"\n  traffic +(\d+) ", completed.printed) == ["512"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--traffic", "absent.log"), "absent.log' can't be read: No such file"),
        (("--traffic", "."), "can't be read: Is a directory"),
        (("--traffic", "pyproject.toml"), "pyproject.toml' is not an access log: 0 of its first"),
        (("--traffic", "-", "--traffic", "-"), "standard input can only be read once"),
        (("--traffic", "sandbox"), "only for --target sandbox; give the access log's file instead"),
    ],
    ids=["no file", "a folder", "no log", "standard input twice", "the sandbox's"],
)
def test_a_log_that_is_none_is_wrong_usage(checkout: Path, tmp_path: Path, options: Sequence[str], why: str) -> None:
    with everybody() as (values, services, _):
        file = str(env_file(tmp_path / "live.env", values))
        completed = run(checkout, tmp_path / "out", "-m", "phase1", "--env-file", file, *options)

        assert [service.requests for service in services] == [[]] * 4

    (error,) = completed.errors()
    assert completed.code == 4
    assert why in error


def test_every_test_of_every_phase_has_its_entry(checkout: Path, tmp_path: Path) -> None:
    completed = run(checkout, tmp_path / "out", "-m", EVERY_PHASE, "--plan", "--target", "sandbox")

    assert completed.code == 0
    assert "not in any plan.toml" not in completed.printed


def test_every_entry_has_its_test(checkout: Path) -> None:
    for path in sorted((checkout / "suites").glob("*/plan.toml")):
        tests = "".join(file.read_text() for file in path.parent.glob("test_*.py"))
        asks = plan_file.read_plan_file(path.read_text(), path.name)

        assert asks
        assert [ask.test for ask in asks if f"def {ask.test}(" not in tests] == []


def test_costly_requests_are_refused_unless_they_are_allowed(checkout: Path, tmp_path: Path) -> None:
    with everybody() as (values, _, _):
        file = str(env_file(tmp_path / "live.env", values))
        options = ("-m", "phase4", "--plan", "--env-file", file, "--samples", "8")
        refused = run(checkout, tmp_path / "out", *options)
        needed = re.search(r"refused without --allow-cost (\d+)", refused.printed)
        assert needed is not None, refused.printed
        allowed = run(checkout, tmp_path / "out", *options, "--allow-cost", needed[1])
        short = run(checkout, tmp_path / "out", *options, "--allow-cost", "1")

    assert "not asked: it costs credits" in refused.printed
    assert "refused" not in allowed.printed
    assert f"the whole run takes --allow-cost {needed[1]}" in short.printed


def test_a_slip_is_reported_as_without_a_plan(checkout: Path, tmp_path: Path) -> None:
    completed = run(checkout, tmp_path / "out", "-m", "phase1", "--plan", extra={"CONNECTRA_BASE_URL": "http://x"})

    assert completed.code == 4
    assert "half configured" in completed.printed


@pytest.mark.slow
@pytest.mark.drill  # phases 0 to 4, whole
def test_a_run_sends_no_more_than_its_plan_says(checkout: Path, tmp_path: Path, calm: Mapping[str, str]) -> None:
    values = {name: value for name, value in calm.items() if not name.startswith("SANDBOX_")}
    file = str(env_file(tmp_path / "live.env", values))
    options = (
        "-m",
        ASKING,
        "--env-file",
        file,
        "--samples",
        "8",
        "--seed",
        "7",
        "--max-rps",
        "500",
        "--allow-cost",
        "9999",
    )

    plan = run(checkout, tmp_path / "out", *options, "--plan")
    completed = run(checkout, tmp_path / "out", *options, timeout_s=300)

    sent, planned = _sent(completed), _planned(plan)
    assert sum(sent.values()) > 20
    assert {side: (count, planned.get(side)) for side, count in sent.items() if count > planned.get(side, 0)} == {}
    assert completed.verdict["cost"]["credits"] <= int(
        re.search(r"cost: (?:no|([\d,]+)) credits", plan.printed)[1] or 0
    )


def _sent(completed: CompletedRun) -> dict[str, int]:
    """Requests by side, as the run printed them."""
    texts = [
        record.detail
        for record in run_ledger.read(completed.out / "latest").records
        if isinstance(record, Event) and record.name == "requests"
    ]
    assert texts, completed.printed[-2000:]
    return {side: int(count) for side, count in re.findall(r"(\w+) (\d+)", texts[0])}


def _planned(plan: CompletedRun) -> dict[str, int]:
    """The most by side."""
    match = re.search(r"first contact included: (.*)", plan.printed)
    assert match is not None, plan.printed
    counts = re.findall(r"(\w+) (?:[\d,]+ to )?([\d,]+)(?:, |$)", match[1])
    return {side: int(count.replace(",", "")) for side, count in counts}


@pytest.fixture(scope="module")
def exports(checkout: Path) -> Gate:
    path = checkout / "suites" / "phase3_exports" / "gate.toml"
    return read_gate(path.read_text(), path.name)


def test_exports_are_estimated_from_the_sizes_alone(exports: Gate) -> None:
    looks = [slice(0, 32), slice(32, 64), slice(64, 128)]

    bills = [
        plan_estimates.of_orders(exports, 128, {"kind": "contacts", "look": look}, "small", canary=False)
        for look in looks
    ]
    large = plan_estimates.of_orders(exports, 128, {"kind": "emails"}, "large", canary=False)

    assert sum(plan.files for plan in bills) == round(128 * 0.47) + 3
    assert sum(plan.credits for plan in bills) == round(128 * 0.47) * 2 + 2 * 99 + 2
    assert (large.files, large.credits) == (1, 1001)
    assert large.backend[0] < large.backend[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ask = 1", "has no [[ask]]"),
        ("x = [", "not TOML"),
        ('[[ask]]\ntest = "t"\ncheck = "c"', "questions"),
        ('[[ask]]\ntest = "t"\ncheck = "c"\nquestions = "many"', "'many': expected once"),
        ('[[ask]]\ntest = "t"\ncheck = "c"\nquestions = "once"\nrequests = { moon = 1 }', "'moon': expected backend"),
        ('[[ask]]\ntest = "t"\ncheck = "c"\nquestions = "once"\nrequests = { backend = [3, 1] }', "least <= most"),
        ('[[ask]]\ntest = "t"\ncheck = "c"\nquestions = "once"\nwhen = 1', "when"),
    ],
    ids=["no-list", "no-toml", "incomplete", "questions", "side", "span", "key"],
)
def test_a_slip_in_a_plan_file_is_named(text: str, sentence: str) -> None:
    with pytest.raises(PlanFileError, match=re.escape(sentence)):
        plan_file.read_plan_file(text, "plan.toml")
