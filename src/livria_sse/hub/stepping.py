"""Pushing through any ASGI server without a task for each push.

An ASGI `send` that need not wait finishes without ever suspending. So a push runs it right here, up
to the first point where it waits; nearly always there is none. Only what is left of one that does
wait, because the reader's socket is full, needs a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from types import coroutine
from typing import Any

from anyio import move_on_after

from livria_sse.hub.burst import Burst
from livria_sse.hub.sink import Owner

Send = Callable[[Any], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

#: How long a stream that ends waits for the write that is under way.
LAST_WRITE_SECONDS = 1.0


class SteppingSink:
    """A reader behind an ASGI `send`; see `Sink` for what it promises.

    Only the task of the request may end its response: `stop` has it come to `finish`.
    """

    owner: Owner

    def __init__(self, send: Send, *, headers: Headers, stop: Callable[[], None]) -> None:
        self._send = send
        self._headers = headers
        self._stop = stop
        self._last: Burst | None = None
        self._given_up = False
        self._writing: asyncio.Task[None] | None = None

    def open(self, first: Burst) -> bool:
        """Sends the start of the response, and a burst."""
        return self._push(self._start(first))

    def write(self, burst: Burst) -> bool:
        """Sends as far as the server takes it; a task sends the rest."""
        return self._push(self._send_all(burst))

    def _push(self, sending: Coroutine[Any, Any, None]) -> bool:
        try:
            rest = step(sending)
        except Exception:  # servers raise what they like when a reader has left
            self.abort()
            return False
        if rest is not None:
            self._writing = asyncio.create_task(self._finish_writing(rest))
        return rest is None

    def end(self, last: Burst | None) -> None:
        """Has the response ended by the task of its request."""
        self._last = last
        self._stop()

    def abort(self) -> None:
        """Has the response given up by the task of its request."""
        self._given_up = True
        self._stop()

    async def finish(self) -> None:
        """Ends the response, if its reader takes what is under way."""
        if self._given_up:
            return
        with suppress(Exception), move_on_after(LAST_WRITE_SECONDS):
            if self._writing:
                await asyncio.wait({self._writing})
            if self._last:
                await self._send_all(self._last)
            await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Writes no more."""
        if self._writing:
            self._writing.cancel()

    async def _start(self, first: Burst) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await self._send_all(first)

    async def _send_all(self, burst: Burst) -> None:
        for message in burst.messages:
            await self._send(message)
            if self._writing:  # the reader takes something: it begins to wait anew
                self.owner.wait()

    async def _finish_writing(self, rest: Awaitable[None]) -> None:
        try:
            await rest
        except Exception:  # as in `write`
            self.abort()
            return
        self._writing = None
        self.owner.drained()


def step(running: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Runs a coroutine until it waits. Returns None if it ended, else what is left of it.

    The rest is to be awaited by a task, once. Whatever the coroutine raises is let through.
    """
    try:
        waits_for = running.send(None)
    except StopIteration:
        return None
    return _rest(running, waits_for)


@coroutine
def _rest(running: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    # What a coroutine yields is what a task expects to be given: the future that it waits for.
    # `yield from` would begin by resuming it, before that future is done.
    try:
        while True:
            try:
                yield waits_for
            except GeneratorExit:
                running.close()
                raise
            except BaseException as error:  # it belongs to the coroutine
                waits_for = running.throw(error)
            else:
                waits_for = running.send(None)
    except StopIteration:
        return
