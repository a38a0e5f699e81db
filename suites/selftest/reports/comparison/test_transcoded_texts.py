"""A text that an encoding garbled is recognised, and another text is not taken for one."""

import unicodedata

import pytest

from reports.comparison.shown_forms import are_transcoded, is_transcoded

NAME = "Zoë Müller-Łukaß"
LATIN = "José Müller"


@pytest.mark.parametrize(
    "shown",
    [
        NAME.encode().decode("latin-1"),
        NAME.encode().decode("cp1252", "replace"),
        NAME.encode().decode("cp1252", "ignore"),
        NAME.encode().decode("latin-1").encode().decode("latin-1"),
        NAME.encode().decode("mac-roman"),
        NAME.encode().decode("cp437"),
        NAME.encode().decode("ascii", "replace"),
        NAME.encode("cp1250").decode("utf-8", "replace"),
        NAME.encode("cp1250").decode("cp1251"),
        NAME.encode("latin-1", "replace").decode("latin-1"),
        NAME.encode("ascii", "replace").decode(),
        NAME.encode("ascii", "ignore").decode(),
        NAME.encode("ascii", "xmlcharrefreplace").decode(),
        NAME.encode("ascii", "backslashreplace").decode(),
        unicodedata.normalize("NFD", NAME).encode("ascii", "ignore").decode(),
        "".join(letter for letter in unicodedata.normalize("NFD", NAME) if not unicodedata.combining(letter)),
        r"Zo\u00eb M\u00fcller-\u0141uka\u00df",
    ],
)
def test_a_text_that_encodings_spoilt_is_recognised(shown: str) -> None:
    assert is_transcoded(NAME, shown)
    assert is_transcoded(["a", NAME], ["a", shown])
    assert are_transcoded({"a", NAME}, {"a", shown})


def test_windows_1252_as_browsers_read_it_is_recognised() -> None:
    assert is_transcoded("Íñigo", "Ã\x8dÃ±igo")
    assert is_transcoded("fa\u00e7ade à", "faÃ§ade Ã\xa0".strip())


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (LATIN, LATIN),
        (LATIN, "José Möller"),
        (LATIN, "Joan Miller"),
        (LATIN, LATIN.upper()),
        (LATIN, LATIN.encode().decode("latin-1")[:-1]),
        (LATIN, f"{LATIN.encode().decode('latin-1')} x"),
        (LATIN, ""),
        (LATIN, None),
        (LATIN, 5),
        ("Muller", "MÃ¼ller"),
        ("Ada", "Bob"),
        (None, "MÃ¼ller"),
        ([LATIN], []),
        ([LATIN, "a"], [LATIN.encode().decode("latin-1"), "b"]),
        (["a"], ["a"]),
        ({"name": LATIN}, {"name": "x"}),
    ],
)
def test_another_text_is_not(stored: object, shown: object) -> None:
    assert not is_transcoded(stored, shown)


@pytest.mark.parametrize(
    ("stored", "shown"), [({LATIN}, {LATIN}), ({LATIN}, set()), ({LATIN, "a"}, {"JosÃ© MÃ¼ller", "b"}), (set(), {"a"})]
)
def test_values_that_are_no_spoilt_ones_are_wrong_themselves(stored: set[str], shown: set[str]) -> None:
    assert not are_transcoded(stored, shown)
