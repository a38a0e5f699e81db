"""The decision rules: a criterion and what was recorded make a finding. Pure: the same records, the same finding.

Limits are the criterion's own. met, missed and unmeasured stand for GO, NO-GO and HOLD of the one criterion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from reports import measurements
from reports.causes import Cause, most_frequent
from reports.criteria import Criterion, Gate, covers, is_of
from reports.known import Known, excuses
from reports.measurements import Measurement
from reports.observations import Answer, Attestation, Fact, Outcome, Pair, Plan, Provenance, Record, Sample

LEAST_BLOCKS = 8  # a t-interval over fewer is no interval to judge by
MOST_VOID = 0.10  # of the samples of a check
MOST_UNKNOWN = 0.10  # of the answers, without provenance
NOT_ASKED = "not-asked"  # name of the fact that says why a phase left things out
BIAS = 0.05  # old against old may be off by so much


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a phase has on record, and whether its flag is in force (None: nobody said, and no answer shows it)."""

    samples: tuple[Sample, ...]
    pairs: tuple[Pair, ...]
    plans: tuple[Plan, ...]
    facts: tuple[Fact, ...]
    flag_on: bool | None
    target: str = "live"
    now: str = ""  # ISO 8601: what attestations are held against
    attestations: tuple[Attestation, ...] = ()
    known: tuple[Known, ...] = ()


def seen_of(
    records: Sequence[Record],
    phase: str,
    flag_on: bool | None,
    *,
    target: str = "live",
    now: str = "",
    known: Sequence[Known] = (),
) -> Seen:
    """The phase's records, sorted by type. A flag nobody told is on if any answer shows VQL or its fallback."""
    of_phase = [record for record in records if getattr(record, "phase", None) == phase]
    samples = tuple(record for record in of_phase if isinstance(record, Sample))
    if flag_on is None:
        served = {answer.provenance for answer in map(_backend, samples) if answer}
        flag_on = True if served & {Provenance.VQL, Provenance.FALLBACK} else (False if served else None)
    return Seen(
        samples=samples,
        pairs=tuple(record for record in of_phase if isinstance(record, Pair)),
        plans=tuple(record for record in of_phase if isinstance(record, Plan)),
        facts=tuple(record for record in of_phase if isinstance(record, Fact)),
        flag_on=flag_on,
        target=target,
        now=now,
        attestations=tuple(record for record in records if isinstance(record, Attestation)),
        known=tuple(known),
    )


