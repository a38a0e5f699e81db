"""Shares at the edge where they tip: what one counts, what offends it, and how many answers it needs."""

from dataclasses import replace

import pytest

from reports.judge.findings import evidence_of
from reports.judge.rules.share import concerns
from reports.records.records import (
    Comparison,
    Observation,
    Pair,
)
from suites.selftest.support.phase_builders import (
    FALLBACK,
    SQL,
    UNKNOWN,
    VQL,
    criterion_of,
    finding,
    sampled,
    samples,
)

SHARE = {"target": 0.05, "alert": 0.10}


@pytest.mark.parametrize(
    ("of", "sample", "counted", "offends"),
    [
        ("errors", sampled(1, served=UNKNOWN), True, False),
        ("errors", sampled(1, error="timeout"), True, True),
        ("errors", sampled(1, side="connectra", error="timeout"), False, False),
        ("fallbacks", sampled(1), True, False),
        ("fallbacks", sampled(1, served=FALLBACK), True, True),
        ("fallbacks", sampled(1, served=SQL), True, True),
        ("fallbacks", sampled(1, error="timeout"), False, False),
        ("fallbacks", sampled(1, attempt=False), False, False),
        ("fallbacks", sampled(1, side="connectra"), False, False),
        ("vql-failures", sampled(1), True, False),
        ("vql-failures", sampled(1, served=FALLBACK), True, True),
        ("vql-failures", sampled(1, error="timeout"), True, True),
        ("vql-failures", sampled(1, served=FALLBACK, attempt=False), False, False),
        ("connectra-errors", sampled(1, side="connectra"), True, False),
        ("connectra-errors", sampled(1, side="connectra", error="timeout"), True, True),
        ("connectra-errors", sampled(1, error="timeout"), False, False),
    ],
)
def test_what_a_share_counts_and_what_offends_it(of: str, sample: Comparison, counted: bool, offends: bool) -> None:
    own_finding = finding(criterion_of("share", of=of, **SHARE), [sample])

    assert (own_finding.count, own_finding.value) == ((1, float(offends)) if counted else (0, None))
    assert concerns(criterion_of("share", of=of), "x", evidence_of([sample], "p", True)) is counted
    assert not concerns(criterion_of("share", of=of), "y", evidence_of([sample], "p", True))


@pytest.mark.parametrize(
    ("of", "count"), [("errors", 1), ("fallbacks", 1), ("vql-failures", 1), ("connectra-errors", 0)]
)
def test_a_latency_pair_is_an_answer_of_the_backend(of: str, count: int) -> None:
    pair = Pair(phase="p", check="x", key="1", block=1, vql_ms=1, direct_ms=1)

    assert finding(criterion_of("share", of=of, **SHARE), [pair]).count == count
    assert finding(criterion_of("share", "y", of=of, **SHARE), [pair]).count == 0
    assert concerns(criterion_of("share", of=of), "x", evidence_of([pair], "p", True)) is bool(count)
    assert not concerns(criterion_of("share", of=of), "y", evidence_of([pair], "p", True))


def test_of_several_askings_the_worst_counts() -> None:
    twice = [
        replace(
            sampled(1, served=served, cause=cause), answers=(Observation(side="backend", provenance=served, at=at),)
        )
        for at, (served, cause) in enumerate([(VQL, None), (UNKNOWN, None), (FALLBACK, "index-stale"), (VQL, None)])
    ]

    own_finding = finding(criterion_of("share", of="fallbacks", **SHARE), [*twice, *samples(9, at=2)])

    assert (own_finding.count, own_finding.value) == (10, 0.1)
    assert own_finding.cause
    assert (own_finding.cause.code, own_finding.cause.share) == ("index-stale", "1 of 1")


@pytest.mark.parametrize(
    ("good", "bad", "unknown", "outcome", "needed", "message"),
    [
        (100, 0, 0, "met", 0, "0 of 100 (0.00 %; 99.7 %: 0.00 % to 6.30 %)"),
        (20, 0, 0, "unmeasured", 44, "; need 64, have 20"),
        (90, 10, 0, "unmeasured", 156, "; need 256, have 100"),
        (0, 0, 0, "unmeasured", 64, "nothing was asked"),
        (90, 0, 10, "unmeasured", 1, "; undecided: 10 answers have unknown provenance"),
        (89, 0, 11, "unmeasured", 0, "of 100 answers, 11 answers have unknown provenance: no share can be measured"),
        (50, 30, 20, "missed", 0, "; even so 30 of all 100 failed (30.0 %)"),
        (300, 0, 2, "met", 0, "0 of 300 (0.00 %; 99.7 %: 0.00 % to 2.14 %)"),
    ],
)
def test_a_share_names_how_many_more_it_needs(
    good: int, bad: int, unknown: int, outcome: str, needed: int, message: str
) -> None:
    records = [
        *samples(good),
        *samples(bad, served=FALLBACK, at=1000),
        *samples(unknown, served=UNKNOWN, at=2000),
    ]

    own_finding = finding(criterion_of("share", of="fallbacks", **SHARE), records)

    assert (own_finding.outcome, own_finding.needed) == (outcome, needed), own_finding.sentence
    assert own_finding.sentence.endswith(message)
    assert (own_finding.interval is None) is (good + bad == 0 or unknown == 11)
    assert own_finding.count == good + bad + (unknown if outcome == "missed" else 0)


@pytest.mark.parametrize("bad", [0, 5])
def test_good_answers_have_to_be_as_many_as_the_criterion_needs(bad: int) -> None:
    records = [*samples(40), *samples(bad, served=FALLBACK, at=1000)]

    assert finding(criterion_of("share", of="fallbacks", least=300, **SHARE), records).needed == 260


def test_a_met_criterion_has_no_cause() -> None:
    records = [*samples(999), sampled(1000, served=FALLBACK, cause="index-stale")]

    own_finding = finding(criterion_of("share", of="fallbacks", **SHARE), records)

    assert (own_finding.outcome, own_finding.cause) == ("met", None)
