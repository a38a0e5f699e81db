"""The login: refreshed before it expires, renewed once when refused, never counted as a product error."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from fixtures.backend import Backend, CredentialsRefused, Session
from fixtures.contract import Contract, load
from fixtures.wire import Reply
from reports.observations import Answer


def _jwt(expires: float, name: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires, "n": name}).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


@dataclass
class _Backend:
    """Answers as the backend's auth does, and remembers what it was asked."""

    tokens: list[str]
    accepts: set[str] = field(default_factory=set)
    refuses_login: bool = False
    asked: list[str] = field(default_factory=list)
    base_url: str = "http://backend"

    def ask(self, method: str, path: str, *, json_body: Any = None, headers: Any = None) -> Reply:
        self.asked.append(path)
        if "/auth/" in path:
            if self.refuses_login:
                return Reply(answer=Answer(side="backend", status=400, error="http-400"), headers={})
            body = {"access_token": self.tokens.pop(0), "refresh_token": "r"}
            return Reply(answer=Answer(side="backend", status=200), body=body, headers={})
        token = headers["Authorization"].removeprefix("Bearer ")
        if self.accepts and token not in self.accepts:
            return Reply(answer=Answer(side="backend", status=401, error="unauthorised"), headers={})
        return Reply(answer=Answer(side="backend", status=200), body={"token": token}, headers={})


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load("guide")


def _session(wire: _Backend, contract: Contract, now: float = 0.0, token: str | None = None) -> Session:
    return Session(wire, contract, token=token, email="a@b", password="p", clock=lambda: now)  # type: ignore[arg-type]


def test_one_login_serves_until_a_minute_before_expiry(contract: Contract) -> None:
    wire = _Backend([_jwt(1000, "a")])
    session = _session(wire, contract, now=900)

    assert session.token() == session.token()
    assert wire.asked == ["/api/v1/auth/login/"]


def test_a_token_is_refreshed_before_it_expires(contract: Contract) -> None:
    wire = _Backend([_jwt(1000, "a"), _jwt(3000, "b")])
    session = _session(wire, contract, now=950)

    first, second = session.token(), session.token()

    assert first != second
    assert wire.asked == ["/api/v1/auth/login/", "/api/v1/auth/refresh/"]


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
