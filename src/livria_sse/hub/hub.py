"""The hub: the feeds of the books that are watched here, and those who watch."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from livria_sse import frames
from livria_sse.deadlines import Deadlines
from livria_sse.hub.admission import Admission
from livria_sse.hub.audit import Audit
from livria_sse.hub.burst import Burst
from livria_sse.hub.drain import paced
from livria_sse.hub.fanout import Fanout
from livria_sse.hub.feed import Feed
from livria_sse.hub.feeds import Feeds
from livria_sse.hub.heartbeat import Heartbeat
from livria_sse.hub.ladder import Ladder
from livria_sse.hub.reception import Reception
from livria_sse.hub.shelf import Beginning, cursors_of
from livria_sse.hub.sink import Sink
from livria_sse.hub.statistics import Statistics, statistics
from livria_sse.hub.subscriber import Ending, Subscriber
from livria_sse.hub.viewers import Viewers
from livria_sse.log.base import Log
from livria_sse.models import Difference
from livria_sse.settings import Settings
from livria_sse.tasks import Tasks, kept

logger = logging.getLogger(__name__)


class Hub:
    """All streams of this process."""

    def __init__(self, log: Log, settings: Settings) -> None:
        self.epoch = log.epoch
        #: Whether the process stops, and how many streams it had then.
        self.stopping = False
        self.streams_to_end = 0
        self._log = log
        self._settings = settings
        self._tasks = Tasks()
        self._ladder = Ladder(log, replay_bytes=settings.replay_bytes)
        self._feeds = Feeds(log, self._ladder)
        self._fanout = Fanout(self._ladder, self._tasks)
        self._heartbeat = Heartbeat(self._visit, seconds=settings.heartbeat_seconds)
        self._stalled = Deadlines(self._give_up, seconds=settings.send_seconds)
        self._beat = Burst(frames.heartbeat(settings.heartbeat_seconds))
        self._sign_of_life = Burst(frames.sign_of_life())
        self._audit = Audit(log, self._feeds, self._fallen_behind, seconds=settings.audit_seconds)
        self._admission = Admission(settings)
        #: Of all client addresses.
        self.connects = self._admission.connects
        self._viewers = Viewers(self._feeds, log, self._fanout.write)
        counting = self._viewers if settings.viewers else None
        #: What those are told first who come.
        self.reception = Reception(self._feeds, self._ladder, counting, self._fanout.advance_all)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Hub]:
        """Listens, beats and audits as long as it is entered."""
        self._tasks.spawn(kept(partial(self._log.listen, self)))
        self._tasks.spawn(kept(self._heartbeat.run))
        self._tasks.spawn(kept(self._stalled.run))
        self._tasks.spawn(kept(self._audit.run))
        if self._settings.viewers:
            self._tasks.spawn(kept(self._viewers.run))
        try:
            yield self
        finally:
            await self._tasks.cancel()

    # The way of a change to the sockets; from here on downwards it is the fan-out's.

    def publish(self, difference: Difference) -> None:
        """Tells all readers what has just been committed. Never waits, never fails."""
        self._log.publish(difference)
        self.hear(difference)

    def hear(self, difference: Difference) -> None:
        """Tells the readers of this process."""
        feed = self._feeds.get(difference.book_id)
        if feed is None or difference.head <= feed.head:  # our own doorbell rings here, too
            return
        if feed.reaches(difference):
            feed.learn(difference)
            self._fanout.advance_all(feed)
        else:
            feed.announce(difference.head)
            self._fallen_behind(feed)

    def missed(self, book_ids: Collection[int]) -> None:
        """Has the audit look at these books: their doorbells could not be heard until now."""
        self._audit.ask(book_ids)

    def hear_viewers(self, process: str, counts: Mapping[int, int], *, every: bool) -> None:
        """Takes note of those who read in another process."""
        self._viewers.hear(process, counts, every=every)

    def _fallen_behind(self, feed: Feed) -> None:
        self._tasks.spawn(self._bring_up(feed))

    async def _bring_up(self, feed: Feed) -> None:
        try:
            await self._ladder.bring_up(feed)
        except Exception as error:  # whatever it is, the audit tries again
            told = {"book": feed.book_id, "why": error}
            logger.warning("book %(book)d waits for the audit: %(why)r", told)
        self._fanout.advance_all(feed)

    # The life of a stream.

    def opening(self, book_ids: Sequence[int]) -> AbstractAsyncContextManager[Sequence[Feed]]:
        """The feeds of some books, up to date, for a stream that begins.

        Raises:
            UnknownBook: There is no such book.
        """
        return self._feeds.opening(book_ids)

    def admits(self, feeds: Sequence[Feed], address: str) -> bool:
        """Whether a stream may be opened now, by a client who has just asked for one."""
        return self._admission.admits(feeds, address)

    def has_room(self, feeds: Sequence[Feed], address: str) -> bool:
        """The same when it is ready to begin: others may have come meanwhile."""
        return not self.stopping and self._admission.has_room(feeds, address)

    def join(
        self,
        feeds: Sequence[Feed],
        begin: Beginning,
        sink: Sink,
        *,
        address: str,
        interval: float = math.inf,
    ) -> Subscriber:
        """Begins a stream, which lasts until its subscriber has left.

        It has a heartbeat in each interval of the settings, and a sign of life in a shorter one of
        so many seconds.
        """
        now = asyncio.get_running_loop().time()
        age = self._settings.stream_seconds * random.uniform(0.8, 1)  # noqa: S311
        subscriber = Subscriber(
            self,
            mode=begin.mode,
            sink=sink,
            address=address,
            begun_at=now,
            expires_at=now + age,
            interval=int(min(interval, self._settings.heartbeat_seconds)),
        )
        subscriber.cursors = cursors_of(subscriber, feeds, begin)
        self._admission.begin(subscriber, begin.rung)
        for cursor in subscriber.cursors:
            cursor.feed.enter(cursor)
        if self._settings.viewers:
            self._viewers.greeted(subscriber.cursors)
        self._heartbeat.add(subscriber)
        sink.owner = subscriber
        self._fanout.begin(subscriber, begin)
        return subscriber

    def wait(self, subscriber: Subscriber) -> None:
        """Waits until the socket of one has drained, but not for ever."""
        self._stalled.add(subscriber)

    def drained(self, subscriber: Subscriber) -> None:
        """Goes on with one whose socket was full."""
        self._stalled.discard(subscriber)
        self._fanout.drained(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """Forgets one whose reader has left."""
        if not subscriber.cursors:
            return
        ending = subscriber.ending = subscriber.ending or "left"
        subscriber.busy = True  # nothing is written to it from now on
        self._admission.end(subscriber, ending)
        self._heartbeat.remove(subscriber)
        self._stalled.discard(subscriber)
        cursors, subscriber.cursors = subscriber.cursors, ()
        for cursor in cursors:
            cursor.feed.leave(cursor)
            self._feeds.drop_unwatched(cursor.feed)

    def _visit(self, subscriber: Subscriber, now: float, *, between: bool) -> None:
        if now > subscriber.expires_at:
            self._end(subscriber, "aged")
        elif not subscriber.busy:
            self._fanout.write(subscriber, self._sign_of_life if between else self._beat)

    def _give_up(self, subscriber: Subscriber) -> None:
        if not subscriber.ending:
            subscriber.ending = "slow"
            subscriber.sink.abort()

    def _end(self, subscriber: Subscriber, ending: Ending) -> None:
        if subscriber.ending:
            return
        subscriber.ending = ending
        subscriber.busy = True  # nothing is written to it from now on
        closing = Burst(frames.closing()) if ending == "closing" else None
        subscriber.frames += closing.frames if closing else 0
        subscriber.sink.end(closing)

    def stop(self) -> None:
        """Begins no more streams. Those that are open go on until they are drained."""
        self.stopping = True
        self.streams_to_end = max(self.streams_to_end, self._admission.streams)

    async def drain(self) -> None:
        """Ends all streams, spread over the drain time, and begins no more."""
        self.stop()
        await paced(
            self._heartbeat.subscribers,
            lambda subscriber: self._end(subscriber, "closing"),
            seconds=self._settings.drain_seconds,
        )

    # What it is doing.

    @property
    def degraded(self) -> str | None:
        """Why readers learn of other processes' changes late at present; None if they do not."""
        return self._log.degraded

    def statistics(self) -> Statistics:
        """What it is doing, in numbers."""
        return statistics(
            self._admission, self._feeds, self._fanout, self._ladder, self._log,
            self._heartbeat, self._audit,
        )  # fmt: skip
