"""A feed: the newest changes of one watched book, the first rung of the ladder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from livria_sse.frames import difference_frames
from livria_sse.hub.burst import Burst
from livria_sse.models import Difference, Review

if TYPE_CHECKING:
    from livria_sse.hub.cursor import Cursor

#: How many changes a feed keeps: enough for whoever was away for a moment.
SIZE = 256
#: From how many different cursors the way to the head is kept ready.
CURSORS = 64
#: How many bytes of such ways are kept; that from the last head is kept in any case.
LARGEST_READY = 4 * 1024 * 1024
#: How many differences may wait to be merged.
MOST_FOLLOWING = 16

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
        #: Where those stand who watch the book.
        self.cursors: set[Cursor] = set()
        #: How many of them have its page open, and the number in all processes that was told last.
        self.viewers = self.viewers_told = 0
        #: Whether some of them have come since, who were told another.
        self.greeted = False
        #: How many streams are being opened.
        self.opening = 0
        #: Held while the ladder is read, so that a herd of readers makes one read.
        self.lock = asyncio.Lock()
        #: The newest seq that it holds.
        self.head = UNKNOWN
        #: The number of reviews there.
        self.review_count = 0
        #: When the reviews were written that have come since somebody took these, as timestamps.
        self._untold: list[float] = []
        self._known: Difference | None = None
        #: What follows `_known`; merged into it only when it is needed, or much.
        self._following: list[Difference] = []
        self._ready: dict[int, Burst] = {}

    @property
    def watched(self) -> bool:
        """Whether there are streams; the feed exists as long as there are any."""
        return bool(self.cursors or self.opening)

    @property
    def behind(self) -> bool:
        """Whether there is something to be read from the ladder."""
        return self.announced > self.head

    def enter(self, cursor: Cursor) -> None:
        """Somebody watches the book."""
        self.cursors.add(cursor)
        self.viewers += cursor.viewing

    def leave(self, cursor: Cursor) -> None:
        """Somebody watches it no more."""
        self.cursors.discard(cursor)
        self.viewers -= cursor.viewing

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
        if difference.after == self.head == difference.head:
            return difference
        if difference.after == self.head:
            self._follow(difference)
            return difference
        known = self._whole()
        if known and difference.head < known.after:
            return difference
        if known and self.reaches(difference):
            difference = known.merged(difference)
        if difference.head != self.head:
            self._ready.clear()
        self._known = difference.newest(SIZE)
        self._reach(difference)
        return difference

    def _follow(self, difference: Difference) -> None:
        """Takes in what follows the head, as nearly every change does."""
        self._following.append(difference)
        self._ready.clear()
        self._reach(difference)
        self.burst(difference)
        if len(self._following) == MOST_FOLLOWING:
            self._whole()

    def take_untold(self) -> list[float]:
        """When the reviews were written that are new since this was last asked, as timestamps."""
        untold, self._untold = self._untold, []
        return untold

    def _reach(self, difference: Difference) -> None:
        self._untold += _written_after(self.head, difference)
        self.head = difference.head
        self.review_count = difference.review_count
        self.announce(self.head)

    def _whole(self) -> Difference | None:
        """All that is known, as one difference."""
        if self._known and self._following:
            self._known = self._known.merged(*self._following).newest(SIZE)
            self._following.clear()
        return self._known

    def burst_since(self, seq: int) -> Burst | None:
        """The way from `seq` to the head, if the feed has all of it.

        It is made once for all who stand at `seq`.
        """
        ready = self.ready_since(seq)
        if ready is None:
            known = self.since(seq)
            if known:
                ready = self.burst(known)
        return ready

    def ready_since(self, seq: int) -> Burst | None:
        """The same, if it was made already."""
        return self._ready.get(seq)

    def since(self, seq: int) -> Difference | None:
        """What follows `seq`, if the feed has all of it."""
        known = self._whole()
        return known.since(seq) if known and known.after <= seq <= known.head else None

    def nothing(self) -> Difference:
        """What whoever stands at the head lacks."""
        return Difference(
            book_id=self.book_id,
            after=self.head,
            head=self.head,
            review_count=self.review_count,
            changes=(),
        )

    def burst(self, difference: Difference) -> Burst:
        """A difference as a burst; kept ready if it leads to the head."""
        burst = Burst(difference_frames(difference, self.epoch))
        if difference.head == self.head and self._has_room(burst):
            self._ready[difference.after] = burst
        return burst

    def _has_room(self, burst: Burst) -> bool:
        if not self._ready:
            return True
        kept = sum([ready.size for ready in self._ready.values()])
        return len(self._ready) < CURSORS and kept + burst.size <= LARGEST_READY


def _written_after(seq: int, difference: Difference) -> Iterator[float]:
    for change in difference.changes:
        if isinstance(change, Review) and change.seq > seq:
            restored = change.seq == change.shown_seq != change.created_seq  # written long ago
            if not restored:
                yield change.updated_at.timestamp()
