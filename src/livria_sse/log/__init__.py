"""The log of each book's changes: the Protocol, one log without Redis and one with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livria_sse.errors import InvalidSettings
from livria_sse.log.base import Listener, Log
from livria_sse.log.local import LocalLog
from livria_sse.log.redis import open_redis_log
from livria_sse.redis_clients import check_address
from livria_sse.settings import Settings
from livria_sse.store import Store

__all__ = ["Listener", "Log", "check_log", "open_log"]


def check_log(settings: Settings) -> None:
    """Looks at what the settings say of the log, without connecting.

    Raises:
        InvalidSettings: The address of Redis cannot be used.
    """
    if settings.redis_url is None:
        return
    try:
        check_address(settings.redis_url.get_secret_value())
    except ValueError as error:
        raise InvalidSettings(f"LIVRIA_REDIS_URL: {error}") from None


@asynccontextmanager
async def open_log(store: Store, settings: Settings) -> AsyncIterator[Log]:
    """The log of a store: with Redis if the settings name one."""
    if settings.redis_url is None:
        yield LocalLog(store, replay_limit=settings.replay_limit)
        return
    url = settings.redis_url.get_secret_value()
    async with open_redis_log(store, url, settings) as log:
        yield log
