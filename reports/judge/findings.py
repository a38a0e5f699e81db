"""What a rule looks at, and what it makes of it: Seen in, Finding out, and the words they share. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reports.judge.causes import Cause
from reports.judge.criteria import Criterion, Gate, covers
from reports.judge.statistics import Measurement
from reports.records.inputs.earlier_runs import EarlierRun
from reports.records.inputs.traffic import TrafficDraw
from reports.records.inputs.wrong_keys import WrongKey
from reports.records.known_difference import KnownDifference
from reports.records.records import (
    Attestation,
    CheckPlan,
    Comparison,
    Fact,
    Observation,
    Outcome,
    Pair,
    Provenance,
    Record,
)

ORDER = ("GO", "HOLD", "NO-GO")  # the worst of several counts
UNCOUNTED = (Outcome.FAILED, Outcome.VOID, Outcome.EXCUSED)  # outcomes that say nothing for or against a path


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A criterion after looking."""

    criterion: str
    guide: str
    outcome: str  # met, missed, unmeasured
    kind: str  # blocking, advisory
    sentence: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    count: int = 0
    needed: int = 0
    target: float | None = None
    alert: float | None = None
    cause: Cause | None = None
    evidence: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()  # ids of the guide's lines
    title: str = ""  # a few plain words; '' where the gate has none
    unknown: int = 0  # answers that do not tell who served them
    void: int = 0  # answers of a database that changed meanwhile
    lost: int = 0  # requests that failed
    excused: int = 0  # answers that only known differences cover
    unfit: str = ""  # why the evidence is no ground to build on; '' if it is
    waived: str = ""  # the waiver's ticket, where the deployment waived the criterion
    not_deployed: tuple[str, ...] = ()  # its checks of endpoints that the deployment does not have


def worst(verdicts: Sequence[str]) -> str:
    """The worst of several verdicts; of none: HOLD, for nothing was measured."""
    return max(verdicts, key=ORDER.index, default="HOLD")


def verdict_of(outcomes: Iterable[tuple[str, str]]) -> str:
    """NO-GO if a blocking criterion is missed, GO if every one is met, otherwise HOLD; of (kind, outcome) pairs."""
    blocking = {outcome for kind, outcome in outcomes if kind == "blocking"}
    if "missed" in blocking:
        return "NO-GO"
    return "GO" if blocking == {"met"} else "HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEvidence:
    """What a phase has on record, and whether its flag is in force (None: no setting and no answer shows it)."""

    samples: tuple[Comparison, ...]
    pairs: tuple[Pair, ...]
    plans: tuple[CheckPlan, ...]
    facts: tuple[Fact, ...]
    flag_on: bool | None
    target: str = "live"
    now: str = ""  # ISO 8601: what attestations are held against
    attestations: tuple[Attestation, ...] = ()
    known_differences: tuple[KnownDifference, ...] = ()
    past: tuple[EarlierRun, ...] = ()  # earlier runs, the oldest first
    gates: Mapping[str, Gate] = field(default_factory=dict)  # the gates of the phases that they asked
    draws: tuple[TrafficDraw, ...] = ()  # from customers' requests
    wrong_keys: tuple[WrongKey, ...] = ()  # by earlier runs


def evidence_of(
    records: Sequence[Record],
    phase: str,
    flag_on: bool | None,
    *,
    target: str = "live",
    now: str = "",
    known_differences: Sequence[KnownDifference] = (),
    gates: Mapping[str, Gate] | None = None,
) -> PhaseEvidence:
    """The phase's records by type, each once, in an order of their own: that of the files must not decide anything."""
    of_phase = dict.fromkeys(
        record
        for record in records
        if isinstance(record, Comparison | Pair | Fact | EarlierRun) and record.phase == phase
    )
    samples = tuple(sorted((run for run in of_phase if isinstance(run, Comparison)), key=_order_of_sample))
    pairs = tuple(sorted((run for run in of_phase if isinstance(run, Pair)), key=_order_of_pair))
    return PhaseEvidence(
        samples=samples,
        pairs=pairs,
        plans=tuple(record for record in records if isinstance(record, CheckPlan) and record.phase == phase),
        facts=tuple(sorted((run for run in of_phase if isinstance(run, Fact)), key=_order_of_fact)),
        flag_on=_flag_shown(samples, pairs) if flag_on is None else flag_on,
        target=target,
        now=now,
        attestations=tuple(record for record in records if isinstance(record, Attestation)),
        known_differences=tuple(known_differences),
        past=tuple(sorted((run for run in of_phase if isinstance(run, EarlierRun)), key=_order_of_run)),
        gates=gates or {},
        draws=tuple(record for record in records if isinstance(record, TrafficDraw) and record.phase == phase),
        wrong_keys=tuple(
            dict.fromkeys(record for record in records if isinstance(record, WrongKey) and record.phase == phase)
        ),
    )


