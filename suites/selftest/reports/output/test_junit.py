"""The verdict is a test case of the JUnit file: failure on NO-GO, error with the reason on HOLD, always there."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.output.ci import junit
from suites.selftest.support import verdict_builders

TESTS = (
    '<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="2" failures="0" errors="0" skipped="0">'
    '<testcase classname="a" name="one" file="a.py" line="3"/><testcase classname="a" name="two"/>'
    "</testsuite></testsuites>"
)


@pytest.mark.parametrize(
    ("verdict_word", "failures", "errors"), [("GO", "0", "0"), ("NO-GO", "1", "0"), ("HOLD", "0", "1")]
)
def test_the_verdict_is_counted_among_the_tests(tmp_path: Path, verdict_word: str, failures: str, errors: str) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(TESTS)

    for _ in range(2):
        junit.write(path, verdict_builders.verdict(verdict_word))

    suite = ElementTree.parse(path).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", failures, errors)
    (case,) = [case for case in suite.iter("testcase") if case.get("classname") == "GATE"]
    if verdict_word != "GO":
        assert case[0].get("message", "").startswith(f"{verdict_word}: ")
        assert "What to do next" in (case[0].text or "")


def test_cases_have_no_attribute_that_jenkins_schema_refuses(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(TESTS)

    junit.write(tmp_path / "junit.xml", verdict_builders.verdict("NO-GO"))

    allowed = {"classname", "name", "time", "group"}
    cases = list(ElementTree.parse(tmp_path / "junit.xml").iter("testcase"))
    assert [set(case.attrib) - allowed for case in cases] == [set(), set(), set()]


def test_a_file_is_there_without_a_single_test(tmp_path: Path) -> None:
    junit.write(tmp_path / "junit.xml", verdict_builders.verdict("HOLD"))

    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert {listed_property.get("name") for listed_property in suite.iter("property")} >= {"verdict", "verdict.phase1"}


def test_each_of_several_phases_has_its_own_case(tmp_path: Path) -> None:
    junit.write(tmp_path / "junit.xml", verdict_builders.verdict("NO-GO", phases=["phase1", "phase2"]))

    names = [case.get("name") for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")]
    assert names == ["verdict", "verdict of phase1", "verdict of phase2"]


def test_text_that_xml_refuses_is_marked(tmp_path: Path) -> None:
    junit.write(tmp_path / "junit.xml", verdict_builders.verdict("HOLD", hostile="\x00\x1b]<&\ufffe"))

    assert ElementTree.parse(tmp_path / "junit.xml").getroot() is not None
