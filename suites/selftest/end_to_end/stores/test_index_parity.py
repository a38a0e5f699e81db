"""The census of an index against its table, on real stores: everything that differs is found, and by its name."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from elasticsearch import Elasticsearch

from fixtures.command_line import UNDECIDED, WRONG_USAGE
from fixtures.contracts.contract import ContractError, load
from fixtures.index_parity import __main__ as command
from fixtures.index_parity import documents, report
from fixtures.index_parity.census import Census, CensusPlan
from fixtures.index_parity.documents import IndexDocuments
from fixtures.index_parity.mapping import IndexField, IndexMapping, mapping_of
from fixtures.index_parity.reading import RecordReader
from fixtures.index_parity.state import CensusState
from fixtures.index_parity.table import RecordTable
from fixtures.sandbox.settings import ENGINES
from reports.comparison.range_digests import RULES, KeyRange, cut, text_of, unequal
from reports.records.records import Comparison, Outcome
from reports.records.redaction import Pseudonymizer
from suites.benchmarks.multiplied import MultipliedStores
from suites.benchmarks.planted_differences import ALL, COUNTED, damage

QUICK = CensusPlan(pauses=(0.0,))
AWKWARD = ("Z", "a", "a-b", "ab", "zz", "é", "株", "\ue000", "\uffff", "👩‍💻", "\U0010ffff", "_", "a" * 80)


@pytest.fixture(scope="module")
def mapping() -> IndexMapping:
    return mapping_of(load("guide"), "contact")


@pytest.fixture(params=ENGINES)
def stores(request: pytest.FixtureRequest, stores_of: Callable[[str], MultipliedStores]) -> Iterator[MultipliedStores]:
    stores = stores_of(request.param)
    yield stores
    stores.restore()


@pytest.fixture
def lucene(stores_of: Callable[[str], MultipliedStores]) -> Iterator[MultipliedStores]:
    stores = stores_of("opensearch")
    yield stores
    stores.restore()


@pytest.fixture
def fake(stores_of: Callable[[str], MultipliedStores]) -> Iterator[MultipliedStores]:
    stores = stores_of("osmem")
    yield stores
    stores.restore()


def _run(
    stores: MultipliedStores,
    mapping: IndexMapping,
    folder: Path,
    plan: CensusPlan = QUICK,
    wait: Callable[[float], None] = lambda _: None,
) -> CensusState:
    with (
        closing(RecordTable(stores.database_url, mapping)) as table,
        closing(IndexDocuments(stores.index_url, mapping)) as index,
    ):
        reading = RecordReader(table, index, mapping, Pseudonymizer(b"key"), wait=wait)
        return Census(table, index, mapping, reading, plan, folder / "contact.json").run()


def _named(state: CensusState) -> dict[str, str]:
    return {difference.key: difference.kind for difference in state.found}


def test_a_calm_index_is_the_table(stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path) -> None:
    state = _run(stores, mapping, tmp_path)

    assert (state.stage, state.found, state.candidates) == ("done", [], [])
    assert report.is_complete(state)


def test_every_kind_of_difference_is_found_and_named(
    stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    planted = damage(stores.owner_url, stores.index_url, 42, ALL)

    state = _run(stores, mapping, tmp_path)

    assert _named(state) == planted


def test_scripts_find_them_reading_little(lucene: MultipliedStores, mapping: IndexMapping, tmp_path: Path) -> None:
    planted = damage(lucene.owner_url, lucene.index_url, 7, ALL)

    state = _run(lucene, mapping, tmp_path, replace(QUICK, rows=400))

    assert state.kind == "values"
    assert _named(state) == planted
    assert state.compared < 400 + len(planted)


def test_without_scripts_counts_and_numbers_are_found_reading_little(
    stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    planted = damage(stores.owner_url, stores.index_url, 20, COUNTED)

    state = _run(stores, mapping, tmp_path, replace(QUICK, rows=100, scripts=False))

    assert state.kind == "plain"
    assert _named(state) == planted
    assert state.compared < 200
    assert not report.is_complete(state), "text was not compared, so nobody may say that it is equal"


def test_a_census_goes_on_where_it_ended(fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path) -> None:
    planted = damage(fake.owner_url, fake.index_url, 20, COUNTED)
    plan = replace(QUICK, rows=100, seconds=0.0)
    stages = []

    while not stages or stages[-1] != "done":
        state = _run(fake, mapping, tmp_path, plan)
        stages.append(state.stage)

    assert len(stages) > 3
    assert _named(state) == planted


def test_the_state_of_another_census_is_not_taken_for_ones_own(
    fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    _run(fake, mapping, tmp_path, replace(QUICK, rows=100, seconds=0.0))

    state = _run(fake, mapping, tmp_path, replace(QUICK, rows=100, seconds=0.0, seed=8))

    assert state.stage == "digests", "a second step would mean that it went on with the first one's"


def test_lag_is_no_difference(fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path) -> None:
    damage(fake.owner_url, fake.index_url, 4, ("missing",))

    state = _run(fake, mapping, tmp_path, wait=lambda _: fake.restore())

    assert (state.found, state.lagged, state.void) == ([], 4, 0)


def test_an_index_that_changes_meanwhile_does_not_mislead(
    stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    """A writer renames a person in both stores again and again, a moment apart, while the census runs."""
    planted, stop = damage(stores.owner_url, stores.index_url, 4, ("ghost", "missing")), threading.Event()
    with psycopg.connect(stores.owner_url, autocommit=True) as session:
        (busy,) = session.execute(
            "SELECT min(uuid) FROM contacts WHERE NOT uuid = ANY(%s)", (list(planted),)
        ).fetchone()

    writer = threading.Thread(target=_write, args=(stores, busy, stop))
    writer.start()
    try:
        states = [_run(stores, mapping, tmp_path / str(number), replace(QUICK, pauses=(0.0, 0.0))) for number in (1, 2)]
    finally:
        stop.set()
        writer.join()

    for state in states:
        assert {key: kind for key, kind in _named(state).items() if key != busy} == planted


def _write(stores: MultipliedStores, key: str, stop: threading.Event) -> None:
    number = 0
    with psycopg.connect(stores.owner_url, autocommit=True) as session, Elasticsearch(stores.index_url) as client:
        while not stop.is_set():
            number += 1
            session.execute("UPDATE contacts SET title = %s WHERE uuid = %s", (f"Title {number}", key))
            client.update(index="contacts_index", id=key, doc={"title": f"Title {number}"}, refresh=True)


def test_a_row_that_is_written_all_the_time_is_void(
    fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    planted = damage(fake.owner_url, fake.index_url, 1, ("stale",))
    (key,) = planted
    restless = _Restless(fake.owner_url, mapping, key)
    with closing(restless) as table, closing(IndexDocuments(fake.index_url, mapping)) as index:
        reading = RecordReader(table, index, mapping, Pseudonymizer(b"key"), wait=lambda _: None)
        state = Census(table, index, mapping, reading, QUICK, tmp_path / "contact.json").run()

    assert (state.found, state.void) == ([], 1)
    assert not report.is_complete(state)


class _Restless(RecordTable):
    """A writer changes the row whenever it is read."""

    def __init__(self, url: str, mapping: IndexMapping, key: str) -> None:
        super().__init__(url, mapping)
        self._url, self._key = url, key

    def by_keys(self, keys: list[str]) -> dict:
        with psycopg.connect(self._url, autocommit=True) as session:
            session.execute("UPDATE contacts SET title = title || '.' WHERE uuid = %s", (self._key,))
        return super().by_keys(keys)


def test_from_a_watermark_on_only_what_was_written_is_compared(
    stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    with closing(RecordTable(stores.database_url, mapping)) as table:
        since = table.clock() + timedelta(hours=1)
    unseen = damage(stores.owner_url, stores.index_url, 3, ("field",))
    first_damage = damage(stores.owner_url, stores.index_url, 6, ("ghost", "missing"))
    with psycopg.connect(stores.owner_url) as session:
        (key,) = session.execute(
            "SELECT min(uuid) FROM contacts WHERE NOT uuid = ANY(%s)", ([*unseen, *first_damage],)
        ).fetchone()
        session.execute(
            "UPDATE contacts SET title = 'Sir', updated_at = %s WHERE uuid = %s", (since + timedelta(hours=1), key)
        )

    state = _run(stores, mapping, tmp_path, replace(QUICK, since=since, rows=300))

    assert {key: "stale", **first_damage}.items() <= _named(state).items()
    assert len(state.found) <= len(first_damage) + 1 + len(unseen)


def test_a_document_without_a_key_is_a_ghost(stores: MultipliedStores, mapping: IndexMapping, tmp_path: Path) -> None:
    with Elasticsearch(stores.index_url) as client:
        client.index(index="contacts_index", id="nobody", document={"first_name": "No"}, refresh=True)

    state = _run(stores, mapping, tmp_path)

    assert [(difference.key, difference.kind) for difference in state.found] == [
        (Pseudonymizer(b"key").token("nobody"), "ghost")
    ]


def test_documents_of_one_key_are_not_parted_by_a_page(
    stores: MultipliedStores, mapping: IndexMapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PAGE", 7)
    with Elasticsearch(stores.index_url) as client:
        key = sorted(hit["_id"] for hit in client.search(index="contacts_index", size=20)["hits"]["hits"])[9]
        for number in range(5):
            client.index(index="contacts_index", id=f"{key}-{number}", document={"uuid": key}, refresh=True)

    with closing(IndexDocuments(stores.index_url, mapping)) as index:
        read = [identity for _, identity, _ in index.in_spans([KeyRange()])]
        total = index.total()

    assert len(read) == len(set(read)) == total


def test_spans_are_read_whole_and_in_order_in_however_many_pages(
    stores: MultipliedStores, mapping: IndexMapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(IndexDocuments(stores.index_url, mapping)) as index:
        keys = [key for key, _, _ in index.in_spans([KeyRange()])]
        spans = [*cut(keys, len(keys) // 2)[:40], *cut(keys, 9)[3:]]  # after forty of two documents six of many
        wide = [key for key, _, _ in index.in_spans(spans)]
        monkeypatch.setattr(documents, "PAGE", 60)

        narrow = [key for key, _, _ in index.in_spans(spans)]

    assert wide == narrow == [key for key in keys if any(key in span for span in spans)]


def test_both_stores_and_python_agree_on_the_order_of_keys(stores: MultipliedStores, mapping: IndexMapping) -> None:
    with psycopg.connect(stores.owner_url) as session:
        for key in AWKWARD:
            session.execute("INSERT INTO contacts (uuid) VALUES (%s)", (key,))
    with Elasticsearch(stores.index_url) as client:
        for key in AWKWARD:
            client.index(index="contacts_index", id=key, document={"uuid": key}, refresh=True)

    with (
        closing(RecordTable(stores.database_url, mapping)) as table,
        closing(IndexDocuments(stores.index_url, mapping)) as index,
    ):
        ours = [key for key, _ in table.rows([KeyRange()])]
        theirs = [key for key, _, _ in index.in_spans([KeyRange()])]
        spans = cut(sorted({*ours} - {"a" * 80}), len(ours))
        digests = (
            table.digests(spans, None, kind="keys"),
            *([index.digests(spans, None, kind="keys")] if index.runs_scripts(table) else []),
        )

    assert ours == theirs == sorted(ours)
    for digest in digests:
        assert [digest[0] for digest in digest] == [sum(key in span for key in ours) for span in spans]


def test_a_server_that_ignores_scripts_is_found_out(stores: MultipliedStores, mapping: IndexMapping) -> None:
    with (
        closing(RecordTable(stores.database_url, mapping)) as table,
        closing(IndexDocuments(stores.index_url, mapping)) as index,
    ):
        runs = index.runs_scripts(table)

    assert runs is (stores.settings.search == "opensearch")


def test_an_index_of_many_shards_adds_up_as_many_ranges(lucene: MultipliedStores, mapping: IndexMapping) -> None:
    """A function of a script may loop a million times: 6 shards and 200,000 ranges would be too many for one."""
    spans = cut([f"{number:06}" for number in range(200_000)], 200_000)

    with closing(IndexDocuments(lucene.index_url, mapping)) as index:
        digests = index.digests(spans, None, kind="keys")
        assert sum(digest[0] for digest in digests) == index.total()


@pytest.mark.parametrize("rule", ["", *RULES])
def test_a_rule_is_the_same_in_all_three_languages(lucene: MultipliedStores, mapping: IndexMapping, rule: str) -> None:
    texts = ["", " \t x ", "_", "ABC", "é_", "a  b", "_ ", "👩‍💻", "x" * 70_000, "株" * 30_000]
    column = {"list": "departments", "zero": "employees_count"}.get(rule, "title")
    field = IndexField(
        name=column, table="contacts" if rule != "zero" else "companies", column=column, rules=(rule,) if rule else ()
    )
    uncopied, copied = ((*mapping.own[:1], field), ()) if rule != "zero" else (mapping.own[:1], (field,))
    narrow = replace(mapping, own=uncopied, copied=copied)
    values = {"list": [[text] for text in texts if len(text) < 9_000], "zero": [None]}.get(rule, texts)
    with psycopg.connect(lucene.owner_url) as session, Elasticsearch(lucene.index_url) as client:
        session.execute("TRUNCATE contacts CASCADE")
        client.delete_by_query(index="contacts_index", query={"match_all": {}}, refresh=True)
        for number, value in enumerate(values):
            if rule != "zero":
                session.execute(f"INSERT INTO contacts (uuid, {column}) VALUES (%s, %s)", (f"k{number}", value))
            else:
                session.execute("INSERT INTO contacts (uuid) VALUES (%s)", (f"k{number}",))
            shown = [text_of(value, (rule,))] if rule == "list" else text_of(value, (rule,) if rule else ())
            client.index(index="contacts_index", id=f"k{number}", document={"uuid": f"k{number}", column: shown})
        client.indices.refresh(index="contacts_index")

    with (
        closing(RecordTable(lucene.database_url, narrow)) as table,
        closing(IndexDocuments(lucene.index_url, narrow)) as index,
    ):
        ours = table.digests([KeyRange()], None, kind="values")
        theirs = index.digests([KeyRange()], None, kind="values")

    assert ours[0][0] == len(values)
    assert not unequal(ours[0], theirs[0], wrapped=True)


def test_the_judge_gets_a_question_per_part_and_one_per_difference(
    fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    planted = damage(fake.owner_url, fake.index_url, 4, ("ghost",))
    state = _run(fake, mapping, tmp_path)

    plan, *samples, fact = report.records(state, phase="phase0", index="contacts_index", again="")

    outcomes = [sample.outcome for sample in samples if isinstance(sample, Comparison)]
    assert (outcomes.count(Outcome.DIFFERENT), len(outcomes)) == (len(planted), state.documents)
    assert plan.population == len(outcomes)
    assert {sample.cause for sample in samples if sample.outcome is Outcome.DIFFERENT} == {"ghost-in-index"}
    assert (fact.ok, fact.value) == (True, len(planted))


def test_what_a_budget_left_out_is_planned_and_not_answered(
    fake: MultipliedStores, mapping: IndexMapping, tmp_path: Path
) -> None:
    state = _run(fake, mapping, tmp_path, replace(QUICK, rows=600))

    plan, *samples, fact = report.records(state, phase="phase0", index="contacts_index", again="")

    assert 0 < len(samples) < plan.population
    assert fact.ok is None
    assert "undecided" in fact.sentence


def test_the_command_says_what_differs(
    fake: MultipliedStores, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "ELASTICSEARCH_HOST", "ELASTICSEARCH_PORT"):
        monkeypatch.delenv(name, raising=False)
    env_file = tmp_path / "env"
    env_file.write_text(
        f"CONTACT360_BASE_URL=http://127.0.0.1:1\nCONTACT360_TOKEN=x\nCONNECTRA_BASE_URL=http://127.0.0.1:1\n"
        f"CONNECTRA_API_KEY=x\nDATABASE_URL={fake.database_url}\nELASTICSEARCH_HOST={fake.index_url}\n"
    )
    arguments = ["--env-file", str(env_file), "--record", "contact", "--state", str(tmp_path)]
    assert command.main(arguments) == 0
    (key, *_) = damage(fake.owner_url, fake.index_url, 1, ("ghost",))

    assert command.main(arguments) == 1

    printed = capsys.readouterr().out
    assert f"ghost      {key}" in printed
    assert json.loads((tmp_path / "contact.json").read_text())["found"][0]["key"] == key


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, r"no \[index.contact\]"),
        ({"email": "contacts.email"}, "uuid = .* is missing"),
        ({"uuid": "contacts.uuid", "x": "logs.message"}, "no table 'logs'"),
        ({"uuid": "contacts.uuid", "x": "contacts.email lowr"}, "no rule 'lowr'"),
        ({"uuid": "contacts.uuid", "x": "contacts.email; DROP"}, "expected"),
        ({"uuid": "contacts.uuid", "x": "contacts.departments list lower"}, "for texts alone"),
    ],
)
def test_a_slip_in_the_contract_is_quoted(entries: dict[str, str], message: str) -> None:
    contract = replace(load("guide"), index={"contact": entries})

    with pytest.raises(ContractError, match=message):
        mapping_of(contract, "contact")


@pytest.mark.parametrize("folder", ["a-file", "a-file/below", "/proc/none"])
def test_a_state_that_can_not_be_kept_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    (tmp_path / "env").write_text(
        "CONTACT360_BASE_URL=http://127.0.0.1:1\nCONTACT360_TOKEN=x\nCONNECTRA_BASE_URL=http://127.0.0.1:1\n"
        "CONNECTRA_API_KEY=x\nDATABASE_URL=postgresql://u@127.0.0.1:1/x\nELASTICSEARCH_HOST=127.0.0.1\n"
    )

    assert command.main(["--env-file", "env", "--state", folder]) == WRONG_USAGE
    assert re.search(rf"can't be kept in {folder} \(.*\): name another folder by --state", capsys.readouterr().err)


def test_a_database_that_is_silent_is_undecided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "env").write_text(
        "CONTACT360_BASE_URL=http://127.0.0.1:1\nCONTACT360_TOKEN=x\nCONNECTRA_BASE_URL=http://127.0.0.1:1\n"
        "CONNECTRA_API_KEY=x\nDATABASE_URL=postgresql://u@127.0.0.1:1/x\nELASTICSEARCH_HOST=127.0.0.1\n"
    )

    assert command.main(["--env-file", str(tmp_path / "env"), "--state", str(tmp_path / "state")]) == UNDECIDED
    assert "PostgreSQL did not answer at DATABASE_URL" in capsys.readouterr().err
