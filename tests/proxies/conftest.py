"""Every proxy, set up with care and without."""

from __future__ import annotations

import pytest
from tests.parts import KINDS, Care, Kind


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which proxy."""
    kind: Kind = request.param
    return kind


@pytest.fixture(scope="module", params=["advised", "careless"])
def care(request: pytest.FixtureRequest) -> Care:
    """How it is set up."""
    care: Care = request.param
    return care
