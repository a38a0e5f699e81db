"""Provenance: which signals prove what, and that a claim of VQL loses against any sign of SQL."""

import json
import threading
from pathlib import Path

import pytest

from fixtures.clients.provenance import (
    LogFile,
    LogMarkers,
    LogProvenance,
    by_answer,
    by_counter,
    by_log,
    together,
    with_signal,
)
from fixtures.contracts.contract import Contract, load
from fixtures.transport.http import Reply
from reports.records.records import Observation, Provenance

VQL_TIME, SQL_TIME = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456"
USED, FELL_BACK = {"X-VQL-Used": "true"}, {"X-VQL-Fallback": "true"}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


def _reply(headers: dict[str, str]) -> Reply:
    return Reply(answer=Observation(side="backend", status=200), headers=headers)


@pytest.mark.parametrize(
    ("headers", "created_at", "flag_on", "provenance"),
    [
        (USED, VQL_TIME, True, Provenance.VQL),
        (USED, None, True, Provenance.VQL),
        ({}, VQL_TIME, True, Provenance.VQL),
        (FELL_BACK, SQL_TIME, True, Provenance.FALLBACK),
        ({**USED, **FELL_BACK}, SQL_TIME, True, Provenance.FALLBACK),
        (USED, SQL_TIME, True, Provenance.FALLBACK),
        ({}, SQL_TIME, True, Provenance.DIRECT),
        ({}, None, True, Provenance.UNKNOWN),
        ({}, None, None, Provenance.UNKNOWN),
        ({}, SQL_TIME, None, Provenance.DIRECT),
        ({}, SQL_TIME, False, Provenance.DIRECT),
        ({}, None, False, Provenance.DIRECT),
        ({}, VQL_TIME, False, Provenance.VQL),
        (USED, VQL_TIME, False, Provenance.VQL),
        ({"X-VQL-Used": "false"}, SQL_TIME, True, Provenance.DIRECT),
    ],
)
def test_who_served_follows_from_the_signals(
    contract: Contract, headers: dict[str, str], created_at: str | None, flag_on: bool | None, provenance: Provenance
) -> None:
    body = None if created_at is None else {"created_at": created_at}

    trait = contract.records["contact"].trait

    answer = by_answer(contract, _reply(headers), flag_on, trait=trait, shown=body)

    assert answer.provenance is provenance


def test_an_error_has_no_provenance(contract: Contract) -> None:
    reply = Reply(answer=Observation(side="backend", status=500, error="http-500"), headers=USED)

    answer = by_answer(contract, reply, True)

    assert answer.provenance is Provenance.UNKNOWN
    assert answer.signals == ("header:vql",)


def test_a_counter_that_stays_flat_proves_sql() -> None:
    answer = with_signal(Observation(side="backend"), "counter:flat", True)

    assert answer.provenance is Provenance.DIRECT


class _CountingIndex:
    def __init__(self, background: int = 0) -> None:
        self.count = 0
        self.background = background

    def searches(self, *indices: str) -> int:
        self.count += self.background
        return self.count


@pytest.mark.parametrize(
    ("background", "searched", "signal"), [(0, 6, "counter:grew"), (0, 0, "counter:flat"), (3, 6, None), (3, 0, None)]
)
def test_a_counter_that_grows_proves_vql_only_on_an_idle_index(
    background: int, searched: int, signal: str | None
) -> None:
    index = _CountingIndex(background)

    def ask() -> None:
        index.count += searched

    assert by_counter(index, ["i"], ask) == signal  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, LogFile]:
    path = tmp_path / "app.log"
    path.write_text('{"request_id": "gate-0", "message": "VQL query failed, falling back to repository: old"}\n')
    return path, LogFile(str(path), LogMarkers(fallback="falling back to repository", vql="Connectra POST"))


def _line(request_id: str, message: str) -> str:
    return json.dumps({"request_id": request_id, "message": message}) + "\n"


def test_the_log_tells_which_request_fell_back(log: tuple[Path, LogFile]) -> None:
    path, reader = log
    with path.open("a") as file:
        file.write(_line("gate-a", "GET / - 200") + _line("gate-b", "VQL query failed, falling back to repository: x"))
    answers = {name: (Observation(side="backend"), (name,)) for name in ("gate-a", "gate-b")}

    told = by_log(reader, answers, True)

    assert {name: each.provenance for name, each in told.items()} == {
        "gate-a": Provenance.UNKNOWN,
        "gate-b": Provenance.FALLBACK,
    }


def test_a_marker_that_comes_late_is_waited_for(log: tuple[Path, LogFile]) -> None:
    path, reader = log
    waited = threading.Event()

    def wait(_: float) -> None:
        waited.set()
        with path.open("a") as file:
            file.write(_line("gate-c", "VQL query failed, falling back to repository: x"))

    told = by_log(reader, {"c": (Observation(side="backend"), ("gate-c",))}, True, wait)

    assert waited.is_set()
    assert told["c"].provenance is Provenance.FALLBACK


def test_lines_from_before_the_run_say_nothing(log: tuple[Path, LogFile]) -> None:
    _, reader = log

    assert reader.words(["gate-0"]) == LogProvenance()


def test_damaged_log_lines_are_passed_over(log: tuple[Path, LogFile]) -> None:
    path, reader = log
    with path.open("ab") as file:
        file.write(b"\xff\xfe\n{}\n" + b'{"request_id": "gate-d", "message": \n' + b'{"request_id": "gate-e"')

    assert reader.words(["gate-d", "gate-e"]) == LogProvenance(known={"gate-d"})


@pytest.mark.parametrize(
    ("messages", "provenance"),
    [
        ({"gate-1": "External API call: Connectra POST /", "gate-2": "Connectra POST"}, Provenance.VQL),
        ({"gate-1": "External API call: Connectra POST /", "gate-2": "GET / - 200"}, Provenance.UNKNOWN),
        ({"gate-1": "Connectra POST", "gate-2": "failed, falling back to repository: x"}, Provenance.FALLBACK),
    ],
    ids=["all-by-vql", "one-unsaid", "one-fell-back"],
)
def test_a_question_of_several_requests_is_vql_only_if_each_was(
    log: tuple[Path, LogFile], messages: dict[str, str], provenance: Provenance
) -> None:
    path, reader = log
    with path.open("a") as file:
        file.writelines(_line(request_id, message) for request_id, message in messages.items())

    told = by_log(reader, {"walk": (Observation(side="backend"), tuple(messages))}, True)

    assert told["walk"].provenance is provenance


@pytest.mark.parametrize(
    ("served", "provenance"),
    [
        ((Provenance.VQL, Provenance.VQL), Provenance.VQL),
        ((Provenance.VQL, Provenance.FALLBACK), Provenance.FALLBACK),
        ((Provenance.UNKNOWN, Provenance.VQL), Provenance.UNKNOWN),
    ],
)
def test_answers_together_are_as_good_as_the_worst(served: tuple[Provenance, ...], provenance: Provenance) -> None:
    answers = [Observation(side="backend", elapsed_ms=2.0, provenance=each) for each in served]

    assert together(answers) == Observation(side="backend", elapsed_ms=4.0, provenance=provenance)
