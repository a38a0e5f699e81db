"""HTML out of templates: every value is escaped, and a page of ours asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports.records import escaping
from reports.records.wording import counted, difference, moment

TEMPLATES = Path(__file__).with_name("templates")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(template: str, **values: Any) -> Markup:
    """The template filled in; a name that it uses and does not get is an error, never an empty place."""
    return Markup(_environment().get_template(template).render(policy=POLICY, style=_style(), **values))  # noqa: S704 - autoescaped


def section(title: str, content: str, *, on_paper: bool = True) -> Markup:
    """A section around markup of ours; nothing when there is nothing to show."""
    return render("section.html", title=title, content=Markup(content), on_paper=on_paper) if content else Markup()  # noqa: S704


def table(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Markup:
    return render("table.html", heads=heads, rows=rows)


def folded(summary: str, content: str) -> Markup:
    """Content that opens on a click."""
    return render("folded.html", summary=summary, content=content)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=moment, sentence=_sentence)
    environment.globals.update(counted=counted, difference=difference)
    return environment


def _escaped(value: Any) -> Any:
    """A text as the sink's one escape has it, unseen characters included; markup of ours stays."""
    return Markup(escaping.html(value)) if isinstance(value, str) and not isinstance(value, Markup) else value  # noqa: S704


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _style() -> Markup:
    return Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
