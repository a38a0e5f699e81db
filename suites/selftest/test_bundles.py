"""Answers about many records each: a Sample per record, one for the whole; what lag may explain is asked again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.checks.batch_runner import BatchDifferences, BatchRunner, Found
from fixtures.checks.cases import Sample
from fixtures.checks.check import Response
from fixtures.transport.credit_budget import CreditBudget
from fixtures.transport.rate_limiter import RateLimiter
from reports.comparison.record_diff import RawDifference
from reports.comparison.table_diff import TableDefects
from reports.records import run_ledger
from reports.records.known_difference import KnownDifference
from reports.records.records import Comparison, DifferenceKind, Fact, Observation, Outcome, Provenance
from reports.records.redaction import Pseudonymizer

OLD, NOW = datetime(2020, 1, 1), datetime(2999, 1, 1)  # written just now, whenever the tests get there


@dataclass
class _Asked:
    """Records by key: what the database holds is (value, written), what is told comes from a script of answers."""

    held: dict[str, tuple[str, datetime]]
    told: list[dict[str, str] | Observation]
    damages: tuple[TableDefects, ...] = ()
    file: Found = ()
    changing: bool = False
    check: str = "export-small-contacts"
    whole: str = "export-job-contacts"
    through_backend: bool = True
    in_flight: int = 1
    asked: list[tuple[str, ...]] = field(default_factory=list)
    readings: int = 0

    def price(self, sample: Sample) -> tuple[int, int]:
        return len(sample.subject), 1

    def stratum(self, sample: Sample, key: str) -> str:
        return "risky"

    def shortened(self, sample: Sample, keys: Sequence[str]) -> Sample:
        return replace(sample, subject=tuple(keys))

    def expected(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        self.readings += 1
        held = {"b": (str(self.readings), OLD)} if self.changing else {}
        return {each.key: {key: {**self.held, **held}[key] for key in each.subject} for each in samples}

    def ask(self, sample: Sample) -> Response:
        self.asked.append(sample.subject)
        told = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        if isinstance(told, Observation):
            return Response(answer=told, value={})
        return Response(answer=Observation(side="backend", status=200, provenance=Provenance.VQL), value=told)

    def parts(self, sample: Sample, expected: Mapping[str, Any], told: Response) -> BatchDifferences:
        records: dict[str, Found] = {}
        for key in sample.subject:
            want, have = expected[key][0], told.value.get(key)
            wrong = RawDifference(path="title", kind=DifferenceKind.VALUE, expected=want, actual=have)
            records[key] = () if want == have else (wrong,)
        return BatchDifferences(records=records, file=self.file, damages=self.damages)

    def of_damage(self, damage: TableDefects) -> RawDifference:
        return RawDifference(path=damage.kind, kind=DifferenceKind.VALUE, expected=None, actual=None)

    def incomplete(self, parts: BatchDifferences) -> str | None:
        return "export-incomplete" if any(each.kind == "truncated" for each in parts.damages) else None

    def requests(self, sample: Sample, told: Response) -> Mapping[str, Observation]:
        return {"create": told.answer}

    def facts(self, samples: Sequence[Sample], told: Mapping[str, Response]) -> list[Fact]:
        return [Fact(phase="", name="export-life-small-contacts", ok=True)]

    def cause_of_record(self, *_: Any) -> str:
        return "field-mapping"

    def cause_of_whole(self, *_: Any) -> str:
        return "export-truncated"

    def cause_of_error(self, sample: Sample, answer: Observation) -> str:
        return "export-stuck"

    def written(self, expected: Any) -> datetime | None:
        return expected[1] if expected else None


QUESTION = Sample(key="small-1", stratum="plain", subject=("a", "b", "c"))
HELD = {"a": ("1", OLD), "b": ("2", OLD), "c": ("3", OLD)}
RIGHT = {"a": "1", "b": "2", "c": "3"}
WRONG_B = {**RIGHT, "b": "x"}
Put = Callable[..., tuple[Comparison, ...]]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Puts the question and gives the Samples; what is recorded lies in the folder."""

    def call(
        asked: _Asked, *, budget: int | None = None, known: tuple[KnownDifference, ...] = ()
    ) -> tuple[Comparison, ...]:
        target = SimpleNamespace(
            pace=RateLimiter(tmp_path, None),
            budget=CreditBudget(budget),
            log=None,
            index=None,
            contract=SimpleNamespace(known=known),
            settings=SimpleNamespace(kind="sandbox"),
        )
        verifier = BatchRunner(
            target,
            run_ledger.Writer(tmp_path, "w"),
            Pseudonymizer(b"k"),
            phase="phase3",
            flag_on=True,
            recheck_s=(0.1, 0.1),
            fresh_s=60,
            seed=7,
            wait=lambda _: None,
        )  # type: ignore[arg-type]
        return verifier.put_bundles(asked, [QUESTION])  # type: ignore[arg-type]

    return call


def _outcomes(samples: Sequence[Comparison]) -> dict[str, Outcome]:
    return {f"{sample.check} {sample.key}": sample.outcome for sample in samples}


