"""Redaction searches a text for a form only where one of the form's signs is, and misses nothing by that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records import redaction
from reports.records.redaction import Scrubber

pytestmark = pytest.mark.selftest

_VALUES = (
    *("https://ann:hunter22@host/x", "x%3A%2F%2Fann%3Apw%40host", "eyJhbGciOi.eyJzdWIi", "Bearer abcdefghij"),
    *("basic%20YWxhZGRpbjo", "X-API-Key: 0123456", "apikey=abcdef", "api_key%3Dabcdef", "Authorization: abcdef"),
    *('"password": "hunter22"', "passwd=hunter22", "SECRET=hunter22", "refresh-token:abcdef", "access_token=abcdef"),
    *("ann@example.com", "ANN%40EXAMPLE.COM", "https://www.LinkedIn.com/in/ann", "linkedin.com%2Fin%2Fann"),
    *(
        "+49 30 1234567",
        "%2B49301234567",
        "pas\u017fword=hunter22",
        "lin\u212aedin.com/in/ann",
        "access_to\u212aen: abcdef",
    ),
)
_FORMS = (*redaction._SECRETS_BY_LOOKS, *redaction._PERSONAL_BY_LOOKS)
_TEXTS = st.lists(st.sampled_from((*_VALUES, " ", "\n", "é", "plain", '{"key": "x"}')) | st.text(max_size=5)).map(
    "".join
)


@pytest.mark.parametrize("value", _VALUES)
def test_each_form_is_masked(value: str) -> None:
    assert value not in Scrubber()(f"seen: {value}, twice")


@given(_TEXTS)
def test_a_text_without_a_sign_has_nothing_of_that_form(text: str) -> None:
    for form in _FORMS:
        assert form.masked(text) == form.pattern.sub(form.mask, text)
