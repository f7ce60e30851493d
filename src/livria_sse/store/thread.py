"""A SQLite connection in its thread: queries run there from end to end, in one trip.

Every statement of its own would cost two switches between threads, and far more by way of
SQLAlchemy than SQLite needs to run it (measured: a review 2 ms instead of 0.2 ms).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar, cast

from databases.core import Connection as HeldConnection

from livria_sse.store.database import Query, Row, T

A = TypeVar("A")
R = TypeVar("R")


class ThreadConnection:
    """A connection as the queries see it, for the thread that owns it. Its verbs never wait."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    async def one(self, sql: str, **values: object) -> Row | None:
        """The first row, or None."""
        rows = self.execute(sql, **values)
        return rows[0] if rows else None

    async def all(self, sql: str, **values: object) -> list[Row]:
        """All rows of a statement that returns rows."""
        return self.execute(sql, **values)

    async def run(self, sql: str, **values: object) -> None:
        """Runs a statement without rows."""
        self.execute(sql, **values)

    def execute(self, sql: str, **values: object) -> list[Row]:
        """Runs a statement to its end, as one that says RETURNING needs it."""
        return cast("list[Row]", self._raw.execute(sql, values).fetchall())

    def outcome(self, query: Query[T]) -> T:
        """What comes of a query: as nothing in it waits, it ends at its first step."""
        running = query(self)
        try:
            cast("Any", running).send(None)
        except StopIteration as end:
            return cast("T", end.value)
        raise AssertionError("a query must not wait for anything but its connection")


class Thread:
    """The thread of a connection of `databases`, which runs what it is given, in that order."""

    def __init__(self, held: HeldConnection) -> None:
        # aiosqlite has no public way to run our own functions there; all of its own verbs run by
        # way of `_execute`.
        self._aiosqlite = held.raw_connection
        self._aiosqlite.row_factory = sqlite3.Row
        self._connection = ThreadConnection(self._aiosqlite._conn)
        #: How many trips are under way.
        self.trips = 0

    async def run(self, work: Callable[[ThreadConnection, A], R], on: A) -> R:
        """What comes of some work in the thread."""
        self.trips += 1
        try:
            return cast("R", await self._aiosqlite._execute(work, self._connection, on))
        finally:
            self.trips -= 1
