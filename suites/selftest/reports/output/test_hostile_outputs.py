"""Every output of a run whose build, sentences and names are hostile: nothing of them is obeyed."""

import re
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from reports.history.entry import entry_of
from reports.output import evidence, markdown, prometheus, terminal
from reports.output.ci import allure_results, github, junit, webhook_body
from reports.output.html import history_page, page
from reports.records.escaping import xml
from reports.records.records import Observation
from suites.selftest.reports.records.test_escaping import FORMATTED, Elements, obeyed_by_a_ci, unseen
from suites.selftest.support import verdict_builders
from suites.selftest.support.hostile_corpus import HOSTILE

WORDS = ("GO", "HOLD", "NO-GO")
every_text = pytest.mark.parametrize("text", HOSTILE, indirect=True)
one_word_each = pytest.mark.parametrize(
    ("verdict_word", "text"), [(WORDS[at % 3], name) for at, name in enumerate(HOSTILE)], ids=HOSTILE, indirect=["text"]
)


@one_word_each
def test_the_terminal_obeys_nothing(verdict_word: str, text: str) -> None:
    lines = [line for line, _ in terminal.lines(verdict_builders.verdict(verdict_word, hostile=text), folder="out")]

    assert [line for line in lines if obeyed_by_a_ci(line) or unseen(line)] == []


@one_word_each
def test_github_gets_its_own_annotations_and_outputs_only(tmp_path: Path, verdict_word: str, text: str) -> None:
    verdict = verdict_builders.verdict(verdict_word, hostile=text)
    outputs = tmp_path / "outputs"
    github.report(verdict, tmp_path, {"GITHUB_OUTPUT": str(outputs)})

    names = [line.partition("=")[0] for line in outputs.read_text().splitlines()]
    assert names == ["verdict", "valid_until", "run_folder"]
    assert outputs.read_text().splitlines()[0] == f"verdict={verdict_word}"
    commands = list(github.commands(verdict, {"GITHUB_ACTIONS": "true"}))
    assert commands
    assert all(
        re.match(r"::(notice|warning|error) title=", command) and len(command.splitlines()) == 1 for command in commands
    )


@one_word_each
def test_markdown_formats_no_more_than_for_a_plain_text(verdict_word: str, text: str) -> None:
    def shape(hostile: str) -> list[str]:
        reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
        tokens = reader.parse(markdown.markdown(verdict_builders.verdict(verdict_word, hostile=hostile)))
        inner = [child.type for token in tokens for child in token.children or () if child.type in FORMATTED]
        return [token.type for token in tokens] + inner

    assert shape(text) == shape("plain")


@one_word_each
def test_slack_gets_no_markup_but_ours(verdict_word: str, text: str) -> None:
    verdict = verdict_builders.verdict(verdict_word, hostile=text)
    message = webhook_body.message(verdict, dict.fromkeys(verdict["phases"], "GO"), "https://ci.example/run/1")
    lines = message.removesuffix("https://ci.example/run/1").splitlines()

    assert not any(re.search(r"[<>~`]|://|&(?!(amp|lt|gt);)", line) for line in lines)
    assert [line.count("*") for line in lines[:1]] == [2]
    assert sum(line.count("*") for line in lines[1:]) == 0
    assert unseen(message, but="\n") == []


@one_word_each
def test_prometheus_reads_as_many_samples_as_for_a_plain_text(verdict_word: str, text: str) -> None:
    def counted(hostile: str) -> dict[str, int]:
        text = prometheus.exposition(verdict_builders.verdict(verdict_word, hostile=hostile))
        return {family.name: len(family.samples) for family in text_string_to_metric_families(text)}

    assert counted(text) == counted("plain")


@one_word_each
def test_junit_reads_every_property_back(verdict_word: str, text: str) -> None:
    for name, value in junit.properties(verdict_builders.verdict(verdict_word, hostile=text)):
        element = ET.Element("property", name=xml(name), value=xml(value))
        assert ET.fromstring(ET.tostring(element, encoding="utf-8")).keys() == ["name", "value"]


@one_word_each
@pytest.mark.parametrize("output", [page, history_page, allure_results], ids=lambda output: output.__name__)
def test_html_has_the_elements_it_has_for_a_plain_text(verdict_word: str, text: str, output: object) -> None:
    written = {page: _page, history_page: _history, allure_results: _allure}[output]

    assert _elements(written(verdict_word, text)) == _elements(written(verdict_word, "plain"))


@every_text
def test_the_command_of_an_evidence_expands_the_server_only(text: str) -> None:
    answer = Observation(side="backend", status=200, request=f"POST /contacts/{text.replace(' ', '')} {text}")
    command = evidence.request(answer)

    sentences = (
        subprocess.run(
            ["/bin/sh", "-c", command.replace("curl", "printf '%s\\0'", 1).encode(errors="replace")],
            env={"CONTACT360_BASE_URL": "http://server", "CONTACT360_TOKEN": "t", "HOME": "/home/x", "PATH": ""},
            capture_output=True,
            check=True,
        )
        .stdout.decode(errors="replace")
        .split("\0")
    )
    assert sentences[4] == "Authorization: Bearer t"
    assert sentences[5].startswith("http://server/contacts/")
    assert "/home/x" not in "".join(sentences)


def _page(verdict_word: str, hostile: str) -> str:
    return page.html(verdict_builders.verdict(verdict_word, hostile=hostile), verdict_builders.recorded(hostile))


def _history(verdict_word: str, hostile: str) -> str:
    entry = entry_of(verdict_builders.recorded(hostile), verdict_builders.verdict(verdict_word, hostile=hostile))
    return history_page.html([entry, entry], problems=[f"a file{hostile}"])


def _allure(verdict_word: str, hostile: str) -> str:
    return str(allure_results.gate_result(verdict_builders.verdict(verdict_word, hostile=hostile))["descriptionHtml"])


def _elements(html: str) -> Counter[tuple[str, tuple[str, ...]]]:
    elements = Elements()
    elements.feed(html)
    elements.close()
    return Counter((tag, tuple(name for name, _ in attributes)) for tag, attributes in elements.tags)
