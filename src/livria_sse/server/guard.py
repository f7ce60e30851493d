"""The guard: requests that are too large, or that take too long to come.

uvicorn with httptools waits for ever for the end of a request, and takes 30 MB of headers
(measured). How large a body may be, whoever reads it looks at.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Literal, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from livria_sse.deadlines import Deadlines
from livria_sse.server.refusal import (
    NONSENSE,
    TOO_MANY_PIECES,
    TOO_SLOW,
    Refusal,
    fault_of_head,
    head_too_large,
)
from livria_sse.server.sizes import Sizes
from livria_sse.web.peers import Peers

#: Bytes of a piece that takes longer to go through than to receive. Networks bring more at once
#: (RFC 9293, section 3.7.1: 536), except at the end.
SMALL_PIECE = 512
#: How long a server that stops waits for what may be on its way: the first request of a connection,
#: and the next one of a connection that is kept.
FIRST_REQUEST_SECONDS, NEXT_REQUEST_SECONDS = 1.0, 0.25


class GuardedProtocol(HttpToolsProtocol):
    """Refuses a request whose head is too large, and whoever keeps it waiting.

    That is a client who does not send the rest of a request, or the next one, or does not take its
    answer. When more connections are open than there are places, the one that has kept it waiting
    longest is closed. So who asks for something at once finds a place, even if nobody else does.
    """

    def __init__(
        self,
        *given: Any,
        deadlines: Deadlines[GuardedProtocol],
        peers: Peers,
        places: float,
        sizes: Sizes,
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        self._deadlines = deadlines
        self._peers = peers
        self._places = places
        self._sizes = sizes
        self._receiving: Literal["head", "body"] | None = None
        #: Bytes since the last request; as long as a head is received, all of them are its.
        self._received = 0
        self._headers_of_head = 0
        self._pieces = 0
        #: The request that is answered at present, and those that wait.
        self._unanswered: list[RequestResponseCycle] = []
        #: Whether nothing may follow the answer that is under way.
        self.refused = False
        #: What a request is told that the parser stops at.
        self._refusal = NONSENSE

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for a request, unless its client holds too many connections already."""
        super().connection_made(transport)
        if self._has_left() or not self._peers.enter(self.client):
            transport.abort()
            return
        self._deadlines.add(self)
        if len(self.connections) > self._places:
            self._peers.refuse("files", self.client)
            # Without a word: it may be an EventSource, which comes back after anything but a 408.
            self._deadlines.pop().transport.abort()

    def _has_left(self) -> bool:
        # Who resets a connection before it is accepted has no address any more: no limit would
        # count them, and what they have sent would be answered.
        if self.client:
            return False
        return bool(self.transport.get_extra_info("socket").family != socket.AF_UNIX)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more, and lets no request write to what is closed.

        uvicorn tells only the request that came last.
        """
        self._peers.leave(self.client)
        self._deadlines.discard(self)
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads a part of a request."""
        self._received += len(data)
        super().data_received(data)
        if self._receiving == "head" and self._received > self._sizes.head:
            self.refuse(head_too_large(self._sizes))
        elif self._receiving == "body" and self._is_idle() and self._received > self._sizes.unread:
            self.transport.abort()  # who was answered, and goes on sending
        elif self._receiving == "body" and len(self.headers) > self._headers_of_head:
            self.refuse(head_too_large(self._sizes))  # trailers, without an end
        elif self._receiving is None and self not in self._deadlines and self._is_idle():
            self._deadlines.add(self)  # for what has come, uvicorn has ended its own waiting

    def on_message_begin(self) -> None:
        """Waits for the rest of a request."""
        if self._receiving is None:
            self._receiving = "head"
            self._deadlines.add(self)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, without the space around its value (RFC 9112, section 5.1)."""
        super().on_header(name, value.strip(b" \t"))
        if len(self.headers) > self._sizes.headers:
            self._stop_at(head_too_large(self._sizes))

    def on_headers_complete(self) -> None:
        """Goes on to the body, unless the head is too large, or too many wait already."""
        if fault := self._fault_of_head():
            self._stop_at(fault)
        super().on_headers_complete()  # which raises as well, if the target is no URL
        self._unanswered.append(self.cycle)
        self._receiving = "body"
        self._pieces = 0
        self._headers_of_head = len(self.headers)
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the parser passes over what has come with it

    def _stop_at(self, refusal: Refusal) -> NoReturn:
        self._refusal = refusal
        raise ValueError(refusal.why)  # for the parser, which stops at errors

    def _fault_of_head(self) -> Refusal | None:
        if len(self.pipeline) >= self._sizes.waiting:
            return NONSENSE  # which nobody is told, as others are to be answered before
        version, upgrades = self.parser.get_http_version(), self.parser.should_upgrade()
        return fault_of_head(
            self.url, self.headers, self._sizes, version=version, upgrades=upgrades
        )

    def on_body(self, body: bytes) -> None:
        """Takes a piece of the body."""
        if len(body) < SMALL_PIECE:
            self._pieces += 1
            if self._pieces > self._sizes.pieces:
                self._stop_at(TOO_MANY_PIECES)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Has all of the request."""
        self._receiving = None
        self._received = 0
        self._deadlines.discard(self)
        super().on_message_complete()

    def shutdown(self) -> None:
        """Ends the connection of a server that stops, unless a request is on its way.

        What a client sends on a connection that it has only just opened may not have been read yet.
        """
        if self._is_idle():
            seconds = FIRST_REQUEST_SECONDS if self.cycle is None else NEXT_REQUEST_SECONDS
            self.loop.call_later(seconds, self._end)
        else:
            super().shutdown()

    def _end(self) -> None:
        if self._receiving is None:  # else the answer will be the last, whether it comes or not
            super().shutdown()

    def on_response_complete(self) -> None:
        """Begins to answer the next request that waits, or waits for one."""
        del self._unanswered[0]
        super().on_response_complete()
        if self._is_idle():
            self._deadlines.add(self)

    def pause_writing(self) -> None:
        """Waits until the client takes something."""
        super().pause_writing()
        self._deadlines.add(self)

    def resume_writing(self) -> None:
        """Waits for what it waited for before."""
        super().resume_writing()
        if self._receiving is None and not self._is_idle():
            self._deadlines.discard(self)

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser does not understand, or what it was told not to."""
        self.refuse(self._refusal)

    def give_up(self) -> None:
        """Closes the connection of a client who has kept it waiting for too long.

        Without a word, if nothing of a request has come: a proxy might take it for the answer to
        what it sends at that moment.
        """
        if self._receiving is None:
            self.transport.abort()
        else:
            self.refuse(TOO_SLOW)

    def refuse(self, refusal: Refusal) -> None:
        """Closes the connection after a line that says why.

        Whoever has asked for one thing before is answered first; for more, they are cut off, as is
        who takes no answers. Nobody is answered twice.
        """
        if self.transport.is_closing():
            return
        self._peers.be_wary(self.client)
        if self._has_begun_to_answer() or self.flow.write_paused or self.pipeline:
            self.transport.abort()
        elif self._receiving != "body" and not self._is_idle():
            self.flow.pause_reading()
            self.cycle.keep_alive = False
            self.refused = True
        else:
            self.transport.write(refusal.answer())
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _has_begun_to_answer(self) -> bool:
        # The present request, all of which has not come.
        return self._receiving == "body" and self.cycle.response_started
