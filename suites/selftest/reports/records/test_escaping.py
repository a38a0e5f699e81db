"""Each sink shows a hostile text and obeys none of it, as a reader of that sink reads it."""

import json
import re
import shlex
import unicodedata
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from reports.records import escaping
from suites.selftest.support.hostile_corpus import HOSTILE

every_text = pytest.mark.parametrize("text", HOSTILE, indirect=True)
FORMATTED = {"link_open", "image", "strong_open", "em_open", "s_open", "html_inline", "html_block", "code_inline"}


def obeyed_by_a_ci(line: str) -> bool:
    """Whether GitHub's runner, Azure's agent or TeamCity would take the line for a command."""
    return line.lstrip().startswith("::") or re.search(r"##\w*\[", line) is not None


def unseen(text: str, *, but: str = "") -> list[str]:
    """Characters that a reader does not see, or that move what he sees."""
    wanted = "".join((but, "\u200c\u200d"))
    return [
        name for name in text if unicodedata.category(name) in ("Cc", "Cf", "Cs", "Zl", "Zp") and name not in wanted
    ]


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@every_text
def test_a_terminal_gets_one_line_without_commands(text: str) -> None:
    line = escaping.terminal(text)

    assert unseen(line) == []
    assert not obeyed_by_a_ci(line)


@every_text
def test_a_terminal_gets_lines_without_commands(text: str) -> None:
    lines = escaping.terminal_lines(text)

    assert unseen(lines, but="\n\t") == []
    assert not any(obeyed_by_a_ci(line) for line in lines.splitlines())


@given(st.text(st.sampled_from(":#[]v \n\r\t\x1b\u2028\x9bx"), max_size=12))
def test_no_mixture_becomes_a_command(text: str) -> None:
    assert not obeyed_by_a_ci(escaping.terminal(text))
    assert not any(obeyed_by_a_ci(line) for line in escaping.terminal_lines(text).splitlines())


def test_an_ordinary_text_stays_as_it_is() -> None:
    text = "suites/test_records.py::test_contact: José 李 👩‍💻 C++ R&D 50 % [gw0] {a: 1} #3"

    assert escaping.terminal(text) == escaping.terminal_lines(text) == escaping.html(text).replace("&amp;", "&") == text


@every_text
def test_an_annotation_is_one_command_with_the_whole_text(text: str) -> None:
    command = escaping.workflow_command("error", text, text)
    properties, message = re.fullmatch(r"::error ([^:]*)::(.*)", command, re.DOTALL).groups()

    assert len(command.splitlines()) == 1
    assert "," not in properties
    assert unseen(message, but="\t") == []


@every_text
def test_an_output_is_one_line(text: str) -> None:
    assert len(f"name={escaping.output_value(text)}".splitlines()) == 1


@every_text
def test_slack_finds_no_markup(text: str) -> None:
    message = escaping.slack(text)

    assert not re.search(r"[<>*~`]|://|(?<!\w)_|_(?!\w)|&(?!(amp|lt|gt);)", message)
    assert unseen(message) == []


@every_text
def test_markdown_finds_no_markup(text: str) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    table = f"| a | b |\n|---|---|\n| {escaping.markdown(text)} | last |\n"
    tokens = [child for token in reader.parse(table) for child in (token, *(token.children or ()))]

    assert FORMATTED & {token.type for token in tokens} == set()
    assert [token.content for token in tokens if token.type == "inline"][3:] == ["last"]
    assert not re.search(r"://|\bwww\.|[@#](?!8203;)\w", escaping.markdown(text))


@every_text
def test_a_code_span_of_markdown_ends_where_it_should(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(
        f"| a | b |\n|---|---|\n| {escaping.markdown_code(text)} | last |\n"
    )
    cells = [token for token in tokens if token.type == "inline"][2:]

    assert len(cells) == 2
    assert {child.type for child in cells[0].children} <= {"code_inline", "text"}


@every_text
def test_html_finds_neither_tag_nor_attribute(text: str) -> None:
    page = Elements()
    page.feed(f'<p title="{escaping.html(text)}">{escaping.html(text)}</p>')
    page.close()

    assert [(tag, [name for name, _ in attributes]) for tag, attributes in page.tags] == [("p", ["title"])]
    assert unseen(page.text, but="\n\t") == []


@every_text
def test_xml_can_be_read_back(text: str) -> None:
    element = ET.Element("property", value=escaping.xml(text))

    assert ET.fromstring(ET.tostring(element, encoding="utf-8")).get("value") is not None


@every_text
def test_prometheus_reads_one_sample(text: str) -> None:
    families = list(text_string_to_metric_families(f'a{{label="{escaping.prometheus_label(text)}"}} 1\n'))

    assert [len(family.samples) for family in families] == [1]
    assert list(families[0].samples[0].labels) == ["label"]


@every_text
def test_a_script_element_holds_the_whole_json(text: str) -> None:
    written = escaping.script_json({text: text})

    assert not re.search(r"[<>&\u2028\u2029]", written)
    assert json.loads(written) == {text: text}


@every_text
def test_a_shell_reads_one_word(text: str) -> None:
    assert shlex.split(escaping.shell(text)) == [text.replace("\x00", "")]
