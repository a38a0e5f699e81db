"""The decision page: what it says for each verdict, and that nothing hostile gets in."""

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports import publish
from reports.history.entry import entry_of
from reports.history.guide_coverage import GuideLine
from reports.output import presentation
from reports.output.html import page, page_sections
from reports.records.records import FLAGS, Attestation, Comparison
from suites.selftest.support import verdict_builders
from suites.selftest.support.verdict_builders import HOSTILE

WORDS = ("GO", "NO-GO", "HOLD")


def _page(verdict_word: str, criteria: int = 15, hostile: str = "", **extra: Any) -> str:
    return page.html(
        verdict_builders.verdict(verdict_word, criteria, hostile), verdict_builders.recorded(hostile), **extra
    )


@pytest.mark.parametrize("verdict_word", WORDS)
def test_the_verdict_stands_in_words_at_the_top(verdict_word: str) -> None:
    html = _page(verdict_word)

    assert f"<title>{verdict_word} - Contact360 VQL gate</title>" in html
    assert html.index(f"<h1><b>{verdict_word}</b>") < html.index("<table")


def test_a_phase_without_a_flag_has_an_empty_cell_for_it() -> None:
    verdict = verdict_builders.verdict("GO")
    (phase,) = verdict["phases"].values()
    phases = {"phase0": {**phase, "flag": ""}, "phase1": {**phase, "flag": "VQL_SINGLE_RECORD_RETRIEVAL"}}
    html = page.html({**verdict, "phases": phases}, verdict_builders.recorded())

    assert html.count('<td data-h="Flag"></td>') == 1  # on a narrow page an empty cell is no line
    assert html.count('<td data-h="Flag"><code>VQL_SINGLE_RECORD_RETRIEVAL</code></td>') == 1


def test_every_criterion_has_one_row() -> None:
    verdict = verdict_builders.verdict("NO-GO", 60)
    html = page.html(verdict, verdict_builders.recorded())

    named = [finding["criterion"] for phase in verdict["phases"].values() for finding in phase["findings"]]
    assert len(named) == 60
    assert all(html.count(f"<code>{name}</code></small></th>") == 1 for name in named)


def test_a_go_says_until_when_and_for_what_it_holds() -> None:
    assert "26 Nov 2026, 09:52 UTC, for this build, flags, index and gate" in _page("GO")
    assert "not valid as a GO" in _page("HOLD")


def test_reasons_are_grouped_by_cause_with_the_remedy() -> None:
    html = _page("NO-GO")
    top = html[: html.index("<table")]

    assert "The index holds an older version" in top
    assert top.count("Re-sync Elasticsearch data") == 1


def test_a_share_of_successes_reads_as_the_guide_says_it() -> None:
    finding = verdict_builders.finding(3, "missed")

    assert "VQL Success Rate > 95%" in finding["guide"]
    assert presentation.value(finding) == "81.0 %"
    assert presentation.limit(finding) == "≥ 95 %, alert 90 %"


@pytest.mark.parametrize(
    ("guide", "successes"),
    [
        ("Monitoring Dashboard, 1: VQL Success Rate > 95%, alert < 90%", True),
        ("Phase 3, Success Criteria: Export success rate > 99%", True),
        ("Monitoring Dashboard, 2: Fallback Rate: Target: < 5%, alert if > 10%", False),
        ("Phase 0, 4: Set up alerts for VQL error rates (>5%)", False),
        ("Phase 1, Success Criteria: Error rate < 1%", False),
    ],
)
def test_only_a_line_that_asks_for_more_counts_successes(guide: str, successes: bool) -> None:
    assert presentation.counts_failures(verdict_builders.finding(1) | {"guide": guide}) is successes


def test_a_line_of_the_guide_and_its_place_are_distinguished() -> None:
    finding = verdict_builders.finding(0) | {"guide": 'Phase 0, 1: Verify Health: expected {"status": "healthy"}'}

    assert presentation.guide_line(finding) == ('Verify Health: expected {"status": "healthy"}', "Phase 0, 1")


@pytest.mark.parametrize(
    ("phases", "commands"),
    [
        (["phase2"], ["VQL_COMPANY_CONTACTS=false"]),
        (["phase1", "phase3"], ["VQL_SINGLE_RECORD_RETRIEVAL=false", "VQL_EXPORTS=false"]),
        (list(verdict_builders.PHASES), [*(f"{flag}=false" for flag in FLAGS), "CONNECTRA_ENABLED=false"]),
    ],
    ids=["one", "two", "all"],
)
def test_a_no_go_names_the_rollback_of_exactly_its_flags(phases: list[str], commands: list[str]) -> None:
    verdict = verdict_builders.verdict("NO-GO", phases=phases)
    verdict["phases"]["phase9"] = {"verdict": "GO", "title": "another", "flag": "VQL_OTHER", "findings": []}

    assert presentation.rollback(verdict) == [*commands, presentation.RESTART]
    html = page.html(verdict, verdict_builders.recorded())
    assert html.index(commands[0]) < html.index("<table"), "it stands on the first screen"


