"""Runs a module as `python -m` does: `watched` prints what leaves the process, `offline` leaves it the loopback only.

`python -m suites.selftest.support.confined_module {watched|offline} MODULE ARGUMENTS`
"""

import ctypes
import os
import runpy
import subprocess
import sys
from typing import Any

_OUTGOING = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h


def _report(event: str, arguments: tuple[Any, ...]) -> None:
    """Connections, names looked up and URLs, each with where it goes; programs by their names."""
    if event in _OUTGOING:
        sys.stderr.write(f"SENT {event} {arguments[1:]}\n")
    if event == "subprocess.Popen":
        sys.stderr.write(f"SENT {os.path.basename(arguments[1][0])}\n")


def _leave_network() -> None:
    """Raises OSError where that is not allowed: only root may."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "the network can't be left")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


if __name__ == "__main__":
    del sys.argv[0]
    if sys.argv.pop(0) == "watched":
        sys.addaudithook(_report)
    else:
        _leave_network()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
