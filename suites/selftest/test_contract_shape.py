"""Damaged contracts: each is one sentence that names the file and what is wrong in it; nothing else is ever raised."""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fixtures.contracts.company_filters import ParameterMeaning
from fixtures.contracts.contract import CONTRACTS, ContractError, load, read
from fixtures.contracts.inheritance import MergedContract, layered
from fixtures.contracts.schema_check import SCHEMA
from reports.records.records import DifferenceKind
from suites.selftest.mutation import VALUES, cut_up, mutated

Write = Callable[[str], Path]
GUIDE, LATER = (CONTRACTS / f"{name}.toml" for name in ("guide", "v3"))
ENTRIES: dict[str, Any] = tomllib.loads(GUIDE.read_text(encoding="utf-8"))
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def damaged(tmp_path: Path) -> Write:
    """Writes text as mine.toml, and gives its path."""

    def written(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def _refusal(path: Path) -> str:
    with pytest.raises(ContractError) as refused:
        load(str(path))
    said = str(refused.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('health = "/health"', "health = 3", "backend.health = 3: expected a path, as in '/health'"),
        ('login = "/api', 'login = "api', "backend.login = 'api/v1/auth/login/': expected a path"),
        ('login = "/api', 'logim = "/api', "backend: unknown key 'logim'; did you mean 'login'?"),
        ('login = "/api', '#login = "/api', "backend: 'login' is missing; compare with contracts/guide.toml"),
        ("refused = [401]", "refused = [401, 200]", "connectra.refused[1] = 200: expected a status from 400 to 599"),
        ("most = 1000 ", "most = 1000.0 ", "linkedin.most = 1000.0: expected a whole number from 1 on"),
        ('dialect = "filters"', 'dialect = "filter"', "connectra.dialect = 'filter'; did you mean 'filters'?"),
        ("/contacts/{uuid}/", "/contacts/{id}/", "endpoint = '/api/v1/contacts/{id}/': expected a path with {uuid}"),
        ("direct = '\\d$'", "direct = '(\\d$'", "contact.trait.direct = '(\\\\d$': expected a regular expression"),
        ('"contacts.first_name text"', '"contacts.first_name txet"', "no rule 'txet'; did you mean 'text'?"),
        ('"contacts.first_name text"', '"first_name text"', "endpoint.first_name = 'first_name text': expected"),
        ('meaning = "equals"', 'meaning = "equal"', "filters.status.meaning = 'equal'; did you mean 'equals'?"),
        ('columns = ["c.title"]', 'columns = ["title"]', "title.columns[0] = 'title': expected a column of c, m"),
        ('columns = ["c.title"]', "columns = []", "title.columns = []: expected a list of columns"),
        ('type = "list"', 'type = "lst"', "type = 'lst'; did you mean 'list'?"),
        ('"contains title"', '"has title"', "vql = 'has title': expected an operator"),
        ("{ columns = [", "{ colums = [", "filters.first_name: unknown key 'colums'; did you mean 'columns'?"),
        ("until = 2027-11-25", 'until = "soon"', "direct-listing-drops-departments'.until = 'soon': expected a date"),
        ("cap = 0.25", "cap = 25", "known 'direct-listing-drops-departments'.cap = 25: expected a share above 0"),
        ('reads_as = "dropped"', 'reads_as = "droped"', "no reads_as 'droped'; did you mean 'dropped'?"),
        ("schema = 1", "schema = 2", "schema = 2: this suite reads 1"),
        ("[linkedin]", "[linkdin]", "the contract: unknown key 'linkdin'; did you mean 'linkedin'?"),
        ("batch = 100", "", "exports: 'batch' is missing"),
        ('key = "contact_uuid"', 'key = "uuid"', "columns.contacts: 'uuid' is not among them"),
        ('contact_title = "contacts.title plac', 'contact_title = "contacts.title plc', "did you mean 'placeholder'?"),
    ],
)
def test_a_slip_says_where_what_and_what_was_meant(damaged: Write, old: str, new: str, said: str) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert old in text

    told = _refusal(damaged(text.replace(old, new, 1)))

    assert said in told
    assert "mine.toml: " in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"# nothing yet\n", "it is empty"),
        (b"schema = ", "can't be read as TOML"),
        (b"PK\x03\x04 \xff\xfe", "can't be read as TOML"),
        ("schema = 1\nname = 'm\u00fcnchen'\n".encode("latin-1"), "can't be read as TOML"),
        (b"a = " + b"[" * 20_000, "can't be read as TOML"),
        (b"a = " + b"9" * 20_000, "can't be read as TOML"),
        (b'{"schema": 1}', "can't be read as TOML"),
        (b'schema = 1\nname = "x"', "'backend' is missing"),
    ],
    ids=["empty", "comment", "cut", "binary", "latin-1", "deep", "digits", "json", "hardly-anything"],
)
def test_what_is_no_contract_at_all_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)

    assert said in _refusal(path)


