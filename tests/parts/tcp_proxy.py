"""A network between two parts that can be made to misbehave on purpose."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from tests.parts.part import Part

Address = tuple[str, int]


class TCPProxy(Part):
    """Passes connections on to a target, on loopback. Its verbs may be called from any thread."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._flowing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._lost_word: bytes | None = None
        self._held_word: bytes | None = None
        self._unheld = asyncio.Event()
        self.port = 0

    def start(self) -> None:
        """Listens at a free port."""
        self._thread.start()
        self._do(self._open())

    def stop(self) -> None:
        """Cuts all connections, and listens no more."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pause(self) -> None:
        """Holds everything back; connections stay, and new ones are made but nothing is heard."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def resume(self) -> None:
        """Lets everything through again, also what was held back."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def lead_to(self, target: Address) -> None:
        """Cuts all connections; new ones lead to another server."""
        self._do(self._lead_to(target))

    def lose_reply_to(self, word: bytes) -> None:
        """Loses the reply to the next request with this word in it, and cuts its connection."""
        self._lost_word = word

    @property
    def lost(self) -> bool:
        """Whether the reply that was to be lost is lost."""
        return self._lost_word is None

    def hold_replies_to(self, word: bytes) -> None:
        """Holds the replies back to requests with this word in them, as a proxy that buffers."""
        self._loop.call_soon_threadsafe(self._unheld.clear)
        self._held_word = word

    def let_go(self) -> None:
        """Lets all replies through again, also what was held back."""
        self._held_word = None
        self._loop.call_soon_threadsafe(self._unheld.set)

    def _do(self, work: object) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]
        done.result(30)

    async def _open(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _lead_to(self, target: Address) -> None:
        self._target = target
        self._cut()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._writers.add(to_client)
        try:
            server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            to_client.transport.abort()
            self._writers.discard(to_client)
            return
        self._writers.add(to_server)
        connection = _Connection(self, to_client, to_server)
        await asyncio.gather(connection.carry_requests(client), connection.carry_replies(server))
        self._writers -= {to_client, to_server}


class _Connection:
    def __init__(
        self, proxy: TCPProxy, to_client: asyncio.StreamWriter, to_server: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._to_client = to_client
        self._to_server = to_server
        self._losing = False
        self._holding = False

    async def carry_requests(self, client: asyncio.StreamReader) -> None:
        while data := await self._take(client):
            word = self._proxy._lost_word
            if word and word in data:
                self._proxy._lost_word = None
                self._losing = True
            held = self._proxy._held_word
            self._holding = held is not None and held in data
            self._to_server.write(data)
        self._to_server.transport.abort()

    async def carry_replies(self, server: asyncio.StreamReader) -> None:
        while data := await self._take(server):
            if self._losing:
                break
            if self._holding:
                await self._proxy._unheld.wait()
            self._to_client.write(data)
        self._to_client.transport.abort()

    async def _take(self, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(65536)
        except OSError:
            return b""
        await self._proxy._flowing.wait()
        return data