def test_a_rollback_is_verified_with_the_flags_that_stay_on() -> None:
    of_one_phase, of_all_phases = (
        presentation.verification(verdict_builders.verdict("NO-GO", phases=names))
        for names in (["phase2"], list(verdict_builders.PHASES))
    )

    live = "pytest -m rollback --target live"
    kept = "VQL_SINGLE_RECORD_RETRIEVAL,VQL_EXPORTS,VQL_LINKEDIN_SEARCH"
    assert of_one_phase == f"{live} --expect-flags {kept} --require-live"
    assert of_all_phases == f"{live} --expect-flags none --require-live"


@pytest.mark.parametrize("verdict_word", ["GO", "HOLD"])
def test_nothing_is_rolled_back_without_a_no_go(verdict_word: str) -> None:
    assert presentation.rollback(verdict_builders.verdict(verdict_word)) == []
    assert "Roll back" not in _page(verdict_word)


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({}, "roll back VQL_SINGLE_RECORD_RETRIEVAL"),
        ({"VQL_SINGLE_RECORD_RETRIEVAL": False}, "do not enable VQL_SINGLE_RECORD_RETRIEVAL"),
        ({"CONNECTRA_ENABLED": False}, "do not enable VQL_SINGLE_RECORD_RETRIEVAL"),
        ({"VQL_SINGLE_RECORD_RETRIEVAL": None}, "do not enable VQL_SINGLE_RECORD_RETRIEVAL, or roll it back"),
    ],
)
def test_a_no_go_asks_for_what_can_still_be_done(switches: dict[str, bool | None], message: str) -> None:
    verdict = verdict_builders.verdict("NO-GO")
    verdict["fingerprint"]["flags"].update(switches)

    assert presentation.headline(verdict) == f"NO-GO: {message}"


def test_known_differences_are_counted_apart() -> None:
    verdict = verdict_builders.verdict("GO")
    known_difference = {"id": "joined-title", "ticket": "C360-77", "reason": "r", "until": "2027-01-01", "cap": 0.1}
    verdict["phases"]["phase1"]["known"] = [
        known_difference | {"count": 7, "of": 120, "stale": False, "over": False},
        known_difference | {"count": 0, "of": 120, "stale": True, "over": False},
        known_difference | {"count": 50, "of": 120, "stale": False, "over": True},
    ]

    html = page.html(verdict, verdict_builders.recorded())

    assert "Known differences, counted apart" in html
    for message in ("C360-77", "7 of 120", "within its cap", "stale: it covered nothing", "over its cap"):
        assert message in html


def test_sections_without_data_leave_no_heading() -> None:
    bare = page.html(verdict_builders.verdict(), replace(verdict_builders.recorded(), records=()))

    titles = re.findall("<h2>(.*?)</h2>", bare)
    assert titles[-2:] == ["What the run cost", "Bound to"]
    assert len(titles) == 4


def test_sections_appear_with_their_data() -> None:
    verdict = verdict_builders.verdict("GO")
    verdict["phases"]["phase1"]["findings"][0]["lines"] = ["p1-contact"]
    lines = [
        GuideLine(id="p1-contact", section="Phase 1", says="Single contact retrieval works correctly"),
        GuideLine(id="p1-complaints", section="Phase 1", says="No customer complaints", human=True),
    ]
    vouched = Attestation(line="p1-complaints", who="J. Doe", when="2026-11-25", until="2026-12-01", note="asked")
    with_sign_off = replace(verdict_builders.recorded(), records=(*verdict_builders.recorded().records, vouched))
    entry = entry_of(verdict_builders.recorded(), verdict)
    earlier = [replace(entry, run_id=f"r{day}", finished=f"2026-11-0{day}T00:00:00+00:00") for day in (1, 2)]
    drills = [
        {
            "fault": "stale-record",
            "phase": "phase1",
            "detection": "caught",
            "cause_expected": "index-stale",
            "cause_named": "index-stale",
            "criterion": "c",
        }
    ]

    html = page.html(verdict, with_sign_off, earlier=earlier, drills=drills, lines=lines)

    assert "1 of 1 faults caught, 1 by the right cause, false alarms: 0" in html
    assert "Lines of the guide: 1 asked in this run, 1 of them holds; 1 without a criterion" in html
    assert "J. Doe" in html
    assert html.count("No customer complaints") == 2
    assert "Trend over earlier runs" in html


def test_a_page_draws_no_more_than_sixty_earlier_runs() -> None:
    verdict, recorded = verdict_builders.verdict("GO"), verdict_builders.recorded()
    entry = entry_of(recorded, verdict)
    earlier = [replace(entry, run_id=f"r{n:03}") for n in range(400)]

    ten, sixty, all_of_them = (page.html(verdict, recorded, earlier=earlier[-count:]) for count in (10, 60, 400))

    assert len(ten) < len(sixty) == len(all_of_them)


