"""What comes from outside may be anything: it is read, or refused in the reader's own words; nothing else is raised."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures import attestations, greeting, steadiness
from fixtures.absences import detail_of
from fixtures.attestations import AttestationError
from fixtures.backend import Backend, CredentialsRefused, NoToken, Session
from fixtures.bodies import is_unfit
from fixtures.company_contacts import CompanyContacts, Walk
from fixtures.connectra import Connectra
from fixtures.contract import load
from fixtures.cost import CleanupList
from fixtures.export_jobs import ExportJobs
from fixtures.family import Told
from fixtures.index import Index, IndexSilent
from fixtures.linkedin_answers import Shapes, found_of, partings
from fixtures.linkedin_oracle import Held
from fixtures.preflight import Preflight
from fixtures.provenance import LogFile, Markers
from fixtures.records import ByConnectra, ByEndpoint
from fixtures.samples import Question
from fixtures.settings import NAMES, SettingsError, from_values, gathered
from fixtures.staff import Selection, Values
from fixtures.wire import Reply
from reports import history, ledger, lock, page
from reports.criteria import GateError, read_gate
from reports.history_entry import entry_of
from reports.observations import Answer, Record, to_json
from reports.verdict import judge
from suites.selftest import invented
from suites.selftest.mutation import VALUES, cut_up, mutated

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CHECKOUT = Path(__file__).parents[2]
GUIDE = load("guide")
GATE = (CHECKOUT / "suites" / "phase5_bake" / "gate.toml").read_bytes()
SET = {
    "CONTACT360_BASE_URL": "https://contact360.example", "CONTACT360_TOKEN": "t", "CONNECTRA_API_KEY": "k",
    "CONNECTRA_BASE_URL": "https://connectra.example", "DATABASE_URL": "postgresql://u:p@db.example/contact360",
    "ELASTICSEARCH_HOST": "es.example", "ELASTICSEARCH_PORT": "9200", "VQL_EXPORTS": "true",
}  # fmt: skip
ENV_FILE = "".join(f"export {name}='{value}'\n" for name, value in SET.items()).encode()
VOUCHED = b'[[attestation]]\nline = "team-available"\nwho = "Jane"\nwhen = 2026-11-20T08:00:00Z\nuntil = 2026-11-27\n'
LOGGED = b'{"request_id": "gate-0a1b", "message": "x falling back y"}\n' * 3
MARKERS = Markers(fallback="falling back", vql="Connectra POST")
FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
QUESTION = Question(key="00000000-0000-4000-8000-000000000001", stratum="s")


@FUZZ
@given(content=cut_up(ENV_FILE))
def test_an_env_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "live.env"
    path.write_bytes(content)

    with suppress(SettingsError):
        from_values(gathered({}, str(path)), "live").described()


@FUZZ
@given(values=st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from(list(SET.values())), max_size=4))
def test_settings(values: Mapping[str, str]) -> None:
    with suppress(SettingsError):
        from_values(gathered({**SET, **values}, None), "live").secrets()


@FUZZ
@given(content=cut_up(LOGGED) | st.binary())
def test_a_log(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"")
    log = LogFile(str(path), MARKERS)
    path.write_bytes(content)

    assert log.words(["gate-0a1b"]).known <= {"gate-0a1b"}


@FUZZ
@given(content=cut_up(GATE))
def test_a_gate_file(content: bytes) -> None:
    with suppress(GateError):
        read_gate(content.decode(errors="replace"), "gate.toml")


@FUZZ
@given(content=cut_up(VOUCHED))
def test_an_attestation(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vouched.toml"
    path.write_bytes(content)

    with suppress(AttestationError):
        attestations.read(path, {"team-available"})


KEPT = json.loads(history._text(entry_of(invented.recorded(), invented.verdict("NO-GO", 5))))


@FUZZ
@given(entry=mutated(KEPT))
def test_a_history(tmp_path: Path, entry: Any) -> None:
    (tmp_path / "one.json").write_text(json.dumps(entry))

    entries, problems = history.read(tmp_path)
    assert len(entries) + len(problems) == 1
    for each in entries:
        page.html(invented.verdict("GO", 5), invented.recorded(), earlier=[each])


RUN = ledger.Run(run_id="r", started="2026-01-01T00:00:00+00:00", target="live", seed=1, contract="guide", flags={},
                 fingerprint={}, gates={"phase1": ledger.GateFile(path="p", sha256="s", text=(
                     CHECKOUT / "suites" / "phase1_single_record" / "gate.toml").read_text())})  # fmt: skip
RECORDS: tuple[Record, ...] = invented.recorded().records[:6] + invented.recorded().records[-3:]


@FUZZ
@given(data=st.data())
def test_a_run_folder(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("run")
    ledger.begin(folder, RUN)
    entries = [
        data.draw(mutated(to_json(each), most=1)) if data.draw(st.booleans()) else to_json(each) for each in RECORDS
    ]
    (folder / "observations" / "here.jsonl").write_text("".join(json.dumps(each) + "\n" for each in entries))

    with suppress(GateError):  # of a phase that the run has no gate for
        assert judge(ledger.read(folder), now="2026-01-01T00:00:00+00:00").verdict in ("HOLD", "NO-GO")


@FUZZ
@given(entry=mutated(json.loads(json.dumps(asdict(RUN)))))
def test_the_record_of_a_run(tmp_path: Path, entry: Any) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, **entry} if isinstance(entry, dict) else entry))

    with suppress(ledger.DamagedRun):
        ledger.read_run(tmp_path)


@FUZZ
@given(entry=mutated(invented.verdict("GO", 5)))
def test_a_verdict_for_the_lock(tmp_path: Path, entry: Any) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(entry))

    with suppress(lock.Unusable):
        lock.opened(lock.read(path), "phase1", now=NOW, oldest=timedelta(days=1))


# Bodies of services. The seam lets through what is JSON and fit; from there on it may have any form.


class _Says:
    """A wire whose every answer is drawn: right once, and changed somewhere."""

    side, base_url = "backend", "https://contact360.example"

    def __init__(self, data: st.DataObject, *bodies: Any) -> None:
        self._data, self._bodies = data, bodies
        self.asked = 0

    def ask(self, *_: Any, **__: Any) -> Reply:
        right = self._bodies[min(self.asked, len(self._bodies) - 1)]
        self.asked += 1
        body = self._data.draw(mutated(right))
        status = self._data.draw(st.sampled_from([200, 201, 404]))
        if is_unfit(body):
            return Reply(answer=Answer(side=self.side, status=status, error="malformed"), headers={})
        return Reply(answer=Answer(side=self.side, status=status), body=body, headers={})

    def fetch(self, *_: Any, **__: Any) -> Reply:
        return Reply(answer=Answer(side=self.side, status=200), headers={})


def _record(check: str) -> dict[str, Any]:
    """A body with every field of a check, nested as its paths say."""
    found: dict[str, Any] = {}
    for field in GUIDE.fields[check]:
        holder = found
        *outer, last = field.path.split(".")
        for name in outer:
            holder = holder.setdefault(name, {})
        holder[last] = "x"
    return found


def _tables() -> dict[str, dict[str, Any]]:
    """A row of each table that a check looks at."""
    columns = {column for fields in GUIDE.fields.values() for field in fields for column in field.columns}
    found: dict[str, dict[str, Any]] = {}
    for column in columns:
        table, name = column.split(".")
        found.setdefault(table, {})[name] = "x"
    return found


def _target(wire: _Says) -> Any:
    session = SimpleNamespace(token=lambda: "t", renewed=lambda _: "t", fixed=True)
    backend = Backend(wire, GUIDE, session)  # type: ignore[arg-type]
    connectra = Connectra(wire, GUIDE)  # type: ignore[arg-type]
    key = SimpleNamespace(connectra_key="k", described=lambda: {"connectra": "x"}, flags={})
    return SimpleNamespace(contract=GUIDE, backend=backend, connectra=connectra, index=None, settings=key)


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("record", ["contact", "company"])
@pytest.mark.parametrize("way", ["endpoint", "connectra"])
def test_a_record(record: str, way: str, data: st.DataObject) -> None:
    body = _record(f"{record}-{way}")
    wire = _Says(data, body if way == "endpoint" else {"success": True, "data": [body]})
    kind = GUIDE.records[record]
    asked = ByEndpoint(_target(wire), kind, True) if way == "endpoint" else ByConnectra(_target(wire), kind)

    _compared(asked, asked.ask(QUESTION))


def _compared(asked: Any, told: Told) -> None:
    if told.answer.error is None:
        for expected in (None, _tables()):
            asked.differences(QUESTION, expected, told)


SELECTION = Selection(company=QUESTION.key, filters={"title": "x"})
LISTING = {"results": [_record("contact-listing")], "next": "https://contact360.example/x?limit=1&offset=1"}


@FUZZ
@given(data=st.data(), way=st.sampled_from(["next", "cursor", "offset", "page"]))
def test_the_contacts_of_a_company(way: str, data: st.DataObject) -> None:
    contacts = CompanyContacts(_target(_Says(data, LISTING)).backend, GUIDE, True)
    counts = CompanyContacts(_target(_Says(data, {"count": 3})).backend, GUIDE, True)
    values = CompanyContacts(_target(_Says(data, ["a", "b"])).backend, GUIDE, True)

    assert len(contacts.walk(Walk(selection=SELECTION, way=way, size=1, most=4)).pages) <= 4
    counts.count(SELECTION)
    values.attribute(SELECTION, Values(attribute="title"))


PERSON, FIRM = _record("linkedin-person"), _record("linkedin-company")
SEARCHED = {
    "contacts": [PERSON],
    "companies": [{**FIRM, "contacts": [PERSON]}],
    "total_contacts": 1,
    "total_companies": 1,
}


@FUZZ
@given(body=mutated(SEARCHED))
def test_a_linkedin_search(body: Any) -> None:
    found = found_of(body)

    if found is not None:
        shapes = Shapes(person=GUIDE.fields["linkedin-person"], company=GUIDE.fields["linkedin-company"])
        partings(Held(people={"x": _tables()}, companies={}), found, shapes, lambda _, keys: keys)


CREATED = {"export_id": "e1", "contact_count": 1, "status": "pending", "expires_at": "2100-01-01T00:00:00Z"}
ENDED = {"status": "completed", "progress_percentage": 100, "expires_at": "2100-01-01T00:00:00Z",
         "download_url": "https://contact360.example/api/v2/exports/e1/download?token=t"}  # fmt: skip


@FUZZ
@given(data=st.data())
def test_an_export(tmp_path: Path, data: st.DataObject) -> None:
    assert GUIDE.exports is not None
    clock = iter(range(10**6))
    backend = _target(_Says(data, CREATED, ENDED)).backend
    jobs = ExportJobs(
        backend, GUIDE.exports, CleanupList(tmp_path), wait=lambda _: None, clock=lambda: float(next(clock))
    )

    with jobs.run(GUIDE.exports.kinds["contacts"], {"contact_uuids": ["a"]}, deadline_s=3) as job:
        assert job.answer.error or job.file is not None
    jobs.close()


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("ask", ["connectra_health", "backend_health", "connectra_as_seen"])
def test_a_health_page(ask: str, data: st.DataObject) -> None:
    target = _target(_Says(data, {"status": "healthy", "version": "1", "connectra_status": "healthy"}))

    getattr(Preflight(target, "phase0"), ask)()
    steadiness.identity(target)


@FUZZ
@given(body=VALUES)
def test_what_is_kept_of_a_health_page(body: Any) -> None:
    json.dumps(greeting._kept(body), allow_nan=True).encode()
    detail_of(Reply(answer=Answer(side="backend", status=404), body=body, headers={}))


@FUZZ
@given(data=st.data())
def test_a_login(data: st.DataObject) -> None:
    wire = _Says(data, {"access_token": "a.eyJleHAiOiAxfQ.c", "refresh_token": "r"})
    session = Session(wire, GUIDE, token=None, email="a@b", password="p", clock=lambda: 0.0)  # type: ignore[arg-type]

    for _ in range(2):
        with suppress(NoToken, CredentialsRefused):
            assert isinstance(session.token(), str)


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize(
    "ask",
    [lambda connectra: connectra.count(GUIDE.records["contact"], "x"),
     lambda connectra: connectra.batch(GUIDE.records["company"], ["x", "y"])],
    ids=["count", "batch"],
)  # fmt: skip
def test_connectra(ask: Callable[[Connectra], Any], data: st.DataObject) -> None:
    ask(_target(_Says(data, {"success": True, "count": 3, "data": [{"uuid": "x"}]})).connectra)


SHARDS = {"total": 1, "failed": 0}
INFO = {"version": {"number": "8.19.0"}, "name": "n", "cluster_name": "c"}
HIT = {"_id": "x", "found": True, "_source": {"uuid": "x"}}
ENGINE: dict[str, tuple[Callable[[Index], Any], Any]] = {
    "described": (lambda index: index.described(), INFO),
    "count": (lambda index: index.count("i"), {"count": 3, "_shards": SHARDS}),
    "document": (lambda index: index.document("i", "x"), HIT),
    "documents": (lambda index: index.documents("i", ["x"]), {"docs": [HIT, {"_id": "y", "error": {"type": "t"}}]}),
    "some-keys": (lambda index: index.some_keys("i", count=1, seed=1), {"hits": {"hits": [HIT]}}),
    "mapping": (lambda index: index.mapping("i"), {"i": {"mappings": {"properties": {"uuid": {"type": "keyword"}}}}}),
    "fingerprint": (lambda index: index.mapping_sha256("i"), {"i": {"mappings": {}}}),
    "stands-for": (lambda index: index.stands_for("i"), {"i": {"settings": {"index.uuid": "u"}}}),
    "searches": (lambda index: index.searches("i"), {"_all": {"total": {"search": {"query_total": 1}}}}),
}


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("ask", ENGINE)
def test_elasticsearch(monkeypatch: pytest.MonkeyPatch, ask: str, data: st.DataObject) -> None:
    call, right = ENGINE[ask]
    index = Index("http://127.0.0.1:1")
    body = data.draw(mutated(right).filter(lambda body: isinstance(body, dict) and not is_unfit(body)))
    monkeypatch.setattr(index, "_ask", lambda *_, **__: body)

    with suppress(IndexSilent):
        call(index)
    index.close()
