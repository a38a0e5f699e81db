"""The engine's small letters are PostgreSQL's, for every letter that people's names are written in."""

import json
from collections.abc import Callable

import httpx
import pytest

from fixtures.sandbox.search import engine as search
from fixtures.sandbox.search.ilike import fold, wildcard_of
from fixtures.sandbox.settings import ENGINES
from suites.benchmarks.multiplied import MultipliedStores

INDEX = "letters"
# Latin with its extensions, Greek, Cyrillic, Armenian, Georgian, Vietnamese and old Greek; signs that are letters too.
BLOCKS = (range(0x41, 0x250), range(0x370, 0x590), range(0x10A0, 0x1100), range(0x1E00, 0x2000), range(0x2126, 0x212C))
LETTERS = [letter for block in BLOCKS for letter in map(chr, block) if letter.isalpha() and fold(letter) != letter]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_engine_folds_letters_as_postgres_does(engine: str, stores_of: Callable[[str], MultipliedStores]) -> None:
    settings = {"analysis": search._SETTINGS["analysis"], "max_ngram_diff": 6}
    documents = [{"a": f"x{letter}y{letter}"} for letter in LETTERS]
    lines = [line for number, document in enumerate(documents) for line in ({"index": {"_id": str(number)}}, document)]
    queries = [{"query": {"wildcard": {"a": {"value": wildcard_of(document["a"])}}}} for document in documents]
    bulk = [line for query in queries for line in ({}, query | {"size": 3, "_source": False})]
    with httpx.Client(base_url=stores_of(engine).index_url, timeout=60, trust_env=False) as client:
        body = {"settings": settings, "mappings": {"properties": {"a": search._FOLDED}}}
        client.put(f"/{INDEX}", json=body).raise_for_status()
        try:
            answers = [
                _sent(client, f"/{INDEX}/{path}", entries)
                for path, entries in (("_bulk?refresh=true", lines), ("_msearch", bulk))
            ]
        finally:
            client.delete(f"/{INDEX}")

    hits = [{hit["_id"] for hit in entry["hits"]["hits"]} for entry in answers[1].json()["responses"]]
    missed = [LETTERS[number] for number, ids in enumerate(hits) if str(number) not in ids]
    assert len(LETTERS) > 700
    assert missed == []


def _sent(client: httpx.Client, path: str, entries: list[dict[str, object]]) -> httpx.Response:
    content = "".join(json.dumps(entry) + "\n" for entry in entries)
    return client.post(path, content=content, headers={"Content-Type": "application/x-ndjson"}).raise_for_status()
