"""PostgreSQL: a few pooled connections, each held for the time of one query.

Every wait has an end: for a connection, for a lock, for an answer. What has none by then is refused
as if the database were not there, and its connection is closed, as nobody knows what it still does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
from databases import Database as Pool

from livria_sse.errors import StoreUnavailable
from livria_sse.store.addresses import cannot_open, connect_options
from livria_sse.store.database import Query, T, count_groups
from livria_sse.store.held import HeldConnection

logger = logging.getLogger(__name__)

#: Connections of one process: four processes can share the twenty that the smallest hosted
#: databases allow. Reads have their own, so that they go on while all writes wait for a lock.
READERS, WRITERS = 2, 3
CONNECTIONS = READERS + WRITERS
#: How long a query waits for its turn and a connection, and a statement for its answer.
TURN_SECONDS = 2.0
ANSWER_SECONDS = 2.5
# The server gives up before we do: it frees what it holds, and the connection can be used again.
# They are said with each transaction, since poolers pass no others on when a connection begins.
_LIMITS = """
SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '2.3s';
SET LOCAL idle_in_transaction_session_timeout = '5s'
"""
_BEGIN_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"
_BEGIN_WRITE = f"BEGIN ISOLATION LEVEL READ COMMITTED; {_LIMITS}"
#: What PostgreSQL and its driver raise when they cannot go on, as opposed to a wrong query.
UNAVAILABLE = (
    OSError,  # among them refused connections and timeouts
    asyncpg.InterfaceError,  # the connection is closed
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,  # deadlocks
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process was stopped in the middle
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was a primary a moment ago
    asyncpg.InvalidCachedStatementError,  # a newer version has migrated
    asyncpg.UndefinedTableError,
)


class PostgreSQL:
    """An open PostgreSQL database; see `Database` for what it promises."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._readers = asyncio.Semaphore(READERS)
        self._writers = asyncio.Semaphore(WRITERS)
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.groups = count_groups()

    async def read(self, query: Query[T]) -> T:
        """Runs a query in one snapshot."""
        return await self._run(self._transact(query, _BEGIN_READ, self._readers))

    async def write(self, query: Query[T]) -> T:
        """Runs a query in a transaction."""
        written = await self._run(self._transact(query, _BEGIN_WRITE, self._writers))
        self.groups.observe(1)
        return written

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        # In a task of its own: `databases` knows connections by their tasks, and a caller who is
        # cancelled would otherwise leave with a connection in the middle of a statement.
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except UNAVAILABLE as error:
            logger.warning("the database does not answer: %r", error)
            raise StoreUnavailable from error

    async def _transact(self, query: Query[T], begin: str, turn: asyncio.Semaphore) -> T:
        if self._closed:
            raise StoreUnavailable
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(TURN_SECONDS):
                await stack.enter_async_context(turn)
                held = await stack.enter_async_context(self._pool.connection())
            await stack.enter_async_context(_transaction(held.raw_connection, begin))
            return await query(HeldConnection(held))

    async def finish(self) -> None:
        """Takes no more queries, and lets those end that are under way."""
        self._closed = True
        if self._running:
            await asyncio.wait(self._running)


@asynccontextmanager
async def open_postgres(url: str) -> AsyncIterator[PostgreSQL]:
    """Opens a database, `postgresql://<user>:<password>@<host>/<name>?sslmode=require`.

    The address is libpq's, as asyncpg understands it.

    Raises:
        StoreUnavailable: It cannot be opened.
    """
    async with _open_pool(url) as pool:
        postgres = PostgreSQL(pool)
        try:
            yield postgres
        finally:
            await postgres.finish()


@asynccontextmanager
async def _open_pool(url: str) -> AsyncIterator[Pool]:
    # `databases` would take the address apart itself, and know little of what can be in it.
    unsaid: dict[str, Any] = dict.fromkeys(("host", "port", "user", "password", "database"))
    pool = Pool(
        "postgresql://",
        **unsaid,
        **connect_options(url),
        min_size=0,
        max_size=CONNECTIONS,
        command_timeout=ANSWER_SECONDS,
        reset=_leave_as_it_is,
    )
    await pool.connect()
    try:
        await _try_connection(pool, url)
        yield pool
    finally:
        # Saying goodbye to a server that does not answer has an end, too.
        with suppress(*UNAVAILABLE):
            async with asyncio.timeout(TURN_SECONDS):
                await pool.disconnect()


async def _try_connection(pool: Pool, url: str) -> None:
    """Connects once: what is wrong with the address is said now."""
    try:
        async with pool.connection():
            pass
    except UNAVAILABLE as error:
        raise cannot_open(url, error) from error


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection, begin: str) -> AsyncIterator[None]:
    # Not that of `databases`, which keeps the connection for ever when a commit fails.
    try:
        await connection.execute(begin)
        yield
        await connection.execute("COMMIT")
    except (TimeoutError, asyncio.CancelledError):
        connection.terminate()
        raise
    except Exception:
        await _roll_back(connection)
        raise


async def _roll_back(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except UNAVAILABLE:
        connection.terminate()


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Spares a round trip after each query: nothing outlives a transaction on a connection."""
