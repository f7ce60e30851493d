"""Admission: which streams may be opened, and how many were and are."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

from livria_sse.frames import Mode
from livria_sse.hub.connects import Connects
from livria_sse.hub.feed import Feed
from livria_sse.hub.shelf import standing
from livria_sse.hub.subscriber import Ending, Subscriber
from livria_sse.logs import Mentions
from livria_sse.models import Rung
from livria_sse.settings import Settings

logger = logging.getLogger(__name__)

#: Which limit is reached.
Limit = Literal["streams", "book", "address", "connects"]


class Admission:
    """The limits of this process, on all of its streams, on a book's and on a client address's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._of_address: Counter[str] = Counter()
        self._mentions = Mentions(logger)
        self.connects = Connects(settings.max_connects_per_address)
        #: Streams by how they began, and by why they ended.
        self.opened = Counter[Mode](dict.fromkeys(get_args(Mode), 0))
        self.closed = Counter[Ending](dict.fromkeys(get_args(Ending), 0))
        #: Those that were resumed, by where what they lacked was taken from.
        self.resumed = Counter[Rung](dict.fromkeys(get_args(Rung), 0))
        #: How often each limit kept a stream from being opened.
        self.refused = Counter[Limit](dict.fromkeys(get_args(Limit), 0))

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return self.opened.total() - self.closed.total()

    def admits(self, feeds: Sequence[Feed], address: str) -> bool:
        """Whether a stream of the books may be opened from the address that has just connected."""
        if not self.connects.count(address):
            return self._allow("connects", address)
        return self.has_room(feeds, address)

    def has_room(self, feeds: Sequence[Feed], address: str) -> bool:
        """The same for one that has been admitted, when it is ready to begin."""
        return self._allow(self._reached(feeds, address), address)

    def _allow(self, limit: Limit | None, address: str) -> bool:
        if limit is None or not self._settings.limits:
            return True
        self.refused[limit] += 1
        self._mentions.warn(
            limit,
            "busy: the limit on %(limit)s is reached, now by %(address)s",
            {"limit": limit, "address": address},
        )
        return False

    def _reached(self, feeds: Sequence[Feed], address: str) -> Limit | None:
        settings = self._settings
        if self.streams >= settings.max_streams:
            return "streams"
        if any(len(feed.cursors) >= settings.max_streams_per_book for feed in feeds):
            return "book"
        if self._of_address[address] >= settings.max_streams_per_address:
            return "address"
        return None

    def begin(self, subscriber: Subscriber, rung: Rung | None = None) -> None:
        """Counts a stream, and where what a resumed one lacks was taken from."""
        self.opened[subscriber.mode] += 1
        if rung:
            self.resumed[rung] += 1
        self._of_address[subscriber.address] += 1

    def end(self, subscriber: Subscriber, ending: Ending) -> None:
        """Counts it no more, and says in the log what became of it."""
        self.closed[ending] += 1
        self._of_address[subscriber.address] -= 1
        if not self._of_address[subscriber.address]:
            del self._of_address[subscriber.address]
        logger.info(
            "stream ended: address=%(address)s book=%(book)s mode=%(mode)s seconds=%(seconds).1f "
            "position=%(position)s frames=%(frames)d reason=%(reason)s",
            {
                "address": subscriber.address,
                "book": ",".join(str(cursor.feed.book_id) for cursor in subscriber.cursors),
                "mode": subscriber.mode,
                "seconds": round(asyncio.get_running_loop().time() - subscriber.begun_at, 1),
                "position": standing(subscriber.cursors),
                "frames": subscriber.frames,
                "reason": ending,
            },
        )
