"""A rush: addresses that connect very often, counted by all processes together in Redis."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import resources

from redis.asyncio import Redis
from redis.exceptions import RedisError

from livria_sse.hub import Connects
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from livria_sse.tasks import Tasks, kept

#: How often the others are told.
TELL_SECONDS = 1.0


class Rush:
    """Tells the other processes who is busy here, and learns how busy they are everywhere.

    That is one script a second, and none while nobody is busy. No connect waits for it. While Redis
    is away, what each process has counted by itself decides.
    """

    def __init__(self, connects: Connects, client: Redis) -> None:
        self._connects = connects
        self._add = client.register_script(_text("rush.lua"))

    async def run(self) -> None:
        """Tells and learns until it is cancelled."""
        while True:
            await asyncio.sleep(TELL_SECONDS)
            here = self._connects.busy()
            self._connects.learn(here, await self._everywhere(here) if here else {})

    async def _everywhere(self, here: Mapping[str, int]) -> Mapping[str, int]:
        try:
            counts = await self._add(keys=[_key(each) for each in here], args=list(here.values()))
        except (RedisError, OSError):
            return here
        return dict(zip(here, counts, strict=True))


def _key(address: str) -> str:
    # What is in braces decides the slot in a Redis Cluster: a script's keys are in one.
    return f"livria:{{connects}}:{hashlib.sha256(address.encode()).hexdigest()}"


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text()


@asynccontextmanager
async def counted_together(connects: Connects, settings: Settings) -> AsyncIterator[None]:
    """Counts them together with other processes meanwhile, if the settings name a Redis."""
    if not settings.redis_url or not settings.limits:
        yield
        return
    tasks = Tasks()
    async with open_client(settings.redis_url.get_secret_value()) as client:
        tasks.spawn(kept(Rush(connects, client).run))
        try:
            yield
        finally:
            await tasks.cancel()
