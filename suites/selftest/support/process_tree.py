"""Processes and their descendants. psutil distinguishes a process from a later one with the same number."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping

import psutil


def family(pid: int) -> set[psutil.Process]:
    """The process and everything it started, whatever session or group that is in now."""
    try:
        parent = psutil.Process(pid)
        return {parent, *parent.children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def alive(members: Iterable[psutil.Process]) -> set[psutil.Process]:
    """Those that still run; one that has ended and whose parent has not looked yet counts as ended."""
    return {process for process in members if process.is_running() and process.status() != psutil.STATUS_ZOMBIE}


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether `seen` becomes true in time; looks at once and every 20 ms."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def listening(settings: Mapping[str, str]) -> list[str]:
    """Those of a sandbox's addresses at which a process still listens."""
    urls = [value for name, value in settings.items() if name.endswith("_URL")]
    places = {url.rpartition("@")[2].rpartition("//")[2].partition("/")[0] for url in urls}
    places.add(f"127.0.0.1:{settings['ELASTICSEARCH_PORT']}")
    return sorted(place for place in places if _takes_calls(int(place.rpartition(":")[2])))


def _takes_calls(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
