"""docs/production-safety.md is ten sentences, each with tests that exist and are self-tests."""

import re
from pathlib import Path

SENTENCE = re.compile(r"^\d+\. (.*?)(?=^\d+\. |^\S|\Z)", re.MULTILINE | re.DOTALL)


def _sentences(checkout: Path) -> list[str]:
    return SENTENCE.findall((checkout / "docs" / "production-safety.md").read_text())


def test_there_are_ten_sentences_and_each_names_a_test(checkout: Path) -> None:
    sentences = _sentences(checkout)

    assert len(sentences) == 10
    assert [sentence for sentence in sentences if not re.search(r"`test_\w+`", sentence)] == []


def test_every_named_test_exists(checkout: Path) -> None:
    named = {name for sentence in _sentences(checkout) for name in re.findall(r"`(test_\w+)`", sentence)}
    sources = [path.read_text() for path in (checkout / "suites" / "selftest").rglob("test_*.py")]
    defined = {name for source in sources for name in re.findall(r"^def (test_\w+)\(", source, re.MULTILINE)}

    assert named - defined == set()
