"""Busy addresses, counted together in a real Redis."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from livria_sse.hub import Connects
from livria_sse.rush import counted_together
from livria_sse.settings import Settings
from tests.parts import RedisServer
from tests.parts.redis import ACCEPTED, Program
from tests.waiting import until

ADDRESS = "192.0.2.1"
LIMIT = 20


@pytest.fixture(scope="module", params=ACCEPTED)
def program(request: pytest.FixtureRequest) -> Program:
    """Each Redis that is accepted."""
    found: Program = request.param
    return found


@pytest.fixture
def redis(tmp_path: Path, program: Program) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with RedisServer(tmp_path, program=program) as redis:
        yield redis


@asynccontextmanager
async def two_processes(redis: RedisServer) -> AsyncIterator[tuple[Connects, Connects]]:
    """What two processes count."""
    settings = Settings(redis_url=SecretStr(redis.url))
    one, other = Connects(LIMIT), Connects(LIMIT)
    async with counted_together(one, settings), counted_together(other, settings):
        yield one, other


def connect(*all_connects: Connects) -> list[int]:
    """Connects as often as one process alone would admit, at each; how many each admits."""
    return [sum([each.count(ADDRESS) for _ in range(LIMIT)]) for each in all_connects]


@pytest.mark.long
async def test_what_redis_keeps(redis: RedisServer) -> None:
    """Redis has no address as it is, two numbers for each, and soon nothing."""
    async with two_processes(redis) as both:
        with redis.client() as client:
            await until(lambda: bool(connect(*both)) and redis.calls("evalsha") > 6)
            (key,) = client.keys("livria:*")
            assert ADDRESS not in str(key)
            assert client.hlen(str(key)) <= 2
            await until(lambda: not client.keys("livria:*"))


@contextmanager
def killed(redis: RedisServer) -> Iterator[None]:
    """Redis is gone, with all that it held."""
    redis.kill()
    yield
    redis.start()


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    """Redis is there and does not answer."""
    redis.signal(signal.SIGSTOP)
    yield
    redis.signal(signal.SIGCONT)


@pytest.mark.parametrize("away", [killed, pytest.param(stopped, marks=pytest.mark.long)])
async def test_processes_share_a_limit(
    away: Callable[[RedisServer], AbstractContextManager[None]], redis: RedisServer
) -> None:
    """Who connects to two processes is admitted half as often by each.

    While Redis does not answer, each admits what it would alone.
    """
    async with two_processes(redis) as both:
        await until(lambda: connect(*both) == [LIMIT // 2, LIMIT // 2])
        with away(redis):
            await until(lambda: connect(*both) == [LIMIT, LIMIT])
        await until(lambda: connect(*both) == [LIMIT // 2, LIMIT // 2])


async def test_without_redis() -> None:
    """Without Redis, or without limits, nothing is shared and nothing is missing."""
    for settings in (
        Settings(),
        Settings(redis_url=SecretStr("redis://127.0.0.1:1"), limits=False),
    ):
        connects = Connects(LIMIT)
        async with counted_together(connects, settings):
            assert connect(connects) == [LIMIT]
