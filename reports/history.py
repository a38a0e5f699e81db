"""The history of verdicts: one immutable file per run, merged by copying, and read back for trends and for the bake.

    <folder>/<run-id>.json

A file appears whole or not at all and is never overwritten, so concurrent runs and shards share a folder safely.
`read` takes what it can: a damaged file, or one of a version it does not know, is a problem to report, never fatal.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from reports.ledger import Recorded, Run
from reports.observations import Answer, Outcome, Pair, Provenance, Sample
from reports.wording import Entry

SCHEMA = 1
_PLAIN_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of latency pairs, times in milliseconds: position i of each tuple is one question.

    The means are the unit of everything about latency: mean of log(vql/direct), and of log(again/direct).
    """

    check: str
    number: int
    vql_ms: tuple[float, ...]
    direct_ms: tuple[float, ...]
    again_ms: tuple[float, ...] = ()
    direct_by: str = "baseline"

    @property
    def mean(self) -> float:
        return fmean(math.log(vql / direct) for vql, direct in zip(self.vql_ms, self.direct_ms, strict=True))

    @property
    def again_mean(self) -> float | None:
        if len(self.again_ms) != len(self.direct_ms):
            return None
        return fmean(math.log(again / direct) for again, direct in zip(self.again_ms, self.direct_ms, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The k and n of one check: distinct questions by outcome, the backend's answers by who served them.

    `attempts` are answers that VQL should have been tried for (the denominator of fallback and success),
    `fallbacks` those of them that SQL answered, `errors` the backend's errors, all in backend answers.
    """

    check: str
    outcomes: Mapping[str, int]
    provenance: Mapping[str, int]
    attempts: int = 0
    fallbacks: int = 0
    errors: int = 0
    excused: Mapping[str, int] = field(default_factory=dict)  # by the known difference's id
    longest_lag_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A finding as the history keeps it. `failures` is known for shares only: failures of count."""

    criterion: str
    outcome: str
    kind: str
    unit: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    count: int = 0
    failures: int | None = None
    needed: int = 0
    target: float | None = None
    alert: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEntry:
    phase: str
    verdict: str
    title: str = ""
    flag: str = ""
    gate_sha256: str = ""
    criteria: tuple[Kept, ...] = ()
    tallies: tuple[Tally, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One run: what it was bound to, what it measured, what it said. Holds no key, no value, no secret."""

    run_id: str
    target: str  # sandbox or live
    where: str  # which deployment: the backend's URL, or "sandbox"
    started: str  # ISO 8601, UTC
    finished: str
    verdict: str
    contract: str = ""
    seed: int = 0
    flags: Mapping[str, bool | None] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)  # backend, connectra, index
    phases: Mapping[str, PhaseEntry] = field(default_factory=dict)
    provenance: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    credits: int = 0
    incidents: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def bond(self, phase: str) -> Mapping[str, str]:
        """What a verdict on this phase is bound to, as comparable text: build, connectra, flags, index, gate."""
        told = {"build": self.fingerprint.get("backend"), "connectra": self.fingerprint.get("connectra"),
                "flags": dict(self.flags), "index": self.fingerprint.get("index")}  # fmt: skip
        bond = {name: json.dumps(part, sort_keys=True, ensure_ascii=False) for name, part in told.items()}
        return {**bond, "gate": self.phases[phase].gate_sha256 if phase in self.phases else ""}


class AlreadyKept(ValueError):
    """The history holds a file of that run: it is never overwritten."""


def entry_of(recorded: Recorded, verdict: Entry) -> HistoryEntry:
    """What the history keeps of a judged run."""
    run = recorded.run
    return HistoryEntry(
        run_id=run.run_id,
        target=run.target,
        where=where(run),
        started=run.started,
        finished=verdict["finished"],
        verdict=verdict["verdict"],
        contract=run.contract,
        seed=run.seed,
        flags=dict(run.flags),
        fingerprint={name: run.fingerprint.get(name) for name in ("backend", "connectra", "index")},
        phases={name: _phase_entry(name, phase, verdict, recorded) for name, phase in verdict["phases"].items()},
        provenance=dict(verdict["provenance"]),
        requests=verdict["cost"]["requests"],
        credits=verdict["cost"]["credits"],
        incidents=len(verdict["incidents"]),
        options=dict(run.options),
    )


def where(run: Run) -> str:
    """Which deployment a run asks: the backend's URL, or "sandbox"."""
    return run.target if run.target != "live" else run.described.get("backend", "live")


def write(folder: Path, entry: HistoryEntry) -> Path:
    """Keep the entry: the whole file appears at once. Raises AlreadyKept, or OSError when the folder can't be used."""
    if not _PLAIN_NAME.fullmatch(entry.run_id):
        raise ValueError(f"{entry.run_id!r} is no run id: it would be a path")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{entry.run_id}.json"
    temporary = folder / f".{entry.run_id}.{os.getpid()}"
    temporary.write_text(_text(entry), encoding="utf-8")
    try:
        _appear(temporary, path)
    except FileExistsError:
        raise AlreadyKept(f"{path} is there already; a history file is never overwritten") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(folder: Path) -> tuple[tuple[HistoryEntry, ...], tuple[str, ...]]:
    """(entries by the time they finished, problems as "<file>: <why>"). A folder that is not there holds nothing."""
    entries: list[HistoryEntry] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            entries.append(from_json(json.loads(path.read_bytes())))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
            problems.append(f"{path.name}: {_why(error)}")
    return tuple(sorted(entries, key=lambda each: (each.finished, each.run_id))), tuple(problems)


def remember(folder: Path, recorded: Recorded, verdict: Entry) -> tuple[tuple[HistoryEntry, ...], list[str]]:
    """Keep this run and return the earlier runs of the same deployment, with a note for everything that went wrong."""
    entry = entry_of(recorded, verdict)
    notes: list[str] = []
    try:
        if recorded.run.options.get("shard"):
            notes.append("a shard is not added to the history: the run that it is merged into will be")
        else:
            write(folder, entry)
    except (AlreadyKept, OSError) as error:
        notes.append(f"this run is not added to the history: {error}")
    try:
        entries, problems = read(folder)
    except OSError as error:
        return (), [*notes, f"the history can't be read: {error}"]
    if problems:
        notes.append(f"{len(problems)} history files can't be read, first {problems[0]}")
    return like(entries, entry), notes


def like(entries: Iterable[HistoryEntry], entry: HistoryEntry) -> tuple[HistoryEntry, ...]:
    """The earlier runs that asked the same deployment."""
    return tuple(
        each for each in entries
        if (each.target, each.where) == (entry.target, entry.where)
        and each.run_id != entry.run_id and each.finished <= entry.finished
    )  # fmt: skip


def from_json(entry: Any) -> HistoryEntry:
    """The entry that a file's content stands for; keys it does not know are left out. Raises ValueError and kin."""
    if not isinstance(entry, dict):
        raise ValueError(f"expected a JSON object, found {type(entry).__name__}")
    version = entry.get("schema")
    if version not in _READERS:
        raise ValueError(f"schema {version!r} is not known; this suite reads {', '.join(map(str, _READERS))}")
    return _READERS[version](entry)


def _read_1(entry: Mapping[str, Any]) -> HistoryEntry:
    phases = {name: _read_phase(phase) for name, phase in entry.get("phases", {}).items()}
    found: HistoryEntry = _made(HistoryEntry, {**entry, "phases": phases})
    for name in ("run_id", "target", "finished", "verdict"):
        if not isinstance(getattr(found, name), str):
            raise ValueError(f"{name} is not a text")
    return found


_READERS = {1: _read_1}  # by schema: a later version is read by a reader of its own, so old files stay readable


def _read_phase(entry: Mapping[str, Any]) -> PhaseEntry:
    listed = {"criteria": Kept, "tallies": Tally, "blocks": Block}
    parts = {name: tuple(_made(kind, each) for each in entry.get(name, ())) for name, kind in listed.items()}
    found: PhaseEntry = _made(PhaseEntry, {**entry, **parts})
    for block in found.blocks:
        times = (*block.vql_ms, *block.direct_ms, *block.again_ms)
        if len(block.vql_ms) != len(block.direct_ms) or not block.vql_ms or min(times) <= 0:
            raise ValueError(f"block {block.number} of {block.check} holds no pairs of times")
    return found


def _made(kind: type[Any], entry: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value
                   for name, value in entry.items() if name in known})  # fmt: skip


def _text(entry: HistoryEntry) -> str:
    return json.dumps({"schema": SCHEMA, **asdict(entry)}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _appear(temporary: Path, path: Path) -> None:
    """Give the file its name only if nobody has it; file systems without hard links get an exclusive create."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        with path.open("x", encoding="utf-8") as file:
            file.write(temporary.read_text(encoding="utf-8"))


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "not JSON: torn or damaged"
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _phase_entry(name: str, phase: Entry, verdict: Entry, recorded: Recorded) -> PhaseEntry:
    samples = [each for each in recorded.records if isinstance(each, Sample) and each.phase == name]
    pairs = [each for each in recorded.records if isinstance(each, Pair) and each.phase == name]
    return PhaseEntry(
        phase=name,
        verdict=phase["verdict"],
        title=phase["title"],
        flag=phase["flag"],
        gate_sha256=verdict["fingerprint"]["gate_sha256"].get(name, ""),
        criteria=tuple(_kept(finding) for finding in phase["findings"]),
        tallies=tuple(_tally(check, samples) for check in sorted({sample.check for sample in samples})),
        blocks=_blocks(pairs),
    )


def _kept(finding: Entry) -> Kept:
    value, count = finding["value"], finding["count"]
    return Kept(
        criterion=finding["criterion"], outcome=finding["outcome"], kind=finding["kind"], unit=finding["unit"],
        value=value, interval=tuple(finding["interval"]) if finding["interval"] else None, count=count,
        failures=round(value * count) if finding["unit"] == "share" and value is not None else None,
        needed=finding["needed"], target=finding["target"], alert=finding["alert"],
    )  # fmt: skip


def _tally(check: str, samples: Sequence[Sample]) -> Tally:
    own: dict[str, Sample] = {}
    for sample in samples:
        if sample.check == check:
            own.setdefault(sample.key, sample)
    answers = [(sample, answer) for sample in own.values() if (answer := sample.answer("backend"))]
    attempts = [answer for sample, answer in answers if sample.attempt]
    excused = Counter(ticket for sample in own.values() if sample.outcome is Outcome.EXCUSED
                      for ticket in {each.excused_by or "no ticket" for each in sample.differences})  # fmt: skip
    return Tally(
        check=check,
        outcomes=dict(Counter(str(sample.outcome) for sample in own.values())),
        provenance=dict(Counter(str(answer.provenance) for _, answer in answers if answer.error is None)),
        attempts=len(attempts),
        fallbacks=sum(_by_sql(answer) for answer in attempts),
        errors=sum(answer.error is not None for _, answer in answers),
        excused=dict(excused),
        longest_lag_s=max((sample.lag_s for sample in own.values() if sample.lag_s is not None), default=None),
    )


def _by_sql(answer: Answer) -> bool:
    return answer.error is None and answer.provenance in (Provenance.FALLBACK, Provenance.DIRECT)


def _blocks(pairs: Sequence[Pair]) -> tuple[Block, ...]:
    grouped: dict[tuple[str, int], list[Pair]] = {}
    for pair in pairs:
        grouped.setdefault((pair.check, pair.block), []).append(pair)
    return tuple(
        Block(
            check=check,
            number=number,
            vql_ms=tuple(round(pair.vql_ms, 3) for pair in block),
            direct_ms=tuple(round(pair.direct_ms, 3) for pair in block),
            again_ms=tuple(round(pair.again_ms, 3) for pair in block if pair.again_ms),
            direct_by=block[0].direct_by,
        )
        for (check, number), block in sorted(grouped.items())
    )
