"""Damage for benchmarks and self-tests: people made to differ between table and index, each in a known way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from elasticsearch import Elasticsearch

INDEX = "contacts_index"
COUNTED = ("ghost", "missing", "duplicate", "number")  # what counts and sums of numbers can tell
ALL = (*COUNTED, "field", "stale", "copy-stale")
_KINDS = {"number": "different", "field": "different"}  # called otherwise by who finds them


def damage(database_url: str, index_url: str, count: int, kinds: Sequence[str] = ALL) -> dict[str, str]:
    """About `count` people damaged, as many of each kind: key -> kind by which they should be found."""
    value = max(count // len(kinds), 1)
    planted: dict[str, str] = {}
    with psycopg.connect(database_url) as session, Elasticsearch(index_url, request_timeout=60) as client:
        drawn = [
            key
            for (key,) in session.execute(
                "SELECT c.uuid FROM contacts c JOIN companies k ON k.uuid = c.company_id "
                "WHERE c.title IS NOT NULL ORDER BY md5(c.uuid || 'damage') LIMIT %s",
                (value * len(kinds),),
            )
        ]
        for number, kind in enumerate(kinds):
            keys = drawn[number * value : (number + 1) * value]
            if kind == "copy-stale":
                keys = _rename_companies(session, value, drawn)
            else:
                _DAMAGES[kind](session, client, keys)
            planted |= dict.fromkeys(keys, _KINDS.get(kind, kind))
    return planted


def _delete_rows(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    del client
    session.execute("DELETE FROM contacts WHERE uuid = ANY(%s)", (list(keys),))


def _promote(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    del client
    session.execute(
        "UPDATE contacts SET title = title || '!', updated_at = now() AT TIME ZONE 'utc' WHERE uuid = ANY(%s)",
        (list(keys),),
    )


def _delete_documents(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    del session
    _bulk(client, [{"delete": {"_id": key}} for key in keys])


def _change_field(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    """By turns a keyword, a text, an item of a list, a copied text."""
    del session
    changes = ({"city": "Atlantis"}, {"title": "Nobody"}, {"departments": ["dreams"]}, {"company_address": "Elsewhere"})
    _update(client, keys, changes)


def _change_number(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    del session
    _update(client, keys, ({"company_employees_count": 3_000_000}, {"company_total_funding": 7}))


def _index_twice(session: psycopg.Connection[Any], client: Elasticsearch, keys: Sequence[str]) -> None:
    del session
    _bulk(client, [part for key in keys for part in ({"index": {"_id": f"again-{key}"}}, {"uuid": key})])


_DAMAGES = {
    "ghost": _delete_rows,
    "missing": _delete_documents,
    "duplicate": _index_twice,
    "number": _change_number,
    "field": _change_field,
    "stale": _promote,
}


def _rename_companies(session: psycopg.Connection[Any], about: int, wanted: Sequence[str]) -> list[str]:
    """Companies whose people were left alone: about so many people then carry an old copy. Their keys."""
    people: list[str] = []
    rows = session.execute(
        "SELECT company_id, array_agg(uuid) FROM contacts WHERE company_id IS NOT NULL GROUP BY 1 "
        "HAVING count(*) <= 20 AND NOT array_agg(uuid) && %s ORDER BY md5(company_id || 'damage') LIMIT %s",
        (list(wanted), about),
    ).fetchall()
    for company, keys in rows:
        if len(people) >= about:
            break
        session.execute(
            "UPDATE companies SET name = coalesce(name, '') || ' Ltd', updated_at = now() AT TIME ZONE 'utc' "
            "WHERE uuid = %s",
            (company,),
        )
        people += keys
    return people


def _update(client: Elasticsearch, keys: Sequence[str], changes: Sequence[dict[str, Any]]) -> None:
    _bulk(
        client,
        [
            part
            for number, key in enumerate(keys)
            for part in ({"update": {"_id": key}}, {"doc": changes[number % len(changes)]})
        ],
    )


def _bulk(client: Elasticsearch, lines: list[dict[str, Any]]) -> None:
    if lines and client.bulk(index=INDEX, operations=lines, refresh=True)["errors"]:
        raise RuntimeError("the index refused its damage")
