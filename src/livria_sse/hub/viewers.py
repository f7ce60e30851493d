"""Viewers: how many have the page of each book open now, in all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from livria_sse import frames
from livria_sse.hub.burst import Burst
from livria_sse.hub.cursor import Cursor
from livria_sse.hub.feed import Feed
from livria_sse.hub.subscriber import Subscriber
from livria_sse.log.base import Log

#: Nobody is told of a book more often.
TICK_SECONDS = 2.0
#: All counts are told to other processes anew after so many ticks, in between what has changed.
TICKS_UNTIL_ALL = 5
#: What another process has said counts for so long: it may have died.
FADE_SECONDS = 2.5 * TICKS_UNTIL_ALL * TICK_SECONDS
#: Of many viewers, a change of less than this part is not told.
FINEST = 50
#: Writes in a row before others have their turn.
SLICE = 100


@dataclass(slots=True)
class Elsewhere:
    """What another process has said, and when, in the event loop's time."""

    heard_at: float
    counts: dict[int, int]


class Viewers:
    """Counts viewers, and tells them of each other.

    The numbers are for people: they may be late by a tick for each process, and whoever takes
    nothing at present misses one.
    """

    def __init__(
        self, feeds: Mapping[int, Feed], log: Log, write: Callable[[Subscriber, Burst], None]
    ) -> None:
        self._feeds = feeds
        self._log = log
        self._write = write
        self._elsewhere: dict[str, Elsewhere] = {}
        self._shared: dict[int, int] = {}

    def of(self, feed: Feed) -> int:
        """How many there are."""
        others = self._elsewhere.values()
        return feed.viewers + sum(other.counts.get(feed.book_id, 0) for other in others)

    def greeting(self, feeds: Sequence[Feed]) -> bytes:
        """What one is told who is about to open the pages of these books."""
        return b"".join([frames.viewers(feed.book_id, self.of(feed) + 1) for feed in feeds])

    def greeted(self, cursors: Sequence[Cursor]) -> None:
        """Takes note of what those know who have just been greeted and counted."""
        for cursor in cursors:
            if cursor.viewing:
                cursor.viewers_told = self.of(cursor.feed)
                cursor.feed.greeted = True

    def hear(self, process: str, counts: Mapping[int, int], *, every: bool) -> None:
        """Takes note of the viewers in another process: of every book there, or of some."""
        known = {} if every or process not in self._elsewhere else self._elsewhere[process].counts
        now = asyncio.get_running_loop().time()
        self._elsewhere[process] = Elsewhere(now, {**known, **counts})

    async def run(self) -> None:
        """Tells others and viewers, until it is cancelled."""
        tick = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._share(every=tick % TICKS_UNTIL_ALL == 0)
            self._forget()
            for feed in tuple(self._feeds.values()):
                await self._tell(feed)
            tick += 1

    def _share(self, *, every: bool) -> None:
        counts = {feed.book_id: feed.viewers for feed in self._feeds.values() if feed.viewers}
        gone = dict.fromkeys(self._shared.keys() - counts.keys(), 0)
        changed = counts if every else dict(counts.items() - self._shared.items())
        if changed or gone:
            self._log.tell_viewers({**changed, **gone}, every=every)
        self._shared = counts

    def _forget(self) -> None:
        faded = asyncio.get_running_loop().time() - FADE_SECONDS
        for process, other in tuple(self._elsewhere.items()):
            if other.heard_at < faded:
                del self._elsewhere[process]

    async def _tell(self, feed: Feed) -> None:
        number = self.of(feed)
        if not feed.greeted and _is_near(number, feed.viewers_told):
            return
        feed.viewers_told, feed.greeted = number, False
        burst = Burst(frames.viewers(feed.book_id, number))
        for told, cursor in enumerate(tuple(_others_told(feed, number)), start=1):
            if not cursor.subscriber.busy:
                cursor.viewers_told = number
                self._write(cursor.subscriber, burst)
            if told % SLICE == 0:
                await asyncio.sleep(0)


def _others_told(feed: Feed, number: int) -> Iterator[Cursor]:
    for cursor in feed.cursors:
        if cursor.viewing and not _is_near(number, cursor.viewers_told):
            yield cursor


def _is_near(number: int, told: int) -> bool:
    return abs(number - told) <= told // FINEST
