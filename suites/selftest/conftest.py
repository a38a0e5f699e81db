"""A calm sandbox for the self-tests of its twins: one for all of them, and small."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from fixtures.owned import OwnedSandbox
from suites.benchmarks.multiplied import MultipliedStores
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


@pytest.fixture(scope="session")
def stores_of() -> Iterator[Callable[[str], MultipliedStores]]:
    """PostgreSQL and a search engine without the services, by the engine's name, one pair per engine and process.

    OpenSearch only where it is asked for: a JVM takes a gigabyte, and half a minute to start.
    """
    running: dict[str, MultipliedStores] = {}
    with ExitStack() as stack:

        def started(engine: str) -> MultipliedStores:
            if engine == "opensearch" and os.environ.get("SANDBOX_SEARCH") != "opensearch":
                pytest.skip("OpenSearch was not asked for: SANDBOX_SEARCH=opensearch does (issue 6)")
            if engine not in running:
                running[engine] = stack.enter_context(MultipliedStores(1_000, engine))
                running[engine].keep()
            return running[engine]

        yield started
