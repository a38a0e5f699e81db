"""The login: refreshed before it expires, renewed once when refused, never counted as a product error."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fixtures.clients.backend import Backend, CredentialsRefused, LoginSession
from fixtures.contracts.contract import Contract, load
from fixtures.transport.http import Reply
from reports.records.records import Observation


def _jwt(expires: float, name: str, **claims: float) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires, "n": name, **claims}).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


@dataclass
class _Backend:
    """Answers as the backend's auth does, and remembers what it was asked."""

    tokens: list[str]
    accepts: set[str] = field(default_factory=set)
    refuses_login: bool = False
    asked: list[str] = field(default_factory=list)
    base_url: str = "http://backend"
    side: str = "backend"

    def ask(self, method: str, path: str, *, json_body: Any = None, headers: Any = None) -> Reply:
        self.asked.append(path)
        if "/auth/" in path:
            if self.refuses_login:
                return Reply(answer=Observation(side="backend", status=400, error="http-400"), headers={})
            if not self.tokens:
                return Reply(answer=Observation(side="backend", status=503, error="http-503"), headers={})
            body = {"access_token": self.tokens.pop(0), "refresh_token": "r"}
            return Reply(answer=Observation(side="backend", status=200), body=body, headers={})
        token = headers["Authorization"].removeprefix("Bearer ")
        if self.accepts and token not in self.accepts:
            return Reply(answer=Observation(side="backend", status=401, error="unauthorised"), headers={})
        return Reply(answer=Observation(side="backend", status=200), body={"token": token}, headers={})


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


class _Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _session(
    wire: _Backend, contract: Contract, clock: Callable[[], float] = lambda: 0.0, token: str | None = None
) -> LoginSession:
    return LoginSession(wire, contract, token=token, email="a@b", password="p", clock=clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("life", "issued", "fresh_at", "stale_at"),
    [
        (1800, {}, 1739, 1741),
        (4, {}, 2.9, 3.1),  # a short life is used for three quarters
        (1800, {"iat": -3600.0}, 5339, 5341),  # the issuer's clock is an hour behind ours: its own dates count
    ],
    ids=["half-an-hour", "seconds", "clocks-differ"],
)
def test_a_token_is_refreshed_shortly_before_it_expires(
    contract: Contract, life: float, issued: dict[str, float], fresh_at: float, stale_at: float
) -> None:
    clock = _Clock(0)
    wire = _Backend([_jwt(life, "a", **issued), _jwt(1e12, "b")])
    session = _session(wire, contract, clock)

    first = session.token()
    clock.now = fresh_at
    kept = session.token()
    clock.now = stale_at
    renewed = session.token()

    assert first == kept != renewed
    assert wire.asked == ["/api/v1/auth/login/", "/api/v1/auth/refresh/"]


def test_a_token_that_our_clock_calls_expired_is_used_until_it_is_refused(contract: Contract) -> None:
    wire = _Backend([_jwt(1000, "a"), _jwt(1000, "b")])
    session = _session(wire, contract, _Clock(5000))

    assert session.token() == session.token()
    assert wire.asked == ["/api/v1/auth/login/"]


def test_a_refused_token_is_renewed_once_and_the_question_asked_again(contract: Contract) -> None:
    old, new = _jwt(1e12, "old"), _jwt(1e12, "new")
    wire = _Backend([old, new], accepts={new})

    reply = Backend(wire, contract, _session(wire, contract)).get("/x")  # type: ignore[arg-type]

    assert reply.ok
    assert reply.body == {"token": new}


def test_a_token_that_stays_refused_is_an_error(contract: Contract) -> None:
    wire = _Backend([_jwt(1e12, str(number)) for number in range(3)], accepts={"none"})

    reply = Backend(wire, contract, _session(wire, contract)).get("/x")  # type: ignore[arg-type]

    assert reply.answer.error == "unauthorised"
    assert len(wire.tokens) == 1


def test_a_fixed_token_is_used_as_given(contract: Contract) -> None:
    wire = _Backend([], accepts={"other"})

    reply = Backend(wire, contract, _session(wire, contract, token="fixed")).get("/x")  # type: ignore[arg-type]

    assert reply.answer.error == "unauthorised"
    assert wire.asked == ["/x"]


def test_refused_credentials_are_one_sentence(contract: Contract) -> None:
    wire = _Backend([], refuses_login=True)

    with pytest.raises(CredentialsRefused, match="CONTACT360_EMAIL and CONTACT360_PASSWORD"):
        _session(wire, contract).token()


def test_a_fixed_token_that_expired_is_our_own_trouble(contract: Contract) -> None:
    wire = _Backend([], accepts={"other"})
    backend = Backend(wire, contract, _session(wire, contract, _Clock(1001), token=_jwt(1000, "old")))  # type: ignore[arg-type]

    with pytest.raises(CredentialsRefused, match="CONTACT360_TOKEN has expired"):
        backend.get("/x")


def test_a_login_that_fails_in_the_middle_is_the_backends_answer(contract: Contract) -> None:
    clock = _Clock(0)
    wire = _Backend([_jwt(1000, "only")])
    backend = Backend(wire, contract, _session(wire, contract, clock))  # type: ignore[arg-type]

    assert backend.get("/x").ok
    clock.now = 990

    assert backend.get("/x").answer.error == "http-503"


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a..c", "a.eyJleHAiOiJzb29uIn0.c", "a.W10.c", ""])
def test_a_token_that_is_no_jwt_never_expires(contract: Contract, token: str) -> None:
    wire = _Backend([token or "x"])
    session = _session(wire, contract, _Clock(1e11))

    assert session.token() == session.token()
    assert wire.asked == ["/api/v1/auth/login/"]
