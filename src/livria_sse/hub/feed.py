"""A feed: the newest changes of one watched book, the first rung of the ladder."""

from __future__ import annotations

import asyncio

from livria_sse.frames import difference_frames
from livria_sse.hub.stepping import Message, body_messages
from livria_sse.models import Difference

#: How many changes a feed keeps: enough for whoever was away for a moment.
SIZE = 256
#: From how many different cursors the way to the head is kept ready.
CURSORS = 64

UNKNOWN = -1


class Feed:
    """What this process knows of one book."""

    def __init__(self, book_id: int, epoch: str) -> None:
        self.book_id = book_id
        self.epoch = epoch
        #: The highest seq that was heard of; above `head`, something is missing here.
        self.announced = 0
        #: Up to this seq, differences are known to be too large. They only grow.
        self.too_large = UNKNOWN
        #: Streams that are open or being opened; the feed exists as long as there are any.
        self.watchers = 0
        #: Held while the ladder is read, so that a herd of readers makes one read.
        self.lock = asyncio.Lock()
        self._known: Difference | None = None
        self._ready: dict[int, tuple[Message, ...]] = {}

    @property
    def head(self) -> int:
        """The newest seq that it holds."""
        return self._known.head if self._known else UNKNOWN

    @property
    def behind(self) -> bool:
        """Whether there is something to be read from the ladder."""
        return self._known is None or self.announced > self.head

    def announce(self, seq: int) -> None:
        """Takes note of a change that it may not hold."""
        self.announced = max(self.announced, seq)

    def reaches(self, difference: Difference) -> bool:
        """Whether the difference leaves no gap behind the head."""
        return difference.after <= self.head

    def learn(self, difference: Difference) -> Difference:
        """Takes in a difference; one that leaves a gap starts the feed anew.

        Returns the difference brought up to the head, as far as the feed can: what was deleted
        since it was read is not in it any more.
        """
        known = self._known
        if known and difference.head < known.after:
            return difference
        if known and self.reaches(difference):
            difference = known.merged(difference)
        if difference.head != self.head:
            self._ready.clear()
        self._known = difference.newest(SIZE)
        self.announce(self.head)
        return difference

    def messages_since(self, seq: int) -> tuple[Message, ...] | None:
        """The way from `seq` to the head as messages, if the feed has all of it.

        They are made once for all who stand at `seq`.
        """
        ready = self._ready.get(seq)
        if ready is None and self._known and self._known.after <= seq <= self._known.head:
            ready = self.messages(self._known.since(seq))
        return ready

    def messages(self, difference: Difference) -> tuple[Message, ...]:
        """A difference as messages; kept ready if it leads to the head."""
        messages = body_messages(difference_frames(difference, self.epoch))
        if difference.head == self.head and len(self._ready) < CURSORS:
            self._ready[difference.after] = messages
        return messages
