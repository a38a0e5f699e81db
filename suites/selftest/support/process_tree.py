"""Processes and their descendants, told apart from later ones with the same number; read from /proc."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A process: its number, and when it began, in ticks since the machine did."""

    pid: int
    began: int


def family(pid: int) -> set[Member]:
    """The process and everything it started, whatever session or group that is in now."""
    known = _all()
    found, grown = {pid}, True
    while grown:
        children = {child for child, (parent, *_) in known.items() if parent in found}
        grown = not children <= found
        found |= children
    return {Member(pid=each, began=known[each][1]) for each in found if each in known}


def alive(members: Iterable[Member]) -> set[Member]:
    """Those that still run; a process that has ended and waits for its parent's look counts as ended."""
    known = _all()
    return {each for each in members if each.pid in known and known[each.pid][1:] == (each.began, True)}


def within(seconds: float, seen: Callable[[], object]) -> bool:
    """Whether `seen` becomes true in time; looks at once and every 20 ms."""
    deadline = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def listening(settings: Mapping[str, str]) -> list[str]:
    """Those of a sandbox's addresses at which somebody still listens."""
    urls = [value for name, value in settings.items() if name.endswith("_URL")]
    places = {url.rpartition("@")[2].rpartition("//")[2].partition("/")[0] for url in urls}
    places.add(f"127.0.0.1:{settings['ELASTICSEARCH_PORT']}")
    return sorted(place for place in places if _takes_calls(int(place.rpartition(":")[2])))


def _takes_calls(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _all() -> dict[int, tuple[int, int, bool]]:
    """By number: parent, beginning, whether it runs."""
    found: dict[int, tuple[int, int, bool]] = {}
    for path in PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended between the two looks
        found[int(path.parent.name)] = (int(fields[1]), int(fields[19]), fields[0] not in "ZX")
    return found
