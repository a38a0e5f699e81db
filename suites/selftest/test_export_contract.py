"""Exports in the contract: the columns of the files, and slips in them that are told."""

import tomllib
from typing import Any

import pytest

from fixtures.contracts.contract import CONTRACTS, load
from fixtures.contracts.exports import exports_of


@pytest.fixture
def entries() -> dict[str, Any]:
    return tomllib.loads((CONTRACTS / "guide.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("kind", "count"), [("contacts", 48), ("companies", 24), ("emails", 0)])
def test_the_guides_files_have_their_columns(kind: str, count: int) -> None:
    exports = load("guide").exports

    assert exports is not None
    assert len(exports.kinds[kind].columns) == count


def test_a_company_has_the_same_columns_in_both_files() -> None:
    kinds = load("guide").exports.kinds  # type: ignore[union-attr]
    contacts, companies = ([column.name for column in kinds[kind].columns] for kind in ("contacts", "companies"))

    assert contacts[-24:] == companies


def test_a_deployment_may_have_no_exports(entries: dict[str, Any]) -> None:
    del entries["exports"]

    assert exports_of(entries) is None


def test_a_slip_in_a_column_is_quoted(entries: dict[str, Any]) -> None:
    entries["columns"]["contacts"]["contact_title"] = "contacts.title plceholder"

    with pytest.raises(ValueError, match=r"no rule 'plceholder'; did you mean 'placeholder'\?"):
        exports_of(entries)


@pytest.mark.parametrize("name", ["contact_uuid", "contact_created_at"])
def test_the_columns_that_tell_who_and_by_whom_are_needed(entries: dict[str, Any], name: str) -> None:
    del entries["columns"]["contacts"][name]

    with pytest.raises(ValueError, match=name):
        exports_of(entries)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("2024-01-01T00:00:00+00:00", "vql"),
        ("2024-01-01T00:00:00.123+00:00", "vql"),
        ("2024-01-01T00:00:00Z", "vql"),
        ("2024-01-01T00:00:00", "direct"),
        ("2024-01-01T00:00:00.123456", "direct"),
        ("", None),
    ],
)
@pytest.mark.parametrize("kind", ["contacts", "companies"])
def test_the_times_in_a_file_tell_who_made_it(kind: str, text: str, signal: str | None) -> None:
    trait = load("guide").exports.kinds[kind].trait  # type: ignore[union-attr]

    told = "vql" if trait.vql.search(text) else "direct" if trait.direct.search(text) else None  # type: ignore[union-attr]

    assert told == signal
