"""Compiled modules for whatever the self-tests start."""

import os
import sys
import tempfile
from pathlib import Path


def allow_bytecode() -> None:
    """This process and its children write compiled modules, also where the environment forbids it (images do).

    Some hundred interpreters start; each would compile the project anew, and each worker all test modules.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        compiled = str(Path(tempfile.gettempdir()) / "contact360-vql-gate-pycache")
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", compiled)
