"""How often something may be done, in one process and in several."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from livria_sse import throttle as throttle_module
from livria_sse.errors import TooManyRequests
from livria_sse.settings import Settings
from livria_sse.throttle import MOST_ASKED, Throttle, open_throttle
from tests.parts import RedisServer
from tests.waiting import until

#: More than are asked before an answer of Redis is there.
MANY = 50


def settings_with(redis: RedisServer | None = None, **given: str) -> Settings:
    """Three writes a minute, or what is given."""
    url = SecretStr(redis.url) if redis else None
    return Settings.model_validate({"redis_url": url, "writes_per_account": "3/minute", **given})


async def is_refused(throttle: Throttle, who: str = "1") -> bool:
    """Whether one more write is one too many."""
    try:
        throttle.count("writes_per_account", who)
    except TooManyRequests:
        return True
    return False


async def test_the_first_are_allowed() -> None:
    """So many are allowed in a window; then one waits until it is over, and others do not."""
    async with open_throttle(settings_with()) as throttle:
        assert [await is_refused(throttle) for _ in range(5)] == [False] * 3 + [True] * 2

        with pytest.raises(TooManyRequests) as refusal:
            throttle.count("writes_per_account", "1")
        assert 0 < (refusal.value.retry_seconds or 0) <= 60
        assert not await is_refused(throttle, "2")
        throttle.count("writes_per_address", "1")
        assert +throttle.refused == {"writes_per_account": 3}


async def test_windows_end() -> None:
    """When the window is over, as many are allowed again."""
    async with open_throttle(settings_with(writes_per_account="1/second")) as throttle:
        await is_refused(throttle)

        async def allowed() -> bool:
            return not await is_refused(throttle)

        await until(allowed)


async def test_counts_from_threads() -> None:
    """Who is found out in a thread is counted like anybody else."""
    async with open_throttle(settings_with()) as throttle:
        for _ in range(3):
            await asyncio.to_thread(throttle.count, "writes_per_account", "1")

        with pytest.raises(TooManyRequests):
            await asyncio.to_thread(throttle.count, "writes_per_account", "1")


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many who come, the first are forgotten; those who are over are not, by few others."""
    monkeypatch.setattr(throttle_module, "MOST_WINDOWS", 10)
    async with open_throttle(settings_with()) as throttle:
        for number in range(1_000):
            await is_refused(throttle, str(number))
        assert len(throttle._windows) <= 10

        for _ in range(3):
            await is_refused(throttle, "one")
        for number in range(5):
            await is_refused(throttle, str(number))
        assert await is_refused(throttle, "one")


async def test_limits_can_be_lifted() -> None:
    """Without limits nobody is refused, however often they come."""
    async with open_throttle(settings_with(limits="off")) as throttle:
        assert not any([await is_refused(throttle) for _ in range(10)])
        assert throttle.repeat_seconds == 0


async def test_processes_count_together(tmp_path: Path) -> None:
    """What somebody does at one process counts at the others, which share a Redis."""
    with RedisServer(tmp_path) as redis:
        settings = settings_with(redis, writes_per_account=f"{MANY}/minute")
        async with open_throttle(settings) as one, open_throttle(settings) as other:
            for number in range(1, MANY + 1):
                one.count("writes_per_account", "1")
                await until(partial(_has_counted, redis, number))
            asked = 0

            async def refused_by_the_other() -> bool:
                nonlocal asked
                asked += 1
                return await is_refused(other)

            await until(refused_by_the_other)
            assert asked < MANY
            assert not await is_refused(other, "2")


def _has_counted(redis: RedisServer, expected: int) -> bool:
    with redis.client() as client:
        (key,) = client.keys("livria:limits*") or [""]
        return bool(client.get(key) == str(expected))


async def test_nobody_waits_for_redis(tmp_path: Path) -> None:
    """While Redis does not answer, each process counts by itself, and waits for no answer."""
    with RedisServer(tmp_path) as redis:
        async with open_throttle(settings_with(redis)) as throttle:
            redis.signal(signal.SIGSTOP)
            try:
                counted = [await is_refused(throttle) for _ in range(4)]
                await asyncio.sleep(0)
                assert len(throttle._tasks) == 3  # they are asked, and have not even failed
            finally:
                redis.signal(signal.SIGCONT)

            assert counted == [False, False, False, True]


async def test_few_wait_for_redis(tmp_path: Path) -> None:
    """However many are counted while Redis does not answer, a bounded number of questions waits."""
    with RedisServer(tmp_path) as redis:
        async with open_throttle(settings_with(redis)) as throttle:
            redis.signal(signal.SIGSTOP)
            try:
                for number in range(2 * MOST_ASKED):
                    throttle.count("writes_per_account", str(number))
                await asyncio.sleep(0)
                assert len(throttle._tasks) == MOST_ASKED
            finally:
                redis.signal(signal.SIGCONT)


async def test_windows_of_all_end(tmp_path: Path) -> None:
    """Who is over the counts of all waits for the end of theirs, whenever their own began."""
    with RedisServer(tmp_path) as redis, redis.client() as client:
        settings = settings_with(redis, writes_per_account=f"{MANY}/minute")
        async with open_throttle(settings) as throttle:
            throttle.count("writes_per_account", "1")
            await until(partial(_has_counted, redis, 1))
            (key,) = client.keys("livria:limits*")
            client.incrby(key, MANY)
            client.expire(key, 20)
            await until(lambda: is_refused(throttle))

            with pytest.raises(TooManyRequests) as refusal:
                throttle.count("writes_per_account", "1")
            assert (refusal.value.retry_seconds or 0) <= 20


async def test_redis_that_refuses(tmp_path: Path) -> None:
    """A Redis that is gone is nobody's problem."""
    with RedisServer(tmp_path) as redis:
        settings = settings_with(redis)
    async with open_throttle(settings) as throttle:
        assert [await is_refused(throttle) for _ in range(4)] == [False] * 3 + [True]
        await until(lambda: throttle._rests_until > 0 and not throttle._tasks)

        await is_refused(throttle, "2")
        await asyncio.sleep(0)
        assert not throttle._tasks  # it is not asked again for a while


@pytest.mark.parametrize("rate", ["60", "0/minute", "many", "-1/minute", "60/fortnight"])
def test_rates_that_are_none(rate: str) -> None:
    """A rate that cannot be understood, or that allows nothing, is refused with an example."""
    with pytest.raises(ValidationError, match="60/minute"):
        settings_with(writes_per_account=rate)


@pytest.mark.parametrize("rates", ["1/minute;2/hour", "1/minute, 2/hour", "1/minute|2/hour"])
def test_more_than_one_rate(rates: str) -> None:
    """Of several rates none is silently left out: they are refused."""
    with pytest.raises(ValidationError, match="more than one rate; write it like 60/minute"):
        settings_with(writes_per_account=rates)
