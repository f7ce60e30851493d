"""A stream's connection on a real transport whose reader takes little or nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.waiting import until

from livria_sse.hub import Burst
from livria_sse.server.connection import StreamConnection


class Owner:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.waits = self.drains = self.departures = 0

    def wait(self) -> None:
        """A part is on its way."""
        self.waits += 1

    def drained(self) -> None:
        """All is."""
        self.drains += 1

    def left(self) -> None:
        """The connection is gone."""
        self.departures += 1


@asynccontextmanager
async def open_connection() -> AsyncIterator[tuple[StreamConnection, Owner, socket.socket]]:
    """A connection with small buffers, who is told of it, and the reader's end."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        each.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    connection = StreamConnection(transport, set(), head=b"")
    owner = connection.owner = Owner()
    try:
        yield connection, owner, theirs
    finally:
        connection.abort()
        theirs.close()
        await until(lambda: owner.departures == 1)


async def test_streams_end_without_their_readers() -> None:
    """A stream that ends is over soon, also if its reader takes nothing of what is under way."""
    async with open_connection() as (connection, owner, _):
        assert connection.write(Burst(b"x" * 30_000)), "below the high-water mark"
        connection.end(None)

        await until(lambda: owner.departures == 1)


async def test_readers_who_take_something() -> None:
    """While a large burst is taken piece by piece its owner hears of every piece, then the end."""
    async with open_connection() as (connection, owner, theirs):
        assert not connection.write(Burst(b"x" * 1_000_000))
        loop = asyncio.get_running_loop()
        taken = 0
        while owner.drains == 0:
            taken += len(await loop.sock_recv(theirs, 65_536))

        assert owner.waits > 5
        assert taken > 800_000
