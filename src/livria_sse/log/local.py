"""The log without Redis: the database itself, which has every change that was accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from livria_sse.log.base import Listener, Way
from livria_sse.models import Difference
from livria_sse.store import Store


class LocalLog:
    """Reads the log from SQL alone; see `Log` for what it guarantees.

    It rings no doorbell and hears none: another process on the same database learns of changes by
    its audit.
    """

    degraded: str | None = None
    cut: Mapping[Way, bool] = MappingProxyType({})
    backlog = 0
    backlog_seconds = 0.0

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

    async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
        """What a reader at `seq` lacks."""
        return await self._changes.since(book_id, seq, limit=self._replay_limit)

    def publish(self, difference: Difference) -> None:
        """Nothing: it is in the database, where whoever reads this log finds it."""

    def tell_viewers(self, counts: Mapping[int, int], *, every: bool) -> None:
        """Nothing: no other process is known."""

    def watch(self, book_id: int) -> None:
        """Nothing: no doorbell rings."""

    def unwatch(self, book_id: int) -> None:
        """Nothing: no doorbell rings."""

    async def listen(self, listener: Listener) -> None:
        """Nothing: no doorbell rings."""
