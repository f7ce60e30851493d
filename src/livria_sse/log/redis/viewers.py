"""How many read which books in each process, as the processes tell each other through Redis."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from livria_sse.errors import RedisAway
from livria_sse.log.redis.keys import viewers_channel
from livria_sse.log.redis.link import Link
from livria_sse.tasks import Tasks


class Told(NamedTuple):
    """What a process has told."""

    process: str
    counts: Mapping[int, int]
    every: bool


class ViewersBell:
    """Tells other processes, and keeps nothing in Redis: who does not hear it hears the next."""

    def __init__(self, link: Link, epoch: str) -> None:
        self._link = link
        self._channel = viewers_channel(epoch)
        self._process = secrets.token_hex(8)
        self._tasks = Tasks()

    def tell(self, counts: Mapping[int, int], *, every: bool) -> None:
        """Rings, unless it still does."""
        if self._link.up and not self._tasks:
            said = json.dumps([self._process, counts, every], separators=(",", ":"))
            self._tasks.spawn(self._ring(said))

    async def _ring(self, said: str) -> None:
        with suppress(RedisAway):
            await self._link.publish(self._channel, said)

    async def aclose(self) -> None:
        """Tells no more."""
        await self._tasks.cancel()

    def heard(self, said: bytes) -> Told | None:
        """What another process has told; None if it was this one.

        Raises:
            ValueError: It is none of ours.
        """
        try:
            process, counts, every = json.loads(said)
            counts = {int(book_id): int(number) for book_id, number in counts.items()}
        except (TypeError, AttributeError, RecursionError) as error:
            raise ValueError from error
        return None if process == self._process else Told(str(process), counts, bool(every))
