"""A target under strain gets time: by 429, Retry-After, or growing slow; for all workers, within bounds, and told."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.checks import latency
from fixtures.checks.cases import Sample
from fixtures.checks.latency import LatencyBlock
from fixtures.transport.backoff import LIVE, SANDBOX, WINDOW, Backoff, LatencyTrend, retry_after_s, shape
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.records.records import Observation, Provenance
from suites.selftest.strangers import FINE, JSON, Said, stranger

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BUSY: Said = (429, JSON, b"{}")


@contextmanager
def asking(url: str, pace: RateLimiter) -> Iterator[HttpClient]:
    with closing(HttpClient(url, side="connectra", pace=pace, timeout_s=5, trust_env=False)) as wire:
        yield wire


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Mon, 04 May 2026 12:00:09 GMT", 9),
        ("Mon, 04 May 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-3", 0),
        ("", 0),
        ("1e9", 0),
        ("9" * 400, 0),
    ],
)
def test_what_retry_after_asks_for(text: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": text}, NOW) == seconds


def test_a_429_that_passes_is_asked_again_and_counts_for_nothing(tmp_path: Path) -> None:
    pace = RateLimiter(tmp_path, None)

    with stranger(lambda number, path: BUSY if number < 3 else FINE) as service, asking(service.url, pace) as wire:
        reply = wire.ask("POST", "/contacts/", json_body={"limit": 1})

    assert (reply.ok, len(service.asked), pace.sent) == (True, 3, 3)
    assert pace.slowed == 2


def test_a_429_that_stays_is_an_error_with_its_name(tmp_path: Path) -> None:
    pace = RateLimiter(tmp_path, None)

    with stranger(lambda number, path: BUSY) as service, asking(service.url, pace) as wire:
        reply = wire.ask("GET", "/x")

    assert (reply.answer.error, reply.answer.status) == ("throttled", 429)
    assert len(service.asked) == 1 + SANDBOX.again


def test_nothing_but_429_is_asked_again(tmp_path: Path) -> None:
    pace = RateLimiter(tmp_path, None)

    with stranger(lambda number, path: (503, JSON, b"{}")) as service, asking(service.url, pace) as wire:
        wire.ask("GET", "/x")

    assert (len(service.asked), pace.slowed) == (1, 0)


def test_a_file_that_is_refused_as_too_many_is_asked_again_from_its_start(tmp_path: Path) -> None:
    file = io.BytesIO()
    sheet: Said = (200, {"Content-Type": "text/csv"}, b"a,b\n")

    with (
        stranger(lambda number, path: BUSY if number == 1 else sheet) as service,
        asking(service.url, RateLimiter(tmp_path, None)) as wire,
    ):
        assert wire.fetch("/file", file, content_type="text/csv").ok

    assert file.getvalue() == b"a,b\n"


def test_retry_after_is_heeded_but_never_for_longer_than_the_bound(tmp_path: Path) -> None:
    pauses: list[float] = []
    pace = RateLimiter(tmp_path, None, restraint=replace(SANDBOX, pause_s=0.03))
    slower = pace.slower
    pace.slower = lambda asked_at, why, **more: (pauses.append(more["pause_s"]), slower(asked_at, why, **more))
    refused: Said = (429, {**JSON, "Retry-After": "86400"}, b"{}")

    begun = time.monotonic()
    with stranger(lambda number, path: refused if number == 1 else FINE) as service, asking(service.url, pace) as wire:
        reply = wire.ask("GET", "/x")

    assert pauses == [86400.0]
    assert time.monotonic() - begun >= 0.03  # it did wait; that it ended at all says that the bound holds
    assert reply.answer.elapsed_ms < 1000 * (time.monotonic() - begun) - 30  # outside the request's own clock


def test_all_workers_slow_down_and_recover_together(tmp_path: Path) -> None:
    first, second = (RateLimiter(tmp_path, 1000) for _ in range(2))

    first.slower(time.monotonic(), "why")
    begun = time.monotonic()
    for _ in range(6):
        second.turn()
    slowly = time.monotonic() - begun
    for _ in range(200):
        second.fine()

    assert first.slowed == second.slowed == 1
    assert slowly >= 5 * 0.002 - 0.001
    assert _interval(first) == 0, "0: what --max-rps says is in force again"


def test_the_interval_has_a_bound_and_never_gets_shorter_by_strain(tmp_path: Path) -> None:
    pace = RateLimiter(tmp_path, 0.5, restraint=LIVE)

    for _ in range(20):
        pace.slower(time.monotonic(), "why")
    longest = _interval(pace)
    pace.slower(time.monotonic(), "slow", most_s=LIVE.rising_most_s)

    assert longest == LIVE.most_s
    assert _interval(pace) == longest


def test_one_strain_meets_all_that_are_under_way_and_counts_once(tmp_path: Path) -> None:
    told: list[str] = []
    pace = RateLimiter(tmp_path, None)
    pace.told = told.append
    left = time.monotonic()

    for _ in range(4):
        pace.slower(left, "connectra answered 429")

    assert (pace.slowed, told) == (1, ["connectra answered 429"])


def _interval(pace: RateLimiter) -> float:
    with pace._shared() as state:
        return state.interval


def test_rising_latency_is_told_once_per_window_and_by_kind_of_question() -> None:
    trend = LatencyTrend(4)
    before = [trend.rising("GET", "/contacts/3f2504e0-4f89-11d3-9a0c-0305e82c3301", 50.0) for _ in range(WINDOW)]
    other = [trend.rising("GET", "/companies/9/contacts", 900.0) for _ in range(2 * WINDOW)]
    after = [trend.rising("GET", "/contacts/11111111-4f89-11d3-9a0c-0305e82c3301", 350.0) for _ in range(2 * WINDOW)]

    assert not any(before + other)
    assert [text for text in after if text] == ["takes 350 ms where it took 50 ms"] * 2


@pytest.mark.parametrize("elapsed_ms", [90.0, 199.0], ids=["fast-anyhow", "not-several-times"])
def test_what_is_no_strain_is_none(elapsed_ms: float) -> None:
    trend = LatencyTrend(4)
    begun = 10.0 if elapsed_ms < 100 else 50.0

    told = [trend.rising("GET", "/x", each) for each in [begun] * WINDOW + [elapsed_ms] * WINDOW]

    assert not any(told)


def test_a_path_is_known_without_what_names_a_record() -> None:
    assert shape("/api/v2/exports/3f2504e0-4f89-11d3-9a0c-0305e82c3301/status?x=1") == "/api/v2/exports/*/status"
    assert shape("/api/v1/contacts/") == "/api/v1/contacts/"


def test_a_live_target_that_grows_slow_is_asked_less_often(tmp_path: Path) -> None:
    eager: Backoff = replace(SANDBOX, rising=4.0, rising_most_s=0.004)
    pace, told = RateLimiter(tmp_path, None, restraint=eager), []
    pace.told = told.append

    with asking("http://127.0.0.1:1", pace) as wire:
        for elapsed_ms in [30.0] * WINDOW + [400.0] * WINDOW:
            wire._judge_pace("GET", "/x", elapsed_ms, time.monotonic())

    assert told == ["connectra takes 400 ms where it took 30 ms"]


def test_a_pair_that_met_a_pause_is_no_pair(tmp_path: Path) -> None:
    pace, kept = RateLimiter(tmp_path, None), []

    def call(side: str, provenance: Provenance) -> Callable[[Sample], Observation]:
        def ask(sample: Sample) -> Observation:
            if sample.key == "strained" and side == "backend":
                pace.slower(time.monotonic(), "backend answered 429")
            return Observation(side=side, status=200, elapsed_ms=10, provenance=provenance)

        return ask

    direct = call("baseline", Provenance.DIRECT)
    calls = {"vql": call("backend", Provenance.VQL), "direct": direct, "again": direct}
    samples = [Sample(key=key, stratum="s") for key in ("calm", "strained", "calm-again")]
    target, writer = SimpleNamespace(pace=pace), SimpleNamespace(append=kept.append)

    pairs = latency.measure(
        target, writer, LatencyBlock(check="c", number=1, samples=samples, calls=calls), phase="phase1", seed=7
    )

    assert [pair.key for pair in pairs] == ["calm", "calm-again"]
