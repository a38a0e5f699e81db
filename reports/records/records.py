"""What was seen, as values that survive the process: samples, pairs, plans and events.

A run appends these to `observations/*.jsonl` as they happen, one file per worker; the judge reads nothing else.
Personal values are never part of them: differences carry tokens (see `redaction`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from reports.records.cause_codes import CauseCode
from reports.records.decoding import converted, decoded, decoder
from reports.records.inputs import earlier_runs
from reports.records.inputs.earlier_runs import EarlierRun
from reports.records.inputs.traffic import TrafficDraw, TrafficProfile
from reports.records.inputs.wrong_keys import WrongKey

SCHEMA = 1
FLAGS = ("VQL_SINGLE_RECORD_RETRIEVAL", "VQL_COMPANY_CONTACTS", "VQL_EXPORTS", "VQL_LINKEDIN_SEARCH")  # the guide's
BUILD_KEYS = (  # of a health page: each names the build; other keys may change while one build runs
    *("version", "build", "commit", "revision", "release", "sha", "git_sha", "image", "tag"),
)
ORDER_FACT = "order"  # the name of the fact that says whether the phase before has a GO
Entry = Mapping[str, Any]  # a part of verdict.json


def is_of(name: str, pattern: str) -> bool:
    """Whether a name is the pattern, or begins as a pattern that ends in `*` does."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


