"""A cursor: where a subscriber stands in one book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livria_sse.hub.feed import Feed
from livria_sse.hub.sink import Writer

if TYPE_CHECKING:
    from livria_sse.hub.subscriber import Subscriber


class Cursor:
    """How far a subscriber has come in one book. There is nothing else that is kept for them."""

    __slots__ = (
        "feed", "reading", "seq", "sink", "subscriber", "viewers_told", "viewing",
    )  # fmt: skip

    def __init__(
        self, subscriber: Subscriber, feed: Feed, seq: int, sink: Writer, *, viewing: bool
    ) -> None:
        self.subscriber = subscriber
        self.feed = feed
        #: The seq up to which everything was given to the server to send.
        self.seq = seq
        #: What is written of this book.
        self.sink = sink
        #: Whether they have the page of the book open; else it is only listed.
        self.viewing = viewing
        #: How many viewers they were told last that the book has.
        self.viewers_told = 0
        #: Whether what they lack is being read from the ladder.
        self.reading = False
