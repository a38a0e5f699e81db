"""A cluster that the sandbox refuses: one line says why and holds no password, and nothing of ours stays there."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.sandbox.processes.external_servers import ExternalServerRefused
from fixtures.sandbox.search.engine import external_engine
from suites.benchmarks.multiplied import MultipliedStores
from suites.selftest.support.stub_server import JSON, Said, stub_service

ELASTIC = JSON | {"X-Elastic-Product": "Elasticsearch"}
INFO: Said = (200, ELASTIC, json.dumps({"version": {"number": "8.19.21"}}).encode())
ABSENT: Said = (404, ELASTIC, b"{}")
REASON = {"type": "illegal_argument_exception", "reason": "Unknown tokenizer type [ngram]"}
REFUSED: Said = (400, ELASTIC, json.dumps({"error": {"root_cause": [REASON], **REASON}, "status": 400}).encode())


def _answers(number: int, path: str) -> Said:
    """It holds nothing, and refuses an index: the fourth request is the first that makes one."""
    if path == "/":
        return INFO
    return REFUSED if number > 3 and path == "/contacts_index" else ABSENT


def test_one_that_is_silent_is_named() -> None:
    with pytest.raises(ExternalServerRefused, match=r"^--search: 127\.0\.0\.1:1: "):
        external_engine("http://elastic:secret-0815@127.0.0.1:1")


def test_no_message_holds_a_password() -> None:
    with pytest.raises(ExternalServerRefused) as error:
        external_engine("http://elastic:secret-0815@127.0.0.1:1")

    assert "secret-0815" not in str(error.value)


def test_another_product_is_refused() -> None:
    with stub_service() as other, pytest.raises(ExternalServerRefused, match="not Elasticsearch"):
        external_engine(other.url)


def test_one_that_does_not_let_us_in_is_named() -> None:
    with stub_service(lambda *_: (401, ELASTIC, b"{}")) as locked, pytest.raises(ExternalServerRefused, match="401"):
        external_engine(locked.url)


def test_one_that_holds_our_indices_is_left_alone(stores_of: Callable[[str], MultipliedStores]) -> None:
    with pytest.raises(ExternalServerRefused, match="already holds contacts_index: name an empty cluster"):
        external_engine(stores_of("osmem").index_url)


def test_its_version_is_known() -> None:
    with stub_service(_answers) as lent:
        assert external_engine(f"{lent.url}/").version == "8.19.21"


def test_one_that_refuses_the_indices_is_named_and_cleared(checkout: Path, tmp_path: Path) -> None:
    with stub_service(_answers) as lent:
        command = [sys.executable, "-m", "fixtures.sandbox", "--env-file", str(tmp_path / "env"), "--rows", "100"]
        completed = subprocess.run(
            [*command, "--search", lent.url], cwd=checkout, capture_output=True, text=True, timeout=120
        )

    assert completed.returncode == 1
    last = completed.stderr.strip().splitlines()[-1]
    assert last.startswith("the sandbox did not start: external 8.19.21 does not take Connectra's indices: ")
    assert "Unknown tokenizer type [ngram]" in last
    assert ("DELETE", "/contacts_index,companies_index") in [pair[:2] for pair in lent.requests]
