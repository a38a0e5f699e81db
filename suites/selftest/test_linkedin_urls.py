"""LinkedIn URLs: every form still names its slug, and the direct path's reading of them is contract 3's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checks.linkedin.urls import FORMS, KINDS, pattern, read

SLUGS = st.text(st.characters(whitelist_categories=("Ll", "Nd"), whitelist_characters="-_"), min_size=1, max_size=30)


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("name", [name for name in FORMS if name != "percent-encoded"])
@given(slug=SLUGS)
def test_a_form_names_its_slug(name: str, kind: str, slug: str) -> None:
    assert read(FORMS[name](kind, slug), kind).lower() == (slug.upper() if name == "upper-case" else slug).lower()


def test_forms_differ() -> None:
    made = {form("in", "jane-doe") for form in FORMS.values()}

    assert len(made) == len(FORMS)


def test_an_encoded_slug_is_not_decoded() -> None:
    assert FORMS["percent-encoded"]("in", "josé-doe") == "https://www.linkedin.com/in/%6Aos%C3%A9-doe"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("https://www.linkedin.com/in/jane", "jane"),
        ("https://www.linkedin.com/in/jane/?x=/in/y", "y"),
        ("/in/x/in/jane/details", "jane"),
        ("https://www.linkedin.com/in/", ""),
        (" jane ", "jane"),
        ("https://www.linkedin.com/company/acme", "https://www.linkedin.com/company/acme"),
        ("HTTPS://WWW.LINKEDIN.COM/IN/JANE", "HTTPS://WWW.LINKEDIN.COM/IN/JANE"),
    ],
    ids=["plain", "last-in-counts", "path", "nothing-left", "no-url", "other-kind", "capitals-are-no-in"],
)
def test_what_is_read_out_of_a_text(text: str, slug: str) -> None:
    assert (read(text, "in"), pattern(text, "in")) == (slug, f"%{slug}%")
