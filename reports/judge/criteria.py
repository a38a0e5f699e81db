"""The gate of a phase: the guide's lines as data, read from TOML and checked to the last key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, TypeVar

from reports.records.decoding import DecodeError, from_table
from reports.records.records import is_of_any
from reports.records.suggestion import suggest

POOLED = ("window", "pooled-exact", "pooled-share", "pooled-availability", "pooled-latency", "pooled-p95", "burn")
RULES = ("exact", "traffic", "share", "latency", "p95", "lag", "fact", "limit", "attested", *POOLED)
UNLIMITED = ("exact", "traffic", "fact", "attested", "window", "pooled-exact")  # rules that need no target and alert
SHARING = ("share", "pooled-share", "pooled-availability", "burn")  # rules that need `of`
AVAILABILITY = "availability"  # the phase whose runs are single moments
KINDS = ("blocking", "advisory", "veto")
SHARES = ("errors", "fallbacks", "vql-failures", "connectra-errors")


_Value = TypeVar("_Value")


class GateError(ValueError):
    """A gate file can't be used; the message names file and criterion, quotes the value and suggests the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A line of the guide as data.

    `title` names it to people, in a few plain words; `guide` is the line of the guide that it stands for.
    `checks` are what the rule looks at: families of samples, names of facts, or ids of attestations; a name ending in
    `*` stands for all that begin so. `lines` are ids of suites/guide_lines.toml; `unit` is that of a limit.
    Rules over the history look at phases, over `hours` (none: over those of the gate's bake of each phase).
    """

    id: str
    guide: str
    rule: str
    reason: str
    title: str = ""
    lines: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    unit: str = ""
    of: str = ""
    target: float | None = None
    alert: float | None = None
    least: int = 1
    kind: str = "blocking"
    needs_flag: bool = False
    served_by: str = "vql"
    hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bake:
    """How long a phase has to prove itself: at least `hours` between its first and last run, pooled over `longest`."""

    phase: str
    hours: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """Seconds after which a difference is asked again, and how old a row may be for lag to explain one."""

    live_s: tuple[float, ...]
    sandbox_s: tuple[float, ...]
    fresh_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How pairs are taken, and the median in ms under which a ratio does not matter."""

    blocks: int = 8
    pairs: int = 16
    floor_ms: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSizes:
    """Records per export of each size, and the seconds after which one without an end counts as stuck.

    Most exports are `tiny`, cheap small ones; `shares` are the kinds' parts of them.
    """

    tiny: int
    small: int
    medium: int
    large: int
    deadline_s: Mapping[str, float]
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    phase: str
    title: str
    flag: str
    guide: str
    valid_hours: float
    samples: int
    recheck: Recheck
    latency: Latency
    criteria: tuple[Criterion, ...]
    bake: tuple[Bake, ...] = ()
    exports: ExportSizes | None = None
    after: str = ""  # the phase that has to be GO before


def covers(criterion: Criterion, name: str) -> bool:
    """Whether the criterion looks at the check, fact or attestation of that name."""
    return is_of_any(name, criterion.checks)


@lru_cache(maxsize=64)  # a bake reads the same gates once for each run of its history
def read_gate(text: str, path: str) -> Gate:
    """The gate in a TOML text; raises GateError."""
    try:
        entry = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise GateError(f"{path}: not TOML: {error}") from None
    for name in ("criterion", "bake"):
        if not isinstance(entry.get(name, []), list) or not all(isinstance(item, dict) for item in entry.get(name, [])):
            raise GateError(f"{path}: {name} is not a list of tables, each under its own [[{name}]]")
    if entry.pop("schema", None) != 1:
        raise GateError(f"{path}: schema must be 1")
    listed = entry.pop("criterion", [])
    if not listed:
        raise GateError(f"{path}: it has no [[criterion]]: a gate without criteria would hold nothing back")
    criteria = tuple(_criterion(item, path) for item in listed)
    _reject_twins(criteria, path)
    recheck = _value(Recheck, entry.pop("recheck", {}), f"{path}, [recheck]")
    latency = _value(Latency, entry.pop("latency", {}), f"{path}, [latency]")
    bake = tuple(_bake(item, f"{path}, [[bake]]") for item in entry.pop("bake", []))
    exports = _value(ExportSizes, entry.pop("exports"), f"{path}, [exports]") if "exports" in entry else None
    plain = _value(_PlainGate, entry, path)
    return Gate(
        **{field.name: getattr(plain, field.name) for field in fields(plain)},
        criteria=criteria,
        recheck=recheck,
        latency=latency,
        bake=bake,
        exports=exports,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlainGate:
    """A gate's own keys, without its tables."""

    phase: str
    title: str
    flag: str
    guide: str
    valid_hours: float
    samples: int
    after: str = ""


def _criterion(entry: Mapping[str, Any], path: str) -> Criterion:
    where = f"{path}, criterion {entry.get('id', '(without id)')!r}"
    criterion: Criterion = _value(Criterion, entry, where)
    _one_of(criterion.rule, RULES, f"{where}: rule")
    _one_of(criterion.kind, KINDS, f"{where}: kind")
    _one_of(criterion.served_by, ("vql", "any"), f"{where}: served_by")
    if criterion.rule in SHARING:
        _one_of(criterion.of, SHARES, f"{where}: of")
    if criterion.rule != "share" and not criterion.checks:
        raise GateError(f"{where}: checks is missing: the rule {criterion.rule!r} needs at least one check")
    if criterion.rule not in UNLIMITED:
        _require_limits(criterion, where)
    if criterion.least < 1:
        raise GateError(f"{where}: least = {criterion.least}: expected 1 or more")
    return criterion


def _bake(entry: Mapping[str, Any], where: str) -> Bake:
    bake: Bake = _value(Bake, entry, where)
    if not 0 < bake.hours <= bake.longest:
        raise GateError(f"{where} of {bake.phase}: expected 0 < hours <= longest, not {bake.hours}, {bake.longest}")
    return bake


def _require_limits(criterion: Criterion, where: str) -> None:
    for name in ("target", "alert"):
        value = getattr(criterion, name)
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise GateError(f"{where}: {name} = {value!r}: the rule {criterion.rule!r} needs a number above 0")
    if criterion.target is not None and criterion.alert is not None and criterion.target > criterion.alert:
        raise GateError(f"{where}: target {criterion.target:g} is beyond alert {criterion.alert:g}")


def _reject_twins(criteria: Sequence[Criterion], path: str) -> None:
    ids: set[str] = set()
    for criterion in criteria:
        if criterion.id in ids:
            raise GateError(f"{path}: criterion {criterion.id!r} is there twice")
        ids.add(criterion.id)


def _value(kind: type[_Value], entry: Any, where: str) -> _Value:
    """An instance from a table; unknown and missing keys are errors."""
    try:
        return from_table(kind, entry)
    except DecodeError as error:
        raise GateError(f"{where}: {error}") from None


def _one_of(value: Any, allowed: Sequence[str], where: str) -> None:
    if value not in allowed:
        expected = f"expected {', '.join(allowed)}"
        raise GateError(f"{where} = {value!r}: {expected}{suggest(str(value), allowed, or_list=False)}")
