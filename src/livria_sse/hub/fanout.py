"""The fan-out: from a feed's head to all who stand below it.

A book's reviews are a versioned set; a reader stands at a position in it. Replay and live are one
loop over positions (`_advance`): whoever stands below the head and is idle gets what they lack.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import Histogram

from livria_sse.hub.burst import Burst
from livria_sse.hub.cursor import Cursor
from livria_sse.hub.feed import Feed
from livria_sse.hub.ladder import Ladder
from livria_sse.hub.shelf import Beginning
from livria_sse.hub.subscriber import Subscriber
from livria_sse.tasks import Tasks

logger = logging.getLogger(__name__)

#: Readers that are written to before the event loop goes on, and sends what was written. Of 8 to
#: 1,000, 32 cost least (1.13 times the floor, 200 1.27 times: what is touched for them is still in
#: the processor's cache when the kernel needs it), and nobody else waits for more than 1 ms.
SLICE = 32
#: Upper ends, in seconds, of what is counted together.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
LAG_BUCKETS = (*BUCKETS, 5, 10, 30, 60)


class Fanout:
    """Brings subscribers up to the head of their feed."""

    def __init__(self, ladder: Ladder, tasks: Tasks) -> None:
        self._ladder = ladder
        self._tasks = tasks
        #: Differences that were written to readers.
        self.deliveries = 0
        #: How long it took to write one to all who were idle, whom the slices let others before.
        self.seconds = Histogram(
            "livria_push_seconds",
            "From hearing of a change to the write to the last idle reader.",
            buckets=BUCKETS,
            registry=None,
        )
        #: The same from the time that a review bears, whichever process has taken it. Clocks that
        #: disagree are seen in it.
        self.lags = Histogram(
            "livria_post_to_push_seconds",
            "From the time of a review to the write to the last idle reader.",
            buckets=LAG_BUCKETS,
            registry=None,
        )

    def advance_all(self, feed: Feed) -> None:
        """Brings everybody up who is idle: now or, where there are many, in the next moments."""
        heard_at = asyncio.get_running_loop().time()
        told = partial(self._told, heard_at, feed.take_untold())
        self._advance_slice(feed, tuple(feed.cursors), 0, told)

    def _advance_slice(
        self, feed: Feed, cursors: tuple[Cursor, ...], start: int, told: Callable[[], None]
    ) -> None:
        end = start + SLICE
        self._advance(feed, cursors[start:end])
        if end < len(cursors):
            loop = asyncio.get_running_loop()
            loop.call_soon(self._advance_slice, feed, cursors, end, told)
        else:
            told()

    def _told(self, heard_at: float, written_at: Iterable[float]) -> None:
        self.seconds.observe(asyncio.get_running_loop().time() - heard_at)
        for moment in written_at:
            self.lags.observe(max(0.0, time.time() - moment))

    def advance(self, subscriber: Subscriber) -> None:
        """Brings one up in all their books, unless they are busy."""
        for cursor in subscriber.cursors:
            self._advance(cursor.feed, (cursor,))

    def _advance(self, feed: Feed, cursors: Iterable[Cursor]) -> None:
        # Once for each delivered copy: what can be done beforehand is, and calls are few.
        head, burst_since = feed.head, feed.burst_since
        for cursor in cursors:
            subscriber = cursor.subscriber
            if cursor.seq >= head or subscriber.busy or cursor.reading:
                continue
            burst = burst_since(cursor.seq)
            if burst is None:
                cursor.reading = True
                self._tasks.spawn(self._catch_up(cursor))
                continue
            cursor.seq = head
            self.deliveries += 1
            subscriber.frames += burst.frames
            if not cursor.sink.write(burst):
                subscriber.wait()

    def begin(self, subscriber: Subscriber, begin: Beginning) -> None:
        """Writes what a stream begins with."""
        subscriber.frames += begin.opening.frames
        if not subscriber.sink.open(begin.opening):
            subscriber.wait()
        for cursor, welcome in zip(subscriber.cursors, begin.welcomes, strict=True):
            if welcome.difference and not subscriber.busy:
                self._tell(cursor, welcome.difference, welcome.head)
        self.advance(subscriber)

    def write(self, subscriber: Subscriber, burst: Burst) -> None:
        """Writes to one who is not busy; if that fills their socket they are, until it drains."""
        subscriber.frames += burst.frames
        if not subscriber.sink.write(burst):
            subscriber.wait()

    def _tell(self, cursor: Cursor, burst: Burst, head: int) -> None:
        cursor.seq = head
        self.deliveries += 1
        cursor.subscriber.frames += burst.frames
        if not cursor.sink.write(burst):
            cursor.subscriber.wait()

    def drained(self, subscriber: Subscriber) -> None:
        """Goes on with one whose socket was full."""
        if not subscriber.ending:
            subscriber.busy = False
            self.advance(subscriber)

    async def _catch_up(self, cursor: Cursor) -> None:
        feed = cursor.feed
        known = feed.head
        try:
            way = await self._ladder.way_to_head(feed, cursor.seq)
        except Exception as error:  # whatever it is: a reader who is cut off comes back
            told = {"book": feed.book_id, "why": error}
            logger.warning("a reader of book %(book)d is lost: %(why)r", told)
            cursor.subscriber.sink.abort()
            return
        cursor.reading = False
        if not cursor.subscriber.busy:
            self._tell(cursor, way.burst, way.head)
        if feed.head == known:
            self._advance(feed, (cursor,))
        else:  # the ladder had something that the others lack, too
            self.advance_all(feed)
