"""The judge's own constants stand in one file, each with its reason, and a slip in it is named."""

import tomllib

import pytest

from reports.judge.policy import POLICY, POLICY_PATH, PolicyError, read_policy

TEXT = POLICY_PATH.read_text(encoding="utf-8")


def test_the_file_is_what_the_judge_uses() -> None:
    assert read_policy(TEXT) == POLICY


@pytest.mark.parametrize("name", tomllib.loads(TEXT))
def test_each_constant_has_a_reason(name: str) -> None:
    assert len(tomllib.loads(TEXT)[name]["reason"]) > 20


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[confidence]", "[confidense]", "unknown key 'confidense'"),
        ("value = 0.997", "value = -1", "confidence = -1: expected numbers above 0"),
        ("value = 0.997", 'value = "high"', "confidence = 'high': expected numbers above 0"),
        ("value = 0.997", "valeu = 0.997", "confidence must be a table of a value and a reason"),
        ("value = 32\n", "value = 32.5\n", "chunk"),
        ("[confidence]", "[confidence", "not TOML"),
    ],
)
def test_a_slip_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message.replace("(", r"\(")):
        read_policy(TEXT.replace(old, new, 1))