def test_a_folder_is_no_contract(tmp_path: Path) -> None:
    assert "can't be read as TOML" in _refusal(tmp_path)


def test_the_layer_that_says_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text('schema = 1\nname = "below"\nbased_on = "v3"\n[linkedin]\nmost = "all"\n')
    top = tmp_path / "top.toml"
    top.write_text('schema = 1\nname = "top"\nbased_on = "below.toml"\n')

    assert "below.toml: linkedin.most = 'all': expected a whole number" in _refusal(top)


def test_the_schema_is_one_and_knows_the_words_that_the_code_knows() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    words = schema["$defs"]

    Draft202012Validator.check_schema(schema)
    assert words["filter"]["properties"]["meaning"]["enum"] == [str(each) for each in ParameterMeaning]
    assert words["known"]["properties"]["kinds"]["items"]["enum"] == [str(each) for each in DifferenceKind]


def test_every_expectation_has_words() -> None:
    """What is refused for its kind or its form is told by the schema's own description."""
    wordless = [
        path
        for path, schema in _schemas(json.loads(SCHEMA.read_text(encoding="utf-8")), ())
        if {"type", "pattern", "format"} & set(schema) and "description" not in schema
    ]

    assert wordless == [()]  # the contract itself: a TOML file is a table


def _schemas(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every sub-schema, by where it is; `properties` and `$defs` hold schemas under names, not keywords."""
    if not isinstance(node, dict):
        return
    yield path, node
    for key, inner in node.items():
        if key in ("properties", "$defs"):
            for name, each in inner.items():
                yield from _schemas(each, (*path, name))
        elif key in ("items", "additionalProperties"):
            yield from _schemas(inner, (*path, key))


TOML = VALUES.filter(lambda value: value is not None)


@QUIET
@given(entries=mutated(ENTRIES, TOML))
def test_a_contract_with_anything_in_it_loads_or_is_refused(entries: Any) -> None:
    if isinstance(entries, dict):
        _loads_or_is_refused(lambda: read(MergedContract(path=GUIDE, entries=entries, absent={})))


@QUIET
@given(data=st.data())
@pytest.mark.parametrize("source", [GUIDE, LATER], ids=["guide", "v3"])
def test_a_file_with_anything_in_it_loads_or_is_refused(source: Path, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data.draw(cut_up(source.read_bytes())))

    _loads_or_is_refused(lambda: load(str(path)))


@QUIET
@given(absent=st.lists(st.text() | st.sampled_from([*ENTRIES, "*", "fields.*", "records.contact.trait", "known", ""])))
def test_anything_can_be_called_absent(tmp_path: Path, absent: list[str]) -> None:
    path = tmp_path / "mine.toml"
    names = [name for name in absent if name.isprintable()]
    path.write_text(f'schema = 1\nname = "x"\nbased_on = "guide"\nabsent = {json.dumps(names, ensure_ascii=False)}\n')

    _loads_or_is_refused(lambda: load(str(path)))


def _loads_or_is_refused(loading: Callable[[], object]) -> None:
    with suppress(ContractError):
        loading()


def test_what_is_shipped_is_of_the_right_shape() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    for name in ("guide", "v3"):
        assert list(Draft202012Validator(schema).iter_errors(layered(name).entries)) == []
