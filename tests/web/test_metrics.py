"""The metrics: what the service is doing, in the Prometheus text format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from livria_sse.tallies import Tallies
from livria_sse.web import metrics
from tests.waiting import until
from tests.web.service import Service, serving

BOOK = 10


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
        "livria_resumes": "counter",
        "livria_streams_closed": "counter",
        "livria_streams_refused": "counter",
        "livria_deliveries": "counter",
        "livria_push_seconds": "histogram",
        "livria_post_to_push_seconds": "histogram",
        "livria_log_reads": "counter",
        "livria_publisher_backlog": "gauge",
        "livria_publisher_age_seconds": "gauge",
        "livria_redis_away": "gauge",
        "livria_degraded": "gauge",
        "livria_loop_lag_seconds": "gauge",
        "livria_audit_repairs": "counter",
        "livria_requests_refused": "counter",
        "livria_write_group_size": "histogram",
        "livria_connections_refused": "counter",
        "livria_requests_hasty": "counter",
    }
    assert all(family.documentation for family in families)
    samples = [sample for family in families for sample in family.samples]
    begun = ("livria_loop_lag", "livria_write_group")  # a lag, and the sample books
    assert {each.value for each in samples if not each.name.startswith(begun)} == {0.0}


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
    assert numbers["livria_log_reads_total", "sql"] == 1
    assert numbers["livria_log_reads_total", "redis"] == 0


async def test_metrics_count_resumes(client: httpx.AsyncClient, service: Service) -> None:
    """Who resumes, and who cannot, is counted by how, and by where what they missed was found."""
    for asked in (f"{service.hub.epoch}-0", "another-1"):
        stream = asyncio.create_task(client.get(f"/sse/books/{BOOK}/?last_event_id={asked}"))
        await service.streaming()
        await service.hub.drain()
        await stream
        service.hub.stopping = False
    numbers = await _numbers(client)
    assert numbers["livria_resumes_total", "resumed", "feed"] == 1
    assert numbers["livria_resumes_total", "resumed", "sql"] == 0
    assert numbers["livria_resumes_total", "reset", "none"] == 1


async def test_metrics_time_pushes(mina: httpx.AsyncClient, service: Service) -> None:
    """How long a change takes to its readers is counted once for each change."""
    stream = asyncio.create_task(mina.get(f"/sse/books/{BOOK}/"))
    await service.streaming()
    await mina.post("/api/reviews/", json={"book": BOOK, "content": "timed"})
    numbers = await _numbers(mina)
    assert numbers["livria_push_seconds_count"] == 1
    assert numbers["livria_post_to_push_seconds_count"] == 1
    assert numbers["livria_deliveries_total"] == 1
    # The sample books, mina's account, her session, and her review.
    assert numbers["livria_write_group_size_count"] == 4
    await service.hub.drain()
    await stream


@pytest.fixture
def tallies(tmp_path: Path) -> Tallies:
    """Tallies of a server, whose worker 7 has counted something."""
    folder = tmp_path / "tallies"
    folder.mkdir()
    tallies = Tallies(folder)
    tallies.begin()
    tallies.tell(
        7,
        b"# HELP livria_streams_open Open streams.\n# TYPE livria_streams_open gauge\n"
        b"livria_streams_open 3.0\n"
        b"# HELP livria_loop_lag_seconds Lag.\n# TYPE livria_loop_lag_seconds gauge\n"
        b"livria_loop_lag_seconds 8.0\n",
    )
    return tallies


@asynccontextmanager
async def streaming(tmp_path: Path, tallies: Tallies) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another worker, which has a stream for as long."""
    async with serving(tmp_path, tallies=tallies) as service, service.client() as client:
        stream = asyncio.create_task(client.get(f"/sse/books/{BOOK}/"))
        await service.streaming()
        yield client
        await service.hub.drain()
        await stream


async def test_metrics_of_all_workers(tmp_path: Path, tallies: Tallies) -> None:
    """A worker answers what all have counted, itself to the last moment; of lags, the longest."""
    async with serving(tmp_path, tallies=tallies) as service, service.client() as client:
        stream = asyncio.create_task(client.get(f"/sse/books/{BOOK}/"))
        await service.streaming()
        service.hub._heartbeat.lag = 2.0
        numbers = await _numbers(client)
        assert numbers["livria_streams_open"] == 4
        assert numbers["livria_loop_lag_seconds"] == 8
        await service.hub.drain()
        await stream
        assert (await _numbers(client))["livria_streams_open"] == 3


async def test_answered_metrics_are_told(
    tmp_path: Path, tallies: Tallies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker has answered, the others know at once: no counter falls."""
    monkeypatch.setattr(metrics, "TELL_SECONDS", 3600)
    async with streaming(tmp_path, tallies) as client:
        await client.get("/metrics")
        assert b'opened_total{mode="live"} 1.0' in tallies.summed(())


async def test_metrics_are_told_by_themselves(
    tmp_path: Path, tallies: Tallies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask a worker for the others to know what it has counted."""
    monkeypatch.setattr(metrics, "TELL_SECONDS", 0.01)
    async with streaming(tmp_path, tallies):
        await until(lambda: b'opened_total{mode="live"} 1.0' in tallies.summed(()))


async def test_last_metrics_are_told(
    tmp_path: Path, tallies: Tallies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker counts until it ends is told."""
    monkeypatch.setattr(metrics, "TELL_SECONDS", 3600)
    async with streaming(tmp_path, tallies):
        pass
    assert b'closed_total{reason="closing"} 1.0' in tallies.summed(())


async def test_metrics_without_a_folder(
    tmp_path: Path, tallies: Tallies, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that cannot reach the others' numbers answers its own, and says so once."""
    for path in (tmp_path / "tallies").iterdir():
        path.unlink()
    (tmp_path / "tallies").rmdir()
    async with serving(tmp_path, tallies=tallies) as service, service.client() as client:
        for _ in range(3):
            assert (await _numbers(client))["livria_streams_open"] == 0
    assert caplog.text.count("may lack other workers") == 1


async def _numbers(client: httpx.AsyncClient) -> dict[Any, float]:
    """By name, or by name and label."""
    text = (await client.get("/metrics")).text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for sample in samples
    }
