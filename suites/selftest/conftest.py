"""A calm sandbox for the self-tests of its twins: one for all of them, and small."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from fixtures.owned import OwnedSandbox
from suites.selftest.sides import ROWS, SEED, Company, Sides, both_sides, largest_company


@pytest.fixture(scope="session")
def calm(checkout: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a calm sandbox."""
    sandbox = OwnedSandbox.start(checkout, rows=ROWS, flags=None, faults=(), seed=SEED)
    yield sandbox.values
    sandbox.stop()


@pytest.fixture(scope="session")
def database(calm: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(calm["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="session")
def sides(calm: Mapping[str, str]) -> Iterator[Sides]:
    with both_sides(calm) as sides:
        yield sides


@pytest.fixture(scope="session")
def company(database: psycopg.Connection[Any]) -> Company:
    """The largest: it has one contact more than a default page."""
    largest = largest_company(database, "true")
    assert len(largest.people) == 26
    return largest
