"""The only place that knows SQL: named queries in small modules, behind `Store`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Histogram

from livria_sse.store.accounts import Accounts
from livria_sse.store.addresses import on_postgres
from livria_sse.store.books import Books
from livria_sse.store.changes import Changes
from livria_sse.store.database import Connection, Database, Query
from livria_sse.store.facts import Facts
from livria_sse.store.migrate import migrate
from livria_sse.store.moderation import Moderation
from livria_sse.store.reviews import Reviews
from livria_sse.store.sessions import Sessions
from livria_sse.store.sqlite import open_sqlite

__all__ = ["Connection", "Query", "Store", "open_store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An open database."""

    epoch: str
    facts: Facts
    books: Books
    reviews: Reviews
    moderation: Moderation
    changes: Changes
    accounts: Accounts
    sessions: Sessions
    #: How many writes were committed together.
    groups: Histogram


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Migrates and opens the database at a URL.

    Raises:
        StoreUnavailable: It cannot be opened.
    """
    await asyncio.to_thread(migrate, url)
    async with _open_database(url) as database:
        facts = Facts(database)
        yield Store(
            epoch=await facts.epoch(),
            facts=facts,
            books=Books(database),
            reviews=Reviews(database),
            moderation=Moderation(database),
            changes=Changes(database),
            accounts=Accounts(database),
            sessions=Sessions(database),
            groups=database.groups,
        )


def _open_database(url: str) -> AbstractAsyncContextManager[Database]:
    if not on_postgres(url):
        return open_sqlite(url)
    # An extra, and `migrate`, which comes first, says so where it is missing.
    from livria_sse.store.postgres import open_postgres  # noqa: PLC0415

    return open_postgres(url)
