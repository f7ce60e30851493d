"""The feeds of the books that are watched in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from livria_sse.hub.feed import Feed
from livria_sse.hub.ladder import Ladder
from livria_sse.log.base import Log


class Feeds(Mapping[int, Feed]):
    """By book; each is there as long as somebody watches it."""

    def __init__(self, log: Log, ladder: Ladder) -> None:
        self._log = log
        self._ladder = ladder
        self._watched: dict[int, Feed] = {}

    def __getitem__(self, book_id: int) -> Feed:
        return self._watched[book_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)

    @asynccontextmanager
    async def opening(self, book_ids: Sequence[int]) -> AsyncIterator[Sequence[Feed]]:
        """Those of some books, up to date, for a stream that begins; kept while somebody watches.

        Raises:
            UnknownBook: There is no such book.
        """
        feeds = [self._kept(book_id) for book_id in book_ids]
        for feed in feeds:
            feed.opening += 1
        try:
            for feed in feeds:
                await self._ladder.bring_up(feed)
                self._log.watch(feed.book_id)
            yield feeds
        finally:
            for feed in feeds:
                feed.opening -= 1
                self.drop_unwatched(feed)

    async def passing(self, book_id: int) -> Feed:
        """The one of a book, up to date, for somebody who asks only once.

        Raises:
            UnknownBook: There is no such book.
        """
        feed = self._watched.get(book_id) or Feed(book_id, self._log.epoch)
        await self._ladder.bring_up(feed)
        return feed

    def _kept(self, book_id: int) -> Feed:
        feed = self._watched.get(book_id)
        if feed is None:
            feed = self._watched[book_id] = Feed(book_id, self._log.epoch)
        return feed

    def drop_unwatched(self, feed: Feed) -> None:
        """Forgets a feed that nobody watches."""
        if not feed.watched and self._watched.get(feed.book_id) is feed:
            del self._watched[feed.book_id]
            self._log.unwatch(feed.book_id)
