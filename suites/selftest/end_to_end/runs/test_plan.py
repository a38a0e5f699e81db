"""`--plan` tells what a run would ask, and asks nobody; and what a run sends is no more than the plan said."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fixtures.session import export_estimate, plan_file
from fixtures.session.plan_file import PlanFileError
from reports.judge.criteria import Gate, read_gate
from reports.records import run_ledger
from reports.records.records import Event
from suites.selftest.support.pytest_runs import CompletedRun, env_file, run
from suites.selftest.support.stub_server import Stranger, stranger

EVERY_PHASE = "phase0 or phase1 or phase2 or phase3 or phase4 or phase5 or rollback"
SECRETS = ("token-4711", "key-4711", "sesame-4711", "engine-4711")
ASKING = "(phase0 and not slow) or phase1 or phase2 or phase4 or rollback"  # exports: see their own test


@contextmanager
def listening(called: list[object]) -> Iterator[int]:
    """A port that notes whoever connects: a database that would be asked."""
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
def everybody() -> Iterator[tuple[dict[str, str], list[Stranger], list[object]]]:
    """The settings of a live target all of whose services note who asks them."""
    called: list[object] = []
    with ExitStack() as opened:
        services = [opened.enter_context(stranger()) for _ in range(4)]
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
def test_a_plan_asks_nobody(checkout: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    with everybody() as (values, services, called):
        file = env_file(tmp_path / "live.env", values)
        done = run(checkout, tmp_path / "out", "-m", EVERY_PHASE, "--plan", "--env-file", str(file), *options)

        assert [service.asked for service in services] == [[]] * 4
        assert called == []

    assert done.code == 0, done.printed[-2000:]
    assert not (tmp_path / "out").exists()
    assert values["CONTACT360_BASE_URL"] in done.printed
    assert [secret for secret in SECRETS if secret in done.printed] == []


def test_a_plan_of_the_sandbox_starts_none(checkout: Path, tmp_path: Path) -> None:
    done = run(checkout, tmp_path / "out", "-m", "phase1", "--plan", "--rows", "300", "--samples", "32")

    assert done.code == 0
    assert "an embedded sandbox of 300 contacts would be started" in done.printed
    assert re.search(r"contact-latency +32 +32 to 48", done.printed)
    assert not (tmp_path / "out").exists()


def test_every_test_of_every_phase_has_its_entry(checkout: Path, tmp_path: Path) -> None:
    done = run(checkout, tmp_path / "out", "-m", EVERY_PHASE, "--plan", "--target", "sandbox")

    assert done.code == 0
    assert "not in any plan.toml" not in done.printed


def test_every_entry_has_its_test(checkout: Path) -> None:
    for path in sorted((checkout / "suites").glob("*/plan.toml")):
        tests = "".join(each.read_text() for each in path.parent.glob("test_*.py"))
        asks = plan_file.read_agenda(path.read_text(), path.name)

        assert asks
        assert [ask.test for ask in asks if f"def {ask.test}(" not in tests] == []


def test_what_costs_is_refused_unless_it_is_allowed(checkout: Path, tmp_path: Path) -> None:
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
    assert f"all of it takes --allow-cost {needed[1]}" in short.printed


def test_a_slip_is_told_as_ever(checkout: Path, tmp_path: Path) -> None:
    done = run(checkout, tmp_path / "out", "-m", "phase1", "--plan", extra={"CONNECTRA_BASE_URL": "http://x"})

    assert done.code == 4
    assert "half configured" in done.printed


@pytest.mark.slow
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
    done = run(checkout, tmp_path / "out", *options, timeout_s=300)

    sent, planned = _sent(done), _planned(plan)
    assert sum(sent.values()) > 20
    assert {side: (count, planned.get(side)) for side, count in sent.items() if count > planned.get(side, 0)} == {}
    assert done.verdict["cost"]["credits"] <= int(re.search(r"cost: (?:no|([\d,]+)) credits", plan.printed)[1] or 0)


def _sent(done: CompletedRun) -> dict[str, int]:
    """Requests by side, as the run told."""
    told = [
        each.detail
        for each in run_ledger.read(done.out / "latest").records
        if isinstance(each, Event) and each.name == "requests"
    ]
    assert told, done.printed[-2000:]
    return {side: int(count) for side, count in re.findall(r"(\w+) (\d+)", told[0])}


def _planned(plan: CompletedRun) -> dict[str, int]:
    """The most by side."""
    told = re.search(r"first contact included: (.*)", plan.printed)
    assert told is not None, plan.printed
    found = re.findall(r"(\w+) (?:[\d,]+ to )?([\d,]+)(?:, |$)", told[1])
    return {side: int(count.replace(",", "")) for side, count in found}


@pytest.fixture(scope="module")
def exports(checkout: Path) -> Gate:
    path = checkout / "suites" / "phase3_exports" / "gate.toml"
    return read_gate(path.read_text(), path.name)


def test_exports_are_counted_without_anybody_in_them(exports: Gate) -> None:
    looks = [slice(0, 32), slice(32, 64), slice(64, 128)]

    bills = [export_estimate.of_orders(exports, 128, {"kind": "contacts", "look": look}, "small") for look in looks]
    large = export_estimate.of_orders(exports, 128, {"kind": "emails"}, "large")

    assert sum(each.files for each in bills) == round(128 * 0.47) + 3
    assert sum(each.credits for each in bills) == round(128 * 0.47) * 2 + 2 * 99 + 2
    assert (large.files, large.credits) == (1, 1001)
    assert large.backend[0] < large.backend[1]


@pytest.mark.parametrize(
    ("text", "words"),
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
def test_a_slip_in_a_plan_file_is_named(text: str, words: str) -> None:
    with pytest.raises(PlanFileError, match=re.escape(words)):
        plan_file.read_agenda(text, "plan.toml")