def finding_of(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """The criterion judged by its rule."""
    if criterion.needs_flag and seen.flag_on is False:
        asked = _finding(criterion, "unmeasured", "not asked while the flag is off")
        return replace(asked, kind="advisory")
    finding = _BY_RULE[criterion.rule](criterion, gate, seen)
    if finding.outcome == "unmeasured":
        why = [each.sentence for each in seen.facts if each.name == NOT_ASKED]
        finding = replace(finding, sentence="; ".join((finding.sentence, *dict.fromkeys(why))))
    if criterion.kind == "veto":
        return replace(finding, kind="blocking" if finding.outcome == "missed" else "advisory")
    return finding


def exact(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """No settled mismatch in enough distinct samples of every check, every stratum of the population seen."""
    del gate
    samples = [sample for sample in seen.samples if covers(criterion, sample.check)]
    counted = [sample for sample in samples if _counts(sample, criterion, seen)]
    wrong = _by_key(sample for sample in counted if sample.outcome is Outcome.DIFFERENT)
    right = _by_key(sample for sample in counted if sample.outcome in (Outcome.EQUAL, Outcome.LAGGED))
    count = len({*wrong, *right})
    if wrong:
        return _finding(
            criterion,
            "missed",
            _mismatch_sentence(list(wrong.values()), count),
            value=float(len(wrong)),
            unit="mismatches",
            count=count,
            cause=most_frequent([sample.cause for sample in wrong.values()]),
            evidence=(f"evidence/{criterion.id}.jsonl",),
        )
    why, needed = _lacking(criterion, seen, samples, counted, count)
    if why:
        cause = most_frequent([sample.cause for sample in samples if sample.outcome is Outcome.FAILED])
        return _finding(criterion, "unmeasured", why, value=0.0 if count else None, unit="mismatches", count=count,
                        needed=needed, cause=cause)  # fmt: skip
    bound = measurements.zero_bound(count, _population(criterion, seen))
    path = (
        "" if seen.flag_on is not False or not _asks_backend(samples) else " (flag off: this verifies the direct path)"
    )
    said = f"no mismatch in {count}: at most {_percent(bound)} wrong, at 95 %{path}"
    return _finding(criterion, "met", said, value=0.0, unit="mismatches", count=count, interval=(0.0, bound))


def share(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """NO-GO if the 99.7 % interval lies beyond target; GO if it lies under alert and the share meets target."""
    del gate
    offending, population = _shared(criterion, seen)
    if criterion.of in ("fallbacks", "vql-failures"):
        unknown = sum(_provenance(sample) is Provenance.UNKNOWN and not _error(sample) for sample in population)
        if population and unknown / len(population) > MOST_UNKNOWN:
            said = f"{unknown} of {len(population)} answers do not tell who served them: no share can be told"
            return _finding(criterion, "unmeasured", said, unit="share", count=len(population) - unknown)
        population = [each for each in population if _error(each) or _provenance(each) is not Provenance.UNKNOWN]
    found = measurements.share(len(offending), len(population))
    needed = measurements.needed_for_go(
        len(offending), len(population), _limit(criterion.target), _limit(criterion.alert)
    )
    if found.value is None or found.interval is None:
        return _finding(criterion, "unmeasured", "nothing was asked", unit="share", needed=needed)
    outcome = by_limits(criterion, found)
    low, high = found.interval
    said = (
        f"{len(offending)} of {len(population)} ({_percent(found.value)}; 99.7 %: {_percent(low)} to {_percent(high)})"
    )
    if outcome == "unmeasured":
        said += f"; need {len(population) + needed}, have {len(population)}"
    cause = most_frequent([sample.cause for sample in offending]) if outcome != "met" else None
    return _measured(criterion, outcome, said, found, needed if outcome == "unmeasured" else 0, cause)


def latency(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """The typical slowdown by block, if the instrument is fit and the times are long enough to matter."""
    pairs = [pair for pair in seen.pairs if covers(criterion, pair.check)]
    needed = max(criterion.least - len(pairs), 0)
    if not pairs:
        return _finding(criterion, "unmeasured", _why_no_pairs(seen), unit="ratio", needed=needed)
    found = measurements.latency_ratio(pairs)
    if _too_fast(pairs, gate.latency.floor_ms):
        return _measured(
            criterion, "met", f"too fast to matter: both medians under {gate.latency.floor_ms:g} ms", found
        )
    blocks = len(measurements.blocks_of(pairs))
    if blocks < LEAST_BLOCKS:
        said = f"{len(pairs)} pairs in {blocks} blocks: at least {LEAST_BLOCKS} blocks are needed"
        return _measured(criterion, "unmeasured", said, found, needed)
    why = unfit(criterion, measurements.old_against_old(pairs))
    if why:
        return _measured(criterion, "unmeasured", f"instrument unfit: {why}", found, needed)
    outcome = latency_outcome(criterion, found, blocks=blocks)
    cause = (
        most_frequent([fact.cause for fact in seen.facts if covers(criterion, fact.name)]) if outcome != "met" else None
    )
    if outcome == "unmeasured" and not needed:
        needed = len(pairs)  # twice as many narrow the interval by a third
    finding = _measured(criterion, outcome, _slowdown(found, pairs), found, needed, cause)
    if any(pair.direct_by == "sql" for pair in pairs):
        return replace(
            finding, kind="advisory", sentence=f"{finding.sentence}; direct is plain SQL without a web layer"
        )
    return finding


def p95(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """The tail the same way, from enough pooled pairs on."""
    pairs = [pair for pair in seen.pairs if covers(criterion, pair.check)]
    if len(pairs) < criterion.least:
        said = f"the tail is judged from {criterion.least:,} pairs on; have {len(pairs):,}"
        return _finding(
            criterion, "unmeasured", said, unit="ratio", count=len(pairs), needed=criterion.least - len(pairs)
        )
    found = measurements.p95_ratio(pairs)
    if _too_fast(pairs, gate.latency.floor_ms):
        return _measured(
            criterion, "met", f"too fast to matter: both medians under {gate.latency.floor_ms:g} ms", found
        )
    outcome = by_limits(criterion, found)
    return _measured(criterion, outcome, f"p95 {_slowdown(found, pairs)}", found)


def lag(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """The longest time after which a difference had gone."""
    del gate
    samples = [sample for sample in seen.samples if covers(criterion, sample.check)]
    compared = [sample for sample in samples if sample.outcome in (Outcome.EQUAL, Outcome.LAGGED, Outcome.DIFFERENT)]
    if not compared:
        return _finding(criterion, "unmeasured", "nothing was compared", unit="s")
    lags = [sample.lag_s for sample in compared if sample.lag_s is not None]
    longest = max(lags, default=0.0)
    found = Measurement(value=longest, unit="s", count=len(compared))
    outcome = (
        "missed"
        if longest > _limit(criterion.alert)
        else ("met" if longest <= _limit(criterion.target) else "unmeasured")
    )
    said = f"{len(lags)} of {len(compared)} differed at first; the longest took {longest:.1f} s to agree"
    cause = most_frequent(["index-stale"] * len(lags)) if outcome != "met" else None
    return _measured(criterion, outcome, said, found, 0, cause)


def fact(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """Single things that have to be so: each was found to be, one was found not to be, or it was not looked at."""
    del gate
    facts = [each for each in seen.facts if covers(criterion, each.name)]
    wrong = [each for each in facts if each.ok is False]
    open_ones = [each for each in facts if each.ok is None]
    unseen = [name for name in criterion.checks if not any(is_of(each.name, name) for each in facts)]
    shown = next(iter((*wrong, *open_ones, *facts)), None)
    count = len(facts)
    if wrong:
        said = "; ".join(each.sentence for each in wrong[:3]) + (f"; and {len(wrong) - 3} more" if wrong[3:] else "")
        return _finding(criterion, "missed", said, value=_value_of(shown), unit=_unit_of(shown), count=count,
                        cause=most_frequent([each.cause for each in wrong]))  # fmt: skip
    if unseen or open_ones or count < criterion.least:
        said = open_ones[0].sentence if open_ones else f"not looked at: {', '.join(unseen) or criterion.id}"
        return _finding(criterion, "unmeasured", said, count=count, needed=max(len(unseen), criterion.least - count, 0))
    said = shown.sentence if shown and count == 1 else f"{count} of {count} are as they have to be"
    return _finding(criterion, "met", said, value=_value_of(shown) if count == 1 else None, unit=_unit_of(shown),
                    count=count)  # fmt: skip


def limit(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """The largest of the measured values against target and alert: met up to target, missed beyond alert."""
    del gate
    facts = [each for each in seen.facts if covers(criterion, each.name) and each.value is not None]
    if len(facts) < criterion.least:
        told = [each.sentence for each in seen.facts if covers(criterion, each.name) and each.value is None]
        said = told[0] if told else f"{len(facts)} values; need {criterion.least}"
        return _finding(criterion, "unmeasured", said, unit=criterion.unit, count=len(facts),
                        needed=criterion.least - len(facts))  # fmt: skip
    worst = max(facts, key=lambda each: each.value or 0.0)
    largest = worst.value or 0.0
    outcome = "missed" if largest > _limit(criterion.alert) else "met"
    if outcome == "met" and largest > _limit(criterion.target):
        outcome = "unmeasured"
    found = Measurement(value=largest, unit=criterion.unit, count=len(facts))
    cause = most_frequent([worst.cause]) if outcome != "met" else None
    return _measured(criterion, outcome, worst.sentence or f"at most {largest:g} {criterion.unit}", found, 0, cause)


def attested(criterion: Criterion, gate: Gate, seen: Seen) -> Finding:
    """What only people can say: each line attested by somebody, and not longer ago than it holds."""
    del gate
    if seen.target == "sandbox":
        return replace(_finding(criterion, "unmeasured", "not asked: a rehearsal on the sandbox"), kind="advisory")
    by_line = {each.line: each for each in seen.attestations}
    given = [by_line[line] for line in criterion.checks if line in by_line]
    absent = [line for line in criterion.checks if line not in by_line]
    expired = [each for each in given if not _holds(each, seen.now)]
    count = len(given) - len(expired)
    if absent:
        said = f"nobody attests: {', '.join(absent)} (--attestations)"
    elif expired:
        said = "; ".join(f"{each.line}: {each.who}'s word held until {each.until}" for each in expired)
    else:
        said = "; ".join(f"{each.line}: {each.who}, {each.when}, until {each.until}" for each in given)
        return _finding(criterion, "met", said, count=count)
    return _finding(criterion, "unmeasured", said, count=count, needed=len(absent) + len(expired))


def _holds(each: Attestation, now: str) -> bool:
    """Whether the word was given before now and holds on: dates hold to their end."""
    return each.when <= now[: len(each.when)] and now[: len(each.until)] <= each.until


def _value_of(each: Fact | None) -> float | None:
    return each.value if each else None


def _unit_of(each: Fact | None) -> str:
    return each.unit if each else ""


_BY_RULE: dict[str, Callable[[Criterion, Gate, Seen], Finding]] = {
    "exact": exact,
    "share": share,
    "latency": latency,
    "p95": p95,
    "lag": lag,
    "fact": fact,
    "limit": limit,
    "attested": attested,
}


def _counts(sample: Sample, criterion: Criterion, seen: Seen) -> bool:
    """Whether the sample says something about the path in question: provenance first."""
    if sample.outcome in (Outcome.FAILED, Outcome.VOID, Outcome.EXCUSED):
        return False
    answer = _backend(sample)
    if answer is None or criterion.served_by == "any":
        return True
    return answer.provenance is (Provenance.DIRECT if seen.flag_on is False else Provenance.VQL)


def _lacking(
    criterion: Criterion, seen: Seen, samples: Sequence[Sample], counted: Sequence[Sample], count: int
) -> tuple[str, int]:
    """Why no mismatch is not yet enough, and how many samples are lacking; ("", 0) if it is enough."""
    least = min(criterion.least, _population(criterion, seen) or criterion.least)
    needed = max(least - count, 0)
    if not samples:
        return "nothing was asked", least
    answered = [answer for answer in map(_backend, samples) if answer and answer.error is None]
    unknown = sum(answer.provenance is Provenance.UNKNOWN for answer in answered)
    if criterion.served_by != "any" and answered and unknown / len(answered) > MOST_UNKNOWN:
        return f"{unknown} of {len(answered)} answers do not tell who served them", needed
    void = sum(sample.outcome is Outcome.VOID for sample in samples)
    if void / len(samples) > MOST_VOID:
        return f"{void} of {len(samples)} samples are void: the database changed while they were asked", needed
    over = [excuse for excuse in excuses(samples, seen.known) if excuse.over]
    if over:
        said = f"the known difference {over[0].id} covers {over[0].count} of {over[0].of}: its cap is "
        return said + _percent(over[0].most), needed
    empty = [check for check in criterion.checks if not any(is_of(sample.check, check) for sample in counted)]
    if empty:
        return _why_empty(empty[0], samples, needed, least)
    if needed:
        return f"no mismatch in {count}; need {least}, have {count}{_left_out(samples, counted)}", needed
    missing = _unseen_strata(criterion, seen, counted)
    return (f"no sample of: {', '.join(missing)}", len(missing)) if missing else ("", 0)


def _why_empty(check: str, samples: Sequence[Sample], needed: int, least: int) -> tuple[str, int]:
    own = [sample for sample in samples if is_of(sample.check, check)]
    errors = Counter(error for sample in own if (error := _error(sample)))
    if errors:
        return f"{check}: {sum(errors.values())} of {len(own)} requests failed ({_listed(errors)})", needed or least
    if own:
        return f"{check}: none of {len(own)} answers counts{_left_out(own, ())}", needed or least
    return f"{check}: nothing was asked", needed or least


def _left_out(samples: Sequence[Sample], counted: Sequence[Sample]) -> str:
    reasons = Counter(_reason_left_out(sample) for sample in samples if sample not in counted)
    return f" (left out: {_listed(reasons)})" if reasons else ""


def _reason_left_out(sample: Sample) -> str:
    if sample.outcome in (Outcome.FAILED, Outcome.VOID, Outcome.EXCUSED):
        return str(sample.outcome)
    return f"served by {_provenance(sample)}"


def _unseen_strata(criterion: Criterion, seen: Seen, counted: Sequence[Sample]) -> list[str]:
    found = {(sample.check, sample.stratum) for sample in counted}
    wanted = {
        (plan.check, stratum)
        for plan in seen.plans
        if covers(criterion, plan.check)
        for stratum, members in plan.strata.items()
        if members > 0
    }
    return [f"{check} {stratum}" for check, stratum in sorted(wanted - found)]


def _population(criterion: Criterion, seen: Seen) -> int | None:
    by_check = {plan.check: plan.population for plan in seen.plans if covers(criterion, plan.check)}
    return sum(by_check.values()) if by_check else None


def _shared(criterion: Criterion, seen: Seen) -> tuple[list[Sample], list[Sample]]:
    """(those that offend, those they are a share of). Attempts at VQL, never all rows of a log, are the whole.

    A share looks at every check of its phase, or only at those that it names.
    """
    samples = [each for each in seen.samples if not criterion.checks or covers(criterion, each.check)]
    if criterion.of == "connectra-errors":
        whole = [sample for sample in samples if sample.answer("connectra")]
        return [sample for sample in whole if _error(sample)], whole
    if criterion.of == "errors":
        whole = [sample for sample in samples if _backend(sample)]
        return [sample for sample in whole if _error(sample)], whole
    attempts = [sample for sample in samples if sample.attempt and _backend(sample)]
    if criterion.of == "vql-failures":
        return [each for each in attempts if _error(each) or _served_by_sql(each)], attempts
    answered = [sample for sample in attempts if not _error(sample)]
    return [sample for sample in answered if _served_by_sql(sample)], answered


def by_limits(criterion: Criterion, found: Measurement) -> str:
    """met, missed or unmeasured by target, alert and the interval."""
    if found.interval is None or found.value is None:
        return "unmeasured"
    low, high = found.interval
    if low > _limit(criterion.target):
        return "missed"
    return "met" if high < _limit(criterion.alert) and found.value <= _limit(criterion.target) else "unmeasured"


def latency_outcome(criterion: Criterion, found: Measurement, *, blocks: int) -> str:
    """As `by_limits`, over at least eight blocks; a GO also wants the criterion's least pairs."""
    if blocks < LEAST_BLOCKS:
        return "unmeasured"
    outcome = by_limits(criterion, found)
    return "unmeasured" if outcome == "met" and found.count < criterion.least else outcome


def unfit(criterion: Criterion, floor: Measurement) -> str:
    """Why old against old shows an instrument that can't judge: biased, or too noisy; '' if it can."""
    if floor.interval is None or floor.value is None:
        return ""
    if not floor.interval[0] <= 1 <= floor.interval[1] and abs(floor.value - 1) > BIAS:
        return f"old against old is off by {floor.value:.2f}"
    noise = measurements.noise_floor(floor.interval)
    if noise > _limit(criterion.alert) / _limit(criterion.target):
        return f"old against old spreads by {noise:.2f}"
    return ""


def _too_fast(pairs: Sequence[Pair], floor_ms: float) -> bool:
    return median(pair.vql_ms for pair in pairs) < floor_ms and median(pair.direct_ms for pair in pairs) < floor_ms


def _why_no_pairs(seen: Seen) -> str:
    fallbacks = [sample for sample in seen.samples if sample.attempt and _served_by_sql(sample)]
    if fallbacks:
        return "no pair counts: VQL served none of the calls (fallback answers are no latency of VQL)"
    return "no pairs were taken: a direct path is needed to compare with (CONTACT360_BASELINE_URL)"


def _mismatch_sentence(wrong: Sequence[Sample], count: int) -> str:
    kinds = Counter(str(each.kind) for sample in wrong for each in sample.differences)
    return f"{len(wrong)} of {count} answers differ ({_listed(kinds)}); first: {wrong[0].key}"


def _slowdown(found: Measurement, pairs: Sequence[Pair]) -> str:
    times = f"{median(pair.vql_ms for pair in pairs):.1f} ms against {median(pair.direct_ms for pair in pairs):.1f} ms"
    if found.interval is None or found.value is None:
        return times
    low, high = found.interval
    return f"{found.value:.2f} times direct (99.7 %: {low:.2f} to {high:.2f}); medians {times}"


def _measured(
    criterion: Criterion, outcome: str, sentence: str, found: Measurement, needed: int = 0, cause: Cause | None = None
) -> Finding:
    return _finding(criterion, outcome, sentence, value=found.value, interval=found.interval, unit=found.unit,
                    count=found.count, needed=needed, cause=cause)  # fmt: skip


def _finding(
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
    )


def _by_key(samples: Iterable[Sample]) -> dict[tuple[str, str], Sample]:
    found: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        found.setdefault((sample.check, sample.key), sample)
    return found


def _asks_backend(samples: Sequence[Sample]) -> bool:
    return any(_backend(sample) for sample in samples)


def _backend(sample: Sample) -> Answer | None:
    return sample.answer("backend")


def _provenance(sample: Sample) -> Provenance:
    return sample.answers[0].provenance if sample.answers else Provenance.UNKNOWN


def _served_by_sql(sample: Sample) -> bool:
    return not _error(sample) and _provenance(sample) in (Provenance.FALLBACK, Provenance.DIRECT)


def _error(sample: Sample) -> str | None:
    return next((answer.error for answer in sample.answers if answer.error), None)


def _limit(value: float | None) -> float:
    assert value is not None, "read_gate lets no such criterion through"
    return value


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %" if value < 0.0995 else f"{100 * value:.1f} %"
