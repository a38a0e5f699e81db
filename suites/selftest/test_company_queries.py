"""A selection of company contacts as Connectra is asked for it: what the dialect can say, and what it can't."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.checks.company_contacts.connectra_client import CompanyConnectraClient
from fixtures.checks.company_contacts.oracle import ContactSelection
from fixtures.contracts.contract import Contract, load


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


def _queries(contract: Contract) -> CompanyConnectraClient:
    return CompanyConnectraClient(None, contract)  # type: ignore[arg-type]


def test_a_selection_is_said_in_the_guides_dialect(contract: Contract) -> None:
    filters = {"title": "ceo, cto", "exclude_seniorities": ("vp", "svp"), "status": "active", "email_status": "a,b"}
    query = _queries(contract).query(ContactSelection(company="k", filters=filters))

    assert query == {
        "filters": {
            "and": [
                {"field": "company_id", "operator": "eq", "value": "k"},
                {"or": [{"field": "title", "operator": "contains", "value": value} for value in ("ceo", "cto")]},
                {"field": "seniority", "operator": "ncontains", "value": "vp"},
                {"field": "seniority", "operator": "ncontains", "value": "svp"},
                {"field": "status", "operator": "eq", "value": "active"},
                {"field": "email_status", "operator": "contains", "value": "a,b"},
            ]
        }
    }


@pytest.mark.parametrize(
    ("filters", "sayable"),
    [
        ({"title": "cto"}, True),
        ({"title": "c%o"}, False),
        ({"title": "_"}, False),
        ({"search": "cto"}, False),
        ({"exclude_titles": ("cto",)}, False),
        ({"exclude_seniorities": ("a_b",)}, False),
        ({}, True),
    ],
    ids=str,
)
def test_only_what_the_dialect_can_say_is_asked_of_connectra(contract: Contract, filters: Any, sayable: bool) -> None:
    assert _queries(contract).sayable(ContactSelection(company="k", filters=filters)) is sayable
