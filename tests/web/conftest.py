"""What tests of the HTTP side begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.web.service import Service, serving


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """For the whole session, so that a module can share a service."""
    return "asyncio"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """The application with the sample books, and nobody in it."""
    async with serving(tmp_path) as service:
        yield service


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service that the tests of a module share: for those that change nothing in it."""
    async with serving(tmp_path_factory.mktemp("shared")) as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not signed in."""
    async with service.client() as client:
        yield client


@pytest.fixture
async def mina(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A reader who is signed in."""
    async with service.signed_in("mina") as client:
        yield client


@pytest.fixture
async def jun(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Another reader who is signed in."""
    async with service.signed_in("jun") as client:
        yield client


@pytest.fixture
async def sora(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the staff who is signed in."""
    async with service.client(token=await service.session("sora", staff=True)) as client:
        yield client
