"""What tests of the hub begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.hub.readers import DirectReader, NewReader, SteppingReader
from tests.hub.service import Service, serving

from livria_sse.store import Store


@pytest.fixture(params=[SteppingReader, DirectReader])
def new_reader(request: pytest.FixtureRequest) -> NewReader:
    """Makes readers, of one way of pushing or of the other."""
    kind: NewReader = request.param
    return kind


@pytest.fixture
async def service(store: Store) -> AsyncIterator[Service]:
    """A service that audits so rarely that a test does not see it."""
    async with serving(store, audit_seconds=3600) as service:
        yield service
