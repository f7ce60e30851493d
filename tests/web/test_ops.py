"""For operators: is it alive, is it ready, what is it doing."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

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
        with redis:
            asyncio.run(until(lambda: status() == "ok"))
        asyncio.run(until(lambda: status() == "degraded"))


async def test_metrics_can_be_parsed(client: httpx.AsyncClient) -> None:
    """The metrics are in Prometheus' text format, each described, all our own."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    families = list(text_string_to_metric_families(answer.text))
    kinds = {family.name: family.type for family in families}
    assert kinds == {
        "livria_streams_open": "gauge",
        "livria_books_watched": "gauge",
        "livria_streams_opened": "counter",
        "livria_streams_closed": "counter",
        "livria_streams_refused": "counter",
        "livria_deliveries": "counter",
        "livria_push_seconds": "histogram",
        "livria_log_reads": "counter",
        "livria_publisher_backlog": "gauge",
        "livria_degraded": "gauge",
        "livria_loop_lag_seconds": "gauge",
        "livria_audit_repairs": "counter",
        "livria_requests_refused": "counter",
    }
    assert all(family.documentation for family in families)
    samples = [sample for family in families for sample in family.samples]
    assert {sample.value for sample in samples if "lag" not in sample.name} == {0.0}


async def test_metrics_count_streams(client: httpx.AsyncClient, service: Service) -> None:
    """A stream that is open is seen in the metrics, and one that has ended no longer."""
    stream = asyncio.create_task(client.get(f"/sse/books/{BOOK}/"))
    await service.streaming()
    numbers = await _numbers(client)
    assert numbers["livria_streams_open"] == 1
    assert numbers["livria_books_watched"] == 1
    await service.hub.drain()
    assert (await stream).status_code == 200
    numbers = await _numbers(client)
    assert numbers["livria_streams_open"] == 0
    assert numbers["livria_books_watched"] == 0
    assert numbers["livria_streams_opened_total", "live"] == 1
    assert numbers["livria_streams_closed_total", "closing"] == 1
    assert numbers["livria_log_reads_total"] == 1


async def test_metrics_time_pushes(mina: httpx.AsyncClient, service: Service) -> None:
    """How long a change takes to its readers is counted once for each change."""
    stream = asyncio.create_task(mina.get(f"/sse/books/{BOOK}/"))
    await service.streaming()
    await mina.post("/api/reviews/", json={"book": BOOK, "content": "timed"})
    numbers = await _numbers(mina)
    assert numbers["livria_push_seconds_count"] == 1
    assert numbers["livria_deliveries_total"] == 1
    await service.hub.drain()
    await stream


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
async def test_operations_are_only_read(client: httpx.AsyncClient, path: str) -> None:
    """What operators ask for can only be asked for."""
    answer = await client.post(path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    problem_of(answer)
    asked, got = await client.head(path), await client.get(path)
    assert asked.status_code == got.status_code == 200


async def _numbers(client: httpx.AsyncClient) -> dict[Any, float]:
    """By name, or by name and label."""
    text = (await client.get("/metrics")).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for sample in samples
    }
