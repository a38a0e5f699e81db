"""What the self-tests of records and outputs share."""

import pytest

from suites.selftest.support.hostile_corpus import HOSTILE


@pytest.fixture
def text(request: pytest.FixtureRequest) -> str:
    """The hostile text of that name: tests are parametrized by names, which every reporter can write down."""
    return HOSTILE[request.param]
