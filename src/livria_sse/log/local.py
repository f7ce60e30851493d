"""The log without Redis: the database itself, which has every change that was accepted."""

from __future__ import annotations

from collections.abc import Collection

from livria_sse.models import Difference
from livria_sse.store import Store


class LocalLog:
    """Reads the log from SQL alone; see `Log` for what it guarantees."""

    def __init__(self, store: Store, *, replay_limit: int) -> None:
        self.epoch = store.epoch
        self._changes = store.changes
        self._replay_limit = replay_limit

    async def head(self, book_id: int) -> Difference:
        """Where a book stands."""
        return await self._changes.head(book_id)

    async def heads(self, book_ids: Collection[int]) -> dict[int, int]:
        """The heads of many books."""
        return await self._changes.heads(book_ids)

    async def since(self, book_id: int, seq: int) -> Difference:
        """What a reader at `seq` lacks."""
        return await self._changes.since(book_id, seq, limit=self._replay_limit)
