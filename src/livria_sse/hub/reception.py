"""The reception: what those lack who come to a book, to stay on a stream or to ask once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from livria_sse.hub.feed import Feed
from livria_sse.hub.feeds import Feeds
from livria_sse.hub.ladder import Ladder
from livria_sse.hub.shelf import Beginning, asked_of_each, beginning
from livria_sse.hub.viewers import Viewers
from livria_sse.hub.welcome import Answer, Welcome, answer, welcome


class Reception:
    """Tells each what it lacks, from the position that it asks for."""

    def __init__(
        self, feeds: Feeds, ladder: Ladder, viewers: Viewers | None, on_news: Callable[[Feed], None]
    ) -> None:
        self._feeds = feeds
        self._ladder = ladder
        #: None: they are not counted.
        self._viewers = viewers
        #: For a feed of which the ladder had something that its other readers lack, too.
        self._on_news = on_news

    async def welcome(
        self, feeds: Sequence[Feed], asked: str | None, *, viewed: Collection[int]
    ) -> Beginning:
        """How a stream begins for a reader who asks for this position (None: for no position).

        They have the pages of the viewed books open; the others are only listed.

        The welcomes of all books are true at the moment when it returns: a review that was deleted
        while another book was read is in none of them.
        """
        each = asked_of_each(asked, len(feeds))
        begins = [await self._welcome(*asking) for asking in zip(feeds, each, strict=True)]
        while late := [n for n, feed in enumerate(feeds) if begins[n].head != feed.head]:
            for number in late:
                begins[number] = await self._welcome(feeds[number], each[number])
        begin = beginning(feeds[0].epoch, begins)
        if self._viewers is None:
            return begin
        greeting = self._viewers.greeting([feed for feed in feeds if feed.book_id in viewed])
        return begin._replace(opening=begin.opening.before(greeting), viewed=viewed)

    async def answers(self, book_ids: Sequence[int], asked: str) -> Sequence[Answer]:
        """What somebody lacks in each of some books who has no stream, as it is when it is read.

        All together have as many bytes of text as one may have; the others have to be fetched.

        Raises:
            UnknownBook: There is no such book.
            StoreUnavailable: They cannot be read at present.
        """
        each = asked_of_each(asked, len(book_ids))
        answers: list[Answer] = []
        left = self._ladder.replay_bytes
        for asking in zip(book_ids, each, strict=True):
            told = await self._answer(*asking)
            size = told.difference.size
            if size <= left:
                left -= size
            else:
                told = told.withheld()
            answers.append(told)
        return answers

    async def _welcome(self, feed: Feed, asked: str | None) -> Welcome:
        known = feed.head
        begin = await welcome(feed, self._ladder, asked)
        self._share(feed, known)
        return begin

    async def _answer(self, book_id: int, asked: str | None) -> Answer:
        feed = await self._feeds.passing(book_id)
        known = feed.head
        told = await answer(feed, self._ladder, asked or "")
        self._share(feed, known)
        return told

    def _share(self, feed: Feed, known: int) -> None:
        if feed.head != known:
            self._on_news(feed)
