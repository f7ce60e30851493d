"""A connection of `databases`, as the queries see it."""

from __future__ import annotations

from typing import cast

from databases.core import Connection

from livria_sse.store.database import Row


class HeldConnection:
    """A connection that one task holds; only that task calls it."""

    def __init__(self, held: Connection) -> None:
        self._held = held

    async def one(self, sql: str, **values: object) -> Row | None:
        """The first row, or None."""
        return cast("Row | None", await self._held.fetch_one(sql, values))

    async def all(self, sql: str, **values: object) -> list[Row]:
        """All rows of a statement that returns rows."""
        return cast("list[Row]", await self._held.fetch_all(sql, values))

    async def run(self, sql: str, **values: object) -> None:
        """Runs a statement without rows."""
        await self._held.execute(sql, values)
