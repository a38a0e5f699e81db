"""Bodies of services may have any form: the seam lets through what is JSON and fit, and nothing else than an error
of ours is raised from there on."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.cases import Sample
from fixtures.checks.check import Response
from fixtures.checks.company_contacts.client import CompanyContactsClient, ListingRequest
from fixtures.checks.company_contacts.oracle import AttributeValues, ContactSelection
from fixtures.checks.exports.jobs import ExportJobs
from fixtures.checks.linkedin.answer_diff import EntryFields, found_of, partings
from fixtures.checks.linkedin.oracle import ExpectedHits
from fixtures.checks.preflight.services import Preflight
from fixtures.checks.records.records import ConnectraRecordCheck, EndpointRecordCheck
from fixtures.clients.absent_endpoints import detail_of
from fixtures.clients.backend import Backend, CredentialsRefused, LoginSession, NoToken
from fixtures.clients.connectra import Connectra
from fixtures.clients.elasticsearch import Index, IndexUnreachable
from fixtures.contracts.contract import load
from fixtures.session import handshake, target_identity
from fixtures.transport.credit_budget import CleanupList
from fixtures.transport.http import Reply
from fixtures.transport.json_limits import is_unfit
from reports.records.records import Observation
from suites.selftest.mutation import FUZZ, VALUES, mutated

GUIDE = load("guide")
QUESTION = Sample(key="00000000-0000-4000-8000-000000000001", stratum="s")


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
            return Reply(answer=Observation(side=self.side, status=status, error="malformed"), headers={})
        return Reply(answer=Observation(side=self.side, status=status), body=body, headers={})

    def fetch(self, *_: Any, **__: Any) -> Reply:
        return Reply(answer=Observation(side=self.side, status=200), headers={})


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
    asked = (
        EndpointRecordCheck(_target(wire), kind, True)
        if way == "endpoint"
        else ConnectraRecordCheck(_target(wire), kind)
    )

    _compared(asked, asked.ask(QUESTION))


def _compared(asked: Any, told: Response) -> None:
    if told.answer.error is None:
        for expected in (None, _tables()):
            asked.differences(QUESTION, expected, told)


SELECTION = ContactSelection(company=QUESTION.key, filters={"title": "x"})
LISTING = {"results": [_record("contact-listing")], "next": "https://contact360.example/x?limit=1&offset=1"}


@FUZZ
@given(data=st.data(), way=st.sampled_from(["next", "cursor", "offset", "page"]))
def test_the_contacts_of_a_company(way: str, data: st.DataObject) -> None:
    contacts = CompanyContactsClient(_target(_Says(data, LISTING)).backend, GUIDE, True)
    counts = CompanyContactsClient(_target(_Says(data, {"count": 3})).backend, GUIDE, True)
    values = CompanyContactsClient(_target(_Says(data, ["a", "b"])).backend, GUIDE, True)

    assert len(contacts.walk(ListingRequest(selection=SELECTION, way=way, size=1, most=4)).pages) <= 4
    counts.count(SELECTION)
    values.attribute(SELECTION, AttributeValues(attribute="title"))


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
        shapes = EntryFields(person=GUIDE.fields["linkedin-person"], company=GUIDE.fields["linkedin-company"])
        partings(ExpectedHits(people={"x": _tables()}, companies={}), found, shapes, lambda _, keys: keys)


CREATED = {"export_id": "e1", "contact_count": 1, "status": "pending", "expires_at": "2100-01-01T00:00:00Z"}
ENDED = {
    "status": "completed",
    "progress_percentage": 100,
    "expires_at": "2100-01-01T00:00:00Z",
    "download_url": "https://contact360.example/api/v2/exports/e1/download?token=t",
}


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
    target_identity.identity(target)


@FUZZ
@given(body=VALUES)
def test_what_is_kept_of_a_health_page(body: Any) -> None:
    json.dumps(handshake._kept(body), allow_nan=True).encode()
    detail_of(Reply(answer=Observation(side="backend", status=404), body=body, headers={}))


@FUZZ
@given(data=st.data())
def test_a_login(data: st.DataObject) -> None:
    wire = _Says(data, {"access_token": "a.eyJleHAiOiAxfQ.c", "refresh_token": "r"})
    session = LoginSession(wire, GUIDE, token=None, email="a@b", password="p", clock=lambda: 0.0)  # type: ignore[arg-type]

    for _ in range(2):
        with suppress(NoToken, CredentialsRefused):
            assert isinstance(session.token(), str)


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize(
    "ask",
    [
        lambda connectra: connectra.count(GUIDE.records["contact"], "x"),
        lambda connectra: connectra.batch(GUIDE.records["company"], ["x", "y"]),
    ],
    ids=["count", "batch"],
)
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

    with suppress(IndexUnreachable):
        call(index)
    index.close()
