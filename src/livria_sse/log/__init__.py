"""The log of each book's changes: the Protocol, one log without Redis and one with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livria_sse.log.base import Listener, Log
from livria_sse.log.local import LocalLog
from livria_sse.log.redis import open_redis_log
from livria_sse.settings import Settings
from livria_sse.store import Store

__all__ = ["Listener", "Log", "open_log"]


@asynccontextmanager
async def open_log(store: Store, settings: Settings) -> AsyncIterator[Log]:
    """The log of a store: with Redis if the settings name one."""
    if settings.redis_url is None:
        yield LocalLog(store, replay_limit=settings.replay_limit)
        return
    url = settings.redis_url.get_secret_value()
    async with open_redis_log(store, url, settings) as log:
        yield log
