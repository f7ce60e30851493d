"""What the queries need of a database, whichever it is.

A query is a function of a connection. The database decides on which connection, in which
transaction and together with whom it runs; nobody else opens, begins or commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from prometheus_client import Histogram

T = TypeVar("T")
Row = Mapping[str, Any]


class Connection(Protocol):
    """A connection for the time of one query. Values are bound by name: `:book`.

    Nothing is learned from a statement but the rows that it returns: what the drivers report of
    insertions and updates differs, so statements say RETURNING.
    """

    async def one(self, sql: str, **values: object) -> Row | None:
        """The first row, or None."""

    async def all(self, sql: str, **values: object) -> list[Row]:
        """All rows of a statement that returns rows."""

    async def run(self, sql: str, **values: object) -> None:
        """Runs a statement without rows."""


#: Upper ends of what is counted together, in writes.
GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

Query = Callable[[Connection], Awaitable[T]]


class Database(Protocol):
    """A database that is open.

    Both verbs raise `StoreUnavailable` when the database does not answer, and let through whatever
    the query raises. A query must not wait for anything but its connection.
    """

    @property
    def groups(self) -> Histogram:
        """How many writes were committed together."""
        ...

    async def read(self, query: Query[T]) -> T:
        """Runs a query in one snapshot: all its statements see the same moment."""
        ...

    async def write(self, query: Query[T]) -> T:
        """Runs a query in a transaction and returns when that is on the disk.

        What raises leaves no trace and disturbs no other write. Writes of one book come to be in
        the order of their seqs. A caller who is cancelled does not know whether it was written.
        """
        ...


def count_groups() -> Histogram:
    """Counts how many writes are committed together."""
    return Histogram(
        "livria_write_group_size",
        "Writes that were committed together.",
        buckets=GROUP_SIZES,
        registry=None,
    )
