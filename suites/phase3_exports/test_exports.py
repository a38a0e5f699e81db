"""Exports against PostgreSQL: every record in the file, every cell as it is held, each job from start to end."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from fixtures.checks.exports.cases import cheapest_first
from fixtures.checks.exports.catalogue import KINDS, TIMED, ExportChecks
from fixtures.checks.latency import LatencyBlock
from fixtures.checks.phase import Phase
from fixtures.clients.process_memory import ProcessMemory
from fixtures.transport.credit_budget import CleanupList
from reports.judge.policy import POLICY
from reports.judge.rules.dispatch import NOT_ASKED
from reports.records.records import Fact

SUCCESS = "export-success-rate"  # once it is missed, more exports would only cost
TIMED_SIZES = ("small", "medium")


@pytest.fixture(scope="module")
def exports(phase: Phase) -> Iterator[ExportChecks]:
    if phase.target.contract.exports is None:
        phase.leave([NOT_ASKED], phase.target.absences.why("exports"))
    assert phase.gate.exports is not None, "the gate has no [exports]"
    with closing(
        ExportChecks(
            phase.target,
            phase.gate.exports,
            flag_on=phase.flag_on,
            count=phase.count,
            seed=phase.seed,
            created=CleanupList(phase.folder, phase.recorder.redactor.named),
        )
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def allowed(phase: Phase, exports: ExportChecks) -> ExportChecks:
    """The exports, where at least a part of their price may be paid; the estimate is recorded before any request."""
    timed = phase.flag_on is not False and phase.target.baseline is not None
    price, budget = exports.price(phase.gate.latency, timed=timed), phase.target.budget
    estimate = f"{price.files:,} exports of {price.credits:,} records in all, a credit each"
    phase.note(
        Fact(
            phase=phase.gate.phase,
            name="export-estimate",
            ok=None,
            value=float(price.credits),
            unit="credits",
            sentence=estimate,
        )
    )
    if budget.forbids_all:
        phase.leave(
            [NOT_ASKED], f"exports cost credits and leave files; to allow {estimate}: --allow-cost {price.credits}"
        )
    if budget.allowed is not None and budget.allowed < price.credits:
        sentence = f"--allow-cost {budget.allowed} covers a part of what a GO takes: {estimate}"
        phase.note(Fact(phase=phase.gate.phase, name=NOT_ASKED, ok=None, sentence=sentence))
    return exports


@pytest.fixture
def working(phase: Phase, allowed: ExportChecks) -> ExportChecks:
    """The exports; skipped once too many have failed."""
    if phase.is_missed(SUCCESS):
        pytest.skip(f"decided already: {SUCCESS} is missed")
    return allowed


def require(phase: Phase, exports: ExportChecks, kind: str, size: str, look: slice = slice(None)) -> None:
    """That exports of that kind and size equal the database."""
    __tracebackhide__ = True
    if not exports.may_write(kind):
        phase.leave(
            [NOT_ASKED],
            f"{kind} exports write what they find into the database, and Connectra returns records for an unknown "
            "uuid: wrong data would be written",
        )
    draw = exports.drawn(kind, size)
    if phase.is_canary:
        draw = replace(draw, samples=cheapest_first(draw.samples))
    phase.require_bundles(exports.check_of(kind, size), draw, look, unless_missed=SUCCESS)


@pytest.mark.asks("export-small-{kind}", "export-job-{kind}")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"export-small-{kind}")
def test_small_exports_equal_the_database(phase: Phase, allowed: ExportChecks, look: slice, kind: str) -> None:
    require(phase, allowed, kind, "small", phase.few_of(look, POLICY.canary_exports))


@pytest.mark.asks("export-batches-{kind}")
@pytest.mark.parametrize("kind", TIMED, ids=lambda kind: f"export-batches-{kind}")
def test_connectra_batches_equal_the_database(phase: Phase, exports: ExportChecks, kind: str) -> None:
    check, draw = exports.batches(kind)

    phase.require_bundles(check, draw)


@pytest.mark.asks("export-medium-{kind}", "export-job-{kind}")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"export-medium-{kind}")
def test_medium_exports_equal_the_database(phase: Phase, working: ExportChecks, kind: str) -> None:
    require(phase, working, kind, "medium")


@pytest.mark.asks("export-large-{kind}", "export-job-{kind}")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"export-large-{kind}")
def test_large_exports_equal_the_database_and_use_little_memory(phase: Phase, working: ExportChecks, kind: str) -> None:
    settings = phase.target.settings
    memory = ProcessMemory(settings.process_id, settings.metrics_url, settings.identity("CONTACT360").context())

    with memory.watched() as memory_use:
        try:
            require(phase, working, kind, "large")
        finally:
            phase.note(memory_use.fact(phase.gate.phase, f"export-memory-{kind}"))


@pytest.mark.asks("export-duration-{size}")
@pytest.mark.parametrize("size", TIMED_SIZES)
def test_vql_exports_take_no_longer_than_direct_ones(
    phase: Phase, working: ExportChecks, block: int, size: str
) -> None:
    check, baseline = f"export-duration-{size}", phase.direct_path()
    if baseline is None:
        phase.leave([check], "not asked: a direct path is needed to compare with (CONTACT360_BASELINE_URL)")
    if size == "medium" and (block % 2 == 0 or phase.is_canary):
        pytest.skip("medium exports cost many credits: one pair in every second block, none in a canary")
    samples = phase.of_block(working.timed(size), block)[: None if size == "small" else 2]
    price = working.price_of(samples[:1]).times(2) + working.price_of(samples[1:]).times(3)  # warm-ups, and three calls
    if not phase.target.budget.take(price.credits, price.files):
        pytest.skip("--allow-cost does not cover this block")

    phase.measure_latency(
        LatencyBlock(
            check=check,
            number=block,
            samples=samples,
            calls=working.calls(size, baseline),
            ask_connectra=working.ask_connectra,
            costs=True,
        )
    )