def test_hostile_text_stays_text() -> None:
    html = _page("HOLD", hostile=HOSTILE, drills=[{"fault": HOSTILE, "detection": HOSTILE}])

    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") > 20


def test_an_evidence_path_can_not_become_another_address() -> None:
    verdict = verdict_builders.verdict("NO-GO", 2)
    verdict["phases"]["phase1"]["findings"][1]["evidence"] = ["javascript:alert(1)", "//evil", "evidence/ok.jsonl"]

    html = page.html(verdict, verdict_builders.recorded())

    assert 'href="evidence/ok.jsonl"' in html
    assert "javascript" not in html
    assert "//evil" not in html


@pytest.mark.parametrize("content", ['{"rows": [{"fault": "f"}]}', "{", "[]", '{"rows": 3}', '{"rows": [1]}', "null"])
def test_the_detection_matrix_is_found_or_left_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "drills.json").write_text(content)

    rows = publish.newest_drills(tmp_path)

    assert list(rows) == ([{"fault": "f"}] if "fault" in content else [])


def test_a_verdict_is_not_changed_by_being_rendered() -> None:
    verdict = verdict_builders.verdict("NO-GO")
    before = copy.deepcopy(verdict)

    page.html(verdict, verdict_builders.recorded())

    assert verdict == before


def test_two_faults_at_once_are_named_as_two_causes_each_with_its_own_fields_and_remedy() -> None:
    """A stale index and a Connectra that fails now and then: the errors explain no field, the age no fallback."""
    verdict = verdict_builders.verdict("NO-GO", 15)
    findings = verdict["phases"]["phase1"]["findings"]
    parity, fallback = findings[0], findings[2]
    errors = {"code": "upstream-errors", "share": "90 of 90", "sentence": "Connectra answers with server errors"}
    for finding in findings:
        finding |= {"outcome": "met", "cause": None}
    parity |= {"outcome": "missed", "kind": "blocking", "cause": verdict_builders.CAUSE, "title": "Records equal"}
    fallback |= {"outcome": "missed", "kind": "blocking", "title": "Few fallbacks"}
    fallback |= {"cause": {**errors, "remedy": "High Fallback Rate, Solution 2"}}

    reasons = page.html(verdict, verdict_builders.recorded()).partition("What to do next")[0]
    stale, _, failing = reasons.partition("Connectra answers with server errors")

    assert "The index holds an older version" in stale
    assert "Records equal" in stale
    assert "Re-sync Elasticsearch data" in stale
    assert "Few fallbacks" in failing
    assert "High Fallback Rate, Solution 2" in failing
    assert "Fields that differ" not in failing
    assert "cause is not known" not in reasons


def test_checks_without_an_answer_of_the_direct_path_are_named_once() -> None:
    recorded = verdict_builders.recorded()
    alone = page.html(verdict_builders.verdict("NO-GO"), recorded)
    differing = tuple(
        replace(
            record, differences=tuple(replace(difference, baseline="<str:9f1c>") for difference in record.differences)
        )
        if isinstance(record, Comparison)
        else record
        for record in recorded.records
    )

    beside = page.html(verdict_builders.verdict("NO-GO"), replace(recorded, records=differing))

    assert alone.count("No answer of the direct path was observed for contact-endpoint") == 1
    assert "No answer of the direct path" not in beside


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("", "the whole record"),
        ("email", "email"),
        ("keywords[3]", "keywords"),
        ("company.city", "company.city"),
        ("rows.0318bc4b-266b-41bb-8bd9-e485199e24ce.last_name", "rows.last_name"),
        ("rows.0318bc4b-266b-41bb-8bd9-e485199e24ce", "rows"),
        ("rows.25-of-26", "rows"),
        ("values.0", "values"),
        ("count-2", "count"),
        ("rows.17.<key:3a9c>", "rows.<key:3a9c>"),
    ],
)
def test_a_field_is_named_without_the_records_key(path: str, field: str) -> None:
    assert page_sections.field_of(path) == field


def test_known_differences_are_not_among_the_fields_that_differ() -> None:
    recorded = verdict_builders.recorded()
    wrong = [record for record in recorded.records if isinstance(record, Comparison) and record.differences]
    excused = replace(wrong[0].differences[0], path="stage", excused_by="shown-as-stored")
    mixed = tuple(
        replace(record, differences=(excused, *record.differences))
        if isinstance(record, Comparison) and record.differences
        else record
        for record in recorded.records
    )

    shown = page.html(verdict_builders.verdict("NO-GO"), replace(recorded, records=mixed))
    reasons, _, below = shown.partition("What to do next")

    assert "Fields that differ" in reasons
    assert "stage" not in reasons
    assert below.count("known: shown-as-stored") == min(len(wrong), presentation.MISMATCHES_SHOWN)
