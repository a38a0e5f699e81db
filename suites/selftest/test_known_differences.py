"""The team's own known differences: a file beside the gates, empty as shipped, laid over whatever contract is asked."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.contracts.contract import ContractError, load
from fixtures.session import options
from fixtures.session.options import KNOWN_DIFFERENCES

OWN = """
[[known]]
id = "own"
checks = ["contact-endpoint"]
field = "title"
by = "vql"
reason = "told"
ticket = "C360-1"
until = 2100-01-01
cap = 0.05
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "known_differences.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_none_is_shipped(checkout: Path) -> None:
    path = checkout / KNOWN_DIFFERENCES

    assert path.exists()
    assert load("guide", known=path).known == load("guide").known


def test_the_example_that_is_shown_is_one(checkout: Path, tmp_path: Path) -> None:
    shipped = (checkout / KNOWN_DIFFERENCES).read_text(encoding="utf-8")
    path = tmp_path / "example.toml"
    path.write_text("\n".join(re.findall(r"^#     (.*)$", shipped, re.MULTILINE)), encoding="utf-8")

    assert load("guide", known=path).known[-1].id == "title-first-only"


@pytest.mark.parametrize("contract", ["guide", "v3"])
def test_they_come_after_those_of_the_contract(written: Path, contract: str) -> None:
    known = load(contract, known=written).known

    assert known[:-1] == load(contract).known
    assert (known[-1].id, known[-1].cap) == ("own", 0.05)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN.replace("cap = 0.05", "cap = 5"), "cap = 5: expected a share above 0"),
        (OWN.replace("ticket", "tiket"), "did you mean 'ticket'"),
        (OWN.replace("2100-01-01", "'soon'"), "until = 'soon': expected a date"),
        (OWN + OWN, "'own' is there twice"),
        ('[backend]\nlogin = "/elsewhere"\n', "it holds [[known]] tables, and nothing else"),
        ("known = 3\n", "it holds [[known]] tables, and nothing else"),
        ("[[known]\n", "can't be read as TOML"),
    ],
)
def test_a_slip_in_it_names_the_file(written: Path, text: str, said: str) -> None:
    written.write_text(text, encoding="utf-8")

    with pytest.raises(ContractError, match=re.escape(said)) as caught:
        load("guide", known=written)

    if "twice" not in said:
        assert str(written) in str(caught.value)


def _config(root: Path) -> Any:
    """As much of pytest's as the contract is chosen by."""
    (root / "suites").mkdir()
    return SimpleNamespace(rootpath=root, option=SimpleNamespace(contract="guide"))


def test_whoever_asks_and_whoever_judges_know_them(tmp_path: Path) -> None:
    """Both take the contract here: what is excused in the one and not known to the other would have no cap."""
    config = _config(tmp_path)
    (tmp_path / KNOWN_DIFFERENCES).write_text(OWN, encoding="utf-8")

    assert options.contract_of(config).known[-1].id == "own"


def test_a_slip_in_it_is_a_usage_error(tmp_path: Path) -> None:
    config = _config(tmp_path)
    (tmp_path / KNOWN_DIFFERENCES).write_text("known = 3\n", encoding="utf-8")

    with pytest.raises(pytest.UsageError, match="it holds"):
        options.contract_of(config)
