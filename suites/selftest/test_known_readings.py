"""Known readings: a path that takes a filter for something else, as the contract declares it."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.contracts.company_filters import company_endpoints
from fixtures.contracts.contract import Contract, load
from reports.records.known_difference import KnownDifference, known_of


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


def test_every_known_difference_is_one_of_the_direct_path_and_told_in_the_matrix(contract: Contract) -> None:
    assert contract.company_contacts is not None
    differing = {name for name, each in contract.company_contacts.filters.items() if each.direct != "as meant"}

    assert {each.field for each in contract.known if each.reads_as} == differing
    assert {each.by for each in contract.known} == {"direct"}


def _entry(contract: Contract) -> dict[str, Any]:
    import tomllib

    from fixtures.contracts.contract import CONTRACTS

    entry: dict[str, Any] = tomllib.loads((CONTRACTS / f"{contract.name}.toml").read_text(encoding="utf-8"))
    return entry["company_contacts"]


def _known(**change: Any) -> KnownDifference:
    return known_of(
        {
            "id": "x",
            "checks": ["company-contacts-filters"],
            "field": "status",
            "by": "direct",
            "cap": 0.1,
            "reason": "r",
            "ticket": "t",
            "until": "2027-01-01",
            "reads_as": "dropped",
            **change,
        }
    )


@pytest.mark.parametrize(
    ("change", "said"), [({"reads_as": "droped"}, "'dropped'"), ({"field": "statu"}, "'status'")], ids=["way", "field"]
)
def test_a_known_reading_that_nobody_knows_is_refused(contract: Contract, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {said}"):
        company_endpoints(_entry(contract), [_known(**change)])
