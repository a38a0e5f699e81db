"""The process environment: outside the sandbox nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """The environment of this process, as it is now."""
    return os.environ
