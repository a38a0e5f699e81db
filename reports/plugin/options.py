"""Options of a run as data: name, environment variable, kind and sentence. argparse and the reference page read them.

An option that is not given takes its variable's value; a variable that can't be read so is a usage error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from reports.environment import environment

_KINDS: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number"}
_YES, _NO = ("true", "1", "yes", "on"), ("", "false", "0", "no", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `kind` is str, int, float, or bool for a switch; `many`: it may be given several times.

    `value` is what stands for its value in help, `default` what it is when neither it nor its variable is given.
    `not_repeated` is why the commands that a run prints leave it out; all others repeat it.
    """

    name: str
    variable: str
    text: str
    kind: type = str
    value: str = ""
    default: Any = None
    many: bool = False
    not_repeated: str = ""

    @property
    def destination(self) -> str:
        """Its attribute of `config.option`."""
        return self.name.removeprefix("--").replace("-", "_")

    def read(self, environ: Mapping[str, str]) -> Any:
        """The value that its variable gives, else the default; raises pytest.UsageError."""
        if self.kind is bool:
            return switched_on(environ, self.variable)
        text = environ.get(self.variable)
        if not text:
            return self.default
        try:
            return text.replace(",", " ").split() if self.many else self.kind(text)
        except ValueError:
            expected = f"expected {_KINDS[self.kind]}, as for {self.name}"
            raise pytest.UsageError(f"{self.variable}={text!r}: {expected}") from None


GATE = (
    Option(name="--out", variable="GATE_OUT", value="DIR", text="where run folders go (default: reports/out)"),
    Option(
        name="--keep",
        variable="GATE_KEEP",
        kind=int,
        value="N",
        text="after the run, delete all run folders in --out but the newest N and those that a later phase needs",
        not_repeated="it is about disk space",
    ),
    Option(
        name="--history",
        variable="GATE_HISTORY",
        value="DIR",
        text="keep one file per run in this folder; the page shows the trend, and a bake is judged by it",
    ),
    Option(
        name="--watch",
        variable="GATE_WATCH",
        kind=bool,
        text="rewrite summary.html every 15 s while the run goes on; a browser that shows it reloads it by itself",
        not_repeated="it is about this terminal's browser",
    ),
    Option(
        name="--bake",
        variable="GATE_BAKE",
        kind=bool,
        text="judge the phase's bake in --history too: the guide's 24 or 48 hours, and the metrics over all its runs",
    ),
    Option(
        name="--canary-ok",
        variable="GATE_CANARY_OK",
        kind=bool,
        text="with -m canary: exit with 0 where nothing speaks against the rollout and only samples are missing",
    ),
    Option(
        name="--out-of-order",
        variable="GATE_OUT_OF_ORDER",
        kind=bool,
        text="live only: do not require a GO of the phase before this one",
        not_repeated="it sets a rule aside: a person gives it once",
    ),
    Option(
        name="--forget-wrong-keys",
        variable="GATE_FORGET_WRONG_KEYS",
        value="RUN",
        text="accept that keys which this run confirmed wrong are not found any more: they were deleted on purpose",
        not_repeated="it sets a rule aside: a person gives it once",
    ),
    Option(
        name="--gate-dry-run",
        variable="GATE_DRY_RUN",
        kind=bool,
        text="judge and print, but exit with pytest's own code",
        not_repeated="it hides the verdict",
    ),
)


def register(parser: pytest.Parser, options: Sequence[Option], group: str, title: str) -> None:
    """Add the options to a group of pytest's command line. None means: not given."""
    place = parser.getgroup(group, title)
    for option in options:
        default = f" (default: {option.default})" if option.default is not None else ""
        text = f"{option.text}{default} [{option.variable}]"
        if option.kind is bool:
            place.addoption(option.name, action="store_true", default=None, help=text)
        else:
            action = "append" if option.many else "store"
            metavar = option.value or None
            place.addoption(option.name, action=action, type=option.kind, metavar=metavar, default=None, help=text)


def fill_in(config: pytest.Config, options: Sequence[Option]) -> None:
    """Give every option that was not given the value of its environment variable, or its default."""
    environ = environment()
    for option in options:
        if getattr(config.option, option.destination) is None:
            setattr(config.option, option.destination, option.read(environ))


def switched_on(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is true; a word that is neither true nor false is a usage error, never false."""
    value = environ.get(name, "").strip().lower()
    if value not in (*_YES, *_NO):
        raise pytest.UsageError(f"{name}={environ[name]!r} is neither true nor false")
    return value in _YES
