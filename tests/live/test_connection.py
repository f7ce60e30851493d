"""A stream's connection on a real transport whose reader takes little or nothing."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import Receive, Scope, Send
from tests.waiting import until
from uvicorn.server import ServerState

from livria_sse.deadlines import Deadlines
from livria_sse.hub import Burst
from livria_sse.server.connection import StreamConnection
from livria_sse.server.guard import GuardedProtocol
from livria_sse.server.protocol import DetachingProtocol
from livria_sse.server.sizes import Sizes
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies
from livria_sse.web.peers import Peers
from livria_sse.web.stream import DETACH
from livria_sse.web.wariness import Wariness


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


async def test_streams_behind_answers_that_nobody_takes() -> None:
    """A stream that begins while the answer before it is unsent waits, like any that is full."""
    opened: list[StreamConnection] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        connection = scope["extensions"][DETACH]["detach"](())
        connection.owner = Owner()
        opened.append(connection)

    settings, proxies = Settings(), Proxies(())
    config = uvicorn.Config(app, lifespan="off")
    config.load()
    deadlines = Deadlines(GuardedProtocol.give_up, seconds=60)
    protocol = DetachingProtocol(
        config=config,
        server_state=ServerState(),
        app_state={},
        deadlines=deadlines,
        peers=Peers(settings, proxies, Wariness(settings)),
        places=math.inf,
        sizes=Sizes.of(settings),
    )
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
    protocol.pause_writing()
    theirs.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: bool(opened))

    assert not opened[0].open(Burst(b"x"))
    opened[0].abort()
    theirs.close()
