"""Which judge gave a verdict: its version, and a hash over its sources and constants. A GO of another judge opens
nothing, for it may have been given by other rules."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

VERSION = "0.1.0"  # of this suite: pyproject.toml's
_REPORTS = Path(__file__).parents[2]
_PARTS = ("records", "comparison", "judge")  # all that decides; what renders a verdict decides nothing
_KINDS = (".py", ".toml", ".json")


@cache
def identity() -> dict[str, str]:
    """{version, sha256} of the judge that runs here."""
    return {"version": VERSION, "sha256": digest(_REPORTS)}


def digest(reports: Path) -> str:
    """A hash over every source and constant of the judge below that folder, their names included."""
    sha256 = hashlib.sha256()
    paths = (path for part in _PARTS for path in (reports / part).rglob("*") if path.suffix in _KINDS)
    for path in sorted(paths, key=lambda path: path.relative_to(reports).as_posix()):
        text = path.read_bytes().replace(b"\r\n", b"\n")  # a checkout's line ends decide nothing
        sha256.update(f"{path.relative_to(reports).as_posix()}\0{len(text)}\0".encode())
        sha256.update(text)
    return sha256.hexdigest()
