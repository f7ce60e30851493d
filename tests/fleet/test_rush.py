"""An address that connects very often, in turn to several processes."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fleet.fleet import Fleet, open_fleet
from tests.waiting import until

BOOK = 4
LIMIT = 20
#: Connects are counted for so long, some at a time.
SECONDS, PAUSE = 2.0, 0.02


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Two processes at which an address may connect seldom."""
    with open_fleet(tmp_path, processes=2, max_connects_per_address=str(LIMIT)) as fleet:
        yield fleet


async def test_an_address_at_two_processes(fleet: Fleet) -> None:
    """An address that goes from one to the other is admitted no more often than at one alone.

    While Redis is away, each admits what it would alone.
    """
    await until(lambda: _admitted_a_second(fleet, at_most=1.4 * LIMIT))
    await asyncio.to_thread(fleet.redis.kill)
    await until(lambda: _admitted_a_second(fleet, at_least=1.6 * LIMIT))

    assert not any("ERROR" in server.log.read_text() for server in fleet.servers)


async def _admitted_a_second(
    fleet: Fleet, *, at_least: float = LIMIT / 2, at_most: float = math.inf
) -> bool:
    """Whether so many are admitted of very many, in turn at each process."""
    admitted, began = 0, time.monotonic()
    async with httpx.AsyncClient() as client:
        while time.monotonic() < began + SECONDS:
            await asyncio.sleep(PAUSE)
            for server in fleet.servers * 2:
                admitted += await _is_admitted(client, f"{server.url}/sse/books/{BOOK}/")
    return at_least < admitted / (time.monotonic() - began) < at_most


async def _is_admitted(client: httpx.AsyncClient, stream: str) -> bool:
    async with client.stream("GET", stream) as answer:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        return "event: stream.ready" in [await anext(lines) for _ in range(4)]
