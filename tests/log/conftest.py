"""Redis, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from redis.asyncio import Redis

from livria_sse.log.redis.link import Link
from livria_sse.log.redis.streams import Streams
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from tests.parts import RedisServer
from tests.parts.redis import ACCEPTED, Program

EPOCH = "k7q2m"


@pytest.fixture(scope="session")
def start_redis(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Program], RedisServer]]:
    """Starts a Redis for all tests of this folder, once for each program."""
    with ExitStack() as stack:

        @cache
        def start(program: Program) -> RedisServer:
            folder = tmp_path_factory.mktemp("redis")
            return stack.enter_context(RedisServer(folder, program=program))

        yield start


@pytest.fixture(scope="session", params=ACCEPTED)
def running_redis(
    request: pytest.FixtureRequest, start_redis: Callable[[Program], RedisServer]
) -> RedisServer:
    """Each Redis in turn."""
    return start_redis(request.param)


@pytest.fixture
def redis(running_redis: RedisServer) -> RedisServer:
    """Redis with nothing in it."""
    with running_redis.client() as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
    return running_redis


@pytest.fixture
async def client(redis: RedisServer) -> AsyncIterator[Redis]:
    """A client for commands, as the service has it."""
    async with open_client(redis.url) as client:
        yield client


@pytest.fixture
def streams(client: Redis) -> Streams:
    """The streams of a log with the default settings."""
    return Streams(Link(client), EPOCH, Settings())
