"""A target that is replaced while it is asked, a clock that is set, two runs at once: each ends in a clear word."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from fixtures.checks import latency
from fixtures.session.sandbox_process import OwnedSandbox
from fixtures.session.target_identity import UNNAMED, changed, identity, last_look
from fixtures.transport.http import HttpClient
from fixtures.transport.rate_limiter import RateLimiter
from reports.records import run_ledger
from reports.records.records import Comparison, Outcome
from suites.selftest.support.damaging_proxy import RECORDS, DamagedReply, between, hang_up
from suites.selftest.support.gate_runs import CALM, rehearse
from suites.selftest.support.judging import connected
from suites.selftest.support.pytest_runs import CompletedRun, begun, env_file, run, start
from suites.selftest.support.stub_server import stub_service

JUMP = """
from reports.plugin import incidents
really = incidents.clocks
incidents.clocks = lambda: (really()[0] + BY, really()[1])  # from now on: the run has begun
"""


@pytest.fixture(scope="module")
def replaceable(checkout: Path) -> Iterator[Mapping[str, str]]:
    """A sandbox whose index may be replaced."""
    sandbox = OwnedSandbox.start(checkout, rows=100, seed=7, service_time_ms=0)
    yield sandbox.values
    sandbox.stop()


@contextmanager
def _doubled(values: Mapping[str, str], to: str) -> Iterator[Callable[[], None]]:
    """Another index with the same documents; call what comes in for it to be `contacts_index` from then on."""
    url = f"http://127.0.0.1:{values['ELASTICSEARCH_PORT']}"
    with Elasticsearch(url, request_timeout=30) as client:
        mapping = client.indices.get_mapping(index="contacts_index").body
        (index,) = mapping
        settings = client.indices.get_settings(index=index).body[index]["settings"]["index"]
        kept = {name: settings[name] for name in ("analysis", "max_ngram_diff") if name in settings}
        client.indices.create(index=to, mappings=mapping[index]["mappings"], settings=kept)
        hits = client.search(index=index, size=1000)["hits"]["hits"]
        lines = [line for hit in hits for line in ({"index": {"_id": hit["_id"]}}, hit["_source"])]
        client.bulk(index=to, operations=lines, refresh=True)
        moved = [{"remove_index": {"index": index}}, {"add": {"index": to, "alias": "contacts_index"}}]
        yield partial(client.indices.update_aliases, actions=moved)


def _options(folder: Path, values: Mapping[str, str]) -> tuple[str, ...]:
    """A run that records contacts, then asks for companies for two seconds."""
    file = env_file(folder / "live.env", values)
    return ("-m", "phase1", "-k", "equal and endpoint", "--samples", "16", "--max-rps", "10", "--env-file", str(file))


def _ended(process: subprocess.Popen[bytes], log: Path, out: Path) -> CompletedRun:
    try:
        process.wait(240)
    finally:
        process.kill()
    return CompletedRun(code=process.returncode, printed=log.read_text(), out=out)


def test_an_index_switched_behind_its_name_holds_the_run(
    checkout: Path, tmp_path: Path, replaceable: Mapping[str, str]
) -> None:
    with (
        _doubled(replaceable, "contacts_v2") as switch,
        begun(checkout, tmp_path / "out", *_options(tmp_path, replaceable)) as end,
    ):
        switch()
        completed = end()

    assert completed.code == 6, completed.printed[-3000:]
    (incident,) = (entry for entry in completed.verdict["incidents"] if "the target changed during the run" in entry)
    assert "the index contacts_index changed from contacts_index (" in incident
    assert "to contacts_v2 (" in incident
    assert completed.verdict["phases"]["phase1"]["verdict"] in ("HOLD", "NO-GO")


def test_a_replaced_build_is_reported_and_varying_values_are_not(calm: Mapping[str, str], tmp_path: Path) -> None:
    answers = iter([{"version": "1", "uptime": 1}, {"version": "1", "uptime": 2}, {"version": "2", "uptime": 3}])

    def damage(reply: DamagedReply) -> DamagedReply:
        return reply.saying({"status": "healthy", **next(answers)})

    with between(calm["CONTACT360_BASE_URL"], ("/health",)) as proxy:
        proxy.damage = damage
        with connected({**calm, "CONTACT360_BASE_URL": proxy.url}, tmp_path) as target:
            looks = [identity(target) for _ in range(3)]

    assert (changed(*looks[:2]), changed(*looks[1:])) == ("", "the backend changed from version 1 to version 2")


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({}, {"a": "1"}, ["target-looked"]),
        ({"a": "1"}, {"a": "1", "b": "2"}, ["target-looked"]),
        ({"a": UNNAMED}, {"a": "1"}, ["target-looked"]),
        ({"a": "1"}, {"a": "2"}, ["target-looked", "target-changed"]),
        ({"a": "1"}, {}, ["target-looked", "target-silent"]),
        ({"a": UNNAMED, "b": "1"}, {"b": "2"}, ["target-looked", "target-changed", "target-silent"]),
    ],
    ids=["nothing-at-first", "one-more", "named-later", "another", "silent", "silent-and-another"],
)
def test_the_last_look_leaves_a_record_of_its_own(
    before: dict[str, str], after: dict[str, str], names: list[str]
) -> None:
    assert [event.name for event in last_look(before, lambda: after)] == names


def test_a_service_that_does_not_answer_at_once_is_asked_once_more() -> None:
    looks = iter([{}, {"a": "1"}])

    assert [event.name for event in last_look({"a": "1"}, lambda: next(looks))] == ["target-looked"]


@pytest.mark.parametrize("by", [7_200, -7_200], ids=["forward", "back"])
def test_a_clock_that_is_set_while_a_run_goes_on_holds_it(tmp_path: Path, by: int) -> None:
    rehearsal = rehearse(tmp_path, JUMP.replace("BY", str(by)) + CALM)

    assert (rehearsal.code, rehearsal.verdict["verdict"]) == (6, "HOLD")
    assert any(f"by {by:+,} s" in entry for entry in rehearsal.verdict["incidents"])


def test_a_clock_that_is_set_changes_no_duration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))

    with (
        stub_service() as service,
        closing(
            HttpClient(service.url, side="backend", rate_limiter=RateLimiter(tmp_path, None), trust_env=False)
        ) as asking,
    ):
        first, second = (asking.ask("GET", "/x").answer for _ in range(2))
    third = latency.timed(lambda: None)

    assert all(0 <= observation.elapsed_ms < 60_000 for observation in (first, second, third))
    assert first.at > second.at > third.at


def test_durations_are_never_taken_from_the_time_of_day(checkout: Path) -> None:
    """Every look at the time of day is a stamp; what is measured beside it goes by the performance counter."""
    sources = [
        path
        for part in ("fixtures", "reports")
        for path in (checkout / part).rglob("*.py")
        if "sandbox" not in path.parts
    ]
    looks = {line.strip() for path in sources for line in path.read_text().splitlines() if "time.time()" in line}

    assert looks == {
        "at, begun = time.time(), time.perf_counter()",
        "now = int(time.time() * 1000)",
        "return time.time(), time.monotonic()",
        'return Response(answer=Observation(side="index", at=round(time.time(), 3)))',  # when, not how long
        "return time.time() - max(written) < _ABANDONED_S",  # beside the times of files: the only clock they have
    }


@pytest.mark.drill  # two runs of a phase; three canaries at once are in safety/test_many_runs.py
def test_two_runs_at_once_keep_apart(checkout: Path, tmp_path: Path, calm: Mapping[str, str]) -> None:
    file, history, out = env_file(tmp_path / "live.env", calm), tmp_path / "history", tmp_path / "out"
    options = [
        "-m",
        "phase1",
        "-k",
        "endpoint",
        "--samples",
        "32",
        "--max-rps",
        "200",
        "--env-file",
        str(file),
        "--out-of-order",
        "--history",
        str(history),
    ]
    logs = [tmp_path / "log-1", tmp_path / "log-2"]

    running = [start(checkout, out, log, *options, "--seed", str(seed)) for seed, log in enumerate(logs, 1)]
    ended = [_ended(process, log, out) for process, log in zip(running, logs, strict=True)]

    folders = sorted(path for path in out.iterdir() if not path.is_symlink())
    runs = [json.loads((folder / "run.json").read_text()) for folder in folders]
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in folders]
    kept = [json.loads(path.read_text()) for path in sorted(history.glob("*.json"))]
    assert [completed.code for completed in ended] == [6, 6], ended[0].printed[-2000:] + ended[1].printed[-2000:]
    assert sorted(entry["seed"] for entry in runs) == [1, 2]
    assert (
        [verdict["run"] for verdict in verdicts]
        == [folder.name for folder in folders]
        == [entry["run_id"] for entry in kept]
    )
    assert (
        [verdict["seed"] for verdict in verdicts]
        == [entry["seed"] for entry in runs]
        == [entry["seed"] for entry in kept]
    )
    assert all(verdict["incidents"] == [] for verdict in verdicts)
    assert (out / "latest").resolve() in folders
    assert list(history.glob(".*")) == list(out.glob(".*")) == []


def _samples(out: Path) -> list[Comparison]:
    return [record for record in run_ledger.read(out / "latest").records if isinstance(record, Comparison)]


def test_a_backend_that_restarts_in_the_middle_counts_as_what_it_was(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str]
) -> None:
    """It hangs up on a dozen questions, as a process does that goes down, and is there again."""
    out, numbers = tmp_path / "out", iter(range(10**6))

    def damage(reply: DamagedReply) -> DamagedReply:
        return hang_up(reply) if 16 <= next(numbers) < 28 else reply

    with between(calm["CONTACT360_BASE_URL"], RECORDS) as proxy:
        proxy.damage = damage
        file = env_file(tmp_path / "live.env", {**calm, "CONTACT360_BASE_URL": proxy.url})
        completed = run(
            checkout,
            out,
            "-m",
            "phase1",
            "-k",
            "equal and endpoint-contact",
            "--samples",
            "48",
            "--max-rps",
            "200",
            "--env-file",
            str(file),
        )

    outcomes = Counter(sample.outcome for sample in _samples(out) if sample.check.endswith("-endpoint"))
    assert completed.code in (1, 6), completed.printed[-3000:]
    assert outcomes[Outcome.FAILED] == 12
    assert outcomes[Outcome.EQUAL] >= 36


def test_a_backend_that_dies_in_the_middle_ends_the_run_with_what_was_seen(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str]
) -> None:
    """As a killed process does, it hangs up on all that is asked, and takes no further connection."""
    out, dying = tmp_path / "out", ExitStack()
    proxy = dying.enter_context(between(calm["CONTACT360_BASE_URL"], ("/",)))
    options = _options(tmp_path, {**calm, "CONTACT360_BASE_URL": proxy.url})
    with dying, begun(checkout, out, *options) as end:
        samples = _samples(out)
        proxy.damage = hang_up
        dying.close()
        completed = end()

    assert completed.code in (1, 6), completed.printed[-3000:]
    assert _samples(out)[: len(samples)] == samples
    assert any(sample.outcome is Outcome.FAILED for sample in _samples(out))
