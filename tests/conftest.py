"""What many tests begin with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import settings as hypothesis_settings

from livria_sse.application import create_app
from livria_sse.settings import Settings
from livria_sse.store import Store, open_store
from tests.parts import GENEROUS, Person, PostgresCluster, ServerProcess, plain_uvicorn
from tests.parts.database import new_database

# A slow machine is no defect: examples have no deadline.
hypothesis_settings.register_profile("quick", max_examples=25, deadline=None)
hypothesis_settings.register_profile("long", max_examples=400, deadline=None)
hypothesis_settings.load_profile("quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets the folders take turns where several processes test, each folder's largest file first.

    Browsers and fleets work hard and most others wait: side by side they use the machine, and none
    of them is left over for the end.
    """
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path, _ in tests.most_common():
        folders[path.parent].append(path)
    turns = {
        path: turn / len(files) for files in folders.values() for turn, path in enumerate(files)
    }
    items.sort(key=lambda item: turns[item.path])


@pytest.fixture
def anyio_backend() -> str:
    """`databases` and the hub need asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """A PostgreSQL for all tests."""
    with PostgresCluster(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A database of the test's own."""
    new_database(tmp_path / "livria.db")
    return f"sqlite:///{tmp_path}/livria.db"


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings with that database, and limits that no test reaches by chance."""
    return Settings.model_validate({"database_url": database_url, **GENEROUS})


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """An open store without books."""
    async with open_store(settings.database_url) as store:
        yield store


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this process, with the sample books. Not for streams."""
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope, receive, send):  # type: ignore[no-untyped-def]
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://livria.test") as client:
            yield client


@pytest.fixture(
    scope="module", params=[ServerProcess, pytest.param(plain_uvicorn, marks=pytest.mark.long)]
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A real server process that the tests of a module share; in the long suite, also by uvicorn.

    Each of them has a book of its own. Those that kill it start it again.
    """
    with request.param(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def mina(server: ServerProcess) -> Iterator[Person]:
    """Somebody with an account on the server."""
    with Person(server.url, "mina") as person:
        yield person


@pytest.fixture
def book(server: ServerProcess) -> int:
    """A book that nobody has reviewed."""
    return server.add_book()
