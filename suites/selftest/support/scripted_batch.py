"""Bundles of three records whose answers and database rows come from a script, and the runner that puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from fixtures.checks.batch_runner import BatchCheck, BatchDifferences, BatchRunner, Found
from fixtures.checks.cases import Sample
from fixtures.checks.check import Response
from fixtures.contracts.contract import load
from fixtures.transport.credit_budget import CreditBudget
from reports.comparison.record_diff import RawDifference
from reports.comparison.table_diff import TableDefects
from reports.records.cause_codes import CauseCode
from reports.records.known_difference import KnownDifference
from reports.records.records import DifferenceKind, Fact, Observation, Provenance
from reports.records.redaction import Pseudonymizer
from suites.selftest.support.scripted_check import Turns

OLD, NOW = datetime(2020, 1, 1), datetime(2999, 1, 1)  # written just now, whenever the tests get there
QUESTION = Sample(key="small-1", stratum="plain", subject=("a", "b", "c"))
HELD = {"a": ("1", OLD), "b": ("2", OLD), "c": ("3", OLD)}
RIGHT = {"a": "1", "b": "2", "c": "3"}
WRONG_B = {**RIGHT, "b": "x"}
GUIDE = load("guide")


class ScriptedBatch(BatchCheck):
    """Records by key: PostgreSQL holds (value, written), the service gives these responses in turn.

    A response is the values by key, an Observation for one without a file, or an exception that is raised; the last one
    is given for ever. `readings` says for each reading of PostgreSQL what it holds instead, or what it raises.
    """

    check, bundle_check, in_flight = "export-small-contacts", "export-job-contacts", 1

    def __init__(
        self,
        stored: Mapping[str, tuple[str, datetime]],
        responses: Sequence[Any],
        *,
        damages: Sequence[TableDefects] = (),
        file: Found = (),
        changing: bool = False,
    ) -> None:
        self.stored, self.responses = dict(stored), list(responses)
        self.damages, self.file, self.changing = tuple(damages), file, changing
        self.readings: dict[int, Any] = {}
        self.bundles: list[tuple[str, ...]] = []
        self.reading = 0
        self.causes_of_records: Sequence[CauseCode] = ()
        self.damages_without_rows: tuple[TableDefects, ...] = ()

    def price(self, sample: Sample) -> tuple[int, int]:
        return len(sample.subject), 1

    def stratum(self, sample: Sample, key: str) -> str:
        return "risky"

    def shortened(self, sample: Sample, keys: Sequence[str]) -> Sample:
        return replace(sample, subject=tuple(keys))

    def expected(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        self.reading += 1
        changed = {"b": (str(self.reading), OLD)} if self.changing else self.readings.get(self.reading, {})
        if isinstance(changed, BaseException):
            raise changed
        return {sample.key: {key: {**self.stored, **changed}[key] for key in sample.subject} for sample in samples}

    def ask(self, sample: Sample) -> Response:
        self.bundles.append(sample.subject)
        body = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(body, BaseException):
            raise body
        if isinstance(body, Observation):
            return Response(answer=body, value={})
        if isinstance(body, Response):
            return body
        return Response(answer=Observation(side="backend", status=200, provenance=Provenance.VQL), value=body)

    def parts(self, sample: Sample, expected: Mapping[str, Any], response: Response) -> BatchDifferences:
        records: dict[str, Found] = {}
        for key in dict.fromkeys((*sample.subject, *response.value)):
            want, have = expected[key][0] if key in expected else None, response.value.get(key)
            wrong = RawDifference(path="title", kind=DifferenceKind.VALUE, expected=want, actual=have)
            records[key] = () if want == have else (wrong,)
        return BatchDifferences(records=records, file=self.file, damages=self.damages)

    def differences(self, sample: Sample, expected: Any, response: Response) -> Found:
        raise NotImplementedError("a bundle is compared by its parts")

    def of_damage(self, damage: TableDefects) -> RawDifference:
        return RawDifference(path=damage.kind, kind=DifferenceKind.VALUE, expected=None, actual=None)

    def incomplete(self, parts: BatchDifferences) -> str | None:
        self.damages_without_rows = parts.damages
        return "export-incomplete" if any(damage.kind == "truncated" for damage in parts.damages) else None

    def requests(self, sample: Sample, response: Response) -> Mapping[str, Observation]:
        return {"create": replace(response.answer, provenance=Provenance.UNKNOWN)}

    def facts(self, samples: Sequence[Sample], response: Mapping[str, Response]) -> list[Fact]:
        return [Fact(phase="", name=f"export-life-{sample.key}", ok=True) for sample in samples]

    def cause(self, *_: Any) -> CauseCode:
        raise NotImplementedError("a record of a bundle has its own cause")

    def cause_of_record(self, *_: Any) -> CauseCode:
        return CauseCode.FIELD_MAPPING

    def cause_of_bundle(
        self, sample: Sample, response: Response, parts: BatchDifferences, records: Sequence[CauseCode]
    ) -> CauseCode:
        self.causes_of_records = records
        return CauseCode.EXPORT_TRUNCATED

    def cause_of_error(self, sample: Sample, answer: Observation) -> CauseCode:
        return CauseCode.EXPORT_STUCK

    def cause_of_fallback(self, sample: Sample, answer: Observation) -> CauseCode:
        return CauseCode.SILENT_FALLBACK

    def written(self, expected: Any) -> datetime | None:
        return expected[1] if expected else None


def batch_runner_of(
    sink: Any,
    *,
    budget: int | None = None,
    known_differences: Sequence[KnownDifference] = (),
    waits: list[float] | None = None,
) -> BatchRunner:
    """A runner of phase 3 whose records go to the sink, with two pauses."""
    target: Any = SimpleNamespace(
        rate_limiter=Turns(),
        budget=CreditBudget(budget),
        log=None,
        index=None,
        contract=replace(GUIDE, known_differences=tuple(known_differences)),
        settings=SimpleNamespace(kind="sandbox"),
    )
    return BatchRunner(
        target,
        sink,
        Pseudonymizer(b"k"),
        phase="phase3",
        flag_on=True,
        recheck_s=(0.1, 0.2),
        fresh_s=60,
        seed=7,
        wait=([] if waits is None else waits).append,
    )
