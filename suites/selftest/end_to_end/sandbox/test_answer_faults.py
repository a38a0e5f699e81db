"""Each fault of answers, switched on in a running sandbox: its checks see it, and name its cause."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cache
from types import SimpleNamespace

import pytest

from fixtures.checks.cases import SampleSet
from fixtures.checks.check import Check
from fixtures.checks.company_contacts.catalogue import CompanyContactChecks
from fixtures.checks.linkedin.catalogue import LinkedInChecks
from fixtures.checks.records.records import RecordChecks
from fixtures.checks.runner import CheckRunner
from fixtures.clients.target import Target, connect
from fixtures.contracts.contract import load
from fixtures.sandbox.faults.answer_faults import FORMS
from fixtures.sandbox.faults.fault import Fault
from fixtures.sandbox.faults.shape_faults import REFUSALS, SHAPES
from fixtures.settings.settings import from_values
from fixtures.transport.credit_budget import CreditBudget
from fixtures.transport.rate_limiter import RateLimiter
from reports.records.records import Comparison, Outcome
from reports.records.redaction import Pseudonymizer

COUNT, ASKED, ASKED_CALM = 64, 6, 12
CHECKS = {  # by criterion
    "contact-endpoint-parity": "contact-endpoint",
    "company-endpoint-parity": "company-endpoint",
    "unknown-record-endpoint": "contact-unknown-endpoint",
}
BROKEN = [  # by the first criterion of each fault: the drills hold the others
    pytest.param(fault, CHECKS.get(fault.criteria[0], fault.criteria[0]), id=fault.name)
    for fault in (form.fault for form in (*FORMS, *SHAPES, *REFUSALS))
]
CALM = sorted({param.values[1] for param in BROKEN})


@pytest.fixture(scope="module")
def target(calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    scratch = tmp_path_factory.mktemp("pace")
    settings = from_values(calm, "sandbox")
    free = CreditBudget(None)
    with closing(connect(settings, load("guide"), RateLimiter(scratch, None), budget=free)) as target:
        yield target


@pytest.fixture(scope="module")
def questions(target: Target) -> Callable[[str], tuple[Check, SampleSet]]:
    """The check of a name, and its samples."""
    records = RecordChecks(target, flag_on=True, count=COUNT, seed=7)
    companies = CompanyContactChecks(target, flag_on=True, count=COUNT, seed=7)
    linkedin = LinkedInChecks(target, flag_on=True, count=COUNT, seed=7)

    @cache
    def of(check: str) -> tuple[Check, SampleSet]:
        family = linkedin if "linkedin" in check else companies if check.startswith("company-contacts") else records
        return family.check_of(check), family.drawn(check)

    return of


def _put(target: Target, question: tuple[Check, SampleSet], count: int = ASKED) -> tuple[Comparison, ...]:
    runner = CheckRunner(
        target,
        SimpleNamespace(append=lambda _: None),  # type: ignore[arg-type] - nothing is kept
        Pseudonymizer(b"key"),
        phase="phase1",
        flag_on=True,
        recheck_s=(),
        fresh_s=60,
        seed=7,
        wait=lambda _: None,
    )
    check, draw = question
    return runner.put(check, draw.samples[:count])


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "check"), BROKEN)
def test_a_fault_is_seen_and_named(
    target: Target,
    questions: Callable[[str], tuple[Check, SampleSet]],
    playing: Callable[..., None],
    fault: Fault,
    check: str,
) -> None:
    playing(fault.text)

    comparisons = _put(target, questions(check))

    causes = Counter(str(comparison.cause) for comparison in comparisons if comparison.outcome is Outcome.DIFFERENT)
    assert [cause for cause, _ in causes.most_common(1)] == [fault.cause], str(causes)


@pytest.mark.slow
@pytest.mark.parametrize("check", CALM)
def test_without_a_fault_nothing_differs(
    target: Target, questions: Callable[[str], tuple[Check, SampleSet]], check: str
) -> None:
    comparisons = _put(target, questions(check), ASKED_CALM)

    assert [
        (comparison.key, comparison.cause, comparison.differences)
        for comparison in comparisons
        if comparison.outcome is Outcome.DIFFERENT
    ] == []
    assert len(comparisons) > 8
