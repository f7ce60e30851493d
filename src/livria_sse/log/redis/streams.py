"""The streams of all books in Redis: each book's newest changes, and nothing they replaced."""

from __future__ import annotations

import logging
from datetime import timedelta
from importlib import resources
from typing import Any

from livria_sse.errors import DifferenceTooLarge, StreamBehind
from livria_sse.log.redis.entries import bell, change_of, entry
from livria_sse.log.redis.keys import channel, index_key, log_key
from livria_sse.log.redis.link import Link
from livria_sse.models import Difference
from livria_sse.settings import Settings

logger = logging.getLogger(__name__)

#: What `read.lua` answers for a log that lacks something.
BEHIND = -1


class Streams:
    """A bounded stream for each book, entry id `<seq>-0`, that expires when the book is quiet.

    The scripts beside this module say how. Both verbs are atomic and may be repeated, whatever
    became of them, and raise `RedisAway` when Redis does not answer.
    """

    def __init__(self, link: Link, epoch: str, settings: Settings) -> None:
        self.link = link
        self._epoch = epoch
        self._length = settings.redis_length
        self._seconds = int(timedelta(days=settings.redis_days).total_seconds())
        self._replay_limit = settings.replay_limit
        self._append = link.script(_text("append.lua"))
        self._read = link.script(_text("read.lua"))

    @property
    def available(self) -> bool:
        """Whether it is worth asking."""
        return self.link.up

    @property
    def well(self) -> bool:
        """Whether all that was asked was done."""
        return self.link.well

    async def append(self, difference: Difference, *, anew: bool = False) -> int:
        """Appends a difference and rings the doorbell; returns the seq that the log has reached.

        A difference that the log has already changes nothing. One that leaves a gap is refused,
        which a seq below `difference.after` says; with `anew`, the log begins with it instead.
        """
        entries = [entry(change) for change in difference.changes]
        changes: list[Any] = []
        for change, text in zip(difference.changes, entries, strict=True):
            changes += (change.seq, change.id, text)
        reached = await self.link.run(
            self._append,
            self._keys(difference.book_id),
            [
                channel(self._epoch, difference.book_id),
                bell(difference, entries),
                difference.after,
                difference.head,
                difference.review_count,
                int(anew),
                self._length,
                self._seconds,
                *changes,
            ],
        )
        self.link.recovered()  # under load the publisher may never be without a backlog
        return int(reached)

    async def since(self, book_id: int, seq: int, *, known: int) -> Difference | None:
        """What a reader at `seq` lacks, up to `known` at least; None if the log has not all of it.

        Raises:
            DifferenceTooLarge: It has more changes than the replay limit.
            StreamBehind: The log is here, and lacks something that it should have.
        """
        values = [seq, seq + 1, known, self._replay_limit + 1]
        found = await self.link.run(self._read, self._keys(book_id), values)
        if found is None:
            return None
        if found == BEHIND:
            raise StreamBehind
        head, review_count, entries = found
        if len(entries) > self._replay_limit:
            raise DifferenceTooLarge
        try:
            changes = tuple(_change(*each) for each in entries)
        except ValueError:
            logger.warning("the log of book %(book)d in Redis is not ours", {"book": book_id})
            return None
        return Difference(
            book_id=book_id,
            after=seq,
            head=head,
            review_count=review_count,
            changes=changes,
            rung="redis",
        )

    def _keys(self, book_id: int) -> list[str]:
        return [log_key(self._epoch, book_id), index_key(self._epoch, book_id)]


def _change(entry_id: bytes, fields: list[bytes]) -> Any:
    _review, _id, _change, text = fields
    return change_of(text, int(entry_id.partition(b"-")[0]))


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text()