ALL = {
    "export-small-contacts a": Outcome.EQUAL,
    "export-small-contacts b": Outcome.EQUAL,
    "export-small-contacts c": Outcome.EQUAL,
    "export-job-contacts small-1": Outcome.EQUAL,
    "export-job-contacts-request small-1 create": Outcome.EQUAL,
}


def test_each_record_is_a_sample_and_the_bundle_is_one(put: Put) -> None:
    assert _outcomes(put(_Asked(HELD, [RIGHT]))) == ALL


def test_only_the_bundle_is_an_attempt(put: Put) -> None:
    samples = put(_Asked(HELD, [RIGHT]))

    assert [sample.key for sample in samples if sample.attempt] == ["small-1"]


def test_an_old_record_that_differs_is_wrong_without_another_export(put: Put) -> None:
    asked = _Asked(HELD, [WRONG_B])

    samples = put(asked)

    assert _outcomes(samples) == {**ALL, "export-small-contacts b": Outcome.DIFFERENT}
    assert len(asked.asked) == 1
    assert [sample.cause for sample in samples if sample.outcome is Outcome.DIFFERENT] == ["field-mapping"]


def test_a_fresh_record_that_differs_is_asked_again_alone(put: Put) -> None:
    asked = _Asked({**HELD, "b": ("2", NOW)}, [WRONG_B, {"b": "2"}])

    samples = put(asked)

    assert _outcomes(samples) == {**ALL, "export-small-contacts b": Outcome.LAGGED}
    assert asked.asked == [("a", "b", "c"), ("b",)]


def test_a_fresh_record_that_stays_different_is_wrong(put: Put) -> None:
    asked = _Asked({**HELD, "b": ("2", NOW)}, [WRONG_B])

    assert _outcomes(put(asked))["export-small-contacts b"] is Outcome.DIFFERENT
    assert len(asked.asked) == 3


def test_what_can_not_be_asked_again_is_void(put: Put) -> None:
    asked = _Asked({**HELD, "b": ("2", NOW)}, [WRONG_B])

    assert _outcomes(put(asked, budget=3))["export-small-contacts b"] is Outcome.VOID


def test_a_record_that_changed_meanwhile_is_void_and_the_others_are_not(put: Put) -> None:
    samples = put(_Asked(HELD, [RIGHT], changing=True))

    assert _outcomes(samples) == {**ALL, "export-small-contacts b": Outcome.VOID}


def test_damage_counts_only_with_the_records_it_befell(put: Put) -> None:
    blank = TableDefects(kind="blank-column", count=1, column="title")

    wrong = put(_Asked(HELD, [WRONG_B], damages=(blank,)))
    void = put(_Asked(HELD, [WRONG_B], damages=(blank,), changing=True))

    assert _outcomes(wrong)["export-job-contacts small-1"] is Outcome.DIFFERENT
    assert _outcomes(void)["export-job-contacts small-1"] is Outcome.EQUAL


def test_rows_out_of_order_damage_the_bundle_alone(put: Put) -> None:
    samples = put(_Asked(HELD, [RIGHT], damages=(TableDefects(kind="disorder", count=1),)))

    assert _outcomes(samples) == {**ALL, "export-job-contacts small-1": Outcome.DIFFERENT}


def test_a_damaged_file_damages_the_bundle(put: Put) -> None:
    broken = RawDifference(path="file, encoding", kind=DifferenceKind.VALUE, expected=None, actual=None)

    assert _outcomes(put(_Asked(HELD, [RIGHT], file=(broken,))))["export-job-contacts small-1"] is Outcome.DIFFERENT


def test_an_error_fails_the_bundle_and_its_request(put: Put) -> None:
    stuck = Observation(side="backend", status=200, error="stuck")

    samples = put(_Asked(HELD, [stuck]))

    assert _outcomes(samples) == {
        "export-job-contacts small-1": Outcome.FAILED,
        "export-job-contacts-request small-1 create": Outcome.FAILED,
    }
    assert {sample.cause for sample in samples} == {"export-stuck"}


@pytest.mark.parametrize(("budget", "count"), [(None, 5), (3, 5), (2, 0), (0, 0)])
def test_what_the_budget_does_not_cover_is_not_asked(put: Put, budget: int | None, count: int) -> None:
    asked = _Asked(HELD, [RIGHT])

    assert len(put(asked, budget=budget)) == count
    assert len(asked.asked) == bool(count)


def test_a_known_difference_is_excused_and_not_equal(put: Put) -> None:
    known = KnownDifference(
        id="k", checks=("export-small-*",), field="title", by="vql", reason="r", ticket="t", until="2100-01-01", cap=1.0
    )

    samples = put(_Asked(HELD, [WRONG_B]), known=(known,))

    assert _outcomes(samples) == {**ALL, "export-small-contacts b": Outcome.EXCUSED}


def test_values_are_recorded_as_tokens(put: Put, tmp_path: Path) -> None:
    put(_Asked({**HELD, "b": ("jane@example.org", OLD)}, [{**RIGHT, "b": "joe@example.org"}]))

    recorded = (tmp_path / "observations" / "w.jsonl").read_text()
    assert "<str:" in recorded
    assert "example.org" not in recorded
