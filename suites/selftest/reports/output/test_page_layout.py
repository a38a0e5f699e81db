"""The page in a browser: accessible, readable at every width and on paper, light and dark, no taller than it may be."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import axe_core_python
import pytest

from reports.output.html import page
from reports.records.records import Outcome
from suites.selftest.support import chromium, verdict_builders
from suites.selftest.support.verdict_builders import HOSTILE

WIDTHS = (390, 740, 820, 1024, 1280, 1920)
SHEETS = {"GO": 2, "HOLD": 3, "NO-GO": 4}
NARROWEST = 150  # CSS pixels that a criterion's title has on a screen
FIRST_SCREEN = 900
AS_LONG_AS_REAL = "no mismatch in 320 of 4 checks: at most 4.38 % wrong in contact-ghost-connectra, at 95 %"
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], "resultTypes": ["violations"]}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.BrowserPage]:
    if chromium.installed() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with chromium.browsing(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def _page(folder: Path, verdict_word: str, phase: str = "phase1", *, sentence: str = "", **changes: Any) -> Path:
    """The page of a run of the phase's own gate; `sentence` replaces that of each finding."""
    path, judged = folder / "summary.html", verdict_builders.of_gate(verdict_word, phase)
    recorded = verdict_builders.recorded(phase=phase, of=verdict_builders.run_of_gate(phase))
    for finding in judged["phases"][phase]["findings"] if sentence else ():
        finding["sentence"] = sentence
    if verdict_word == "GO":  # nothing differs then
        equal = [record for record in recorded.records if getattr(record, "outcome", None) is not Outcome.DIFFERENT]
        recorded = replace(recorded, records=tuple(equal))
    path.write_text(page.html(judged | changes, recorded))
    return path


@pytest.mark.parametrize("verdict_word", list(SHEETS))
def test_columns_are_wide_enough_at_every_width(
    browser: chromium.BrowserPage, tmp_path: Path, verdict_word: str
) -> None:
    browser.open(_page(tmp_path, verdict_word).as_uri())
    for width in WIDTHS:
        browser.show(width=width)
        narrowest = browser.run(
            "Math.min(...[...document.querySelectorAll('.criteria tbody th, .criteria td.f')]"
            ".map(cell => cell.getBoundingClientRect().width))"
        )

        assert narrowest >= NARROWEST, f"{width} px wide"
        assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("verdict_word", list(SHEETS))
def test_word_next_step_and_tiles_stand_on_the_first_screen(
    browser: chromium.BrowserPage, tmp_path: Path, verdict_word: str
) -> None:
    browser.open(_page(tmp_path, verdict_word).as_uri(), width=1280, height=FIRST_SCREEN)

    for place in ("h1 b", "#next li", ".tile"):
        bottom = browser.run(f"document.querySelector('{place}').getBoundingClientRect().bottom")
        assert 0 < bottom < FIRST_SCREEN, place
    assert browser.run("document.querySelectorAll('.tile').length") == 5


@pytest.mark.parametrize("verdict_word", list(SHEETS))
@pytest.mark.parametrize("phase", ["phase1", "phase2"])
def test_on_paper_it_takes_few_sheets(
    browser: chromium.BrowserPage, tmp_path: Path, phase: str, verdict_word: str
) -> None:
    browser.open(_page(tmp_path, verdict_word, phase, sentence=AS_LONG_AS_REAL).as_uri(), media="print")

    pdf = browser.pdf()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= SHEETS[verdict_word]
    narrowest = browser.run(
        "Math.min(...[...document.querySelectorAll('.criteria tbody th')].map(c => c.getBoundingClientRect().width))"
    )
    assert narrowest >= NARROWEST


def test_a_rehearsal_does_not_look_like_the_real_thing(browser: chromium.BrowserPage, tmp_path: Path) -> None:
    looks = []
    for target in ("live", "sandbox"):
        browser.open(_page(tmp_path, "GO", target=target).as_uri())
        looks.append(browser.run("getComputedStyle(document.querySelector('header')).backgroundColor"))

    assert looks[0] != looks[1]
    assert browser.run("document.querySelector('.stamp').textContent") == "Rehearsal"
    assert browser.run("document.title").startswith("Rehearsal: ")


@pytest.mark.parametrize("verdict_word", list(SHEETS))
def test_a_browser_finds_nothing_to_object_to(browser: chromium.BrowserPage, tmp_path: Path, verdict_word: str) -> None:
    path = tmp_path / "summary.html"
    judged = verdict_builders.verdict(verdict_word, hostile=HOSTILE)
    path.write_text(page.html(judged, verdict_builders.recorded(HOSTILE)))
    browser.console.clear()
    browser.requests.clear()
    browser.open(path.as_uri())
    browser.run((Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    for dark, width in ((False, 1280), (True, 390)):  # colours know nothing of widths, nor widths of colours
        browser.show(width=width, dark=dark)
        violations = browser.run(
            f"axe.run(document, {json.dumps(AXE)}).then(r => r.violations.map("
            "v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html).join(' ')))"
        )

        assert violations == [], f"dark {dark}, {width} wide"
        assert browser.run("document.documentElement.scrollWidth") <= width

    assert browser.console == []
    assert set(browser.requests) == {path.as_uri()}
    assert browser.run("document.querySelector('header h1 b').textContent") == verdict_word


def test_on_paper_nothing_is_folded_away(browser: chromium.BrowserPage, tmp_path: Path) -> None:
    path = tmp_path / "summary.html"
    path.write_text(page.html(verdict_builders.verdict("NO-GO"), verdict_builders.recorded()))

    browser.open(path.as_uri(), media="print")

    assert browser.run("document.querySelector('details pre').getBoundingClientRect().height") > 20
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.pdf().startswith(b"%PDF")
