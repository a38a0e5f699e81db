"""A change of a verdict, as Slack, Teams and a receiver of one's own take it."""

import json

import pytest

from reports.output.ci.webhook_body import FORMATS
from suites.selftest.support import verdict_builders

PAGE = "https://ci.example/run/1"


@pytest.mark.parametrize("name", list(FORMATS))
def test_each_format_says_what_changed_why_and_where_to_read_on(name: str) -> None:
    text = json.dumps(FORMATS[name](verdict_builders.verdict("NO-GO"), {"phase1": "GO"}, PAGE))

    for sentence in ("NO-GO", "GO", "phase1", "the index holds an older version", PAGE):
        assert sentence in text


def test_a_card_of_teams_links_the_page_only_where_it_is_an_address() -> None:
    verdict = verdict_builders.verdict("HOLD")
    cards = [FORMATS["teams"](verdict, {"phase1": None}, page)["attachments"][0]["content"] for page in (PAGE, "out/r")]

    assert [len(card["actions"]) for card in cards] == [1, 0]


def test_plain_json_holds_the_verdict_before() -> None:
    body = FORMATS["json"](verdict_builders.verdict("NO-GO"), {"phase1": "GO"}, PAGE)

    assert body["changed"] == {"phase1": {"verdict": "NO-GO", "before": "GO"}}
