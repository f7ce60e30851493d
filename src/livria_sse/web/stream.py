"""The stream of a book.

sse-starlette encodes the frames, but its `EventSourceResponse` is not used: it keeps five tasks and
about 44 KiB for every connection (measured), and a queue that has to be bounded. Here a stream is
the task that the server has made for its request, asleep until the reader leaves; the hub sends.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anyio import CancelScope
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livria_sse import frames
from livria_sse.errors import StoreUnavailable, UnknownBook
from livria_sse.hub import Feed, Hub, Subscriber
from livria_sse.web.params import path_id
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

HEADERS = {
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx holds events back without it
    "x-content-type-options": "nosniff",
}
#: An ASGI extension of our own server: `abort()` cuts the connection off, whatever is unsent.
ABORT = "livria.abort"
#: How long a stream that ends waits for the write that is under way.
LAST_WRITE_SECONDS = 1.0


async def stream(request: Request) -> Response:
    """Opens the stream of a book from the position that the reader asks for."""
    book_id = path_id(request, UnknownBook)
    return EventStream(request.state["hub"], book_id, _asked_position(request))


def _asked_position(request: Request) -> str | None:
    # EventSource sends the header only when it reconnects (WHATWG HTML, section 9.2.4); what a
    # page puts into the address is older by then. Some polyfills write the name in one word.
    query = request.query_params
    return (
        request.headers.get("last-event-id")
        or query.get("last_event_id")
        or query.get("lastEventId")
        or None
    )


class EventStream(Response):
    """Everything after a position, then everything that happens, until the reader leaves."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, book_id: int, asked: str | None) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._book_id = book_id
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the stream; raises `UnknownBook` before anything is sent."""
        try:
            async with self._hub.watching(self._book_id) as feed:
                if scope["method"] == "HEAD" or self._hub.draining or self._hub.full:
                    await self._turn_away(scope, send)
                else:
                    await self._serve(feed, scope, receive, send)
        except StoreUnavailable:  # only when a feed or its ladder is read, before the start
            await self._turn_away(scope, send)

    async def _serve(self, feed: Feed, scope: Scope, receive: Receive, send: Send) -> None:
        begin = await self._hub.welcome(feed, self._asked)
        # Nothing may wait between the welcome and its sending: it has the present text of reviews.
        begin = begin._replace(messages=(self._start, *begin.messages))
        reading = CancelScope()
        with self._hub.joined(feed, begin, send=send, end=reading.cancel) as subscriber:
            with reading:
                await _reader_left(receive)
            writable = subscriber.ending != "slow" and await _idle(subscriber)
        if subscriber.ending == "left":
            return
        if writable:
            await _end(send, frames.closing() if subscriber.ending == "closing" else b"")
        elif ABORT in scope.get("extensions", {}):
            scope["extensions"][ABORT]["abort"]()
            await _reader_left(receive)

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        await send(self._start)
        if scope["method"] == "HEAD":
            await _end(send)
        else:
            await _end(send, frames.closing() if self._hub.draining else frames.busy())

    @property
    def _start(self) -> dict[str, Any]:
        return {"type": "http.response.start", "status": 200, "headers": self.raw_headers}


async def _end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body})


async def _reader_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _idle(subscriber: Subscriber) -> bool:
    if subscriber.writing:
        await asyncio.wait({subscriber.writing}, timeout=LAST_WRITE_SECONDS)
    return subscriber.writing is None


ROUTES = [resource("/sse/books/{id}/", GET=stream)]
