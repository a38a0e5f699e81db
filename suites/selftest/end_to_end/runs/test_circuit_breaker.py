"""A service that fails and fails gets no more requests: soon, by all workers, and what is on record is judged."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.check import Check, Response
from fixtures.checks.runner import CheckRunner
from fixtures.contracts.contract import load
from fixtures.transport.circuit_breaker import LEAST_S, PATIENCE_S, CircuitBreaker, CircuitOpen
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.records import run_ledger
from reports.records.cause_codes import CauseCode
from reports.records.records import Observation, Provenance
from reports.records.redaction import Pseudonymizer
from suites.selftest.support.gate_runs import rehearse


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(circuit_breaker: CircuitBreaker, clock: Clock, times: int, *, each_s: float, error: str = "refused") -> None:
    for _ in range(times):
        asked_at = clock.now
        clock.now += each_s
        circuit_breaker.heard("connectra", error, asked_at)


def test_twenty_failures_in_a_row_are_enough(tmp_path: Path, clock: Clock) -> None:
    texts: list[str] = []
    circuit_breaker = CircuitBreaker(tmp_path, 20, clock=clock)
    circuit_breaker.report = texts.append

    fail(circuit_breaker, clock, 19, each_s=1)
    circuit_breaker.require("connectra")
    fail(circuit_breaker, clock, 3, each_s=1)

    with pytest.raises(CircuitOpen, match="connectra gets no more requests"):
        circuit_breaker.require("connectra")
    circuit_breaker.require("backend")
    assert texts == ["connectra got no more requests after 20 failures in a row within 20 s, the last of them: refused"]


def _is_asked(circuit_breaker: CircuitBreaker) -> bool:
    try:
        circuit_breaker.require("connectra")
    except CircuitOpen:
        return False
    return True


def test_a_service_that_restarts_is_not_given_up(tmp_path: Path, clock: Clock) -> None:
    circuit_breaker = CircuitBreaker(tmp_path, 20, clock=clock)

    fail(circuit_breaker, clock, 100, each_s=LEAST_S / 101)

    circuit_breaker.require("connectra")


def test_an_answer_ends_the_row(tmp_path: Path, clock: Clock) -> None:
    circuit_breaker = CircuitBreaker(tmp_path, 3, clock=clock)

    for _ in range(5):
        fail(circuit_breaker, clock, 2, each_s=10, error="http-503")
        circuit_breaker.heard("connectra", None, clock.now)

    circuit_breaker.require("connectra")


@pytest.mark.parametrize("error", ["http-404", "http-400", "malformed", "unauthorised", "redirect", "content-type"])
def test_any_answer_counts_as_reachable(tmp_path: Path, clock: Clock, error: str) -> None:
    circuit_breaker = CircuitBreaker(tmp_path, 3, clock=clock)

    fail(circuit_breaker, clock, 50, each_s=10, error=error)

    circuit_breaker.require("connectra")


def test_a_service_that_swallows_requests_is_given_up_within_two_minutes(tmp_path: Path, clock: Clock) -> None:
    circuit_breaker = CircuitBreaker(tmp_path, 20, clock=clock)
    begun = clock.now

    while _is_asked(circuit_breaker):
        fail(circuit_breaker, clock, 1, each_s=30, error="timeout")

    assert PATIENCE_S <= clock.now - begun <= 120


def test_all_workers_know(tmp_path: Path, clock: Clock) -> None:
    texts: list[str] = []
    first, second, third = (CircuitBreaker(tmp_path, 4, clock=clock) for _ in range(3))
    for circuit_breaker in (first, second):
        circuit_breaker.report = texts.append

    fail(first, clock, 3, each_s=3)
    fail(second, clock, 3, each_s=3)

    with pytest.raises(CircuitOpen):
        third.require("connectra")
    assert len(texts) == 1


def test_without_a_limit_it_never_blows(tmp_path: Path, clock: Clock) -> None:
    circuit_breaker = CircuitBreaker(tmp_path, None, clock=clock)

    fail(circuit_breaker, clock, 1000, each_s=30)

    circuit_breaker.require("connectra")


@pytest.fixture
def wire(tmp_path: Path, clock: Clock) -> Iterator[HttpClient]:
    rate_limiter = RateLimiter(tmp_path, None, stop_after=3)
    rate_limiter.circuit_breaker = CircuitBreaker(tmp_path, 3, clock=clock)
    with closing(
        HttpClient("http://127.0.0.1:1", side="connectra", rate_limiter=rate_limiter, trust_env=False)
    ) as wire:
        yield wire


def test_a_service_that_is_given_up_gets_no_request(wire: HttpClient, clock: Clock) -> None:
    for _ in range(3):
        clock.now = time.monotonic() + 100
        assert wire.ask("GET", "/").answer.error == "refused"

    with pytest.raises(CircuitOpen):
        wire.ask("GET", "/")
    assert wire._pace.sent == 3


class CountingCheck(Check):
    """Answers rightly, then fails, then gets no more requests."""

    check, through_backend, in_flight = "contact-connectra", False, 1

    def __init__(self, failed: int, stopped: int) -> None:
        self._failed, self._stopped = failed, stopped

    def expected(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        return {sample.key: "held" for sample in samples}

    def ask(self, sample: Sample) -> Response:
        number = int(sample.key)
        if number >= self._stopped:
            raise CircuitOpen("connectra", "timeout")
        error = "timeout" if number >= self._failed else None
        return Response(answer=Observation(side="connectra", error=error, provenance=Provenance.VQL), value="held")

    def differences(self, *_: Any) -> tuple[()]:
        return ()

    def cause(self, *_: Any) -> CauseCode:
        raise AssertionError("nothing differs")

    def cause_of_error(self, *_: Any) -> CauseCode:
        raise CircuitOpen("connectra", "timeout")


def test_answers_before_the_breaker_opened_are_recorded_and_no_others(tmp_path: Path) -> None:
    target = SimpleNamespace(
        rate_limiter=RateLimiter(tmp_path, None),
        log=None,
        index=None,
        contract=replace(load("guide"), known_differences=()),
        settings=SimpleNamespace(kind="live"),
    )
    writer = run_ledger.Writer(tmp_path, "w")
    verifier = CheckRunner(
        target, writer, Pseudonymizer(b"k"), phase="phase1", flag_on=True, recheck_s=(), fresh_s=60, seed=7
    )
    samples = [Sample(key=str(number), stratum="s") for number in range(10)]

    with pytest.raises(CircuitOpen):
        verifier.put(CountingCheck(failed=4, stopped=7), samples)

    lines = [json.loads(line) for line in (tmp_path / "observations" / "w.jsonl").read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["equal"] * 4 + ["failed"] * 3
    assert {line["cause"] for line in lines[4:]} == {"timeouts"}, "what Connectra died of is known without asking it"


STOPPED = """
from fixtures.transport.circuit_breaker import CircuitOpen

