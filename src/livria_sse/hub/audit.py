"""The audit: what makes the hub heal itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from livria_sse.errors import StoreUnavailable
from livria_sse.hub.feed import Feed
from livria_sse.log.base import Log


class Audit:
    """Compares the feeds with the log again and again, with one query for all of them.

    It notices what nobody told this process: a change of another process, or one that was committed
    by a request that ended before it could tell.
    """

    def __init__(
        self, log: Log, feeds: Mapping[int, Feed], found: Callable[[Feed], None], *, seconds: float
    ) -> None:
        self._log = log
        self._feeds = feeds
        self._found = found
        self._seconds = seconds
        #: How often a feed was found behind.
        self.repairs = 0

    async def run(self) -> None:
        """Audits until it is cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                heads = await self._log.heads(tuple(self._feeds))
            except StoreUnavailable:
                continue
            for book_id, head in heads.items():
                self._compare(book_id, head)

    def _compare(self, book_id: int, head: int) -> None:
        feed = self._feeds.get(book_id)
        if feed and head > feed.head:
            self.repairs += 1
            feed.announce(head)
            self._found(feed)
