"""The lock of a pipeline: whether a verdict.json holds a GO for a phase that is still good. Pure but for reading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema

from reports.judge.verdict import validate

AHEAD = timedelta(minutes=5)  # a verdict from further in the future tells of a clock that is wrong
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class InvalidVerdict(ValueError):
    """What was given is no verdict; the message says what it is and the way out."""


def read(path: Path) -> dict[str, Any]:
    """The verdict in that file, or in that run folder; raises Unusable."""
    file = path / "verdict.json" if path.is_dir() else path
    try:
        verdict: dict[str, Any] = json.loads(file.read_bytes())
        validate(verdict)
    except OSError as error:
        raise InvalidVerdict(f"{file}: {error.strerror}; give a run's verdict.json or its folder") from None
    except (ValueError, RecursionError) as error:
        raise InvalidVerdict(f"{file}: not JSON ({error}); python -m reports RUN_FOLDER writes it again") from None
    except jsonschema.ValidationError as error:
        raise InvalidVerdict(f"{file}: no verdict of this suite: {error.message[:200]}") from None
    return verdict


def age(text: str) -> timedelta:
    """`24h`, `90m`, `2d` or `3600s`; raises Unusable."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None or not float(found[1]):
        raise InvalidVerdict(f"{text!r} is no age: expected a number and s, m, h or d, such as 24h")
    try:
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise InvalidVerdict(f"{text!r} is too long an age") from None


def opened(
    verdict: Mapping[str, Any], phase: str, *, now: datetime, oldest: timedelta, require_live: bool = False
) -> tuple[str, str]:
    """(GO, HOLD or NO-GO for that phase now, one sentence why)."""
    run = verdict["run"]
    asked = verdict["phases"].get(phase)
    if asked is None:
        return "HOLD", f"{run} did not ask {phase}; it asked {', '.join(sorted(verdict['phases'])) or 'nothing'}"
    if asked["verdict"] != "GO":
        return asked["verdict"], f"{run} said {asked['verdict']} for {phase}"
    if verdict["incidents"]:
        return "HOLD", f"{run} met all of {phase}, but: {verdict['incidents'][0]}"
    if require_live and verdict["target"] != "live":
        return "HOLD", f"{run} asked the {verdict['target']}, not a live deployment"
    why = _stale(verdict, now, oldest)
    rehearsal = "" if verdict["target"] == "live" else f", a rehearsal on the {verdict['target']}"
    return ("HOLD", f"{run} said GO for {phase}, but {why}") if why else ("GO", f"{run} says GO for {phase}{rehearsal}")


def _stale(verdict: Mapping[str, Any], now: datetime, oldest: timedelta) -> str:
    finished, until = datetime.fromisoformat(verdict["finished"]), verdict["valid_until"]
    if finished > now + AHEAD:
        return f"it ended in the future, at {verdict['finished']}: one of two clocks is wrong"
    if now - finished > oldest:
        return f"it ended at {verdict['finished']}, longer ago than {_told(oldest)}"
    if until is not None and now > datetime.fromisoformat(until):
        return f"it was valid until {until}"
    return ""


def _told(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours:g} h" if hours >= 1 else f"{time.total_seconds() / 60:g} min"