@lru_cache(maxsize=4096)  # the same few names, for every criterion and for every record
def is_of_any(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name is of one of the patterns."""
    return any(is_of(name, pattern) for pattern in patterns)


class Provenance(StrEnum):
    """Who served an answer."""

    VQL = "vql"
    FALLBACK = "fallback"  # the flag was on, and SQL answered all the same
    DIRECT = "direct"  # the flag was off, and SQL answered
    UNKNOWN = "unknown"

    @property
    def is_sql(self) -> bool:
        """Whether SQL is known to have answered."""
        return self in (Provenance.FALLBACK, Provenance.DIRECT)


class Outcome(StrEnum):
    """What became of one question."""

    EQUAL = "equal"
    DIFFERENT = "different"  # settled: seen again after every re-ask
    LAGGED = "lagged"  # different at first, equal on a later ask
    VOID = "void"  # the database changed in between: says nothing
    FAILED = "failed"  # one side gave an error instead of an answer
    EXCUSED = "excused"  # only declared known differences: never counted as equal


class DifferenceKind(StrEnum):
    MISSING = "missing"  # the database has it, the service does not
    GHOST = "ghost"  # the service has it, the database does not
    IDENTITY = "identity"  # the service answered with somebody else
    VALUE = "value"
    TYPE = "type"
    FORM = "form"  # the right value in another JSON type or form than the contract has it
    UNDECLARED = "undeclared"  # a key that the contract does not name, or that an object has twice
    ABSENT = "absent"  # the key is not there; its value would be null
    ORDER = "order"
    DUPLICATE = "duplicate"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which two sides disagree. `expected` is the database, `actual` the service; both are tokens."""

    path: str
    kind: DifferenceKind
    expected: str
    actual: str
    excused_by: str | None = None  # id of the known difference that covers it
    baseline: str | None = None  # what the direct path shows there, a token as well; None: it was not asked

    def __str__(self) -> str:
        """`name: PostgreSQL 'CTO', service 'cto', baseline 'CTO' (value)`."""
        beside = "" if self.baseline is None else f", baseline {self.baseline}"
        return f"{self.path or 'record'}: PostgreSQL {self.expected}, service {self.actual}{beside} ({self.kind})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One side's answer or its error, as met on the wire.

    `side` is backend, connectra, baseline, database or index; `status` is the HTTP status if one was received;
    `error` is None, or one of: refused, unresolved (no such host), unroutable, proxy, tls, timeout, reset, malformed,
    oversize, content-type, redirect, throttled, unauthorised, http-<status>, database, other. `elapsed_ms` is wall time
    at the client, `at` epoch seconds.
    """

    side: str
    status: int | None = None
    error: str | None = None
    elapsed_ms: float = 0.0
    at: float = 0.0
    provenance: Provenance = Provenance.UNKNOWN
    signals: tuple[str, ...] = ()  # what the provenance rests on: header:vql, trait:direct, counter:flat, ...
    request: str = ""  # how it was asked, values masked: see `redaction.replayable`
    request_ids: tuple[str, ...] = ()  # those the suite gave its requests: a log names them too


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One question, put to both sides, and what came of it.

    `check` names the question's family (contact-endpoint, company-connectra, ...); `key` identifies the question
    among them (a uuid, a filter); a key counts once however often it was asked.
    `attempt` says that the backend should have tried VQL for it: the denominator of fallback and success.
    """

    phase: str
    check: str
    key: str
    stratum: str
    outcome: Outcome
    answers: tuple[Observation, ...]
    differences: tuple[Difference, ...] = ()
    attempt: bool = False
    lag_s: float | None = None  # how long until the sides agreed, for LAGGED
    cause: CauseCode | None = None  # named when the difference settled
    again: str = ""  # the one command that shows it again
    counted_as: str = ""  # check under which the same answer is a sample too: shares count it there

    def answer(self, side: str) -> Observation | None:
        return next((answer for answer in self.answers if answer.side == side), None)

    @property
    def not_known(self) -> tuple[Difference, ...]:
        """Those of the differences that no declared known difference covers."""
        return tuple(difference for difference in self.differences if not difference.excused_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One question put to VQL, to the direct path, and to the direct path again, back to back in random order.

    All times in milliseconds. `again_ms` is the second direct call: the old-against-old arm of the noise floor.
    `direct_by` says what stood for direct: baseline, own-path (sandbox or deployment) or sql (advisory: no web layer).
    """

    phase: str
    check: str
    key: str
    block: int
    vql_ms: float
    direct_ms: float
    again_ms: float | None = None
    direct_by: str = "baseline"
    at: float = 0.0  # epoch seconds of VQL's answer; 0: not recorded
    compared_as: str = ""  # check under which VQL's answer is a sample too: shares count it there


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """What a check set out to ask: the population it drew from and what every stratum holds in it."""

    phase: str
    check: str
    population: int
    planned: int
    strata: Mapping[str, int] = field(default_factory=dict)  # stratum -> members in the population
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A single thing that was found to be so: health answered, an index has a document count, a mapping's hash."""

    phase: str
    name: str
    ok: bool | None
    value: float | None = None
    unit: str = ""
    sentence: str = ""
    cause: CauseCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A sign-off by a person: a human line of the guide, by its id; `when` and `until` are ISO dates or times."""

    line: str
    who: str
    when: str
    until: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A blocking criterion that the deployment can't meet or measure for now: why, who answers for it, until when."""

    criterion: str
    reason: str
    ticket: str
    by: str
    until: str  # an ISO date, which holds to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the run itself.

    Names: collected (phases, items), worker-started, worker-finished, worker-crashed, test-error, rerun, interrupted,
    run-finished, requests (how many were sent), asked (how many of them for the checks that its detail names), cost
        (files made at the target, credits spent), slowed (the pace gave way, and why), stopped (a service gets no more
    requests, and why), unrecorded (something could not be written down), target-changed (it is another one than at
    first, and in what), target-silent (it could not be looked at any more), log-silent (the log could not be read any
    more), leaked (what had to be masked was written), clock-set (by how much, against the monotonic one). Guards say
    that they looked: target-looked, privacy-looked, log-looked, guarding (the plugins that watch over this process).
    run-finished and worker-finished count the lines of their file.
    """

    name: str
    at: float = 0.0
    worker: str = ""
    detail: str = ""
    phases: tuple[str, ...] = ()
    count: int = 0
    credits: int = 0


_Past = EarlierRun | WrongKey
_Traffic = TrafficDraw | TrafficProfile
Record = Comparison | Pair | CheckPlan | Fact | Attestation | Waiver | Event | _Past | _Traffic
PHASELESS = Event | Attestation | Waiver | TrafficProfile  # of a whole run
_TYPES: dict[str, type[Any]] = {
    "sample": Comparison,
    "pair": Pair,
    "plan": CheckPlan,
    "fact": Fact,
    "attestation": Attestation,
    "waiver": Waiver,
    "pastrun": EarlierRun,
    "wrongkey": WrongKey,
    "event": Event,
    "trafficdraw": TrafficDraw,
    "traffic": TrafficProfile,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def to_json(record: Record) -> dict[str, Any]:
    """The record as a JSON object with its `type` and the schema version `v`."""
    return {"v": SCHEMA, "type": _NAMES[type(record)], **_entry(record)}


def _entry(value: Any) -> Any:
    """As `dataclasses.asdict`, without its copies of what can't change: it is on the way of every answer."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _entry(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [_entry(entry) for entry in value]
    return dict(value) if isinstance(value, Mapping) else value


def from_json(entry: Mapping[str, Any]) -> Record:
    """The record an object of `to_json` stands for. Unknown keys are left out, so newer writers stay readable.

    Raises ValueError naming what is wrong: an unknown type, a missing or ill-typed field.
    """
    return _damage_named(entry.get("type"), lambda kind: converted(kind, entry))


def from_line(line: bytes) -> Record:
    """The same for one line of a record file."""
    name = decoded(_Tag, line, _TAG).type
    return _damage_named(name, lambda kind: decoded(kind, line, _DECODERS[kind]))


def _damage_named(name: object, decode: Callable[[type[Any]], Record]) -> Record:
    kind = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"unknown record type {name!r}; known: {', '.join(_TYPES)}")
    try:
        record = decode(kind)
        _reject_nonsense(record)
    except ValueError as error:
        raise ValueError(f"damaged {name} record: {error}") from None
    return record


def _reject_nonsense(record: Record) -> None:
    """What no measurement can be would bend the judgement without a word: a time of zero. Types are right by now."""
    if isinstance(record, EarlierRun):
        earlier_runs.require_possible(record)
    if isinstance(record, Pair):
        times = (record.vql_ms, record.direct_ms, *([] if record.again_ms is None else [record.again_ms]))
        if not all(time > 0 for time in times):
            raise ValueError("its times are not numbers above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tag:
    """What kind of record a line holds."""

    type: Any = None


_TAG = decoder(_Tag)
_DECODERS: dict[type[Any], Any] = {kind: decoder(kind) for kind in _TYPES.values()}
