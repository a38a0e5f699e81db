"""One escape for each sink: foreign text stays text there, and commands nothing.

| sink | it would obey | function |
|---|---|---|
| terminal, log of a CI | escape sequences, `::...::`, `##[...]`, `##vso[...]` | `terminal`, `terminal_lines` |
| GitHub's workflow commands | line ends, `::`, `,` | `workflow_command` |
| GitHub's file of outputs | line ends | `output_value` |
| Slack | `<!channel>`, links, `*bold*` | `slack` |
| Markdown | links, images, HTML, table cells, @mentions | `markdown`, `markdown_code` |
| HTML | tags, ends of attributes | `html` |
| JUnit and other XML | characters that XML 1.0 has no place for | `xml` |
| Prometheus | quotes, line ends | `prometheus_label` |
| JSON inside a page | `</script>` | `script_json` |
| a shell | everything but text in single quotes | `shell` |

Sources: ECMA-48; ActionCommand.cs of actions/runner; Slack's "Formatting text for app surfaces"; GitHub Flavored
Markdown 0.29; XML 1.0, section 2.2; Prometheus' exposition formats; Trojan Source (CVE-2021-42574).
"""

from __future__ import annotations

import html as standard_html
import json
import re
import shlex
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Bidirectional controls, line and paragraph separators, invisible fillers, halves of surrogate pairs, tags. The zero
# width joiner and non-joiner are no part: names and emoji are written with them.
_UNSEEN = (
    "\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
_NOT_IN_A_LINE = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_NOT_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSEEN}]")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLONS_FIRST = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)  # GitHub trims a line before it looks for ::
_BRACKET_COMMAND = re.compile(r"##(?=\w*\[)")  # GitHub's older form and Azure's are obeyed anywhere in a line
_MARKDOWN = re.compile(r"[\\`*_\[\]~|$]")
_SLACK = str.maketrans("*~`", "\N{ASTERISK OPERATOR}\N{TILDE OPERATOR}\N{MODIFIER LETTER GRAVE ACCENT}")
_SLACK_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")  # inside a word it is no markup


def terminal(text: str) -> str:
    r"""`text` as one line of a terminal or a CI's log: what is unseen is shown as \x1b, and no command is left."""
    return _without_commands(_NOT_IN_A_LINE.sub(_escaped_match, text))


def terminal_lines(text: str) -> str:
    """The same for a text of several lines, a traceback for instance: line ends and tabs stay."""
    return _without_commands(_NOT_IN_LINES.sub(_escaped_match, text))


def workflow_command(level: str, title: str, text: str) -> str:
    """An annotation of GitHub Actions, to stand on a line of its own. `level`: notice, warning or error."""
    data = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
    properties = data | str.maketrans({":": "%3A", ",": "%2C"})
    title, text = (_NOT_IN_LINES.sub(REPLACEMENT, part) for part in (title, text))
    return f"::{level} title={title.translate(properties)}::{text.translate(data)}"


def output_value(text: str) -> str:
    """The value of a NAME=value line in GITHUB_OUTPUT or a dotenv file."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())


def slack(text: str) -> str:
    """`text` for Slack's mrkdwn. It has entities for & < > only: other markup becomes characters that look alike."""
    text = _without_addresses(_plain(text))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SLACK_UNDERSCORE.sub("\N{FULLWIDTH LOW LINE}", text.translate(_SLACK))


def markdown(text: str) -> str:
    """`text` inside a line or a table's cell of Markdown, where it links, shows, mentions and formats nothing."""
    text = _MARKDOWN.sub(r"\\\g<0>", _without_addresses(_plain(text)))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([@#])(?=\w)", r"\1&#8203;", text)  # as Dependabot does it: neither person nor issue is mentioned


def markdown_code(text: str) -> str:
    """`text` as a code span of Markdown, in a table's cell too: a backtick has no escape there."""
    return f"`{_plain(text).replace('`', 'ˋ').replace('|', '¦')}`"


def html(text: str) -> str:
    """`text` between tags, or inside a quoted attribute."""
    return standard_html.escape(_NOT_IN_LINES.sub(REPLACEMENT, text))


def xml(text: str) -> str:
    """`text` without the characters that XML 1.0 has no place for; tags are the XML writer's to escape."""
    return _NOT_IN_XML.sub(REPLACEMENT, text)


def prometheus_label(text: str) -> str:
    """A label's value between its quotes."""
    text = _NOT_IN_LINES.sub(REPLACEMENT, text)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def script_json(value: Any) -> str:
    r"""JSON for a page's script element: `<`, `>` and `&` as \u003c and so on, as jinja2's `tojson` writes it."""
    text = json.dumps(value, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")


def shell(text: str) -> str:
    """One word of a POSIX shell."""
    return shlex.quote(text.replace("\x00", ""))


def _plain(text: str) -> str:
    """One line without anything unseen in it."""
    return _without_commands(" ".join(_NOT_IN_A_LINE.sub(" ", text).split()))


def _without_commands(text: str) -> str:
    return _BRACKET_COMMAND.sub(r"#\\x23", _COLONS_FIRST.sub(r"\1\\x3a", text))


def _without_addresses(text: str) -> str:
    """No reader makes a link of it: http[:]//host, www[.]host."""
    return re.sub(r"(?i)\bwww\.", "www[.]", text.replace("://", "[:]//"))


def _escaped_match(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
