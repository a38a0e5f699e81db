"""What stands between the official client and OpenSearch: media types, points in time, the product header."""

import json

import pytest

from fixtures.sandbox.search.opensearch_adapter import plain, renamed, translated


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("application/vnd.elasticsearch+json; compatible-with=8", "application/json"),
        ("application/vnd.elasticsearch+x-ndjson;compatible-with=9", "application/x-ndjson"),
        ("text/plain, application/vnd.elasticsearch+json; compatible-with=8", "text/plain, application/json"),
        ("application/json", "application/json"),
    ],
)
def test_vendor_media_types_become_plain(given: str, expected: str) -> None:
    assert plain(given) == expected


def test_a_point_in_time_is_opened_and_closed_where_it_is() -> None:
    assert translated("POST", "/contacts_index/_pit", b"x") == ("/contacts_index/_search/point_in_time", b"")
    path, body = translated("DELETE", "/_pit", b'{"id": "abc"}')
    assert (path, json.loads(body)) == ("/_search/point_in_time", {"pit_id": ["abc"]})


def test_its_id_comes_back_under_the_clients_name() -> None:
    assert json.loads(renamed("/contacts_index/_pit", b'{"pit_id": "abc"}'))["id"] == "abc"


@pytest.mark.parametrize("path", ["/contacts_index/_search", "/_pit_stats", "/contacts_index/_doc/_pit2"])
def test_everything_else_passes_as_it_is(path: str) -> None:
    assert translated("POST", path, b"{}") == (path, b"{}")
    assert renamed(path, b"{}") == b"{}"


def test_a_new_index_brings_no_thai_analyzer() -> None:
    path, body = translated("PUT", "/contacts_index", b'{"settings": {"number_of_shards": 6}, "mappings": {}}')

    assert path == "/contacts_index"
    assert json.loads(body)["settings"] == {
        "number_of_shards": 6,
        "analysis": {"analyzer": {"thai": {"type": "standard"}}},
    }
    assert translated("PUT", "/contacts_index/_settings", b"{}") == ("/contacts_index/_settings", b"{}")
