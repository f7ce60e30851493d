"""Redis, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from livria_sse.log.redis.clients import open_client
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.streams import Streams
from livria_sse.settings import Settings
from tests.parts import RedisServer

EPOCH = "k7q2m"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests of this folder."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """Redis with nothing in it."""
    with redis_server.client() as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
    return redis_server


@pytest.fixture
async def client(redis: RedisServer) -> AsyncIterator[Redis]:
    """A client for commands, as the service has it."""
    async with open_client(redis.url) as client:
        yield client


@pytest.fixture
def streams(client: Redis) -> Streams:
    """The streams of a log with the default settings."""
    return Streams(Link(client), EPOCH, Settings())
