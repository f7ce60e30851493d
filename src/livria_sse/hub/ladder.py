"""The ladder: where a difference is taken from that a feed does not hold.

The rungs below the feed are the log's affair. What is read is put into the feed, and read once for
all who wait for it: when a herd of readers comes back, the reads are as many as the books.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

from livria_sse import frames
from livria_sse.errors import DifferenceTooLarge, StoreUnavailable
from livria_sse.hub.burst import Burst
from livria_sse.hub.feed import UNKNOWN, Feed
from livria_sse.log.base import Log
from livria_sse.models import Difference, Position, Rung

#: How long a reader waits who needs what cannot be read now, before it is tried again.
PAUSE = 1.0


class Way(NamedTuple):
    """What a reader lacks, and where that leads."""

    burst: Burst
    head: int
    #: The number of reviews there.
    review_count: int
    #: From where it was taken.
    rung: Rung


class Ladder:
    """Reads the log for the feeds. Its verbs raise what the log's raise."""

    def __init__(self, log: Log, *, replay_bytes: int) -> None:
        self._log = log
        #: Of text, in a difference; more is not told.
        self.replay_bytes = replay_bytes
        #: How often the log has answered, by the rung that it read.
        self.reads = Counter[Rung]({"redis": 0, "sql": 0})

    async def bring_up(self, feed: Feed) -> None:
        """Reads until the feed has all that it heard of."""
        while feed.behind:
            async with feed.lock:
                if not feed.behind:  # somebody else has read it
                    return
                expected = feed.announced
                feed.learn(await self._newer(feed, known=expected))
                if feed.announced == expected:
                    feed.announced = feed.head  # there is nothing of that number

    async def burst_since(self, feed: Feed, seq: int) -> Way:
        """The way from `seq` to the head."""
        async with feed.lock:
            ready = feed.ready_since(seq)
            if ready is not None:
                return Way(ready, feed.head, feed.review_count, "feed")
            way, rung = await self._find(feed, seq)
            return Way(feed.burst(way), way.head, way.review_count, rung)

    async def since(self, feed: Feed, seq: int) -> Difference:
        """The same as a difference, for somebody who is not sent frames."""
        async with feed.lock:
            way, _ = await self._find(feed, seq)
            return way

    async def _find(self, feed: Feed, seq: int) -> tuple[Difference, Rung]:
        known = feed.since(seq)  # read by somebody for whom this one has waited
        if known is not None:
            return self._bounded(feed, known), "feed"
        read = await self._since(feed, seq, known=feed.announced)
        return feed.learn(self._bounded(feed, read)).since(seq), read.rung

    def _bounded(self, feed: Feed, difference: Difference) -> Difference:
        far = difference.too_far_back(self.replay_bytes)
        if far is not None:
            feed.too_large = max(feed.too_large, far)
            raise DifferenceTooLarge
        return difference

    async def way_to_head(self, feed: Feed, seq: int) -> Way:
        """The same for a reader whose stream is open: what it takes, and however long."""
        while True:
            try:
                return await self.burst_since(feed, seq)
            except DifferenceTooLarge:
                head = Position(feed.epoch, feed.head)
                lost = frames.reset(feed.book_id, reason="too_large", head=head)
                return Way(Burst(lost), feed.head, feed.review_count, "feed")
            except StoreUnavailable:
                await asyncio.sleep(PAUSE)

    async def look_again(self, feed: Feed) -> None:
        """Reads on from the head, whether or not anything new was heard of."""
        async with feed.lock:
            feed.learn(await self._newer(feed, known=None))

    async def _newer(self, feed: Feed, *, known: int | None) -> Difference:
        if feed.head != UNKNOWN:
            with suppress(DifferenceTooLarge):
                return await self._since(feed, feed.head, known=known)
        head = await self._log.head(feed.book_id)
        self.reads[head.rung] += 1
        return head

    async def _since(self, feed: Feed, seq: int, *, known: int | None) -> Difference:
        if seq <= feed.too_large:
            raise DifferenceTooLarge
        try:
            difference = await self._log.since(feed.book_id, seq, known=known)
        except DifferenceTooLarge:
            feed.too_large = seq
            raise
        self.reads[difference.rung] += 1
        return difference
