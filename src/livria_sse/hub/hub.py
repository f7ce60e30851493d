"""The hub: the feeds of the books that are watched here, and those who watch.

A book's reviews are a versioned set; a reader stands at a position in it. Replay and live are one
loop over positions (`_advance`): whoever stands below the head and is idle gets what they lack.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import chain

from livria_sse import frames
from livria_sse.hub.audit import Audit
from livria_sse.hub.feed import Feed
from livria_sse.hub.heartbeat import Heartbeat
from livria_sse.hub.ladder import Ladder
from livria_sse.hub.statistics import Statistics
from livria_sse.hub.stepping import Message, Send, body_messages, step
from livria_sse.hub.subscriber import Subscriber
from livria_sse.hub.welcome import Welcome, welcome
from livria_sse.log.base import Log
from livria_sse.models import Difference
from livria_sse.settings import Settings
from livria_sse.tasks import Tasks, kept

logger = logging.getLogger(__name__)

#: At shutdown, so many streams are ended at once, and then there is a pause.
DRAIN_SLICE, DRAIN_PAUSE = 100, 0.02


class Hub:
    """All streams of this process."""

    def __init__(self, log: Log, settings: Settings) -> None:
        self.epoch = log.epoch
        self.draining = False
        self._log = log
        self._ladder = Ladder(log)
        self._settings = settings
        self._feeds: dict[int, Feed] = {}
        self._subscribers: dict[Feed, set[Subscriber]] = {}
        self._tasks = Tasks()
        self._heartbeat = Heartbeat(self._beat, seconds=settings.heartbeat_seconds)
        self._heartbeat_messages = body_messages(frames.heartbeat())
        self._audit = Audit(log, self._feeds, self._fallen_behind, seconds=settings.audit_seconds)
        self._opened = self._closed = self._deliveries = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Hub]:
        """Listens, beats and audits as long as it is entered."""
        self._tasks.spawn(kept(partial(self._log.listen, self)))
        self._tasks.spawn(kept(self._heartbeat.run))
        self._tasks.spawn(kept(self._audit.run))
        try:
            yield self
        finally:
            await self._tasks.cancel()

    # The way of a change to the sockets.

    def publish(self, difference: Difference) -> None:
        """Tells all readers what has just been committed. Never waits, never fails."""
        self._log.publish(difference)
        self.hear(difference)

    def hear(self, difference: Difference) -> None:
        """Tells the readers of this process."""
        feed = self._feeds.get(difference.book_id)
        if feed is None:
            return
        if feed.reaches(difference):
            feed.learn(difference)
            self._advance_all(feed)
        else:
            feed.announce(difference.head)
            self._fallen_behind(feed)

    def missed(self, book_ids: Collection[int]) -> None:
        """Has the audit look at these books: their doorbells could not be heard until now."""
        self._audit.ask(book_ids)

    def _advance_all(self, feed: Feed) -> None:
        for subscriber in self._subscribers.get(feed, ()):
            self._advance(subscriber)

    def _advance(self, subscriber: Subscriber) -> None:
        feed = subscriber.feed
        while subscriber.writing is None and subscriber.cursor < feed.head:
            messages = feed.messages_since(subscriber.cursor)
            if messages is None:
                subscriber.writing = self._tasks.start(self._catch_up(subscriber))
            else:
                subscriber.cursor = feed.head
                self._deliveries += 1
                self._push(subscriber, messages)

    def _push(self, subscriber: Subscriber, messages: tuple[Message, ...]) -> None:
        try:
            rest = step(subscriber.write(messages))
        except Exception:  # servers raise what they like when a reader has left
            subscriber.end("left")
            return
        if rest is not None:
            subscriber.busy_since = asyncio.get_running_loop().time()
            subscriber.writing = self._tasks.start(self._finish(subscriber, rest))

    async def _finish(self, subscriber: Subscriber, writing: Awaitable[None]) -> None:
        try:
            await writing
        except Exception:  # as in `_push`
            subscriber.end("left")
            return
        subscriber.writing = subscriber.busy_since = None
        self._advance(subscriber)

    async def _catch_up(self, subscriber: Subscriber) -> None:
        try:
            messages, cursor = await self._ladder.way_to_head(subscriber.feed, subscriber.cursor)
        except Exception as error:  # whatever it is: a reader who is cut off comes back
            logger.warning("a reader of book %d is lost: %r", subscriber.feed.book_id, error)
            subscriber.end("left")
            return
        subscriber.writing = None
        subscriber.cursor = cursor
        self._deliveries += 1
        self._push(subscriber, messages)
        self._advance_all(subscriber.feed)

    # The life of a stream.

    @property
    def degraded(self) -> str | None:
        """Why readers learn of other processes' changes late at present; None if they do not."""
        return self._log.degraded

    @property
    def full(self) -> bool:
        """Whether another stream would be one too many."""
        return self._settings.limits and self._streams >= self._settings.max_streams

    @property
    def _streams(self) -> int:
        return self._opened - self._closed

    @asynccontextmanager
    async def watching(self, book_id: int) -> AsyncIterator[Feed]:
        """The feed of a book, kept as long as somebody watches it.

        Raises:
            UnknownBook: There is no such book.
        """
        feed = self._feeds.setdefault(book_id, Feed(book_id, self.epoch))
        feed.watchers += 1
        try:
            await self._ladder.bring_up(feed)
            self._log.watch(book_id)
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                del self._feeds[book_id]
                self._log.unwatch(book_id)

    async def welcome(self, feed: Feed, asked: str | None) -> Welcome:
        """How a stream begins for a reader who asks for this position (None: for no position)."""
        known = feed.head
        begin = await welcome(feed, self._ladder, asked)
        if feed.head != known:  # the ladder had something that the others lack too
            self._advance_all(feed)
        return begin

    @contextmanager
    def joined(
        self, feed: Feed, begin: Welcome, *, send: Send, end: Callable[[], None]
    ) -> Iterator[Subscriber]:
        """A subscriber, as long as it is entered. `end` is called when its stream is to end."""
        age = self._settings.stream_seconds * random.uniform(0.8, 1)  # noqa: S311
        expires_at = asyncio.get_running_loop().time() + age
        subscriber = Subscriber(
            feed=feed, cursor=begin.cursor, send=send, end=end, expires_at=expires_at
        )
        self._add(subscriber)
        try:
            self._push(subscriber, begin.messages)
            self._advance(subscriber)
            yield subscriber
        finally:
            self._remove(subscriber)

    def _add(self, subscriber: Subscriber) -> None:
        self._opened += 1
        self._subscribers.setdefault(subscriber.feed, set()).add(subscriber)
        self._heartbeat.add(subscriber)

    def _remove(self, subscriber: Subscriber) -> None:
        self._closed += 1
        of_this_feed = self._subscribers[subscriber.feed]
        of_this_feed.discard(subscriber)
        if not of_this_feed:
            del self._subscribers[subscriber.feed]
        self._heartbeat.remove(subscriber)
        if subscriber.writing:
            subscriber.writing.cancel()

    async def drain(self) -> None:
        """Ends all streams, a few at a time; new ones are to be sent away."""
        self.draining = True
        for number, subscriber in enumerate(self._all(), start=1):
            subscriber.end("closing")
            if number % DRAIN_SLICE == 0:
                await asyncio.sleep(DRAIN_PAUSE)

    def _all(self) -> tuple[Subscriber, ...]:
        return tuple(chain.from_iterable(self._subscribers.values()))

    def statistics(self) -> Statistics:
        """What it is doing."""
        return Statistics(
            streams=self._streams,
            books=len(self._feeds),
            opened=self._opened,
            deliveries=self._deliveries,
            repairs=self._audit.repairs,
        )

    # What goes on beside: heartbeat, audit and the ladder.

    def _beat(self, subscriber: Subscriber, now: float) -> None:
        if subscriber.busy_since is not None:
            if now - subscriber.busy_since > self._settings.send_seconds:
                logger.info("a reader of book %d takes nothing", subscriber.feed.book_id)
                subscriber.end("slow")
        elif now > subscriber.expires_at:
            subscriber.end("aged")
        elif subscriber.writing is None:
            self._push(subscriber, self._heartbeat_messages)

    def _fallen_behind(self, feed: Feed) -> None:
        self._tasks.spawn(self._bring_up(feed))

    async def _bring_up(self, feed: Feed) -> None:
        try:
            await self._ladder.bring_up(feed)
        except Exception as error:  # whatever it is, the audit tries again
            logger.warning("book %d waits for the audit: %r", feed.book_id, error)
        self._advance_all(feed)
