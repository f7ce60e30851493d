"""The wire between an attacker and the service: bytes, as no client would send them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

#: Nobody waits for longer than this for an answer, or for the end of a connection.
LONGEST_SECONDS = 30
#: Where attackers come from, and a proxy that the server trusts.
ELSEWHERE, PROXY = "127.0.0.9", "127.0.0.1"
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


@dataclass(frozen=True)
class Target:
    """The service as an attacker sees it."""

    port: int
    #: A session of the attacker's own: they have an account, like anybody.
    token: str
    #: A book that nobody else reads.
    book: int = 7

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client that sends what clients can."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers=headers,
            timeout=LONGEST_SECONDS,
            transport=httpx.AsyncHTTPTransport(local_address=ELSEWHERE),
        )


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> bool:
        """Sends bytes; whether the other end still takes them."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return False
        return not self._writer.is_closing()

    def finish(self) -> None:
        """Says that nothing more is sent."""
        self._writer.write_eof()

    async def piece(self, *, seconds: float = LONGEST_SECONDS) -> bytes | None:
        """What comes next; empty when the connection is closed, None if nothing comes."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reader.read(65536)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    async def until(self, wanted: bytes) -> bytes:
        """All that comes until something wanted is in it, or the connection is closed."""
        received = b""
        while wanted not in received and (piece := await self.piece()):
            received += piece
        return received

    async def rest(self) -> bytes:
        """All that comes until the connection is closed."""
        received = b""
        while piece := await self.piece():
            received += piece
        assert piece is not None, f"it stays open after {received[-200:]!r}"
        return received


@asynccontextmanager
async def connected(target: Target, *, address: str = ELSEWHERE) -> AsyncIterator[Wire]:
    """A connection from some address, which is dropped in the end without a word."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", target.port, local_addr=(address, 0)
    )
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


def request(method: str, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The head of a request; what stands in it is not looked at."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def statuses(received: bytes) -> list[int]:
    """The statuses of all answers in what was received."""
    return [int(status) for status in _STATUS.findall(received)]


def assert_refused(received: bytes) -> None:
    """Asserts that every answer is a refusal; a closed connection needs none."""
    assert all(400 <= status < 500 for status in statuses(received)), received[:500]
