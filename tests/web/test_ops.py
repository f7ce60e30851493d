"""For operators: is it alive, is it ready, what is it doing."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from livria_sse.store import sqlite
from livria_sse.store.database import Connection
from livria_sse.web import ops
from tests.parts import RedisServer, ServerProcess
from tests.waiting import until
from tests.web.service import Service, problem_of, serving

BOOK = 10


def unready(answer: httpx.Response) -> str:
    """Why the service is not ready."""
    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert set(document) == {"status", "reason"}
    assert document["status"] == "unready"
    reason: str = document["reason"]
    return reason


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program holds the database's write lock."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@asynccontextmanager
async def busy(service: Service) -> AsyncIterator[None]:
    """All reading connections have work that does not end."""
    ended = threading.Event()
    begun: queue.SimpleQueue[None] = queue.SimpleQueue()

    async def endless(_connection: Connection) -> None:
        begun.put(None)
        ended.wait()

    database = service.store.facts._database
    reads = [asyncio.create_task(database.read(endless)) for _ in range(sqlite.READERS)]
    for _ in reads:
        await asyncio.to_thread(begun.get)
    try:
        yield
    finally:
        ended.set()
        await asyncio.gather(*reads)


async def test_process_is_alive(client: httpx.AsyncClient) -> None:
    """A process that answers is alive."""
    answer = await client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_service_is_ready(client: httpx.AsyncClient) -> None:
    """A service with a database that answers is ready."""
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert answer.headers["cache-control"] == "no-store"


async def test_draining_is_unready(client: httpx.AsyncClient, service: Service) -> None:
    """A service that is about to stop is not ready, alive, and still serves what it is asked."""
    await service.hub.drain()
    assert "stops" in unready(await client.get("/readyz"))
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get(f"/api/books/{BOOK}/")).status_code == 200


async def test_closed_database_is_unready(tmp_path: Path) -> None:
    """A service whose database is closed is alive, but not ready."""
    async with serving(tmp_path) as service:
        client = service.client()
    async with client:
        assert "database" in unready(await client.get("/readyz"))
        assert (await client.get("/healthz")).status_code == 200
        problem_of(await client.get(f"/api/books/{BOOK}/"))


async def test_lost_tables_are_unready(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    """A service whose tables are gone is not ready, and ready again when they are back."""
    assert await service.head(BOOK) == 0
    with closing(sqlite3.connect(tmp_path / "livria.db")) as connection:
        connection.execute("ALTER TABLE facts RENAME TO lost")
        assert "database" in unready(await client.get("/readyz"))
        connection.execute("ALTER TABLE lost RENAME TO facts")
    assert (await client.get("/readyz")).status_code == 200


async def test_damaged_database_is_unready(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    """A service whose database is no database any more is not ready, rather than in error."""
    assert await service.head(BOOK) == 0
    with closing(sqlite3.connect(tmp_path / "livria.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 9999 WHERE name = 'facts'")
        connection.execute("PRAGMA schema_version = 9999")
        connection.commit()
    assert "database" in unready(await client.get("/readyz"))
    assert (await client.get("/healthz")).status_code == 200


async def test_slow_database_is_unready(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service whose database takes too long is not ready, and ready again afterwards."""
    monkeypatch.setattr(ops, "READY_SECONDS", 0.01)
    async with busy(service):
        assert "database" in unready(await client.get("/readyz"))
        assert (await client.get("/healthz")).status_code == 200
    monkeypatch.undo()
    assert (await client.get("/readyz")).status_code == 200


async def test_locked_database_refuses_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post that meets a locked database is a 503 that says when to come again, and is lost."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 10)
    async with serving(tmp_path) as service:
        token = await service.session("mina")
        async with service.client(token=token) as mina:
            review = {"book": BOOK, "content": "좋아요"}
            with locked(tmp_path / "livria.db"):
                refused = await mina.post("/api/reviews/", json=review)
                assert (await mina.get(f"/api/books/{BOOK}/")).status_code == 200
            assert refused.status_code == 503
            assert "retry-after" in refused.headers
            problem_of(refused)
            assert (await mina.post("/api/reviews/", json=review)).json()["position"].endswith("-1")


def test_degraded_without_redis(tmp_path: Path) -> None:
    """Without Redis a service is ready, and says that it is degraded; with it, it says so too."""
    redis = RedisServer(tmp_path / "redis")
    with ServerProcess(tmp_path, redis_url=redis.url) as server:

        def status() -> str:
            answer = httpx.get(f"{server.url}/readyz")
            assert answer.status_code == 200
            document = answer.json()
            assert ("Redis" in document.get("reason", "")) == (document["status"] == "degraded")
            return str(document["status"])

        asyncio.run(until(lambda: status() == "degraded"))
        assert 'redis_away{way="doorbells"} 1.0' in httpx.get(f"{server.url}/metrics").text
        with redis:
            asyncio.run(until(lambda: status() == "ok"))
            assert 'redis_away{way="doorbells"} 0.0' in httpx.get(f"{server.url}/metrics").text
        asyncio.run(until(lambda: status() == "degraded"))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
async def test_operations_are_only_read(client: httpx.AsyncClient, path: str) -> None:
    """What operators ask for can only be asked for."""
    answer = await client.post(path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    problem_of(answer)
    asked, got = await client.head(path), await client.get(path)
    assert asked.status_code == got.status_code == 200
