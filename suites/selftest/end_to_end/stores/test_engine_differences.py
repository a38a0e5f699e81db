"""What the built-in engine does differently from Lucene: a table, held against the engine that is in use."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.sandbox.search import engine as search
from suites.benchmarks.multiplied import MultipliedStores

TABLE = tomllib.loads((Path(search.__file__).parent / "engine_differences.toml").read_text(encoding="utf-8"))
INDEX = "engine_differences"
KINDS = {"osmem": "built_in", "opensearch": "lucene"}


@pytest.fixture(scope="module", params=list(KINDS))
def engine(
    request: pytest.FixtureRequest, stores_of: Callable[[str], MultipliedStores]
) -> Iterator[tuple[str, httpx.Client]]:
    """(the column of the table that the engine has to fill, a client of it), with the table's documents indexed."""
    stores = stores_of(request.param)
    text = {"type": "text", "fields": {"ngram": {"type": "text", "analyzer": "ngram_analyzer"}}}
    properties = {name: text if kind == "text" else {"type": kind} for name, kind in TABLE["mapping"].items()}
    settings = {
        "number_of_shards": 2,
        "refresh_interval": "-1",
        "max_ngram_diff": 6,
        "analysis": search._SETTINGS["analysis"],
    }
    with httpx.Client(base_url=stores.index_url, timeout=60, trust_env=False) as client:
        body = {"settings": settings, "mappings": {"properties": properties}}
        client.put(f"/{INDEX}", json=body).raise_for_status()
        for number, document in enumerate(TABLE["documents"]):
            client.put(f"/{INDEX}/_doc/{number}", json=document).raise_for_status()
        client.post(f"/{INDEX}/_refresh").raise_for_status()
        yield KINDS[request.param], client
        client.delete(f"/{INDEX}")


def _value_at(answer: httpx.Response, path: str) -> Any:
    """The value at that path of the answer; "nothing" where there is none."""
    if path == "status":
        return answer.status_code
    value: Any = answer.json()
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return "nothing"
        value = value[part]
    return "nothing" if value is None else value


@pytest.mark.parametrize("difference", TABLE["difference"], ids=lambda entry: entry["id"])
def test_the_engine_does_as_the_table_says(engine: tuple[str, httpx.Client], difference: dict[str, Any]) -> None:
    column, client = engine
    ask = difference["ask"]
    if first := difference.get("first"):
        client.post(f"/{INDEX}/{first['path']}", json=first["body"]).raise_for_status()

    answer = client.post(f"/{INDEX}/{ask['path']}", json=ask["body"])

    assert _value_at(answer, difference["take"]) == difference[column], answer.text[:500]


def test_the_table_names_differences_only(checkout: Path) -> None:
    same = [entry["id"] for entry in TABLE["difference"] if entry["lucene"] == entry["built_in"]]
    shown = (checkout / "docs" / "parity.md").read_text(encoding="utf-8")

    assert same == []
    assert [entry["id"] for entry in TABLE["difference"] if f"`{entry['id']}`" not in shown] == []
