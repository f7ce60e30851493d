"""A subscriber: one open stream as the hub sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from livria_sse.frames import Mode
from livria_sse.hub.cursor import Cursor
from livria_sse.hub.sink import Sink

#: Why a stream ends: its reader left, the server stops, it grew old, its reader takes nothing.
Ending = Literal["left", "closing", "aged", "slow"]


class Keeper(Protocol):
    """Who keeps subscribers: the hub."""

    def wait(self, subscriber: Subscriber) -> None:
        """Waits until the socket of one has drained, but not for ever."""

    def drained(self, subscriber: Subscriber) -> None:
        """Goes on with one whose socket was full."""

    def leave(self, subscriber: Subscriber) -> None:
        """Forgets one whose reader has left."""


class Subscriber:
    """A reader: where they stand in each book, the way to them, and whether that is busy.

    It has no queue. One who is busy is left alone, and gets everything after each cursor when they
    are idle again.
    """

    __slots__ = (
        "_keeper",
        "address",
        "begun_at",
        "busy",
        "cursors",
        "ending",
        "expires_at",
        "frames",
        "interval",
        "mode",
        "part",
        "sink",
    )

    def __init__(
        self,
        keeper: Keeper,
        *,
        mode: Mode,
        sink: Sink,
        address: str,
        begun_at: float,
        expires_at: float,
        interval: int,
    ) -> None:
        self._keeper = keeper
        #: One for each book, in the order of the stream's address; none when the reader has left.
        self.cursors: Sequence[Cursor] = ()
        #: How it began.
        self.mode = mode
        #: Of the client.
        self.address = address
        #: In the event loop's time.
        self.begun_at = begun_at
        self.sink = sink
        #: When the stream is too old, in the event loop's time.
        self.expires_at = expires_at
        #: Seconds between two heartbeats.
        self.interval = interval
        #: How many frames were given to the server to send.
        self.frames = 0
        #: Whether nothing may be written at present: the socket is full, or the stream ends.
        self.busy = False
        #: Which part of the heartbeat visits it.
        self.part = 0
        self.ending: Ending | None = None

    def wait(self) -> None:
        """The socket is full, from now on: nothing is written until it drains."""
        self.busy = True
        self._keeper.wait(self)

    def drained(self) -> None:
        """The socket is not full any more."""
        self._keeper.drained(self)

    def left(self) -> None:
        """The connection is gone."""
        self._keeper.leave(self)
