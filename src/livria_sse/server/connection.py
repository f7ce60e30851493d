"""A stream's connection: all that is left of one when the request that opened it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from livria_sse.hub import Burst, Owner

#: The chunk that ends a response (RFC 9112, section 7.1).
LAST_CHUNK = b"0\r\n\r\n"
#: What a client may send on a stream in all: line breaks. Old ones send one after their request.
MOST_LINE_BREAKS = 64
#: How long a stream that ends waits until its reader has taken what is under way.
LAST_WRITE_SECONDS = 1.0


class StreamConnection(asyncio.Protocol):
    """Writes ready-made chunks straight to the transport; see `Sink` for what it promises.

    It takes the place of the protocol that has parsed the request, so that an idle reader costs
    this, the transport and a subscriber: no task, no coroutine, no parser, nothing of the request.
    """

    __slots__ = (
        "_connections",
        "_ending",
        "_full",
        "_head",
        "_ignored",
        "_last",
        "_rest",
        "_transport",
        "owner",
    )

    #: What ends the response.
    LAST: ClassVar[bytes] = LAST_CHUNK

    #: Set by whoever has detached the stream, before the event loop goes on.
    owner: Owner

    def __init__(self, transport: asyncio.Transport, connections: set[Any], *, head: bytes) -> None:
        self._transport = transport
        self._connections = connections
        #: Of the response; written with the first burst.
        self._head = head
        #: Whether the transport has asked for a pause.
        self._full = False
        #: Bytes that were read, and meant nothing.
        self._ignored = 0
        #: Chunks that are still to be written.
        self._rest: Iterator[bytes] | None = None
        self._ending = False
        self._last: Burst | None = None
        connections.add(self)
        transport.set_protocol(self)

    # For the hub.

    def open(self, first: Burst) -> bool:
        """Writes the head of the response and a burst at once: each write is a system call."""
        self._rest = iter([b"".join([self._head, *self._coded(first)])])
        self._head = b""
        return self._write_rest()

    def write(self, burst: Burst) -> bool:
        """Writes a burst as far as the transport takes it."""
        chunk = burst.chunk
        if chunk is None:
            return self._write_all(burst)
        try:  # written out, as this is done for each delivered copy
            self._transport.write(chunk)
        except RuntimeError:  # uvloop has closed it, and `connection_lost` is on its way
            return False
        return not self._full

    def end(self, last: Burst | None) -> None:
        """Ends the response, now or as soon as the reader has taken what is under way."""
        self._ending, self._last = True, last
        if not self._full:
            self._finish()
        if self._transport.get_write_buffer_size():  # which a closed transport keeps for ever
            asyncio.get_running_loop().call_later(LAST_WRITE_SECONDS, self.abort)

    def abort(self) -> None:
        """Closes the socket, whatever is unsent."""
        self._transport.abort()

    def _coded(self, burst: Burst) -> Sequence[bytes]:
        return burst.chunks

    def _write_all(self, burst: Burst) -> bool:
        self._rest = iter(self._coded(burst))
        return self._write_rest()

    def _write(self, chunk: bytes) -> None:
        try:
            self._transport.write(chunk)
        except RuntimeError:  # uvloop has closed it, and `connection_lost` is on its way
            self._full = True

    def _write_rest(self) -> bool:
        for chunk in self._rest or ():
            self._write(chunk)
            if self._full:
                return False
        self._rest = None
        return True

    def _finish(self) -> None:
        last = self._coded(self._last) if self._last else ()
        self._write(b"".join([*last, self.LAST]))
        self._transport.close()

    # For the event loop, as `asyncio.Protocol`.

    def pause_writing(self) -> None:
        """More than the high-water mark is unsent."""
        self._full = True

    def resume_writing(self) -> None:
        """Less than the low-water mark is unsent."""
        self._full = False
        if not self._write_rest():
            self.owner.wait()  # the reader takes something: it begins to wait anew
            return
        if self._ending:
            self._finish()
        else:
            self.owner.drained()

    def data_received(self, data: bytes) -> None:
        """Nobody may ask for anything else on a connection whose stream is open."""
        self._ignored += len(data)
        # Empty lines are no request (RFC 9112, section 2.2), but they cost time without end.
        if self._ignored > MOST_LINE_BREAKS or data.strip(b"\r\n"):
            self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """The reader has left, or was cut off."""
        self._connections.discard(self)
        self.owner.left()

    # For uvicorn.

    def shutdown(self) -> None:
        """Ends the stream; the server stops."""
        if not self._ending:
            self.end(None)


class UncodedStreamConnection(StreamConnection):
    """A stream to a client of HTTP/1.0, who must not be sent chunks (RFC 9112, section 6.1).

    It ends with the connection.
    """

    __slots__ = ()

    LAST = b""

    def write(self, burst: Burst) -> bool:
        """Writes a burst as far as the transport takes it."""
        return self._write_all(burst)

    def _coded(self, burst: Burst) -> Sequence[bytes]:
        return burst.pieces
