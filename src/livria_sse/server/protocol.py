"""uvicorn's HTTP protocol, from which a stream can detach itself.

What this relies on in uvicorn (0.54, `protocols/http/httptools_impl.py`), beside what it documents:

- a protocol is in the set `connections` as long as its connection is open; when the server stops,
  it calls `shutdown` on each and waits until the set is empty;
- `flow.write_paused` says whether the transport has asked for a pause;
- `server_state.default_headers` are to stand in every response;
- `cycle` is the request that has come last, and `pipeline` has those that wait for one before;
- a cycle whose `disconnected` is true is not asked why its application has not completed the
  response;
- nothing but `parser`, `cycle`, `scope` and `headers` ties a protocol to what a request needed.

`server.py` looks at the version; with any other, streams go by way of ASGI's `send`.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any
from weakref import ReferenceType, ref

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from livria_sse.hub.stepping import Headers
from livria_sse.server.connection import StreamConnection, UncodedStreamConnection
from livria_sse.server.guard import GuardedProtocol
from livria_sse.web.stream import DETACH

#: The versions of uvicorn in which the above was found to be so.
UVICORN = "0.54."


class DetachingProtocol(GuardedProtocol):
    """Offers every request an ASGI extension by which its response outlives it."""

    def on_headers_complete(self) -> None:
        """Begins to answer a request, or puts it behind one that is answered."""
        super().on_headers_complete()
        # Weak, as the cycle refers to its scope: it would keep itself.
        detach = partial(self.detach, ref(self.cycle))
        self.scope["extensions"] = {DETACH: {"detach": detach}}

    def detach(
        self, answering: ReferenceType[RequestResponseCycle], headers: Headers
    ) -> StreamConnection | None:
        """Hands the connection over before the response has begun; None if its reader has left.

        It is not the request's any more, which sends nothing, and returns.
        """
        cycle = answering()
        if cycle is None or cycle.disconnected:
            return None
        if self.transport.is_closing():
            cycle.disconnected = True
            return None
        self._deadlines.discard(self)
        self._peers.leave(self.client)
        self.flow.resume_reading()
        chunked = cycle.scope["http_version"] != "1.0"
        head = _head((*self.server_state.default_headers, *headers), chunked=chunked)
        kind = StreamConnection if chunked else UncodedStreamConnection
        connection = kind(self.transport, self.connections, head=head)
        if self.flow.write_paused:  # by an answer before this one
            connection.pause_writing()
        if self.pipeline or self.refused:  # somebody asks for more on this connection already
            connection.abort()
        self.connections.discard(self)
        cycle.disconnected = True
        self._forget()
        return connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a request whose client has left."""
        super().connection_lost(exc)
        self._forget()

    def _forget(self) -> None:
        # References in a circle would stay until the garbage collector comes.
        self._unanswered.clear()
        self.pipeline.clear()
        nothing: Any = None
        self.parser = self.cycle = self.scope = self.headers = nothing


@lru_cache(maxsize=64)  # for each origin, until the date is another
def _head(headers: tuple[tuple[bytes, bytes], ...], *, chunked: bool) -> bytes:
    coding = ((b"transfer-encoding", b"chunked"),) if chunked else ()
    lines = b"".join([b"%b: %b\r\n" % header for header in (*headers, *coding)])
    return b"HTTP/1.1 200 OK\r\n%b\r\n" % lines
