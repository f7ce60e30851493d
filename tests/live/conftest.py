"""Both ways of pushing: our own server's, and in the long suite that of any other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.parts import ServerProcess, plain_uvicorn

Serve = Callable[..., ServerProcess]


@pytest.fixture(
    scope="module", params=[ServerProcess, pytest.param(plain_uvicorn, marks=pytest.mark.long)]
)
def serve(request: pytest.FixtureRequest) -> Serve:
    """Makes a server in a folder, with settings."""
    way: Serve = request.param
    return way
