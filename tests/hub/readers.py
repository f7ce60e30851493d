"""Readers whose sockets can be full, one for each way of pushing."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.chunks import Chunks
from tests.replica import Replica
from tests.waiting import until

from livria_sse.hub import Feed, Hub, Sink, SteppingSink, Subscriber
from livria_sse.hub.cursor import Cursor
from livria_sse.server.connection import StreamConnection


class Reader(ABC):
    """Somebody with an open stream."""

    sink: Sink

    def __init__(self) -> None:
        self.replica = Replica()
        #: How often something was given to the server.
        self.writes = 0
        #: Whether the stream was ended by the hub.
        self.ended = False
        #: Whether every write fails.
        self.broken = False

    @abstractmethod
    def stop_reading(self) -> Self:
        """From now on the socket is full."""

    @abstractmethod
    def go_on_reading(self) -> None:
        """From now on it is not, and what was held back comes."""

    @abstractmethod
    def leave(self) -> None:
        """Closes the connection."""

    async def until_ended(self) -> None:
        """Waits until the stream was ended."""
        await until(lambda: self.ended)

    async def until(self, head: int) -> None:
        """Waits until a seq is reached."""
        await until(lambda: self.replica.last_event_id.endswith(f"-{head}"))


NewReader = Callable[[], Reader]


class SteppingReader(Reader):
    """A reader behind the `send` of some ASGI server."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = SteppingSink(self._send, headers=[], stop=self._stop)
        self._writable = asyncio.Event()
        self._writable.set()

    async def _send(self, message: dict[str, Any]) -> None:
        if self.broken:
            raise OSError("the connection is lost")
        await self._writable.wait()
        if message["type"] == "http.response.body":
            self.writes += 1
            self.replica.feed(message["body"])

    def _stop(self) -> None:
        self.ended = True

    def stop_reading(self) -> Self:
        """From now on sends wait."""
        self._writable.clear()
        return self

    def go_on_reading(self) -> None:
        """From now on sends go through."""
        self._writable.set()

    def leave(self) -> None:
        """Ends as the task of a request does whose client has left."""
        assert isinstance(self.sink, SteppingSink)
        self.sink.close()
        self.sink.owner.left()


class DirectReader(Reader):
    """A reader on a transport of our own server, whose buffer is full as soon as anything waits."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: set[object] = set()
        self._transport = _Transport(self)
        self.sink = StreamConnection(self._transport, self.connections, head=b"")

    def stop_reading(self) -> Self:
        """From now on nothing leaves the transport."""
        self._transport.held = b""
        return self

    def go_on_reading(self) -> None:
        """The transport is emptied."""
        self._transport.release()

    def leave(self) -> None:
        """The transport notices that its peer has gone."""
        self._transport.lose()


class _Transport(asyncio.Transport):
    def __init__(self, reader: DirectReader) -> None:
        super().__init__()
        self._reader = reader
        self._protocol: Any = None
        self._chunks = Chunks()
        #: What waits; None while everything leaves at once.
        self.held: bytes | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def write(self, data: Any) -> None:
        if self._reader.broken or self._protocol is None:
            raise RuntimeError("the handler is closed")
        self._reader.writes += 1
        if self.held is None:
            self._reader.replica.feed(self._chunks.feed(data))
        else:
            self.held += data
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self.held or b"")

    def release(self) -> None:
        held, self.held = self.held, None
        if held:
            self._reader.replica.feed(self._chunks.feed(held))
            self._protocol.resume_writing()

    def close(self) -> None:
        self._reader.ended = True
        asyncio.get_running_loop().call_soon(self.lose)

    def abort(self) -> None:
        self.close()

    def lose(self) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol:
            protocol.connection_lost(None)


@asynccontextmanager
async def watching(
    hub: Hub, reader: Reader, *books: int, asked: str | None = None, viewed: Collection[int] = ()
) -> AsyncIterator[Subscriber]:
    """An open stream, as the web serves it."""
    async with hub.opening(books) as feeds:
        begin = await hub.reception.welcome(feeds, asked, viewed=viewed)
        subscriber = hub.join(feeds, begin, reader.sink, address="192.0.2.1")
    try:
        yield subscriber
    finally:
        reader.leave()


def stream(address: str = "192.0.2.1", *, interval: int = 1) -> Subscriber:
    """A stream that is only counted, and never written to."""
    nobody: Any = None
    subscriber = Subscriber(
        nobody,
        mode="live",
        sink=nobody,
        address=address,
        begun_at=0,
        expires_at=0,
        interval=interval,
    )
    subscriber.cursors = [Cursor(subscriber, Feed(10, "k7q2m"), 0, nobody, viewing=False)]
    return subscriber
