"""The publisher: from this process to Redis, in order."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from livria_sse.errors import DifferenceTooLarge, LivriaError, StreamBehind, UnknownBook
from livria_sse.log.redis.streams import Streams
from livria_sse.models import Difference
from livria_sse.store.changes import Changes
from livria_sse.tasks import Tasks, kept

logger = logging.getLogger(__name__)

#: Seconds between two looks at what is behind; spread, so that processes do not all come at once.
PAUSE = 0.5
#: How many changes of a book wait at most before SQL is asked for them instead.
LONGEST_WAIT = 64
#: A log that begins anew begins with so many of the newest changes.
BEGINNING = 256
#: At the end, so many seconds for what still waits; the audit of others covers the rest.
LAST_SECONDS = 2.0


class Publisher:
    """Appends what was committed to the streams, a book at a time and each book in order.

    A book whose change cannot be appended, because Redis is away or the change before it is
    another process's that is missing, is *behind*: only that is remembered, and when Redis answers
    it gets from SQL whatever its stream lacks.
    """

    def __init__(self, streams: Streams, changes: Changes) -> None:
        self._streams = streams
        self._changes = changes
        #: What is to be appended to each book; None if the book is behind.
        self._waiting: dict[int, Difference | None] = {}
        self._busy: set[int] = set()
        #: Since when something of a book has waited, of which everything before is appended.
        self._since: dict[int, float] = {}
        #: Books are brought up to date one after the other: when Redis comes back there may be
        #: thousands, and those who post need the database, too.
        self._repairs = asyncio.Semaphore(1)
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Publisher]:
        """Publishes as long as it is entered, and appends what waits before it is left."""
        retrying = self._tasks.start(kept(self._retry))
        try:
            yield self
        finally:
            retrying.cancel()
            await self._tasks.finish(seconds=LAST_SECONDS)
            await self._tasks.cancel()

    @property
    def backlog(self) -> int:
        """How many books have changes that are not appended yet."""
        return len(self._waiting.keys() | self._busy)

    @property
    def backlog_seconds(self) -> float:
        """For how long the oldest of these changes has waited; 0 if there is none."""
        return time.monotonic() - min(self._since.values()) if self._since else 0.0

    def publish(self, difference: Difference) -> None:
        """Appends a difference soon. Never waits, and never fails."""
        joined = self._joined(difference) if self._streams.available else None
        self._wait(difference.book_id, joined)

    def repair(self, book_id: int) -> None:
        """Gives a book's stream what SQL has and somebody never published."""
        self._wait(book_id, None)

    def verify(self, book_id: int, head: int) -> None:
        """Repairs a book's stream soon if it is there and does not reach this head.

        A process that died before it could publish has left it so, with texts that are deleted.
        """
        if self._streams.available:
            self._tasks.spawn(self._verify(book_id, head))

    async def _verify(self, book_id: int, head: int) -> None:
        try:
            await self._streams.since(book_id, head, known=head)
        except StreamBehind:
            self.repair(book_id)
        except LivriaError:
            return  # nothing that can be repaired now

    def _joined(self, difference: Difference) -> Difference | None:
        """The difference together with what waits already; None if they do not fit."""
        if difference.book_id not in self._waiting:
            return difference
        waiting = self._waiting[difference.book_id]
        if waiting is None or waiting.head != difference.after:
            return None
        return waiting.merged(difference) if len(waiting.changes) < LONGEST_WAIT else None

    def _wait(self, book_id: int, difference: Difference | None) -> None:
        self._waiting[book_id] = difference
        self._since.setdefault(book_id, time.monotonic())
        self._begin(book_id)

    def _begin(self, book_id: int) -> None:
        if self._streams.available and book_id not in self._busy:
            self._busy.add(book_id)
            self._tasks.spawn(self._append_all(book_id))

    async def _append_all(self, book_id: int) -> None:
        try:
            while book_id in self._waiting:
                begun_at = time.monotonic()
                await self._append(book_id, self._waiting.pop(book_id))
                self._since[book_id] = begun_at  # or later, if anything waits
            del self._since[book_id]
        except LivriaError:  # Redis or the database is away
            self._waiting[book_id] = None
        except BaseException:  # whatever it is, the change must not be forgotten
            self._waiting[book_id] = None
            raise
        finally:
            self._busy.discard(book_id)

    async def _append(self, book_id: int, difference: Difference | None) -> None:
        reached = None
        if difference:
            reached = await self._streams.append(difference)
            if reached >= difference.head:
                return
        async with self._repairs:
            with suppress(UnknownBook):
                await self._streams.append(await self._missing(book_id, reached), anew=True)

    async def _missing(self, book_id: int, reached: int | None) -> Difference:
        """What SQL has and the stream lacks, or its newest part if that is much."""
        if reached is not None:
            with suppress(DifferenceTooLarge):
                return await self._changes.since(book_id, reached, limit=BEGINNING)
        head = (await self._changes.head(book_id)).head
        newest = await self._changes.since(book_id, max(0, head - BEGINNING), limit=2 * BEGINNING)
        return newest.newest(BEGINNING)

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(PAUSE * random.uniform(0.6, 1.4))  # noqa: S311
            if not self._streams.available:
                await self._streams.link.probe()
            if not self.backlog:
                self._streams.link.recovered()
            for book_id in tuple(self._waiting):
                self._begin(book_id)
