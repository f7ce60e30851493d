"""The doorbells of all books that are watched here, heard on one connection."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection
from typing import Any, NoReturn

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import AuthenticationError

from livria_sse.log.base import Listener
from livria_sse.log.redis.entries import heard
from livria_sse.log.redis.keys import channel, viewers_channel
from livria_sse.log.redis.link import spoken
from livria_sse.log.redis.viewers import ViewersBell

logger = logging.getLogger(__name__)

#: After so many seconds of silence Redis is asked for a sign of life; after as many again it is
#: taken for dead. Until then a change can only be found by the audit.
QUIET_SECONDS = 0.5
#: How soon a new watch is listened to while nothing is heard.
TICK_SECONDS = 0.1
#: Seconds between two attempts to listen: doubled each time, spread by a half.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Doorbells:
    """Listens to the books that are watched, and goes on listening whatever happens to Redis."""

    def __init__(self, client: Redis, epoch: str, viewers: ViewersBell) -> None:
        self._client = client
        self._epoch = epoch
        self._viewers = viewers
        #: Always listened to: who listens to nothing cannot be asked for a sign of life.
        self._lifeline = viewers_channel(epoch).encode()
        #: The watched books by the channels of their doorbells.
        self._watched: dict[bytes, int] = {}
        self._changed = False
        #: Whether they can be heard at present. Nobody has tried before `listen`.
        self.ring = True

    def watch(self, book_id: int) -> None:
        """Listens to a book from now on."""
        name = channel(self._epoch, book_id).encode()
        if name not in self._watched:
            self._watched[name] = book_id
            self._changed = True

    def unwatch(self, book_id: int) -> None:
        """Listens to a book no more."""
        self._watched.pop(channel(self._epoch, book_id).encode(), None)
        self._changed = True

    async def listen(self, listener: Listener) -> NoReturn:
        """Listens until it is cancelled; after every interruption, all books were missed."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await self._listen_on(pubsub, listener)
            except Exception as error:  # whatever it is: who does not listen again is deaf
                if self.ring:
                    logger.warning("no doorbell can be heard: %(why)s", {"why": _said(error)})
                    pause = SHORTEST_PAUSE
            finally:
                self.ring = False
            listener.missed(tuple(self._watched.values()))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen_on(self, pubsub: PubSub, listener: Listener) -> NoReturn:
        # One task reads and writes. With a task for each, a connection that breaks under both has
        # redis-py reconnect in one while the other writes, and swallow the end of the other.
        await pubsub.subscribe(self._lifeline)
        clock = asyncio.get_running_loop().time
        subscribed: set[bytes] = set()
        heard_at, asked = clock(), False
        self._changed = True
        while True:
            if self._changed:
                subscribed = await self._follow_watches(pubsub, subscribed)
            if message := await pubsub.get_message(timeout=TICK_SECONDS):
                heard_at, asked = clock(), False
                self._take(message, listener)
            elif clock() - heard_at > 2 * QUIET_SECONDS:
                raise ConnectionError("Redis is silent")
            elif clock() - heard_at > QUIET_SECONDS and not asked:
                asked = True
                await pubsub.ping()

    async def _follow_watches(self, pubsub: PubSub, subscribed: set[bytes]) -> set[bytes]:
        """Subscribes to what is watched now, and to nothing else."""
        self._changed = False
        wanted = set(self._watched)
        if wanted - subscribed:
            await pubsub.subscribe(*wanted - subscribed)
        if subscribed - wanted:
            await pubsub.unsubscribe(*subscribed - wanted)
        return wanted

    def _take(self, message: dict[str, Any], listener: Listener) -> None:
        name, told = message["channel"], message["type"] == "message"
        book_id = self._watched.get(name)
        if message["type"] == "subscribe":
            self._reached(name)
            listener.missed(_known(book_id))
        elif told and name == self._lifeline:
            self._take_viewers(message["data"], listener)
        elif told and book_id is not None:
            try:
                listener.hear(heard(message["data"], book_id))
            except ValueError:
                logger.warning(
                    "the doorbell of book %(book)d said what is not ours", {"book": book_id}
                )
                listener.missed([book_id])

    def _take_viewers(self, said: bytes, listener: Listener) -> None:
        try:
            told = self._viewers.heard(said)
        except ValueError:
            logger.warning("the bell of viewers said what is not ours")
            return
        if told:
            listener.hear_viewers(told.process, told.counts, every=told.every)

    def _reached(self, name: bytes) -> None:
        if name == self._lifeline and not self.ring:
            logger.warning("doorbells can be heard again")
            self.ring = True


def _said(error: Exception) -> str:
    # Redis says `AUTH <password>`, word for word, and quotes no client.
    said = str(error) if isinstance(error, AuthenticationError) else spoken(error)
    name = type(error).__name__
    return name if said == name else f"{name}: {said[:200]}"


def _known(book_id: int | None) -> Collection[int]:
    return [] if book_id is None else [book_id]
