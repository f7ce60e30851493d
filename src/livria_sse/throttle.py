"""How often something may be done: counted in this process, and by all together in Redis."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Literal, get_args

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from livria_sse.errors import TooManyRequests
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from livria_sse.tasks import Tasks

#: What is counted, and of whom. Each is a setting.
Limit = Literal[
    "writes_per_account", "writes_per_address", "sign_ins_per_username", "sign_ins_per_address"
]
PREFIX = "livria:limits"
#: Counts that are under way to Redis at once; more are not sent.
MOST_ASKED = 64
#: Of all accounts and addresses; beyond that the oldest are forgotten.
MOST_WINDOWS = 100_000
#: After a failure, Redis is not asked for so long.
REST_SECONDS = 5.0


@dataclass(slots=True)
class Window:
    """What somebody has done of what they may, and until when that is counted (since 1970)."""

    until: float
    spent: int = 0


class Throttle:
    """Refuses what is done too often, in windows of a fixed length.

    That is decided at once by what this process knows: its own counts, and of whom it counted that
    they are over the limit at all processes together. All together count in Redis, which is told of
    each that was allowed, and asked, beside it: nobody waits for that. So whoever is over the limit
    elsewhere has one more here, or as many as come until Redis answers; as long as it is away, each
    process allows as much as one alone would.
    """

    def __init__(self, settings: Settings, shared: RedisStorage | None = None) -> None:
        self._on = settings.limits
        self._rates: dict[Limit, RateLimitItem] = {
            limit: getattr(settings, limit) for limit in get_args(Limit)
        }
        #: Those that began first come first.
        self._windows: dict[tuple[Limit, str], Window] = {}
        self._lock = Lock()
        self._shared = FixedWindowRateLimiter(shared) if shared else None
        self._tasks = Tasks()
        self._loop = asyncio.get_running_loop()
        self._rests_until = 0.0
        #: The same text on the same book is refused for so many seconds; 0: never.
        self.repeat_seconds = settings.repeat_seconds if settings.limits else 0
        #: How often each limit was the reason to refuse something.
        self.refused = Counter[Limit](dict.fromkeys(get_args(Limit), 0))

    def count(self, limit: Limit, who: str) -> None:
        """Counts one more by somebody. From any thread: some only find out there who it is.

        Raises:
            TooManyRequests: That is too many.
        """
        if not self._on:
            return
        now = time.time()
        with self._lock:
            window = self._window(limit, who, now)
            if window.spent >= self._rates[limit].amount:
                self.refused[limit] += 1
                raise TooManyRequests(retry_seconds=math.ceil(window.until - now))
            window.spent += 1
        if self._shared:
            self._loop.call_soon_threadsafe(self._share_soon, self._shared, limit, who)

    def _window(self, limit: Limit, who: str, now: float) -> Window:
        window = self._windows.get((limit, who))
        if window is None or window.until <= now:
            self._windows.pop((limit, who), None)
            self._forget(now)
            window = Window(now + self._rates[limit].get_expiry())
            self._windows[limit, who] = window
        return window

    def _forget(self, now: float) -> None:
        for key, window in tuple(islice(self._windows.items(), 2)):  # more than are added
            if window.until <= now or len(self._windows) >= MOST_WINDOWS:
                del self._windows[key]

    def _share_soon(self, shared: FixedWindowRateLimiter, limit: Limit, who: str) -> None:
        if len(self._tasks) < MOST_ASKED and time.time() > self._rests_until:
            self._tasks.spawn(self._share(shared, limit, who))

    async def _share(self, shared: FixedWindowRateLimiter, limit: Limit, who: str) -> None:
        key = limit, hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()
        try:
            if await shared.hit(self._rates[limit], *key):
                return
            over = await shared.get_window_stats(self._rates[limit], *key)
        except (RedisError, OSError):
            self._rests_until = time.time() + REST_SECONDS
            return
        with self._lock:
            window = self._window(limit, who, time.time())
            if window.spent < self._rates[limit].amount:  # else its own end counts
                window.spent, window.until = self._rates[limit].amount, over.reset_time

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
