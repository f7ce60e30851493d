"""The link to Redis: whether it answers, for all who would ask it something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from livria_sse.errors import RedisAway

logger = logging.getLogger(__name__)

#: Commands under way at once: a herd of books that are read waits here, not for a connection.
SLOTS = 16


class Link:
    """Runs commands. Once one has failed, none is tried until `probe` has had an answer.

    So nobody waits for a Redis that is away, except whoever notices it first. What became of a
    command that failed is not known.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(SLOTS)
        #: Whether it is worth asking.
        self.up = True
        #: Whether nothing has failed since the last success. A Redis can answer and yet refuse
        #: whatever is asked of it, as a replica refuses writes.
        self.well = True

    def script(self, text: str) -> AsyncScript:
        """A script that is sent by its digest, and whole where Redis does not know it."""
        return self._client.register_script(text)

    async def run(self, script: AsyncScript, keys: list[str], values: list[Any]) -> Any:
        """What a script answers.

        Raises:
            RedisAway: Redis does not answer, or refuses, as a replica or a full server does.
        """
        return await self._tried(lambda: script(keys=keys, args=values))

    async def publish(self, channel: str, said: str) -> None:
        """Says something to whoever listens.

        Raises:
            RedisAway: As for `run`.
        """
        await self._tried(lambda: self._client.publish(channel, said))

    async def _tried(self, command: Callable[[], Awaitable[Any]]) -> Any:
        async with self._slots:
            if not self.up:
                raise RedisAway
            try:
                return await command()
            except (RedisError, OSError) as error:
                self._failed(error)
                raise RedisAway from error

    async def probe(self) -> None:
        """Asks whether Redis answers again, on a new connection: it may be another server now."""
        try:
            await self._client.connection_pool.disconnect(inuse_connections=False)
            await self._client.ping()
        except (RedisError, OSError):
            return
        self.up = True

    def recovered(self) -> None:
        """Takes note that Redis does what it is asked, or that nothing is left to ask."""
        if self.up and not self.well:
            self.well = True
            logger.warning("Redis is back")

    def _failed(self, error: Exception) -> None:
        if self.well:
            logger.warning("Redis is away: %(why)s", {"why": spoken(error)})
        self.up = self.well = False


def spoken(error: BaseException) -> str:
    """An error in a few words: some of redis-py's quote whole clients, with their passwords."""
    said, _, _quoted = str(error).partition("<")
    return said.strip(" :[(")[:200] or type(error).__name__
