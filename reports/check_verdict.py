"""The lock of a pipeline: whether a verdict.json holds a GO for a phase that is still good. Pure but for reading.

A file is not taken at its word where its premises can be looked at: the phase's verdict is recomputed from its
findings, its end from the gate, and where the run folder is at hand its observations are judged again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema

from reports.history.premises import Unfounded, judged_again, why_altered
from reports.judge.criteria import Gate, GateError, read_gate
from reports.judge.findings import worst
from reports.judge.integrity.signature import why_unsigned
from reports.judge.integrity.standing_go import PhaseResult, of_verdict, why_not
from reports.judge.verdict import validate
from reports.records.wording import counted

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class InvalidVerdict(ValueError):
    """What was given is no verdict; the message says what it is and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What the pipeline asks of a GO besides its age."""

    judge: str = ""  # sha256 of the judge that must have given it
    require_live: bool = False
    require_suite: bool = False  # judging again by the present judge is not enough
    waivers: bool = True  # may it rest on waivers?
    key: str = ""  # that it must be signed with
    gates: Mapping[str, str] | None = None  # the text of each phase's gate; None: any gate will do


def read(path: Path) -> dict[str, Any]:
    """The verdict in that file, or in that run folder; raises InvalidVerdict."""
    file = path / "verdict.json" if path.is_dir() else path
    try:
        verdict: dict[str, Any] = json.loads(file.read_bytes())
        validate(verdict)
        _require_moments(verdict)
    except OSError as error:
        raise InvalidVerdict(f"{file}: {error.strerror}; give a run's verdict.json or its folder") from None
    except (ValueError, RecursionError) as error:
        raise InvalidVerdict(f"{file}: not JSON ({error}); python -m reports RUN_FOLDER writes it again") from None
    except jsonschema.ValidationError as error:
        raise InvalidVerdict(f"{file}: no verdict of this suite: {error.message[:200]}") from None
    return verdict


def _require_moments(verdict: Mapping[str, Any]) -> None:
    for name in ("started", "finished", "valid_until"):
        text = verdict[name]
        if text is not None and datetime.fromisoformat(text).tzinfo is None:
            raise ValueError(f"{name} = {text!r} has no time zone")


def folder_of(path: Path) -> Path | None:
    """The run folder that the verdict lies in; None where only the file is at hand."""
    folder = path if path.is_dir() else path.parent
    return folder if (folder / "run.json").is_file() and (folder / "observations").is_dir() else None


def age(text: str) -> timedelta:
    """`24h`, `90m`, `2d` or `3600s`; raises InvalidVerdict."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None or not float(match[1]):
        raise InvalidVerdict(f"{text!r} is not an age: expected a number and s, m, h or d, such as 24h")
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        raise InvalidVerdict(f"{text!r} is too long an age") from None


def opened(
    verdict: Mapping[str, Any],
    phase: str,
    *,
    now: datetime,
    oldest: timedelta,
    require_live: bool = False,
    demands: Demands | None = None,
    folder: Path | None = None,
) -> tuple[str, str]:
    """(GO, HOLD or NO-GO for that phase now, one sentence why). `folder`: the run folder that it lies in."""
    demands = demands or Demands(require_live=require_live)
    run = verdict["run"]
    if phase not in verdict["phases"]:
        return "HOLD", f"{run} did not test {phase}; it tested {', '.join(sorted(verdict['phases'])) or 'nothing'}"
    altered = why_unsigned(verdict, demands.key)
    again = None
    if folder is not None and not altered:
        try:
            again = judged_again(folder, verdict["finished"])
        except Unfounded as error:
            return "HOLD", f"{run} can't be judged again: {error}"
        altered = why_altered(verdict, again) if _is_by(verdict, again["suite"]["sha256"]) else ""
        if phase not in again["phases"]:
            return "HOLD", f"{run} did not test {phase}: its observations contain no record of that phase"
    return _opened(verdict, again, phase, now, oldest, demands, altered)


