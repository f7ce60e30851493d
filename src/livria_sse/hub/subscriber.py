"""A subscriber: one open stream as the hub sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from livria_sse.hub.feed import Feed
from livria_sse.hub.stepping import Message, Send

#: Why a stream ends: its reader left, the server stops, it grew old, its reader takes nothing.
Ending = Literal["left", "closing", "aged", "slow"]


class Subscriber:
    """A cursor: where one reader stands, how to send to them, and whether that is under way.

    It has no queue. One who is busy is left alone, and gets everything after the cursor when they
    are idle again.
    """

    __slots__ = (
        "_end",
        "_send",
        "busy_since",
        "cursor",
        "ending",
        "expires_at",
        "feed",
        "writing",
    )

    def __init__(
        self, *, feed: Feed, cursor: int, send: Send, end: Callable[[], None], expires_at: float
    ) -> None:
        self.feed = feed
        #: The seq up to which everything was given to the server to send.
        self.cursor = cursor
        #: When the stream is too old, in the event loop's time.
        self.expires_at = expires_at
        #: The task that finishes a write that had to wait, or that reads the ladder.
        self.writing: asyncio.Task[None] | None = None
        #: Since when the present write waits for the reader, in the event loop's time.
        self.busy_since: float | None = None
        self.ending: Ending = "left"
        self._send = send
        self._end = end

    async def write(self, messages: tuple[Message, ...]) -> None:
        """Sends all messages."""
        for message in messages:
            await self._send(message)

    def end(self, reason: Ending) -> None:
        """Makes the request that this stream answers go on to its end."""
        self.ending = reason
        self._end()
