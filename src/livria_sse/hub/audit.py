"""The audit: what makes the hub heal itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from livria_sse.errors import StoreUnavailable
from livria_sse.hub.feed import Feed
from livria_sse.log.base import Log

#: Seconds between two audits while the audit is all that tells of other processes' changes, and
#: before the next one after one that failed.
DEGRADED_SECONDS = 1.0


class Audit:
    """Compares the feeds with the log again and again, with one query for all of them.

    It notices what nobody told this process: a change of another process that could not ring, or
    one that was committed by a request that ended before it could tell.
    """

    def __init__(
        self, log: Log, feeds: Mapping[int, Feed], found: Callable[[Feed], None], *, seconds: float
    ) -> None:
        self._log = log
        self._feeds = feeds
        self._found = found
        self._seconds = seconds
        self._due = 0.0
        self._asked: set[int] = set()
        self._woken = asyncio.Event()
        #: How often a feed was found behind.
        self.repairs = 0

    def ask(self, book_ids: Collection[int]) -> None:
        """Has some books compared at once, together with others that are asked for meanwhile."""
        self._asked.update(book_ids)
        self._woken.set()

    async def run(self) -> None:
        """Audits until it is cancelled."""
        self._postpone(self._seconds)
        while True:
            book_ids = await self._next()
            if not book_ids:
                continue
            try:
                heads = await self._log.heads(book_ids)
            except StoreUnavailable:
                self._postpone(DEGRADED_SECONDS)
                continue
            for book_id, head in heads.items():
                self._compare(book_id, head)

    async def _next(self) -> Collection[int]:
        """Waits until it is time for all books, or until somebody asks for some."""
        try:
            async with asyncio.timeout_at(self._due):
                await self._woken.wait()
        except TimeoutError:
            return self._all()
        self._woken.clear()
        asked, self._asked = self._asked, set()
        now = asyncio.get_running_loop().time()
        if self._log.degraded:
            self._due = min(self._due, now + DEGRADED_SECONDS)
        return self._all() if now >= self._due else asked & self._feeds.keys()

    def _all(self) -> Collection[int]:
        self._postpone(DEGRADED_SECONDS if self._log.degraded else self._seconds)
        return tuple(self._feeds)

    def _postpone(self, seconds: float) -> None:
        self._due = asyncio.get_running_loop().time() + min(seconds, self._seconds)

    def _compare(self, book_id: int, head: int) -> None:
        feed = self._feeds.get(book_id)
        if feed and head > feed.head:
            self.repairs += 1
            feed.announce(head)
            self._found(feed)
