"""No damage between a service and the suite ends in a GO: its own criterion is missed, by a cause that makes sense."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fixtures.clients.diagnosis import Diagnosis
from fixtures.clients.target import Target
from suites.selftest.support.damaging_proxy import (
    RECORDS,
    SEARCHES,
    Damage,
    DamagedReply,
    DamagingProxy,
    between,
    both,
    edited,
    everywhere,
    hang_up,
    header,
    nested,
    of_rows,
    shifted,
    status,
    swapped,
    with_field,
)
from suites.selftest.support.judging import JudgedPhase, connected, judged

ENDPOINT_PARITY, PARITY, NOBODY = "contact-endpoint-parity", "contact-connectra-parity", "unknown-record-connectra"
NOT_FOUND = b'{"detail": "Contact not found"}'


def _set(name: str, value: Any) -> Damage:
    """A key set to a value, in an object within the record where the name has a dot."""
    outer, dot, inner = name.rpartition(".")

    def edit(record: dict[str, Any]) -> dict[str, Any]:
        holder = record.get(outer) if dot else record
        if isinstance(holder, dict):
            holder[inner] = value
        return record

    return edited(edit)


def _dropped(name: str) -> Damage:
    return edited(lambda record: {text: value for text, value in record.items() if text != name})


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Case:
    """A damage, the criterion it has to break, and the cause it has to be given."""

    damage: Damage
    criterion: str = ENDPOINT_PARITY
    cause: str = "field-mapping"
    every: int = 1
    count: int = 4


ENDPOINT = {
    "one-field": Case(damage=with_field("title", lambda text: text + "x")),
    "one-answer-in-five": Case(damage=with_field("title", lambda text: text + "x"), every=5, cause="unstable-answers"),
    "somebody-else": Case(damage=edited(lambda body: {**body, "uuid": str(uuid4())}), cause="wrong-identity"),
    "the-answer-before": Case(damage=swapped(), cause="wrong-identity"),
    "no-uuid": Case(damage=_dropped("uuid"), cause="unreadable-answers"),
    "uuid-in-capitals": Case(damage=with_field("uuid", str.upper), cause="wrong-identity"),
    "a-key-dropped": Case(damage=_dropped("title")),
    "a-key-added": Case(damage=_set("surprise", 1), cause="undeclared-field"),
    "a-key-added-inside": Case(damage=_set("metadata.surprise", 1), cause="undeclared-field"),
    "an-object-is-text": Case(damage=_set("company_detail", "x")),
    "capitals": Case(damage=everywhere(_upper)),
    "a-trailing-blank": Case(damage=with_field("email", lambda text: text + " "), cause="wrong-form"),
    "wrapped-in-quotes": Case(damage=with_field("first_name", lambda text: f'"{text}"'), cause="wrong-form"),
    "numbers-as-text": Case(damage=everywhere(_as_text), cause="wrong-form"),
    "numbers-as-fractions": Case(
        damage=everywhere(lambda value: float(value) if type(value) is int else value), cause="wrong-form"
    ),
    "true-for-a-number": Case(
        damage=with_field("employees_count", lambda _: True), criterion="company-endpoint-parity"
    ),
    "null-for-a-list": Case(damage=with_field("technologies", lambda _: None), criterion="company-endpoint-parity"),
    "an-item-twice": Case(
        damage=with_field("keywords", lambda items: items + items[:1]), criterion="company-endpoint-parity"
    ),
    "an-hour-later": Case(damage=with_field("created_at", shifted(hours=1))),
    "a-microsecond-later": Case(damage=with_field("created_at", shifted(microseconds=1))),
    "zero-for-null": Case(damage=_set("total_funding", 0), criterion="company-endpoint-parity"),
    "a-lone-surrogate": Case(damage=with_field("title", lambda text: text + "\ud800")),
    "nobody-is-found": Case(damage=status(404, NOT_FOUND), cause="error-as-404"),
    "an-empty-object": Case(damage=status(200, b"{}"), cause="unreadable-answers"),
    "an-error-with-200": Case(
        damage=status(200, NOT_FOUND), criterion="unknown-record-endpoint", cause="unreadable-answers"
    ),
}
BROKEN = {
    "half-a-text": lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "an-empty-body": status(200, b""),
    "html": both(header("Content-Type", "text/html"), status(200, b"<html>Maintenance</html>")),
    "no-content-type": header("Content-Type", None),
    "deep": status(200, nested(50_000)),
    "null": status(200, b"null"),
    "a-list": status(200, b"[]"),
    "500": status(500),
    "429": status(429),
    "401": status(401),
    "a-missing-route": status(404, b'{"detail": "Not Found"}'),
    "a-redirect": both(status(302), header("Location", "http://127.0.0.1:1/")),
    "204": status(204, b""),
    "reset": hang_up,
}
CONNECTRA = {
    "one-field": Case(criterion=PARITY, damage=with_field("title", lambda text: text + "x")),
    "one-field-of-the-company": Case(criterion=PARITY, damage=_set("company.website", "x")),
    "a-key-added": Case(criterion=PARITY, damage=_set("surprise", 1), cause="undeclared-field"),
    "a-trailing-blank": Case(criterion=PARITY, damage=with_field("email", lambda text: text + " "), cause="wrong-form"),
    "the-company-dropped": Case(criterion=PARITY, damage=_dropped("company")),
    "rows-twice": Case(criterion=PARITY, damage=of_rows(lambda rows: rows + rows), cause="duplicate-rows"),
    "nobody": Case(criterion=PARITY, damage=of_rows(lambda rows: []), cause="filter-conversion"),
    "anybody": Case(damage=of_rows(lambda rows: rows or [{"uuid": str(uuid4())}]), cause="match-all", criterion=NOBODY),
    "a-microsecond-later": Case(criterion=PARITY, damage=with_field("created_at", shifted(microseconds=1))),
}
NO_ROWS = {
    "null-for-a-list": lambda reply: reply.saying({"success": True, "data": None}),
    "no-success": lambda reply: reply.saying({"data": json.loads(reply.body)["data"]}),
    "rows-are-null": lambda reply: reply.saying({"success": True, "data": [None]}),
    "400": status(400),
    "500": status(500),
    "reset": hang_up,
}


@dataclass(frozen=True, kw_only=True)
class DamagedCase:
    """A target whose two services are asked through a proxy each."""

    target: Target
    backend: DamagingProxy
    connectra: DamagingProxy

    def calm(self) -> None:
        for proxy in (self.backend, self.connectra):
            proxy.damage, proxy.every, proxy.answers = _unharmed, 1, 0


def _unharmed(reply: DamagedReply) -> DamagedReply:
    return reply


@pytest.fixture(scope="module")
def damaged(calm: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DamagedCase]:
    with (
        between(calm["CONTACT360_BASE_URL"], RECORDS) as backend,
        between(calm["CONNECTRA_BASE_URL"], SEARCHES) as connectra,
    ):
        values = {**calm, "CONTACT360_BASE_URL": backend.url, "CONNECTRA_BASE_URL": connectra.url}
        with connected(values, tmp_path_factory.mktemp("pace")) as target:
            yield DamagedCase(target=target, backend=backend, connectra=connectra)


@pytest.fixture
def ask(checkout: Path, tmp_path: Path, damaged: DamagedCase) -> Callable[[DamagingProxy, Case], JudgedPhase]:
    """Puts the questions of a case's criterion with the case's damage on one of the proxies."""

    def judge_phase(proxy: DamagingProxy, case: Case) -> JudgedPhase:
        damaged.calm()
        proxy.damage, proxy.every = case.damage, case.every
        service = "endpoint" if proxy is damaged.backend else "connectra"
        record = "company" if case.criterion.startswith("company") else "contact"
        check = f"{record}-unknown-{service}" if case.criterion.startswith("unknown") else f"{record}-{service}"
        target = damaged.target
        fresh = replace(target, diagnosis=Diagnosis(target.connectra, target.index, target.contract))  # it remembers
        return judged(checkout, tmp_path / "run", fresh, checks=[check], count=case.count * case.every)

    return judge_phase


Ask = Callable[[DamagingProxy, Case], JudgedPhase]


@pytest.mark.parametrize("name", ENDPOINT)
def test_damage_to_an_endpoints_answers_is_found(ask: Ask, damaged: DamagedCase, name: str) -> None:
    case = ENDPOINT[name]

    missed = ask(damaged.backend, case).missed()

    assert missed.get(case.criterion) == case.cause, missed


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_of_the_backend_counts_as_its_error(ask: Ask, damaged: DamagedCase, name: str) -> None:
    judged = ask(damaged.backend, Case(damage=BROKEN[name], count=8))

    causes: dict[str, str | None] = {
        "401": None,  # a login that is refused says nothing about the service: unmeasured
        "a-missing-route": "route-missing",
        "429": "backend-limit",
        "html": "proxy-page",
        "no-content-type": "proxy-page",
        "a-redirect": "proxy-page",
        **dict.fromkeys(("half-a-text", "an-empty-body", "deep", "null", "a-list", "204"), "unreadable-answers"),
    }
    assert judged.missed().get("error-rate") == causes.get(name, "backend-errors")
    assert judged.findings[ENDPOINT_PARITY].outcome == "unmeasured"


@pytest.mark.parametrize("name", CONNECTRA)
def test_damage_to_connectras_answers_is_found(ask: Ask, damaged: DamagedCase, name: str) -> None:
    case = CONNECTRA[name]

    missed = ask(damaged.connectra, case).missed()

    assert missed.get(case.criterion) == case.cause, missed


@pytest.mark.parametrize("name", NO_ROWS)
@pytest.mark.parametrize("criterion", [PARITY, NOBODY])
def test_what_is_no_answer_of_connectra_is_no_pass(ask: Ask, damaged: DamagedCase, name: str, criterion: str) -> None:
    judged = ask(damaged.connectra, Case(damage=NO_ROWS[name], criterion=criterion))

    assert judged.findings[criterion].outcome == "unmeasured"
    assert "connectra-availability" in judged.missed()


@pytest.mark.parametrize("message", ["true", "false"])
def test_a_header_makes_no_answer_from_sql_one_from_vql(
    checkout: Path, tmp_path: Path, calm: Mapping[str, str], message: str
) -> None:
    """The direct path's answers, while the settings say that the flag is on."""
    with between(calm["CONTACT360_BASELINE_URL"], RECORDS) as proxy:
        proxy.damage = header("X-VQL-Used", message)
        with connected({**calm, "CONTACT360_BASE_URL": proxy.url}, tmp_path / "pace") as target:
            phase = judged(checkout, tmp_path / "run", target, checks=["contact-endpoint"])

    assert phase.missed()["fallback-rate"] == "silent-fallback"
    assert phase.findings[ENDPOINT_PARITY].outcome == "unmeasured"


def test_a_calm_proxy_changes_nothing(checkout: Path, tmp_path: Path, damaged: DamagedCase) -> None:
    damaged.calm()

    phase = judged(checkout, tmp_path / "run", damaged.target, count=24)

    assert phase.missed() == {}
    assert "met" in {finding.outcome for finding in phase.findings.values()}
