"""The stream of a book, or of several.

sse-starlette encodes the frames, but its `EventSourceResponse` is not used: it keeps five tasks and
about 44 KiB for every connection (measured), and a queue that has to be bounded. Here the hub
writes to the reader. On our own server a stream outlives its request, which ends as soon as it has
begun; on others the task of the request sleeps until the reader leaves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from anyio import CancelScope
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from livria_sse import frames
from livria_sse.errors import (
    CrossSiteRequest,
    InvalidInput,
    StoreUnavailable,
    TooManyRequests,
    UnknownBook,
)
from livria_sse.hub import Beginning, Feed, Hub, Sink, SteppingSink, Subscriber
from livria_sse.web.clients import address_of
from livria_sse.web.origins import Origins
from livria_sse.web.params import named_books, path_id, whole_number
from livria_sse.web.problems import problem
from livria_sse.web.resource import resource
from livria_sse.web.state import Request
from livria_sse.web.turns import Turns

#: Of every stream; made once, as Starlette would make them anew for each.
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"connection", b"close"),  # nothing can follow a stream
    (b"x-accel-buffering", b"no"),  # nginx holds events back without it
    (b"x-content-type-options", b"nosniff"),
)
#: An ASGI extension of our own server: `detach(headers)` begins the response, and gives the
#: connection away as a `Sink`; None if the reader has left.
DETACH = "livria.detach"

_PATH = re.compile(r"/sse/books(?:/([^/]+))?/?")

#: Under which a page says where it stands; some polyfills write the name in one word.
POSITIONS = ("last_event_id", "lastEventId")
#: What every stream takes.
PARAMETERS = (*POSITIONS, "pad")
#: At least how often something is to come, in seconds: some proxies notice only when they cannot
#: write that a reader has left.
INTERVAL = "Livria-Heartbeat"
#: The fields of a query string.
Query = Mapping[str, Sequence[str]]


async def stream(request: Request) -> EventStream:
    """Opens the stream of a book from the position that the reader asks for."""
    book_id = path_id(request, UnknownBook)
    return EventStream(request.scope, [book_id])


async def shelf(request: Request) -> EventStream:
    """Opens one stream of several books, from where the reader stands in each of them."""
    return _shelf(request.scope)


def is_asked(scope: Scope) -> bool:
    """Whether a request asks for a stream, as far as its path shows."""
    return _asked_path(scope) is not None


def asked_stream(scope: Scope) -> EventStream | None:
    """The stream that a request asks for, where that can be seen without the router."""
    match = _asked_path(scope)
    if match is None:
        return None
    try:
        return EventStream(scope, named_books([match[1]])) if match[1] else _shelf(scope)
    except InvalidInput:
        return None


def _asked_path(scope: Scope) -> re.Match[str] | None:
    return _PATH.fullmatch(scope["path"]) if scope["method"] in {"GET", "HEAD"} else None


def _shelf(scope: Scope) -> EventStream:
    query = _query(scope)
    book_ids = named_books(query.get("book", ()))
    named = {whole_number(text) for text in query.get("reading", ())}
    if not named <= set(book_ids):
        raise InvalidInput(errors={"reading": ["Name only books of this stream."]})
    viewed = [book_id for book_id in book_ids if book_id in named]
    return EventStream(scope, book_ids, viewed=viewed)


def _asked_position(scope: Scope, query: Query) -> str | None:
    # EventSource sends the header only when it reconnects (WHATWG HTML, section 9.2.4); what a
    # page puts into the address is older by then.
    if position := _header(scope, b"last-event-id"):
        return position
    for name in POSITIONS:
        if values := query.get(name):
            return values[-1]
    return None


def _asked_interval(scope: Scope) -> float:
    text = _header(scope, INTERVAL.lower().encode())
    if text is None:
        return math.inf
    seconds = whole_number(text)
    if not seconds:
        raise InvalidInput(errors={INTERVAL: ["Use a whole number of seconds."]})
    return seconds


def _query(scope: Scope) -> Query:
    text: bytes = scope["query_string"]
    return parse_qs(text.decode("latin-1")) if text else {}


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted and value:
            return str(value, "latin-1")
    return None


class EventStream:
    """Everything after a position, then everything that happens, until the reader leaves.

    An ASGI application.
    """

    def __init__(
        self, scope: Scope, book_ids: Sequence[int], *, viewed: Sequence[int] | None = None
    ) -> None:
        self._hub: Hub = scope["state"]["hub"]
        self._book_ids = book_ids
        #: Those of which the reader has the page open; unless it is said, all.
        self._viewed = book_ids if viewed is None else viewed
        query = _query(scope)
        self._asked = _asked_position(scope, query)
        self._interval = _asked_interval(scope)
        self._padded = query.get("pad") == ["1"]
        self._address = address_of(scope)
        self._origins: Origins = scope["state"]["origins"]
        self._origin = _header(scope, b"origin")
        self._headers = HEADERS + self._origins.headers(self._origin)
        self._turns: Turns = scope["state"]["turns"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the stream."""
        foreign = self._origin or _header(scope, b"sec-fetch-site") == "cross-site"
        if foreign and not self._origins.may_read(Headers(scope=scope)):
            await problem(CrossSiteRequest())(scope, receive, send)  # before it takes a place
            return
        if self._hub.stopping:  # whose readers come back again and again until it has gone
            await turn_away(scope, receive, send)
            return
        try:
            async with self._hub.opening(self._book_ids) as feeds:
                await self._serve(feeds, scope, receive, send)
        except UnknownBook as error:
            await self._origins.shown(problem(error), scope)(scope, receive, send)
        except (StoreUnavailable, TooManyRequests):  # nothing was sent yet
            await turn_away(scope, receive, send)

    async def _serve(
        self, feeds: Sequence[Feed], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["method"] == "HEAD" or not self._hub.admits(feeds, self._address):
            await turn_away(scope, receive, send)
            return
        async with self._turns.alone(scope):
            begin = await self._hub.reception.welcome(feeds, self._asked, viewed=self._viewed)
        self._turns.pace.count(scope, begin.size)
        if self._padded:
            begin = begin.padded()
        if not self._hub.has_room(feeds, self._address):
            await turn_away(scope, receive, send)
            return
        # Nothing may wait between the welcome and its writing: it has the present text of reviews.
        extension = scope.get("extensions", {}).get(DETACH)
        if extension is None:
            await self._attend(feeds, begin, receive, send)
        elif connection := extension["detach"](self._headers):
            self._join(feeds, begin, connection)

    def _join(self, feeds: Sequence[Feed], begin: Beginning, sink: Sink) -> Subscriber:
        return self._hub.join(feeds, begin, sink, address=self._address, interval=self._interval)

    async def _attend(
        self, feeds: Sequence[Feed], begin: Beginning, receive: Receive, send: Send
    ) -> None:
        reading = CancelScope()
        sink = SteppingSink(send, headers=self._headers, stop=reading.cancel)
        subscriber = self._join(feeds, begin, sink)
        try:
            with reading:
                await _reader_left(receive)
            if reading.cancelled_caught:
                await sink.finish()
        finally:
            sink.close()
            subscriber.left()


async def turn_away(scope: Scope, _receive: Receive, send: Send) -> None:
    """Says that there is no place for a stream, and when to ask again."""
    hub, origins = scope["state"]["hub"], scope["state"]["origins"]
    farewell = frames.already_closing(hub.streams_to_end) if hub.stopping else frames.busy()
    body = b"" if scope["method"] == "HEAD" else farewell
    headers = HEADERS + origins.headers(_header(scope, b"origin"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _reader_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


ROUTES = [
    resource("/sse/books/", GET=shelf),
    resource("/sse/books/{id}/", GET=stream),
]
