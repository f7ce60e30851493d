"""The welcome: how a book begins on a stream, from the position that its reader asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from livria_sse import frames
from livria_sse.errors import DifferenceTooLarge
from livria_sse.frames import Mode
from livria_sse.hub.burst import Burst
from livria_sse.hub.feed import Feed
from livria_sse.hub.ladder import Ladder
from livria_sse.models import Difference, Position, ResetReason, Rung


class Welcome(NamedTuple):
    """How a book begins on a stream, and where that leaves its reader."""

    mode: Mode
    opening: Burst
    #: The seq at which the reader stands after the opening.
    start: int
    #: The seq at which they stand after the difference.
    head: int
    #: What they lack from there.
    difference: Burst | None = None
    #: From where that was taken, for one who resumes; where nothing is lacking the feed knew it.
    rung: Rung | None = None


async def welcome(feed: Feed, ladder: Ladder, asked: str | None) -> Welcome:
    """Begins at the head (live), with what was missed (resumed), or with a reset.

    A position that cannot be resumed from is answered in the stream: on an error status,
    EventSource would give up for good.
    """
    if asked is None:
        return _live(feed)
    position = await _understood(feed, ladder, asked)
    if not isinstance(position, Position):
        return _reset(feed, position)
    try:
        return await _resumed(feed, ladder, position)
    except DifferenceTooLarge:
        return _reset(feed, "too_large")


class Answer(NamedTuple):
    """What somebody lacks who asks once, instead of opening a stream."""

    #: With nothing in it, if they have to fetch the book again and go on from its head.
    difference: Difference
    #: Why they have to.
    reset: ResetReason | None = None

    def withheld(self) -> Answer:
        """The same where there is no room for what is in it."""
        nothing = replace(self.difference, after=self.difference.head, changes=())
        return Answer(nothing, "too_large")


async def answer(feed: Feed, ladder: Ladder, asked: str) -> Answer:
    """The same for somebody who asks once."""
    position = await _understood(feed, ladder, asked)
    if not isinstance(position, Position):
        return Answer(feed.nothing(), position)
    try:
        return Answer(await ladder.since(feed, position.seq))
    except DifferenceTooLarge:
        return Answer(feed.nothing(), "too_large")


async def _understood(feed: Feed, ladder: Ladder, asked: str) -> Position | ResetReason:
    position = Position.parse(asked)
    if position is None:
        return "malformed"
    if position.epoch != feed.epoch:
        return "epoch"
    if position.seq > feed.head:  # another process may have told it before this one knows
        await ladder.look_again(feed)
    return position if position.seq <= feed.head else "ahead"


def _live(feed: Feed) -> Welcome:
    head = Position(feed.epoch, feed.head)
    first = frames.opening(
        feed.book_id, mode="live", position=head, head=head, review_count=feed.review_count
    )
    return Welcome("live", Burst(first), head.seq, head.seq)


async def _resumed(feed: Feed, ladder: Ladder, position: Position) -> Welcome:
    way = None
    if position.seq < feed.head:
        way = await ladder.burst_since(feed, position.seq)
    first = frames.opening(
        feed.book_id,
        mode="resumed",
        position=position,
        head=Position(feed.epoch, way.head if way else feed.head),
        review_count=way.review_count if way else feed.review_count,
    )
    if way is None:
        return Welcome("resumed", Burst(first), position.seq, feed.head, rung="feed")
    return Welcome("resumed", Burst(first), position.seq, way.head, way.burst, way.rung)


def _reset(feed: Feed, reason: ResetReason) -> Welcome:
    head = Position(feed.epoch, feed.head)
    first = frames.opening(
        feed.book_id, mode="reset", position=None, head=head, review_count=feed.review_count
    )
    reset = frames.reset(feed.book_id, reason=reason, head=head)
    return Welcome("reset", Burst(first + reset), head.seq, head.seq)
