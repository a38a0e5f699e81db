"""Allure, test by test: what a test asked becomes steps and labels of its result.

Runs in the process that runs the tests. A test that asked nothing (skipped, or none of ours) stays as it is.
"""

from __future__ import annotations

import contextlib
import csv
import io
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import allure_commons
import pytest
from allure_commons.types import AttachmentType, LabelType

from reports.judge.criteria import Criterion, Gate, covers
from reports.output.presentation import MISMATCHES_SHOWN, first_differences
from reports.records.records import Comparison, Difference, Outcome, Pair, Record

_SEVERITY = {"blocking": "critical", "advisory": "normal", "veto": "normal"}


class AllureSteps:
    """Hears every record of this process, and tells Allure at the end of each test what the test asked."""

    def __init__(self, gates: Sequence[Gate], clean: Callable[[str], str] = str) -> None:
        self._gates = gates
        self._clean = clean  # attachments go to their files as they are: nothing else looks over them
        self._heard: list[Comparison | Pair] = []

    def hear(self, record: Record) -> None:
        if isinstance(record, Comparison | Pair):
            self._heard.append(record)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        self._heard.clear()
        try:
            return (yield)
        finally:
            with contextlib.suppress(Exception):  # a picture of the test must not become its result
                self.tell()

    def tell(self) -> None:
        """Steps and labels for the test that is running now."""
        by_check: dict[tuple[str, str], list[Comparison | Pair]] = {}
        for pair in self._heard:
            by_check.setdefault((pair.phase, pair.check), []).append(pair)
        for (phase, check), records_of_check in by_check.items():
            self._label(phase, check)
            _tell_samples(check, [entry for entry in records_of_check if isinstance(entry, Comparison)], self._clean)
            _tell_pairs(check, [entry for entry in records_of_check if isinstance(entry, Pair)])

    def _label(self, phase: str, check: str) -> None:
        """The line of the guide that this check is about is the feature, the check itself the story."""
        hook = allure_commons.plugin_manager.hook
        criterion = line_of(
            check, [own_criterion for gate in self._gates if gate.phase == phase for own_criterion in gate.criteria]
        )
        if criterion is not None:
            hook.add_label(label_type=LabelType.FEATURE, labels=(criterion.title or criterion.guide,))
            hook.add_label(label_type=LabelType.SEVERITY, labels=(_SEVERITY[criterion.kind],))
        hook.add_label(label_type=LabelType.STORY, labels=(check,))


def line_of(check: str, criteria: Iterable[Criterion]) -> Criterion | None:
    """The criterion that says most about the check: the one that looks at fewest others, blocking before advisory."""
    about = [criterion for criterion in criteria if covers(criterion, check)]
    return min(about, key=lambda criterion: (criterion.kind != "blocking", len(criterion.checks)), default=None)


def quiet_phantom_teardowns() -> None:
    """Keep pytest's own finalizers out of Allure's tear-downs (allure-python#918, pytest 9.1 and later)."""
    original: Callable[..., Any] = allure_commons.fixture
    if getattr(original, "quiet", False):
        return

    def fixture(func: Any, parent_uuid: str | None = None, name: str | None = None) -> Any:
        if getattr(func, "__module__", "").startswith("_pytest."):
            return func
        return original(func, parent_uuid=parent_uuid, name=name)

    fixture.quiet = True  # type: ignore[attr-defined]
    setattr(allure_commons, "fixture", fixture)  # noqa: B010 - a class there, a function here: mypy would object


def _tell_samples(check: str, samples: Sequence[Comparison], clean: Callable[[str], str]) -> None:
    if not samples:
        return
    outcomes = Counter(str(sample.outcome) for sample in samples)
    served = Counter(str(sample.answers[0].provenance) for sample in samples if sample.answers)
    wrong = [sample for sample in samples if sample.outcome in (Outcome.DIFFERENT, Outcome.FAILED)]
    listed = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    _step(
        f"{check}: {len(samples)} questions: {listed}",
        {name: str(count) for name, count in served.items()},
        f"{len(wrong)} of {len(samples)} answers are wrong or missing" if wrong else "",
    )
    for sample in wrong[:MISMATCHES_SHOWN]:
        _tell_mismatch(sample, clean)


def _tell_mismatch(sample: Comparison, clean: Callable[[str], str]) -> None:
    answer = sample.answers[0] if sample.answers else None
    body = {"stratum": sample.stratum, "cause": sample.cause or "not named", "again": sample.again}
    if sample.differences and not _is_beside(sample.differences):
        body["direct path"] = "not asked for this sample"
    if answer is not None:
        body |= {"served by": str(answer.provenance), "took": f"{answer.elapsed_ms:.0f} ms", "request": answer.request}
    sentences = [str(difference) for difference in first_differences(sample)]
    error = answer.error if answer else None
    failure = "\n".join(sentences) or f"error: {error or 'not recorded'}"
    _step(f"{sample.key} {sample.outcome}", body, failure, _as_csv(sample.differences, clean))


def _as_csv(differences: Sequence[Difference], clean: Callable[[str], str]) -> str:
    """A table of field, PostgreSQL, service, baseline (where it was asked) and kind; '' without differences.

    Allure draws CSV as a table. A spreadsheet that opens the file takes no cell for a formula.
    """
    if not differences:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    beside = _is_beside(differences)
    writer.writerow(("field", "PostgreSQL", "service", *(("baseline",) if beside else ()), "kind"))
    for difference in differences:
        direct = (difference.baseline or "not asked",) if beside else ()
        row = (difference.path or "record", difference.expected, difference.actual, *direct, str(difference.kind))
        writer.writerow([_no_formula(clean(str(cell))) for cell in row])
    return text.getvalue()


def _is_beside(differences: Sequence[Difference]) -> bool:
    """Whether the direct path was asked for the sample as well."""
    return any(difference.baseline is not None for difference in differences)


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) else cell


def _tell_pairs(check: str, pairs: Sequence[Pair]) -> None:
    if pairs:
        vql, direct = (median(times) for times in zip(*((pair.vql_ms, pair.direct_ms) for pair in pairs), strict=True))
        _step(f"{check}: {len(pairs)} pairs, VQL {vql:.1f} ms, direct {direct:.1f} ms (medians)", {}, "")


def _step(title: str, body: Mapping[str, str], failure: str, table: str = "") -> None:
    hook, name = allure_commons.plugin_manager.hook, str(uuid.uuid4())
    error = AssertionError(failure) if failure else None
    hook.start_step(uuid=name, title=title, params={key: value for key, value in body.items() if value})
    if table:
        hook.attach_data(
            body=table, name="PostgreSQL and the service", attachment_type=AttachmentType.CSV, extension="csv"
        )
    hook.stop_step(uuid=name, exc_type=type(error) if error else None, exc_val=error, exc_tb=None)
