"""Those who want nothing but to read and to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx

from tests.fleet.readers import Reader
from tests.parts import Person, ServerProcess
from tests.waiting import until

BOOK = 4


@dataclass(eq=False)
class Visitors:
    """A reader of a book, and a writer whose reviews they wait for."""

    reader: Reader
    client: httpx.AsyncClient
    #: The texts that were answered 201.
    accepted: list[str] = field(default_factory=list)
    #: How long each took from the POST to the reader's page.
    seconds: list[float] = field(default_factory=list)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self) -> None:
        """Posts a review, and waits until it is on the reader's page."""
        text = f"review {len(self.accepted)}"
        began = asyncio.get_running_loop().time()
        answer = await self.client.post("/api/reviews/", json={"book": BOOK, "content": text})
        assert answer.status_code == 201
        self.accepted.append(text)
        await until(lambda: text in self.reader.seen_at)
        self.seconds.append(self.reader.seen_at[text] - began)

    async def post_many(self, number: int) -> float:
        """Posts so many; how long all but a hundredth of them took at most."""
        self.seconds.clear()
        for _ in range(number):
            await self.post()
        return sorted(self.seconds)[int(0.99 * (number - 1))]

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Posts one review after the other meanwhile."""
        self._enough.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._go_on())
            yield
            self._enough.set()

    async def _go_on(self) -> None:
        while not self._enough.is_set():
            await self.post()


@asynccontextmanager
async def visiting(server: ServerProcess, writer: Person) -> AsyncIterator[Visitors]:
    """A reader who is there, and a writer."""
    headers = {"Authorization": f"Bearer {writer.token}"}
    reader = Reader(server.port, BOOK)
    reading = asyncio.create_task(reader.read())
    try:
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
            await until(lambda: reader.ready)
            yield Visitors(reader, client)
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
