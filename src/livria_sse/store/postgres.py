"""PostgreSQL: a few pooled connections, each held for the time of one query.

Everything is bounded in time, since a stream, a POST and a health check all wait for it: a query
that takes too long, for whatever reason, is refused as if the database were not there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from databases import Database as Pool

from livria_sse.errors import StoreUnavailable
from livria_sse.store.addresses import without_password
from livria_sse.store.database import Query, T
from livria_sse.store.held import HeldConnection

logger = logging.getLogger(__name__)

#: Connections of one process. More do not make a server of this size quicker, and Heroku's smallest
#: plan has 20 for all processes together.
CONNECTIONS = 8
CONNECT_SECONDS = 5.0
#: How long a query may take, with all that it waits for: a connection, a lock, the server.
QUERY_SECONDS = 3.0
#: What the server does by itself, in milliseconds, so that what was given up here ends there too.
SERVER_SETTINGS = {
    "application_name": "livria-sse",
    "lock_timeout": "2000",
    "statement_timeout": "3000",
    "idle_in_transaction_session_timeout": "10000",
}
#: What PostgreSQL and its driver raise when they cannot go on, as opposed to a wrong query.
UNAVAILABLE = (
    OSError,  # among them refused connections and timeouts
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,  # deadlocks
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was a primary a moment ago
    asyncpg.UndefinedTableError,
    asyncpg.ClientConfigurationError,
)


class PostgreSQL:
    """An open PostgreSQL database; see `Database` for what it promises."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, query: Query[T]) -> T:
        """Runs a query in one snapshot."""
        return await self._run(query, isolation="repeatable_read", readonly=True)

    async def write(self, query: Query[T]) -> T:
        """Runs a query in a transaction."""
        return await self._run(query, isolation="read_committed")

    async def _run(self, query: Query[T], **transaction: Any) -> T:
        # In a task of its own, as what has to be undone when it takes too long may itself take as
        # long again, while somebody waits for the answer.
        task = asyncio.create_task(self._transact(query, transaction))
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=QUERY_SECONDS)
        if not task.done():
            task.cancel()
            logger.warning("the database does not answer: a query takes too long")
            raise StoreUnavailable
        try:
            return task.result()
        except UNAVAILABLE as error:
            logger.warning("the database does not answer: %s", error)
            raise StoreUnavailable from error

    async def _transact(self, query: Query[T], transaction: dict[str, Any]) -> T:
        async with self._pool.connection() as held, held.transaction(**transaction):
            return await query(HeldConnection(held))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody else may ask: the caller has gone

    async def finish(self) -> None:
        """Lets every query end that is under way."""
        if self._running:
            await asyncio.wait(self._running)


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[PostgreSQL]:
    """Opens a database, `postgresql://<user>:<password>@<host>/<name>?sslmode=require`.

    The address is libpq's, as asyncpg understands it.

    Raises:
        StoreUnavailable: It cannot be opened.
    """
    # `databases` would take the address apart itself, and know little of what can be in it.
    unsaid: dict[str, Any] = dict.fromkeys(("host", "port", "user", "password", "database"))
    pool = Pool(
        "postgresql://",
        dsn=url,
        **unsaid,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        command_timeout=QUERY_SECONDS,
        server_settings=SERVER_SETTINGS,
    )
    try:
        await pool.connect()
    except (*UNAVAILABLE, ValueError) as error:
        raise StoreUnavailable(f"{without_password(url)}: {error}") from error
    postgres = PostgreSQL(pool)
    try:
        yield postgres
    finally:
        await postgres.finish()
        await pool.disconnect()
