"""The floor: the least that anybody pays who writes a chunk to each of many sockets from Python.

No framework, no storage, no log. Whoever sends GET is a reader; whatever is POSTed goes to all of
them. `python -m tests.bench.floor PORT`
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ACCEPTED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class Peer(asyncio.Protocol):
    """A connection, of a reader or of somebody who posts."""

    def __init__(self, readers: set[asyncio.Transport]) -> None:
        self._readers = readers
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is here."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """They are gone."""
        self._readers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Takes a request, in as many pieces as it comes."""
        self._pending += data
        head, complete, body = self._pending.partition(b"\r\n\r\n")
        if not complete:
            return
        if head[:3] == b"GET":
            self._transport.write(HEAD + b"9\r\n: hello\n\n\r\n")
            self._readers.add(self._transport)
            self._pending = b""
        elif len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            self._transport.write(ACCEPTED)
            self._pass_on(body)
            self._pending = b""

    def _pass_on(self, body: bytes) -> None:
        frame = b"id: floor-1\nevent: review.created\ndata: " + body + b"\n\n"
        chunk = b"%x\r\n%b\r\n" % (len(frame), frame)
        for reader in self._readers:
            reader.write(chunk)


async def serve(port: int) -> None:
    """Serves until it is killed."""
    readers: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(readers), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
