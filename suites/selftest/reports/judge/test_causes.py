"""The causes cover the guide's troubleshooting chapter, and each remedy quotes what the guide really says."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from reports.judge import causes
from reports.judge.causes import by_shape, most_frequent
from reports.records.cause_codes import CauseCode
from reports.records.records import Difference, DifferenceKind, Outcome, from_json, to_json
from suites.selftest.support.phase_builders import fact_of, sampled

# The chapter: each section's possible causes, with the codes that stand for them, and its solutions word for word.
CHAPTER = {
    "High Fallback Rate": (
        {
            "Connectra service unavailable": ("connectra-down", "connectra-unhealthy", "rate-limited"),
            "Elasticsearch sync lag": ("index-absent", "index-unhealthy"),
            "VQL query syntax errors": ("upstream-errors", "malformed-answers", "key-refused"),
            "Network connectivity issues": ("timeouts",),
        },
        (
            "Check Connectra service health",
            "Verify Elasticsearch sync status",
            "Review VQL query logs",
            "Check network connectivity",
        ),
    ),
    "Slow Response Times": (
        {
            "Elasticsearch performance issues": ("connectra-slow", "elasticsearch-silent"),
            "Network latency to Connectra": ("network-slow",),
            "Large result sets": ("large-result",),
            "Complex filter queries": ("large-result", "load"),
        },
        (
            "Optimize Elasticsearch indices",
            "Check network latency",
            "Review query complexity",
            "Consider increasing batch sizes",
        ),
    ),
    "Data Inconsistencies": (
        {
            "Elasticsearch sync lag": ("index-stale",),
            "Missing data in Elasticsearch": ("missing-in-index", "ghost-in-index"),
            "Filter conversion errors": ("filter-conversion", "match-all", "wrong-identity"),
            "Field mapping issues": ("field-mapping",),
        },
        (
            "Re-sync Elasticsearch data",
            "Review filter converter logic",
            "Verify field mappings",
            "Check Connectra field definitions",
        ),
    ),
}
SOLUTION = re.compile(r"(?:Troubleshooting, )?([A-Z][A-Za-z ]+), Solution (\d)(: ([^;(]+))?")


@pytest.fixture(scope="module")
def listed(checkout: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads((checkout / "reports/judge/causes.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("section", "possible", "codes"),
    [(section, *pair) for section, (possible, _) in CHAPTER.items() for pair in possible.items()],
    ids=lambda text: text if isinstance(text, str) else "",
)
def test_every_possible_cause_of_the_chapter_can_be_named(section: str, possible: str, codes: tuple[str, ...]) -> None:
    assert set(codes) <= causes.codes()


def test_every_solution_of_the_chapter_is_the_remedy_of_a_cause(listed: dict[str, dict[str, str]]) -> None:
    quoted = {(match[1], int(match[2])) for entry in listed.values() for match in SOLUTION.finditer(entry["remedy"])}

    assert quoted == {
        (section, number) for section, (_, solutions) in CHAPTER.items() for number in range(1, len(solutions) + 1)
    }


def test_a_remedy_quotes_a_solution_word_for_word(listed: dict[str, dict[str, str]]) -> None:
    wrong = {
        code: match[0]
        for code, entry in listed.items()
        for match in SOLUTION.finditer(entry["remedy"])
        if match[1] not in CHAPTER or (match[4] or "").strip() != CHAPTER[match[1]][1][int(match[2]) - 1]
    }

    assert wrong == {}


def test_every_cause_has_a_sentence_and_a_place_in_the_guide(listed: dict[str, dict[str, str]]) -> None:
    places = ("Troubleshooting, ", "Phase ", "Rollback Procedures, ", "Monitoring Dashboard, ", "Prerequisites")

    assert [code for code, entry in listed.items() if set(entry) != {"sentence", "remedy"}] == []
    assert [code for code, entry in listed.items() if not entry["sentence"].strip()] == []
    assert [code for code, entry in listed.items() if not entry["remedy"].startswith(places)] == []


def test_the_codes_are_those_of_the_table(listed: dict[str, dict[str, str]]) -> None:
    assert sorted(CauseCode) == sorted(listed)


@pytest.mark.parametrize(
    ("codes", "named", "share"),
    [
        (["index-stale"] * 7 + ["match-all"] * 2, "index-stale", "7 of 9"),
        (["index-stale", "index-stale", None], "index-stale", "2 of 3"),
        (["timeouts", "load"], "load", "1 of 2"),
    ],
    ids=["most", "some-unnamed", "a-tie"],
)
def test_the_cause_named_most_often_is_shown_with_its_share(codes: list[str | None], named: str, share: str) -> None:
    cause = most_frequent(codes)

    assert cause is not None
    assert (cause.code, cause.share) == (named, share)
    assert cause.remedy.startswith("Troubleshooting")


def test_causes_beside_the_first_are_named_with_their_shares() -> None:
    cause = most_frequent(["load"] * 3 + ["paging", None], ["wrong-form"] * 4 + ["load"])  # type: ignore[list-item]

    assert cause is not None
    assert cause.code == "load"
    assert [(other.code, other.share) for other in cause.others] == [("wrong-form", "4 of 5"), ("paging", "1 of 5")]


@pytest.mark.parametrize(
    ("kind", "path", "excused_by", "beside"),
    [
        ("form", "title", None, ("wrong-form",)),
        ("absent", "title", None, ("wrong-form",)),
        ("undeclared", "notes", None, ("undeclared-field",)),
        ("form", "title", "known", ()),
        ("value", "title", None, ()),
        ("undeclared", "uuid (key given twice)", None, ()),
        ("form", "pages.1.meta", None, ()),
    ],
)
def test_an_answer_with_a_wrong_value_shows_its_wrong_form_too(
    kind: str, path: str, excused_by: str | None, beside: tuple[str, ...]
) -> None:
    shape = Difference(path=path, kind=DifferenceKind(kind), expected="a", actual="b", excused_by=excused_by)
    wrong = sampled(1, Outcome.DIFFERENT, cause="index-stale")

    assert by_shape(replace(wrong, differences=(shape,))) == beside
    assert by_shape(replace(wrong, differences=(shape,), cause=CauseCode.WRONG_FORM)) == tuple(
        code for code in beside if code != "wrong-form"
    )


def test_nothing_named_is_no_cause() -> None:
    assert most_frequent([None, None]) is None
    assert most_frequent([]) is None


@pytest.mark.parametrize("code", ["never-heard-of", "Index-Stale", " index-stale"])
def test_an_unknown_code_raises(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        most_frequent([code])  # type: ignore[list-item]


@pytest.mark.parametrize("kind", ["sample", "fact"])
def test_an_unknown_code_is_not_read_back(kind: str) -> None:
    record = {"sample": sampled(1, Outcome.DIFFERENT, cause="match-all"), "fact": fact_of("a", cause="match-all")}[kind]
    entry = to_json(record) | {"cause": "never-heard-of"}

    with pytest.raises(ValueError, match=r"damaged .*never-heard-of"):
        from_json(entry)


@pytest.mark.parametrize(
    ("codes", "code", "share"),
    [
        (["load", "paging", "load", None], "load", "2 of 4"),
        (["paging", "load"], "load", "1 of 2"),
        (["index-stale"], "index-stale", "1 of 1"),
    ],
)
def test_the_cause_named_most_often_is_shown(codes: list[str | None], code: str, share: str) -> None:
    cause = most_frequent(codes)

    assert cause is not None
    assert (cause.code, cause.share) == (code, share)
    assert cause.remedy


def test_without_a_cause_none_is_shown() -> None:
    assert most_frequent([None, None]) is None
    assert most_frequent([]) is None
