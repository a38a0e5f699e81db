"""Pairs of filters: each pair of values is asked together once, in far fewer questions than there are products."""

from __future__ import annotations

from itertools import combinations

from fixtures.checks.company_contacts.cases import pairwise
from fixtures.checks.company_contacts.cases.filter_values import FilterSubject, FilterValue
from suites.selftest.grounds import bits


def test_all_pairs_are_covered() -> None:
    found = pairwise.pairs([bits()], seed=1)

    levels = [(f"p{bit}", shape) for bit in range(6) for shape in ("plain", "several", "signs")]
    everything = {frozenset(pair) for pair in combinations(levels, 2) if pair[0][0] != pair[1][0]}
    assert found.wanted == everything
    assert found.impossible == frozenset()
    assert set().union(*(pairwise.met(each) for each in found.combinations)) == everything


def test_pairs_take_far_fewer_questions_than_products() -> None:
    found = pairwise.pairs([bits()], seed=1)

    assert len(found.combinations) <= 24, "nine are the least for six parameters of three shapes; 729 their product"


def test_a_pair_that_can_never_bite_is_told_as_impossible() -> None:
    same = [FilterValue(parameter=name, value_class="word", value="x", mask=0b0011) for name in ("a", "b")]

    found = pairwise.pairs([FilterSubject(company="k", contacts=4, choices=tuple(same))], seed=1)

    assert found.combinations == ()
    assert len(found.impossible) == 1


def test_a_parameter_can_be_kept_out_of_pairs() -> None:
    found = pairwise.pairs([bits()], seed=1, without=["p0"])

    assert all(choice.parameter != "p0" for each in found.combinations for choice in each.choices)
