"""A hub over a real log, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.factories import add_account, add_book

from livria_sse.errors import StoreUnavailable
from livria_sse.hub import Hub
from livria_sse.log.base import Listener
from livria_sse.log.local import LocalLog
from livria_sse.models import Account, Difference, Rung
from livria_sse.settings import Settings
from livria_sse.store import Store


class CountingLog(LocalLog):
    """A real log that counts its reads, and that can be made to fail."""

    degraded: str | None = None

    def __init__(self, store: Store, *, replay_limit: int = 1_000) -> None:
        super().__init__(store, replay_limit=replay_limit)
        self.listened = 0
        self.reads = 0
        self.nearest: Rung = "sql"
        self.broken = False
        self.failing: Exception | None = None
        self.failures = 0

    async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
        """Counts, and fails if it is broken."""
        self.reads += 1
        if self.broken:
            raise StoreUnavailable
        difference = await super().since(book_id, seq, known=known)
        return replace(difference, rung=self.nearest)

    async def heads(self, book_ids: Collection[int]) -> dict[int, int]:
        """Fails if it is broken."""
        if self.failing:
            self.failures += 1
            raise self.failing
        if self.broken:
            raise StoreUnavailable
        return await super().heads(book_ids)

    async def listen(self, listener: Listener) -> None:
        """Fails at first."""
        self.listened += 1
        if self.listened == 1:
            raise ZeroDivisionError("nobody has foreseen this")


class Service:
    """A hub over a store with one book and one author."""

    def __init__(self, store: Store, hub: Hub, log: CountingLog, author: Account) -> None:
        self.store = store
        self.hub = hub
        self.log = log
        self.author = author
        self.book = 10

    async def commit(self, content: str) -> Difference:
        """Commits a review without telling the hub."""
        accepted = await self.store.reviews.create(self.book, content, author=self.author)
        assert accepted.difference
        return accepted.difference

    async def post(self, content: str) -> Difference:
        """Commits a review and tells the hub."""
        difference = await self.commit(content)
        self.hub.publish(difference)
        return difference


@asynccontextmanager
async def serving(store: Store, **settings: Any) -> AsyncIterator[Service]:
    """A service with the given settings."""
    book = await add_book(store)
    author = await add_account(store)
    log = CountingLog(store, replay_limit=settings.get("replay_limit", 1_000))
    async with Hub(log, Settings(**{"viewers": False, **settings})).running() as hub:
        service = Service(store, hub, log, author)
        service.book = book
        yield service