def test_records(recorder):
    for number in range(59):
        recorder.writer.append(sample(number))
    recorder.writer.append(Event(name="slowed", count=1, detail="connectra answered 429"))
    recorder.writer.append(Event(name="stopped", detail="connectra got no more requests after 20 failures in a row"))
    raise CircuitOpen("connectra", "refused")

def test_more(recorder):
    raise CircuitOpen("connectra", "refused")
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "a-worker"])
def test_a_run_that_left_a_service_alone_holds_and_says_why(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = rehearse(tmp_path, STOPPED, *options)

    assert (run.code, run.verdict["verdict"]) == (6, "HOLD")
    assert run.verdict["incidents"] == ["connectra got no more requests after 20 failures in a row"]
    assert "2 skipped" in run.printed
    assert "slowed down once" in run.printed
    assert run.verdict["cost"]["slowed"] == 1
    assert "slowed down once: connectra answered 429" in (run.folder / "summary.html").read_text()


def test_what_is_on_record_may_be_proof_enough(tmp_path: Path) -> None:
    silent = 'sample(number, Outcome.FAILED, answers=(Observation(side="backend", error="timeout"),))'

    run = rehearse(tmp_path, STOPPED.replace("sample(number)", silent))

    assert (run.code, run.verdict["verdict"]) == (1, "NO-GO")
    assert "got no more requests" in run.printed