def _opened(
    verdict: Mapping[str, Any],
    again: Mapping[str, Any] | None,
    phase: str,
    now: datetime,
    oldest: timedelta,
    demands: Demands,
    altered: str,
) -> tuple[str, str]:
    run = verdict["run"]
    result = of_verdict(again or verdict, phase, altered=altered)
    sentence = worst([result.verdict, verdict["phases"][phase]["verdict"]])
    if sentence == "NO-GO":
        return "NO-GO", f"{run} said NO-GO for {phase}" + ("" if result.stated == sentence else ", by its findings")
    why = (
        _why_another_gate(result, demands)
        or _why_another_judge(verdict, again, demands)
        or why_not(
            replace(result, stated=sentence),
            now=now,
            hours=_hours(result, demands, oldest),
            bonds={},
            waivers_allowed=demands.waivers,
        )
        or _why_expired(verdict, phase, now)
        or _why_out_of_order(again or verdict, phase, demands)
    )
    if not why and demands.require_live and (again or verdict)["target"] != "live":
        why = f"it tested {verdict['target']}, not a live deployment"
    if why:
        return "HOLD", f"{run} says {verdict['phases'][phase]['verdict']} for {phase}, but {why}"
    rehearsal = "" if verdict["target"] == "live" else f", a rehearsal on the {verdict['target']}"
    waived = f", with {counted(len(result.waivers), 'waiver')}" if result.waivers else ""
    return "GO", f"{run} says GO for {phase}{waived}{rehearsal}"


def _is_by(verdict: Mapping[str, Any], judge: str) -> bool:
    return bool(verdict.get("suite", {}).get("sha256") == judge)


def _hours(result: PhaseResult, demands: Demands, oldest: timedelta) -> float:
    """How long the GO is good for: by its gate, by what it says of its gate, and by --max-age, the shortest."""
    gate = _gate(result.phase, demands)
    limits = [oldest.total_seconds() / 3600]
    limits += [hours for hours in (result.valid_hours, gate.valid_hours if gate else None) if hours is not None]
    return min(limits)


def _gate(phase: str, demands: Demands) -> Gate | None:
    text = (demands.gates or {}).get(phase)
    try:
        return read_gate(text, phase) if text is not None else None
    except GateError as error:
        raise InvalidVerdict(f"the gate of {phase} can't be read: {error}") from None


def _why_another_gate(result: PhaseResult, demands: Demands) -> str:
    if demands.gates is None:
        return ""
    text = demands.gates.get(result.phase)
    if text is None:
        return f"no gate file of {result.phase} is here to compare with; name one with --gate FILE"
    if hashlib.sha256(text.encode()).hexdigest() != result.bonds["gate"]:
        return (
            "it was judged by another gate file than the one here; run the phase again, or name that file with --gate"
        )
    return ""


def _why_another_judge(verdict: Mapping[str, Any], again: Mapping[str, Any] | None, demands: Demands) -> str:
    """A folder is judged again by the judge that runs here, so only --require-suite asks who judged first."""
    if not demands.judge or _is_by(verdict, demands.judge) or (again is not None and not demands.require_suite):
        return ""
    who = verdict.get("suite", {}).get("sha256", "")
    by = f"another judge ({who[:12]})" if who else "an unnamed judge"
    return f"it was given by {by}, not by {demands.judge[:12]}; give the run folder, which is judged again"


def _why_expired(verdict: Mapping[str, Any], phase: str, now: datetime) -> str:
    ends = [verdict["valid_until"], verdict["phases"][phase].get("valid_until")]
    past = [text for text in ends if text is not None and now > datetime.fromisoformat(text)]
    return f"it was valid until {past[0]}" if past else ""


def _why_out_of_order(verdict: Mapping[str, Any], phase: str, demands: Demands) -> str:
    """A phase that was asked together with the one before it needs that one to be GO too, in the same run."""
    gate = _gate(phase, demands)
    if gate is None or gate.after not in verdict["phases"]:
        return ""
    before = of_verdict(verdict, gate.after)
    return f"{gate.after}, which comes before it, is {before.verdict} in the same run" if before.verdict != "GO" else ""
