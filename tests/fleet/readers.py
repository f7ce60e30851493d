"""Readers as browsers are: they keep what they were told, and come back by themselves."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

from tests.chunks import Chunks
from tests.replica import Replica

#: How long a reader waits before they come back, unless they do as they are asked.
RETRY_SECONDS = 0.05


@dataclass(eq=False)
class Reader:
    """Somebody with a book's page open at one of the processes."""

    port: int
    book: int
    #: Where they begin: a position, or the head if it is empty.
    start: str = ""
    #: How they speak to a proxy.
    tls: ssl.SSLContext | None = None
    #: Whether they wait as long as the server asks them to, as browsers do.
    patient: bool = False
    replica: Replica = field(default_factory=Replica)
    #: How often their stream ended.
    closed: int = 0
    #: When each text came, in the event loop's time.
    seen_at: dict[str, float] = field(default_factory=dict)
    #: How many seconds each of their absences took.
    absences: list[float] = field(default_factory=list)
    _gone_at: float | None = None

    async def read(self) -> None:
        """Reads until it is cancelled."""
        self.replica.last_event_id = self.replica.last_event_id or self.start
        while True:
            try:
                await self._connect()
                self.closed += 1
            except (OSError, asyncio.IncompleteReadError):
                pass
            self._gone_at = self._gone_at or asyncio.get_running_loop().time()
            await asyncio.sleep(self._patience())

    def _patience(self) -> float:
        asked = self.replica.retry
        return asked / 1000 if self.patient and asked else RETRY_SECONDS

    async def _connect(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
        try:
            resumed = self.replica.last_event_id
            header = f"Last-Event-ID: {resumed}\r\n" if resumed else ""
            request = f"GET /sse/books/{self.book}/ HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(head)
            self.replica.connected()
            chunks = Chunks()
            while not chunks.ended and (piece := await reader.read(65536)):
                self._take(chunks.feed(piece))
        finally:
            writer.transport.abort()

    def _take(self, data: bytes) -> None:
        known = len(self.replica.events)
        self.replica.feed(data)
        now = asyncio.get_running_loop().time()
        for event in self.replica.events[known:]:
            if event.type == "stream.ready" and self._gone_at:
                self.absences.append(now - self._gone_at)
                self._gone_at = None
            if "review" in event.json:
                self.seen_at.setdefault(event.json["review"]["content"], now)

    @property
    def ready(self) -> bool:
        """Whether their stream has begun, and was not only asked to come back later."""
        return bool(self.replica.last_event_id)

    @property
    def position(self) -> tuple[str, int]:
        """Where they stand: an epoch and a seq."""
        epoch, _, seq = self.replica.last_event_id.partition("-")
        return epoch, int(seq)

    def never_went_back(self) -> bool:
        """Whether each position that they had was above the one before."""
        seqs = [int(last.partition("-")[2]) for last in self.replica.ids]
        return seqs == sorted(set(seqs))

    def created_twice(self) -> list[Any]:
        """The reviews that were told to be new more than once."""
        created = [
            event.json["review"]["id"]
            for event in self.replica.events
            if event.type == "review.created"
        ]
        return [review for review in set(created) if created.count(review) > 1]
