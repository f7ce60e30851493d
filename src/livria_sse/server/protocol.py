"""uvicorn's HTTP protocol, from which a stream can detach itself.

What this relies on in uvicorn (0.54, `protocols/http/httptools_impl.py`), beside what it documents:

- a protocol is in the set `connections` as long as its connection is open; when the server stops,
  it calls `shutdown` on each and waits until the set is empty;
- `cycle` is the request that is answered at present, and `pipeline` has those that wait for it;
- a cycle whose `disconnected` is true is not asked why its application has not completed the
  response;
- nothing but `parser`, `cycle`, `scope` and `headers` ties a protocol to what a request needed.

`server.py` looks at the version; with any other, streams go by way of ASGI's `send`.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from livria_sse.server.connection import StreamConnection
from livria_sse.web.stream import DETACH

#: The versions of uvicorn in which the above was found to be so.
UVICORN = "0.54."


class DetachingProtocol(HttpToolsProtocol):
    """Offers every request an ASGI extension by which its response outlives it."""

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self.scope["extensions"] = {DETACH: {"detach": self.detach}}

    def detach(self) -> StreamConnection | None:
        """Hands the connection over, once the response has begun; None if its reader has left.

        What is called is over for the request: it sends nothing any more, and returns.
        """
        if self.cycle.disconnected or self.transport.is_closing():
            return None
        self.flow.resume_reading()
        connection = StreamConnection(self.transport, self.connections)
        if self.pipeline:
            connection.abort()
        self.connections.discard(self)
        self.cycle.disconnected = True
        self._forget()
        return connection

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends a request whose client has left."""
        super().connection_lost(exc)
        self._forget()

    def _forget(self) -> None:
        # References in a circle would stay until the garbage collector comes.
        nothing: Any = None
        self.parser = self.cycle = self.scope = self.headers = nothing
