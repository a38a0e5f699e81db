"""A check whose answers and database readings come from a script, and the runner that puts it, without any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from fixtures.checks.cases import Sample
from fixtures.checks.check import Check, Response
from fixtures.checks.runner import CheckRunner
from fixtures.contracts.contract import load
from reports.comparison.record_diff import RawDifference
from reports.records.cause_codes import CauseCode
from reports.records.known_difference import KnownDifference
from reports.records.records import DifferenceKind, Observation, Provenance
from reports.records.redaction import Pseudonymizer

RIGHT, WRONG = "CTO", "cto"
GUIDE = load("guide")


class Turns:
    """A rate limiter that says whose turn it is: alone, among others, or free for all."""

    def __init__(self) -> None:
        self.current = "free"

    @contextmanager
    def _holding(self, turn: str) -> Iterator[None]:
        before, self.current = self.current, turn
        yield
        self.current = before

    def alone(self) -> Any:
        return self._holding("alone")

    def among_others(self) -> Any:
        return self._holding("among others")


def reply(value: Any = RIGHT, provenance: Provenance = Provenance.VQL, **answer: Any) -> Response:
    """A response of the backend with this value."""
    shown = {"side": "backend", "status": 200, "provenance": provenance} | answer
    return Response(answer=Observation(**shown), value=value)


class ScriptedCheck(Check):
    """For each key its responses in turn, the last one for ever; exceptions are raised. PostgreSQL holds RIGHT.

    `readings` are given by PostgreSQL in turn instead, the last one for ever. Whatever happens is noted in `events`
    with the turn that was held.
    """

    check, in_flight, watched = "contact-endpoint", 1, 0

    def __init__(self, turns: Turns, **script: Sequence[Any]) -> None:
        self._turns = turns
        self._script = {key: list(responses) for key, responses in script.items()}
        self.readings: list[Any] = [RIGHT]
        self.events: list[tuple[str, str]] = []
        self.open_differences: list[RawDifference] = []
        self.cause_error: BaseException | None = None
        self.direct: Check | None = None

    def expected(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        self.events.append(("database", self._turns.current))
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if isinstance(reading, BaseException):
            raise reading
        return {sample.key: reading for sample in samples}

    def ask(self, sample: Sample) -> Response:
        self.events.append((sample.key, self._turns.current))
        responses = self._script[sample.key]
        response = responses.pop(0) if len(responses) > 1 else responses[0]
        if isinstance(response, BaseException):
            raise response
        return response

    def differences(self, sample: Sample, expected: Any, response: Response) -> tuple[RawDifference, ...]:
        if response.value == expected:
            return ()
        shown = (("title", response.value), ("city", response.value))
        return tuple(
            RawDifference(path=path, kind=DifferenceKind.VALUE, expected=expected, actual=value)
            for path, value in shown
        )

    def cause(self, sample: Sample, expected: Any, response: Response, differences: Sequence[RawDifference]) -> Any:
        self.open_differences = list(differences)
        return self._cause(CauseCode.FIELD_MAPPING)

    def cause_of_error(self, sample: Sample, answer: Observation) -> Any:
        return self._cause(CauseCode.BACKEND_ERRORS)

    def cause_of_fallback(self, sample: Sample, answer: Observation) -> Any:
        return self._cause(CauseCode.SILENT_FALLBACK)

    def _cause(self, cause: CauseCode) -> CauseCode:
        if self.cause_error is not None:
            raise self.cause_error
        return cause

    def of_baseline(self) -> Check | None:
        return self.direct

    def written(self, expected: Any) -> datetime | None:
        return None


class Evidence:
    """Stands in for the attribution: gives these answers by key, and keeps what it was asked about."""

    def __init__(self, *, log: Mapping[str, Observation] | None = None, watch: Any = None) -> None:
        self.watches_made = 0
        self.watches, self._watch, self._log = watch is not None, watch, log or {}
        self.ids: dict[str, Sequence[str]] = {}
        self.asked_of_claims: list[str] = []
        self.asked_of_doubts: list[str] = []

    def watch(self) -> Any:
        self.watches_made += 1
        return self._watch

    def disproved(self, answer: Observation, growth: int | None) -> Observation:
        return replace(answer, signals=(*answer.signals, f"grew by {growth}"))

    def after_log(self, answers: Mapping[str, tuple[Observation, Sequence[str]]]) -> dict[str, Observation]:
        self.ids = {key: ids for key, (_, ids) in answers.items()}
        return {key: self._log.get(key, answer) for key, (answer, _) in answers.items()}

    def held_again(self, answers: Mapping[str, Observation], ask: Any) -> dict[str, Observation]:
        self.asked_of_claims += answers
        return {key: self._with_signal(answer, ask(key), "held") for key, answer in answers.items()}

    def counted(self, answers: Mapping[str, Observation], ask: Any) -> dict[str, Observation]:
        self.asked_of_doubts += answers
        return {key: self._with_signal(answer, ask(key), "counted") for key, answer in answers.items()}

    def _with_signal(self, answer: Observation, response: Any, signal: str) -> Observation:
        return replace(answer, signals=(*answer.signals, signal))


def runner_of(
    turns: Turns,
    *,
    flag_on: bool | None = True,
    pauses: Sequence[float] = (),
    known_differences: Sequence[KnownDifference] = (),
    options: Mapping[str, Any] | None = None,
    waits: list[float] | None = None,
) -> tuple[CheckRunner, list[Any]]:
    """A runner of phase 1, and the list that its records go to."""
    records: list[Any] = []
    target: Any = SimpleNamespace(
        rate_limiter=turns,
        log=None,
        index=None,
        contract=replace(GUIDE, known_differences=tuple(known_differences)),
        settings=SimpleNamespace(kind="live"),
    )
    sink: Any = SimpleNamespace(append=records.append)
    runner = CheckRunner(
        target,
        sink,
        Pseudonymizer(b"k", show_values=True),
        phase="phase1",
        flag_on=flag_on,
        recheck_s=pauses,
        fresh_s=60.0,
        seed=7,
        options=options,
        wait=([] if waits is None else waits).append,
    )
    return runner, records


def samples(*keys: str) -> list[Sample]:
    return [Sample(key=key, stratum="s") for key in keys]
