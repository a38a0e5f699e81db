"""The sandbox of the self-tests: calm, small, and one for all that change none of its records."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from fixtures.sandbox.faults import injector
from fixtures.session.sandbox_process import OwnedSandbox
from suites.benchmarks.multiplied import MultipliedStores
from suites.selftest.support.both_sides import ROWS, SEED, LargestCompany, Sides, both_sides, largest_company
from suites.selftest.support.bytecode import allow_bytecode

LogIn = Callable[..., httpx.Client]


allow_bytecode()  # before the first test module is imported
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads wait for each other in a loop, on all cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A warning is an error here, and only here: in a live run a dependency's warning must decide nothing."""
    for item in items:
        if item.get_closest_marker("selftest"):
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)


@pytest.fixture(scope="session")
def sandbox(checkout: Path) -> Iterator[OwnedSandbox]:
    """A calm one. Tests export from it and spend its credits; a fault that one switches on is off when it ends."""
    owned = OwnedSandbox.start(checkout, rows=ROWS, flags=None, faults=(), seed=SEED, service_time_ms=0)
    yield owned
    owned.stop()


@pytest.fixture(scope="session")
def calm(sandbox: OwnedSandbox) -> Mapping[str, str]:
    """Its settings."""
    return sandbox.values


@pytest.fixture
def playing(calm: Mapping[str, str]) -> Iterator[Callable[..., None]]:
    """Switches faults on, until the test is over."""
    file = Path(calm["SANDBOX_FAULTS_FILE"])
    yield lambda *faults: injector.switch(file, faults)
    injector.switch(file, ())


@pytest.fixture(scope="session")
def database(calm: Mapping[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(calm["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="session")
def sides(calm: Mapping[str, str]) -> Iterator[Sides]:
    with both_sides(calm) as sides:
        yield sides


@pytest.fixture(scope="session")
def company(database: psycopg.Connection[Any]) -> LargestCompany:
    """The largest: it has one contact more than a default page."""
    largest = largest_company(database, "true")
    assert len(largest.people) == 26
    return largest


@pytest.fixture(scope="module")
def own_database(sandbox: OwnedSandbox) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(sandbox.values["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def logged_in(sandbox: OwnedSandbox) -> Iterator[LogIn]:
    """Logs in to a twin of the sandbox, by the settings that name its URL and the account."""
    with ExitStack() as clients:

        def client(setting: str = "CONTACT360_BASE_URL", whose: str = "CONTACT360") -> httpx.Client:
            values = sandbox.values
            opened = clients.enter_context(httpx.Client(base_url=values[setting], trust_env=False, timeout=30))
            login = {"email": values[f"{whose}_EMAIL"], "password": values[f"{whose}_PASSWORD"]}
            token = opened.post("/api/v1/auth/login/", json=login).json()["access_token"]
            opened.headers["Authorization"] = f"Bearer {token}"
            return opened

        yield client


@pytest.fixture(scope="module")
def vql(logged_in: LogIn) -> httpx.Client:
    return logged_in()


@pytest.fixture(scope="module")
def direct(logged_in: LogIn) -> httpx.Client:
    return logged_in("CONTACT360_BASELINE_URL")


@pytest.fixture(scope="module")
def free(logged_in: LogIn) -> httpx.Client:
    return logged_in(whose="SANDBOX_FREE")


@pytest.fixture(scope="session")
def stores_of() -> Iterator[Callable[[str], MultipliedStores]]:
    """PostgreSQL and a search engine without the services, by the engine's name, one pair per engine and process.

    OpenSearch only where it is asked for: a JVM takes a gigabyte, and half a minute to start.
    """
    running: dict[str, MultipliedStores] = {}
    with ExitStack() as stack:

        def started(engine: str) -> MultipliedStores:
            if engine == "opensearch" and os.environ.get("SANDBOX_SEARCH") != "opensearch":
                pytest.skip("OpenSearch was not asked for: SANDBOX_SEARCH=opensearch does")
            if engine not in running:
                running[engine] = stack.enter_context(MultipliedStores(700, engine))
                running[engine].keep()
            return running[engine]

        yield started
