"""How often something may be done: counted in this process, and by all together in Redis."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal, get_args

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from livria_sse.errors import TooManyRequests
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from livria_sse.tasks import Tasks

#: What is counted, and of whom. Each is a setting.
Rate = Literal[
    "writes_per_account", "writes_per_address", "sign_ins_per_username", "sign_ins_per_address"
]
PREFIX = "livria:limits"
#: Counts that are under way to Redis at once; more are not sent.
MOST_ASKED = 64
#: After a failure, Redis is not asked for so long.
REST_SECONDS = 5.0


class Throttle:
    """Refuses what is done too often.

    That is decided at once by what this process knows: its own counts, and who is over the counts
    of all processes. Those are kept in Redis and asked beside, so that nobody waits for it. Until
    it answers, and as long as it is away, each process allows as much as one alone would.
    """

    def __init__(self, settings: Settings, shared: RedisStorage | None = None) -> None:
        self._on = settings.limits
        self._rates: dict[Rate, RateLimitItem] = {
            rate: getattr(settings, rate) for rate in get_args(Rate)
        }
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._shared = FixedWindowRateLimiter(shared) if shared else None
        self._tasks = Tasks()
        self._loop = asyncio.get_running_loop()
        self._rests_until = 0.0
        #: Who has done all that they may, and until when (in seconds since 1970).
        self._spent: dict[tuple[Rate, str], float] = {}
        #: The same text on the same book is refused for so many seconds; 0: never.
        self.repeat_seconds = settings.repeat_seconds if settings.limits else 0
        #: How often each limit was the reason to refuse something.
        self.refused = Counter[Rate](dict.fromkeys(get_args(Rate), 0))

    async def count(self, rate: Rate, who: str) -> None:
        """Counts one more by somebody.

        Raises:
            TooManyRequests: That is too many.
        """
        self._check(rate, who)
        await self._add(rate, who)

    def count_soon(self, rate: Rate, who: str) -> None:
        """The same, from any thread, as those are which have only just found out who it is.

        What is under way at the same time may be too many.
        """
        self._check(rate, who)
        self._loop.call_soon_threadsafe(self._spawn_add, rate, who)

    def _check(self, rate: Rate, who: str) -> None:
        remaining = math.ceil(self._spent.get((rate, who), 0.0) - time.time())
        if remaining > 0:
            self.refused[rate] += 1
            raise TooManyRequests(retry_seconds=remaining)

    def _spawn_add(self, rate: Rate, who: str) -> None:
        self._tasks.spawn(self._add(rate, who))

    async def _add(self, rate: Rate, who: str) -> None:
        if not self._on:
            return
        await self._hit(self._own, rate, who)
        if self._shared and len(self._tasks) < MOST_ASKED and time.time() > self._rests_until:
            self._tasks.spawn(self._share(self._shared, rate, who))

    async def _share(self, shared: FixedWindowRateLimiter, rate: Rate, who: str) -> None:
        try:
            await self._hit(shared, rate, who)
        except (RedisError, OSError):
            self._rests_until = time.time() + REST_SECONDS

    async def _hit(self, limiter: FixedWindowRateLimiter, rate: Rate, who: str) -> None:
        item = self._rates[rate]
        key = rate, hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()
        await limiter.hit(item, *key)
        window = await limiter.get_window_stats(item, *key)
        if not window.remaining:
            self._remember(rate, who, until=window.reset_time)

    def _remember(self, rate: Rate, who: str, *, until: float) -> None:
        now = time.time()
        self._spent = {key: end for key, end in self._spent.items() if end > now}
        self._spent[rate, who] = until

    async def aclose(self) -> None:
        """Counts no more."""
        await self._tasks.cancel()


@asynccontextmanager
async def open_throttle(settings: Settings) -> AsyncIterator[Throttle]:
    """The throttle of a process; shared with the others if the settings name a Redis."""
    async with AsyncExitStack() as stack:
        shared = None
        if settings.redis_url:
            url = settings.redis_url.get_secret_value()
            client = await stack.enter_async_context(open_client(url))
            shared = RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=client.connection_pool,  # type: ignore[arg-type]
            )
        throttle = Throttle(settings, shared)
        stack.push_async_callback(throttle.aclose)
        yield throttle
