"""The judge's own constants, read once from policy.toml: the same for every phase, each with its reason."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.records.decoding import DecodeError, from_table

POLICY_PATH = Path(__file__).with_name("policy.toml")


class PolicyError(ValueError):
    """policy.toml can't be used; the message names the constant and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """policy.toml as values; the file states the reason of each."""

    confidence: float
    stages: tuple[int, ...]  # answers
    claim_confidence: float
    unlimited_population: int  # records
    chunk: int  # answers
    burst_chance: float
    most_unknown: float  # share
    most_void: float  # share
    most_dropped: float  # share
    least_blocks: int
    canary_blocks: int
    canary_few: int
    canary_exports: int
    bias: float  # ratio - 1
    tail_factor: float  # ratio
    floor_tail: float  # floors
    spare_share: float
    spare_more: int  # samples
    alike: float  # correlation
    merged: int  # runs
    least_to_correlate: int  # runs
    widest_gap: float  # share of a window
    most_missing: float  # share of a window's runs
    cusum_limit: float  # log-likelihood ratio
    run_deviation: float  # log
    share_cusum_limit: float  # log-likelihood ratio
    least_to_burn: int  # failures
    burn_long_s: int
    burn_short_s: int
    alarm_chance: float
    ahead_s: int
    clock_s: int
    most_waivers: int  # at once
    longest_waiver_days: int


def read_policy(text: str) -> Policy:
    """The constants in a TOML text: a table each, of `value` and `reason`; raises PolicyError."""
    try:
        tables = tomllib.loads(text)
    except ValueError as error:
        raise PolicyError(f"policy.toml: not TOML: {error}") from None
    try:
        policy: Policy = from_table(Policy, {name: _value(name, table) for name, table in tables.items()})
    except DecodeError as error:
        raise PolicyError(f"policy.toml: {error}") from None
    return policy


def _value(name: str, table: Any) -> Any:
    if not isinstance(table, dict) or table.keys() != {"value", "reason"} or not str(table["reason"]).strip():
        raise PolicyError(f"policy.toml: {name} must be a table of a value and a reason, nothing else")
    value = table["value"]
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(isinstance(number, int | float) and number > 0 for number in numbers):
        raise PolicyError(f"policy.toml: {name} = {value!r}: expected numbers above 0")
    return tuple(value) if isinstance(value, list) else value


POLICY = read_policy(POLICY_PATH.read_text(encoding="utf-8"))
