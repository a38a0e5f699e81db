"""The requests of customers in an access log: a profile of it, and what was drawn of each phase's requests.

Keys, filter texts and bodies of the log are part of neither: a key is a token, a filter only its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LATENCY_CHECK = "traffic-latency"  # of pairs that were drawn from customers' requests
GONE = "gone since it was logged"  # the stratum of a request whose record PostgreSQL does not have any more

ONE_FORM = "a file is read in one form; give lines of another form in a separate file"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficDraw:
    """`drawn` of the `population` requests that the log holds for a phase, each with the same chance.

    `unjudged` are those of them that can't be asked again, by reason. `lines` of the log were read, `unreadable` of
    them fit no form; `broken` says what broke off before its end. `since` and `until` are dates, '' if not logged.
    """

    phase: str
    population: int
    drawn: int
    unjudged: Mapping[str, int] = field(default_factory=dict)
    lines: int = 0
    unreadable: int = 0
    broken: str = ""
    since: str = ""
    until: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficFile:
    """One file of the log: its name without folders, the form that was found, and what could not be read."""

    name: str
    form: str
    lines: int
    unreadable: int
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShape:
    """Parameters that were asked together, in alphabetical order, and how often."""

    parameters: tuple[str, ...]
    requests: int
    ordering: str = ""
    page_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HotKey:
    """A key that is asked for often, as a token."""

    token: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficHour:
    """An hour of the day: requests, and how long they took in milliseconds, where the log says so."""

    hour: int
    requests: int
    median_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTraffic:
    """The requests to one endpoint of the contract. `keys` are the distinct keys that were counted."""

    phase: str
    endpoint: str
    requests: int
    keys: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    shapes: tuple[RequestShape, ...] = ()
    hot_keys: tuple[HotKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficProfile:
    """What an access log says of customers.

    `stood_for` requests are of a kind that the phases' own questions ask; `not_stood_for` are the others, by why not,
    and `outside` are endpoints that no phase is about, `*` for parts of a path that are not shown.
    """

    files: tuple[TrafficFile, ...] = ()
    lines: int = 0
    unreadable: int = 0
    requests: int = 0
    since: str = ""
    until: str = ""
    endpoints: tuple[EndpointTraffic, ...] = ()
    hours: tuple[TrafficHour, ...] = ()
    stood_for: int = 0
    not_stood_for: Mapping[str, int] = field(default_factory=dict)
    outside: Mapping[str, int] = field(default_factory=dict)

    @property
    def of_phases(self) -> int:
        """Requests to endpoints that a phase is about."""
        return sum(endpoint.requests for endpoint in self.endpoints)

    @property
    def broken(self) -> str:
        """Files that broke off before their end, and why; '' if none did."""
        return "; ".join(f"{file.name}: {file.broken}" for file in self.files if file.broken)