def finding(
    criterion: Criterion,
    outcome: str,
    sentence: str,
    *,
    value: float | None = None,
    interval: tuple[float, float] | None = None,
    unit: str = "",
    count: int = 0,
    needed: int = 0,
    cause: Cause | None = None,
    evidence: tuple[str, ...] = (),
) -> Finding:
    """A finding of this criterion: blocking, unless the criterion can only advise or veto."""
    return Finding(
        criterion=criterion.id,
        guide=criterion.guide,
        outcome=outcome,
        kind="advisory" if criterion.kind in ("advisory", "veto") else "blocking",
        sentence=sentence,
        value=value,
        interval=interval,
        unit=unit,
        count=count,
        needed=needed,
        target=criterion.target,
        alert=criterion.alert,
        cause=cause,
        evidence=evidence,
        lines=criterion.lines,
        title=criterion.title,
    )


def measured(
    criterion: Criterion,
    outcome: str,
    sentence: str,
    measurement: Measurement,
    needed: int = 0,
    cause: Cause | None = None,
) -> Finding:
    """A finding that rests on a measurement."""
    return finding(
        criterion,
        outcome,
        sentence,
        value=measurement.value,
        interval=measurement.interval,
        unit=measurement.unit,
        count=measurement.count,
        needed=needed,
        cause=cause,
    )


def by_limits(criterion: Criterion, measurement: Measurement) -> str:
    """met, missed or unmeasured by target, alert and the interval."""
    if measurement.interval is None or measurement.value is None:
        return "unmeasured"
    low, high = measurement.interval
    if low > limit_of(criterion.target):
        return "missed"
    return (
        "met" if high < limit_of(criterion.alert) and measurement.value <= limit_of(criterion.target) else "unmeasured"
    )


def limit_of(value: float | None) -> float:
    assert value is not None, "read_gate lets no such criterion through"
    return value


def why_unasked(criterion: Criterion, evidence: PhaseEvidence, otherwise: str = "nothing was asked") -> str:
    """What was said about it when a check of this criterion was left out."""
    sentences = (fact.sentence for fact in evidence.facts if fact.ok is None and covers(criterion, fact.name))
    return next(sentences, otherwise)


def by_key(samples: Iterable[Comparison]) -> dict[tuple[str, str], Comparison]:
    """One sample per check and key: a key counts once, however often it was asked."""
    comparisons: dict[tuple[str, str], Comparison] = {}
    for sample in samples:
        comparisons.setdefault((sample.check, sample.key), sample)
    return comparisons


def backend_of(sample: Comparison) -> Observation | None:
    return sample.answer("backend")


def counts(sample: Comparison, flag_on: bool | None, *, any_path: bool = False) -> bool:
    """Whether it says something about the path in question: compared, and served by VQL (with the flag off: by SQL).

    A sample that does not ask the backend, or may be served by any path, counts unless a cache answered it.
    """
    if sample.outcome in UNCOUNTED:
        return False
    answer = backend_of(sample)
    if answer is None or any_path:
        return not is_stored(sample)
    return answer.provenance is (Provenance.DIRECT if flag_on is False else Provenance.VQL)


def is_stored(sample: Comparison) -> bool:
    """Whether a cache between client and service answered."""
    return any(signal.startswith("stored:") for answer in sample.answers for signal in answer.signals)


def provenance_of(sample: Comparison) -> Provenance:
    return sample.answers[0].provenance if sample.answers else Provenance.UNKNOWN


def served_by_sql(sample: Comparison) -> bool:
    return not error_of(sample) and provenance_of(sample).is_sql


def error_of(sample: Comparison) -> str | None:
    return next((answer.error for answer in sample.answers if answer.error), None)


def listed(counts: Counter[str]) -> str:
    """'3 missing, 2 value'."""
    ranked = sorted(counts.items(), key=lambda count: (-count[1], count[0]))
    return ", ".join(f"{count} {name}" for name, count in ranked)


def _flag_shown(samples: Sequence[Comparison], pairs: Sequence[Pair]) -> bool | None:
    """A flag without a setting is on if any answer shows VQL or its fallback, and off only if every answer is direct.

    VQL answered one half of every pair.
    """
    if pairs:
        return True
    answers = [answer for answer in map(backend_of, samples) if answer and answer.error is None]
    served = {answer.provenance for answer in answers}
    if served & {Provenance.VQL, Provenance.FALLBACK}:
        return True
    return False if served == {Provenance.DIRECT} else None


def _order_of_sample(comparison: Comparison) -> tuple[object, ...]:
    answers = tuple((answer.at, answer.side, answer.error or "", answer.provenance) for answer in comparison.answers)
    return comparison.check, comparison.key, comparison.stratum, comparison.outcome, answers, comparison.cause or ""


def _order_of_run(run: EarlierRun) -> tuple[object, ...]:
    # Even a history that says two things of one run is pooled in one order: sums of floats depend on it.
    return datetime.fromisoformat(run.finished), run.run, run.of, repr(run)


def _order_of_pair(pair: Pair) -> tuple[object, ...]:
    return pair.check, pair.block, pair.key, pair.vql_ms, pair.direct_ms, pair.again_ms or 0.0, pair.direct_by


def _order_of_fact(fact: Fact) -> tuple[object, ...]:
    return fact.name, str(fact.ok), fact.value or 0.0, fact.sentence, fact.cause or ""
