"""Every proxy, set up with care and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.parts import KINDS, Care, Kind, Person, ServerProcess


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


@pytest.fixture(scope="module")
def mina(server: ServerProcess) -> Iterator[Person]:
    """Somebody who writes to a module's server itself, past the proxy."""
    with Person(server.url, "mina") as mina:
        yield mina
