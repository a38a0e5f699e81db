"""Orders: of the guide's sizes, with unknown and repeated people among them, the same for a seed."""

from dataclasses import replace

import pytest

from fixtures.checks.cases import Sample
from fixtures.checks.exports.cases import SIZES, ExportRequest, ExportRequestComposer
from fixtures.checks.exports.email_check import of_known_people
from fixtures.checks.exports.email_oracle import EmailSubject
from reports.judge.criteria import ExportSizes

SIZED = ExportSizes(tiny=2, small=99, medium=250, large=1001, deadline_s={}, shares={})
DRAWN = tuple(Sample(key=f"k{number}", stratum="risky" if number % 2 else "ordinary") for number in range(1500))
COMPOSER = ExportRequestComposer(kind="contacts", drawn=DRAWN, seed=7)


def _orders(composer: ExportRequestComposer, size: str) -> list[Sample]:
    return list(composer.small(20, SIZED) if size == "small" else composer.of_size(size, getattr(SIZED, size)))


@pytest.mark.parametrize(("size", "least", "most"), [("small", 1, 99), ("medium", 100, 1000), ("large", 1001, 10**6)])
def test_orders_are_of_the_guides_sizes(size: str, least: int, most: int) -> None:
    sizes = {len(sample.subject.keys) for sample in _orders(COMPOSER, size)}

    assert sizes
    assert least <= min(sizes) <= max(sizes) <= most


@pytest.mark.parametrize("size", SIZES)
def test_the_same_seed_gives_the_same_orders(size: str) -> None:
    again, other = replace(COMPOSER), replace(COMPOSER, seed=8)

    assert _orders(COMPOSER, size) == _orders(again, size)
    assert size == "large" or _orders(COMPOSER, size) != _orders(other, size)


@pytest.mark.parametrize("size", ["small", "medium"])
def test_orders_hold_unknown_people_and_repeated_ones(size: str) -> None:
    orders: list[ExportRequest] = [sample.subject for sample in _orders(COMPOSER, size)]

    assert any("unknown" in order.strata.values() for order in orders)
    assert any(len(set(order.keys)) < len(order.keys) for order in orders)


def test_somebody_asks_for_nobody_at_all() -> None:
    alone = [q for q in COMPOSER.small(1, SIZED) if set(q.subject.strata.values()) == {"unknown"}]

    assert [sample.stratum for sample in alone] == ["nobody"]


@pytest.mark.parametrize("size", SIZES)
def test_orders_have_names_of_their_own(size: str) -> None:
    keys = [sample.key for sample in _orders(COMPOSER, size)]

    assert len(set(keys)) == len(keys)


def test_a_small_deployment_repeats_its_people() -> None:
    (order,) = (sample.subject for sample in replace(COMPOSER, drawn=DRAWN[:5]).of_size("large", 1001))

    assert (len(order.keys), len(set(order.keys))) == (1001, 5)


@pytest.mark.parametrize("composer", [replace(COMPOSER, drawn=())], ids=["no-people"])
def test_without_people_nothing_is_asked(composer: ExportRequestComposer) -> None:
    assert composer.small(20, SIZED) == composer.of_size("medium", 250) == ()


def test_without_samples_nothing_is_asked() -> None:
    assert COMPOSER.small(0, SIZED) == ()


@pytest.mark.parametrize("size", SIZES)
def test_making_room_for_others_loses_nobody(size: str) -> None:
    """Whoever is drawn is asked for before anybody is twice: the one member of a stratum can be anywhere."""
    orders = _orders(replace(COMPOSER, drawn=DRAWN[:97]), size)

    assert {key for order in orders for key, stratum in order.subject.strata.items() if stratum != "unknown"} == {
        sample.key for sample in DRAWN[:97]
    }


def test_among_people_with_an_address_every_stratum_comes_first() -> None:
    drawn = [Sample(key=f"k{number}", stratum="rare" if number == 90 else "ordinary") for number in range(100)]
    people = {sample.key: EmailSubject(first_name="A", last_name="B", domain="c.example") for sample in drawn[1:]}

    known = of_known_people(drawn, people)

    assert [sample.key for sample in known[:3]] == ["k1", "k90", "k2"]
    assert len({sample.key for sample in known}) == 99
