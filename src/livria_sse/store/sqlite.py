"""SQLite: one writer that commits in groups, and a few readers, each a held connection.

`databases` opens a connection and a thread for every query on SQLite unless one is held, loses
PRAGMAs with it, begins transactions as DEFERRED, and lets tasks that share a connection write into
each other's transactions. All of that ends here: every connection belongs to one task for its whole
life, which takes queries from a queue.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic

import databases

from livria_sse.errors import StoreUnavailable
from livria_sse.store.database import Connection, Query, T
from livria_sse.store.held import HeldConnection

logger = logging.getLogger(__name__)

READERS = 2
#: How long a write waits for another process's, in milliseconds, before it is refused.
BUSY_MILLISECONDS = 2_000
PAUSE_MILLISECONDS = 50
#: What SQLite raises when it cannot go on, beside plain `DatabaseError` for a damaged file.
UNAVAILABLE = (sqlite3.OperationalError, sqlite3.InternalError)
#: How many writes share a commit at most: bounds the time that the first of them waits.
LARGEST_GROUP = 256


class SQLiteConnection(HeldConnection):
    """A held connection; only the task that owns it calls it."""

    async def prepare(self) -> None:
        """Sets what SQLite forgets with every connection, and write-ahead logging."""
        await self.run(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        await self._log_ahead()
        await self.run("PRAGMA synchronous = FULL")
        await self.run("PRAGMA foreign_keys = ON")

    async def _log_ahead(self) -> None:
        # Changing the journal mode does not wait for a writer as everything else does.
        for _ in range(BUSY_MILLISECONDS // PAUSE_MILLISECONDS):
            with suppress(sqlite3.OperationalError):
                return await self.run("PRAGMA journal_mode = WAL")
            await asyncio.sleep(PAUSE_MILLISECONDS / 1000)
        return await self.run("PRAGMA journal_mode = WAL")


class Job(Generic[T]):
    """A query that waits for its turn, and what became of it."""

    def __init__(self, query: Query[T]) -> None:
        self.query = query
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._outcome: T | BaseException | None = None

    async def attempt(self, connection: Connection) -> None:
        """Runs the query and remembers the outcome, without telling it yet."""
        try:
            self._outcome = await self.query(connection)
        except Exception as error:
            self._outcome = error
            raise

    def settle(self) -> None:
        """Tells the outcome."""
        if isinstance(self._outcome, BaseException):
            self.fail(self._outcome)
        elif not self.future.done():
            self.future.set_result(self._outcome)  # type: ignore[arg-type]

    def fail(self, error: BaseException) -> None:
        """Tells that it came to nothing."""
        if not self.future.done():
            self.future.set_exception(error)


Jobs = asyncio.Queue[Job[Any] | None]  # None ends the owner that takes it


class SQLite:
    """The embedded database; see `Database` for what it promises."""

    def __init__(self) -> None:
        self._reads: Jobs = asyncio.Queue()
        self._writes: Jobs = asyncio.Queue()
        self._closed = False

    async def read(self, query: Query[T]) -> T:
        """Runs a query in one snapshot."""
        return await self._submit(self._reads, query)

    async def write(self, query: Query[T]) -> T:
        """Runs a query in a transaction."""
        return await self._submit(self._writes, query)

    async def _submit(self, jobs: Jobs, query: Query[T]) -> T:
        if self._closed:
            raise StoreUnavailable
        job = Job(query)
        jobs.put_nowait(job)
        return await job.future

    def close(self) -> None:
        """Lets every owner finish what it was given, and end."""
        self._closed = True
        self._writes.put_nowait(None)
        for _ in range(READERS):
            self._reads.put_nowait(None)

    async def serve_reads(self, connection: SQLiteConnection) -> None:
        """Runs one read after the other."""
        while job := await self._reads.get():
            try:
                await connection.run("BEGIN")
                await job.attempt(connection)
                await connection.run("COMMIT")
            except Exception as error:  # it is the caller's, whatever it is
                await _roll_back(connection)
                job.fail(_translated(error))
            else:
                job.settle()

    async def serve_writes(self, connection: SQLiteConnection) -> None:
        """Commits the writes that wait, in groups; a lone one does not wait for company."""
        while group := await _next_group(self._writes):
            try:
                await connection.run("BEGIN IMMEDIATE")
                for job in group:
                    await _attempt_apart(connection, job)
                await connection.run("COMMIT")
            except Exception as error:  # whatever it is, the next group must find a writer
                await _roll_back(connection)
                for job in group:
                    job.fail(_translated(error))
            else:
                for job in group:
                    job.settle()


@asynccontextmanager
async def open_sqlite(url: str) -> AsyncIterator[SQLite]:
    """Opens a SQLite file, `sqlite:///<path>`.

    Raises:
        StoreUnavailable: The file cannot be opened or written.
    """
    sqlite = SQLite()
    owners: list[asyncio.Task[None]] = []
    try:
        for serve in [sqlite.serve_writes, *[sqlite.serve_reads] * READERS]:
            opened = asyncio.get_running_loop().create_future()
            owners.append(asyncio.create_task(_own_connection(url, serve, opened)))
            await opened
        yield sqlite
    finally:
        sqlite.close()
        # The threads of aiosqlite are no daemons: one that is left keeps the process from ending.
        if owners:
            await asyncio.wait(owners)


async def _own_connection(
    url: str,
    serve: Callable[[SQLiteConnection], Awaitable[None]],
    opened: asyncio.Future[None],
) -> None:
    try:
        async with databases.Database(url).connection() as held:
            connection = SQLiteConnection(held)
            await connection.prepare()
            opened.set_result(None)
            await serve(connection)
    except Exception as error:
        if opened.done():
            raise
        opened.set_exception(_translated(error))


async def _next_group(jobs: Jobs) -> list[Job[Any]]:
    """Waits for a job and takes all that wait with it; empty when there is no more to come."""
    group: list[Job[Any]] = []
    job = await jobs.get()
    while job is not None:
        group.append(job)
        if jobs.empty() or len(group) == LARGEST_GROUP:
            return group
        job = jobs.get_nowait()
    if group:
        jobs.put_nowait(None)
    return group


async def _attempt_apart(connection: SQLiteConnection, job: Job[Any]) -> None:
    """Runs a job so that its failure undoes nothing of its neighbours in the transaction."""
    await connection.run("SAVEPOINT job")
    try:
        await job.attempt(connection)
    except Exception as error:  # the job remembers it and tells its caller
        if _is_outage(error):
            # A full disk or an I/O error may have ended the whole transaction already (SQLite,
            # "Lang: transaction", section 3.2): what came before it cannot be relied on.
            raise
        await connection.run("ROLLBACK TO job")
    await connection.run("RELEASE job")


async def _roll_back(connection: SQLiteConnection) -> None:
    with suppress(sqlite3.Error):  # there may be no transaction any more
        await connection.run("ROLLBACK")


def _is_outage(error: BaseException) -> bool:
    """Whether the database cannot go on, as opposed to a query that was wrong."""
    return isinstance(error, UNAVAILABLE) or type(error) is sqlite3.DatabaseError


def _translated(error: BaseException) -> BaseException:
    if not _is_outage(error):
        return error
    logger.warning("the database does not answer: %s", error)
    unavailable = StoreUnavailable()
    unavailable.__cause__ = error
    return unavailable
