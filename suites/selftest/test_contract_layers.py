"""Contracts that say only in what they differ: merged over their base, with what is absent taken away, slips quoted."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.contracts.contract import Contract, ContractError, load
from fixtures.contracts.inheritance import layered
from reports.comparison.known_differences import excused
from reports.comparison.record_diff import RawDifference
from reports.records.records import DifferenceKind

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a contract and gives its path."""

    def written(text: str, name: str = "mine") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(f'schema = 1\nname = "{name}"\n{text}', encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="module")
def later() -> Contract:
    return load("v3")


def test_the_later_deployment_is_where_its_routes_moved_to(later: Contract) -> None:
    contacts, exports = later.company_contacts, later.exports
    assert contacts is not None
    assert exports is not None
    assert later.linkedin is not None
    moved = [
        *(record.endpoint for record in later.records.values()),
        contacts.listing,
        contacts.count,
        exports.status,
        exports.cancel,
        exports.download,
        *(kind.create for kind in exports.kinds.values()),
        later.linkedin.endpoint,
    ]

    assert [path for path in moved if not path.startswith("/api/v3/")] == []
    assert all(later.backend[page].startswith("/api/v1/") for page in ("login", "refresh", "vql_health", "vql_stats"))


def test_the_later_deployment_has_no_attributes_no_headers_and_no_flags(later: Contract) -> None:
    assert later.company_contacts is not None
    assert (later.company_contacts.attribute, later.company_contacts.attributes) == (None, {})
    assert not {"used_header", "fallback_header"} & set(later.provenance)
    assert later.provenance["log_success"] == "External API call: Connectra POST"
    assert later.mandatory


def test_what_it_does_not_say_is_the_guides(later: Contract) -> None:
    guide = load("guide")
    assert later.company_contacts is not None
    assert guide.company_contacts is not None

    assert later.fields == guide.fields
    assert later.company_contacts.filters == guide.company_contacts.filters
    assert later.records["contact"].trait == guide.records["contact"].trait
    assert not guide.mandatory
    assert guide.absent == {}


@pytest.mark.parametrize(
    ("path", "expected", "actual", "by"),
    [
        ("industry", "Software, Retail", "Software", "contact-industry-first-only"),
        ("industry", "Software, Retail", "Retail", None),
        ("industry", "Software, Retail", None, None),
        ("keywords", "crm, api", None, "contact-without-keywords"),
        ("keywords", "crm, api", "crm", None),
        ("company_detail", {"name": "x"}, None, "contact-without-company-detail"),
        ("rows.0a-1.keywords", "crm, api", None, "contact-without-keywords"),
        ("city", "Oslo", None, None),
    ],
)
def test_its_known_differences_cover_what_is_shown_instead_and_nothing_else(
    later: Contract, path: str, expected: Any, actual: Any, by: str | None
) -> None:
    found = RawDifference(path=path, kind=DifferenceKind.VALUE, expected=expected, actual=actual)
    of_contacts = [each for each in later.known if "contact-endpoint" in each.checks]

    assert excused([found], of_contacts)[0].excused_by == by


def test_tables_merge_and_all_else_replaces(write: Write) -> None:
    base = write('[a]\nlist = [1, 2]\nword = "base"\n[a.deep]\nkept = 1\nchanged = 1', "base")
    over = write(f'based_on = "{base.name}"\n[a]\nlist = [3]\n[a.deep]\nchanged = 2\nnew = 3', "over")

    entries = layered(str(over)).entries

    assert entries["a"] == {"list": [3], "word": "base", "deep": {"kept": 1, "changed": 2, "new": 3}}
    assert entries["name"] == "over"


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("a.word", {"list": [1], "deep": {"x": 1, "m.one": 2, "m.two": 3}}),
        ("a.deep", {"list": [1], "word": "w"}),
        ("a.deep.m.one", {"list": [1], "word": "w", "deep": {"x": 1, "m.two": 3}}),
        ("a.deep.m.*", {"list": [1], "word": "w", "deep": {"x": 1}}),
    ],
)
def test_what_is_absent_is_taken_away_and_kept_beside(write: Write, name: str, left: dict[str, Any]) -> None:
    base = write('[a]\nlist = [1]\nword = "w"\n[a.deep]\nx = 1\n"m.one" = 2\n"m.two" = 3', "base")
    over = write(f'based_on = "{base}"\nabsent = ["{name}"]', "over")

    found = layered(str(over))

    assert found.entries["a"] == left
    assert list(found.absent) == [name]


def test_layers_lie_on_layers(write: Write) -> None:
    write('based_on = "v3"\n[linkedin]\nmost = 25', "below")
    top = write('based_on = "below.toml"\nabsent = ["exports"]', "top")

    contract = load(str(top))

    assert contract.name == "top"
    assert contract.exports is None
    assert contract.linkedin is not None
    assert (contract.linkedin.endpoint, contract.linkedin.most) == ("/api/v3/linkedin/", 25)
    assert set(contract.absent) == {*load("v3").absent, "exports"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('based_on = "giude"', "based_on = 'giude': no such contract; did you mean 'guide'?"),
        ('based_on = "./nowhere.toml"', "based_on = './nowhere.toml': no such contract; known: guide, v3"),
        ("based_on = 3", "based_on is the name or path of a contract"),
        ('based_on = "mine.toml"', "based_on 'mine.toml' leads back to itself"),
        ('based_on = "guide"\nabsent = "exports"', "absent a list of names"),
        (
            'based_on = "guide"\nabsent = ["company_contacts.atribute"]',
            "there is no 'company_contacts.atribute' to take away; did you mean 'company_contacts.attribute'?",
        ),
        ('based_on = "guide"\n[flag]\nmandatory = true', "unknown key 'flag'; did you mean 'flags'?"),
        ('based_on = "guide"\n[flags]\nmandatry = true', "flags: unknown key 'mandatry'; did you mean 'mandatory'?"),
        ('based_on = "guide"\n[flags]\nmandatory = "no"', "flags.mandatory = 'no': expected true or false"),
        (
            'based_on = "guide"\n[company_contacts]\nlisitng = "/x"',
            "company_contacts: unknown key 'lisitng'; did you mean 'listing'?",
        ),
        ('based_on = "guide"\nabsent = ["backend.login"]', "backend: 'login' is missing; compare with"),
    ],
)
def test_a_slip_is_quoted_with_what_was_meant(write: Write, text: str, said: str) -> None:
    path = write(text)

    with pytest.raises(ContractError, match=re.escape(said)) as refused:
        load(str(path))
    assert "mine.toml" in str(refused.value)
