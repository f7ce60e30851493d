"""A shelf: several books on one stream, in the order in which its address names them.

The id of each frame says where the reader stands in all of them, `<epoch>-<seq>.<seq>…`, so that
one `Last-Event-ID` resumes them all. With one book, that is its position.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple, get_args

from livria_sse import frames
from livria_sse.frames import Mode
from livria_sse.hub.burst import Burst
from livria_sse.hub.cursor import Cursor
from livria_sse.hub.feed import Feed
from livria_sse.hub.sink import Sink
from livria_sse.hub.subscriber import Subscriber
from livria_sse.hub.welcome import Welcome
from livria_sse.models import Rung

_ID = re.compile(rb"^id: ([0-9a-z]+)-([0-9]+)$", re.MULTILINE)
_OF_ONE_BOOK = re.compile(rb"^(?:id|retry): .*\n", re.MULTILINE)
_SEPARATOR = "."
#: A stream began in the first of these in which any of its books did.
_MODES: Sequence[Mode] = ("reset", "resumed", "live")


def asked_of_each(asked: str | None, books: int) -> Sequence[str | None]:
    """The position that is asked for in each of so many books, out of an id of them all.

    An id of other books is malformed in each of these.
    """
    if asked is None or books == 1:
        return [asked] * books
    epoch, _, seqs = asked.rpartition("-")
    each = seqs.split(_SEPARATOR)
    if len(each) != books:
        each = [""] * books
    return [f"{epoch}-{seq}" for seq in each]


def shelf_id(epoch: str, seqs: Sequence[int]) -> str:
    """Where a reader stands in all books."""
    return f"{epoch}-{_SEPARATOR.join(map(str, seqs))}"


class Beginning(NamedTuple):
    """How a stream begins: with the welcome of each of its books."""

    mode: Mode
    opening: Burst
    welcomes: Sequence[Welcome]
    #: The books of which the reader has the page open.
    viewed: Collection[int] = ()

    def padded(self) -> Beginning:
        """The same behind a comment of 2 KiB."""
        return self._replace(opening=self.opening.behind(frames.padding()))

    @property
    def size(self) -> int:
        """How many bytes it has."""
        missed = [welcome.difference.size for welcome in self.welcomes if welcome.difference]
        return self.opening.size + sum(missed)

    @property
    def rung(self) -> Rung | None:
        """The farthest rung from which anything was taken."""
        if len(self.welcomes) == 1:
            return self.welcomes[0].rung
        taken = {welcome.rung for welcome in self.welcomes}
        return next((rung for rung in reversed(get_args(Rung)) if rung in taken), None)


def beginning(epoch: str, welcomes: Sequence[Welcome]) -> Beginning:
    """Puts the welcomes of all books together.

    Of several, only the end moves the reader. Whoever is cut off before asks the same again: there
    is no id that would say which books they have been told to fetch again, and which not yet.
    """
    if len(welcomes) == 1:
        return Beginning(welcomes[0].mode, welcomes[0].opening, welcomes)
    told = _OF_ONE_BOOK.sub(b"", b"".join([welcome.opening.data for welcome in welcomes]))
    start = shelf_id(epoch, [welcome.start for welcome in welcomes])
    moved = frames.standing(start, retry=frames.retry_milliseconds())
    modes = {welcome.mode for welcome in welcomes}
    mode = next(mode for mode in _MODES if mode in modes)
    return Beginning(mode, Burst(told + moved), welcomes)


def standing(cursors: Sequence[Cursor]) -> str:
    """Where a reader stands, as an id."""
    return shelf_id(cursors[0].feed.epoch, [cursor.seq for cursor in cursors])


def cursors_of(subscriber: Subscriber, feeds: Sequence[Feed], begin: Beginning) -> Sequence[Cursor]:
    """Where a subscriber stands who is welcomed so."""
    cursors: list[Cursor] = []
    for place, (feed, welcome) in enumerate(zip(feeds, begin.welcomes, strict=True)):
        sink = subscriber.sink if len(feeds) == 1 else ShelfSink(subscriber.sink, cursors, place)
        viewing = feed.book_id in begin.viewed
        cursors.append(Cursor(subscriber, feed, welcome.start, sink, viewing=viewing))
    return cursors


class ShelfSink:
    """What is written of one of several books, under ids of all."""

    def __init__(self, sink: Sink, cursors: Sequence[Cursor], place: int) -> None:
        self._sink = sink
        self._cursors = cursors
        self._place = place

    def write(self, burst: Burst) -> bool:
        """Writes to the stream; whether more may follow at once."""
        return self._sink.write(Burst(_ID.sub(self._standing, burst.data)))

    def _standing(self, found: re.Match[bytes]) -> bytes:
        seqs = [cursor.seq for cursor in self._cursors]
        seqs[self._place] = int(found[2])
        return b"id: " + shelf_id(found[1].decode(), seqs).encode()
