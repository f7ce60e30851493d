"""SQLite: one writer that commits in groups, and a few readers, each a held connection.

`databases` opens a connection and a thread for every query on SQLite unless one is held, loses
PRAGMAs with it, begins transactions as DEFERRED, and lets tasks that share a connection write into
each other's transactions. All of that ends here: connections are held, and whatever uses one does
all that it has to do with it in one trip to its thread.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Generic

import databases

from livria_sse.errors import StoreUnavailable
from livria_sse.store.database import Query, T, count_groups
from livria_sse.store.thread import Thread, ThreadConnection

logger = logging.getLogger(__name__)

READERS = 2
#: How long a write waits for another process's, in milliseconds, before it is refused.
BUSY_MILLISECONDS = 2_000
PAUSE_MILLISECONDS = 50
#: What SQLite raises when it cannot go on, beside plain `DatabaseError` for a damaged file.
UNAVAILABLE = (sqlite3.OperationalError, sqlite3.InternalError)
#: How many writes share a commit at most: bounds the time that the first of them waits.
LARGEST_GROUP = 256


class Job(Generic[T]):
    """A query that waits for its turn, and what became of it."""

    def __init__(self, query: Query[T]) -> None:
        self._query = query
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        #: What the query returned, or why it came to nothing.
        self.outcome: T | Exception | None = None

    def attempt(self, connection: ThreadConnection) -> None:
        """Runs the query and remembers the outcome, without telling it yet."""
        try:
            self.outcome = connection.outcome(self._query)
        except Exception as error:
            self.outcome = error
            raise

    def settle(self) -> None:
        """Tells the outcome."""
        if self.future.done():
            return
        if isinstance(self.outcome, Exception):
            self.future.set_exception(_translated(self.outcome))
        else:
            self.future.set_result(self.outcome)  # type: ignore[arg-type]


Group = list[Job[Any]]


class SQLite:
    """The embedded database; see `Database` for what it promises."""

    def __init__(self, writer: Thread, readers: list[Thread]) -> None:
        self._writer = writer
        self._readers = readers
        self._writes: asyncio.Queue[Job[Any] | None] = asyncio.Queue()  # None ends `serve_writes`
        self._closed = False
        self.groups = count_groups()

    async def read(self, query: Query[T]) -> T:
        """Runs a query in one snapshot."""
        if self._closed:
            raise StoreUnavailable
        idlest = min(self._readers, key=lambda thread: thread.trips)
        try:
            return await idlest.run(_read, query)
        except Exception as error:
            if _is_outage(error):
                raise _translated(error) from error
            raise

    async def write(self, query: Query[T]) -> T:
        """Runs a query in a transaction."""
        if self._closed:
            raise StoreUnavailable
        job = Job(query)
        self._writes.put_nowait(job)
        return await job.future

    def close(self) -> None:
        """Takes nothing more; what was given is finished."""
        self._closed = True
        self._writes.put_nowait(None)

    async def serve_writes(self) -> None:
        """Commits the writes that wait, in groups; a lone one does not wait for company."""
        while group := await self._next_group():
            try:
                await self._writer.run(_commit, group)
            except Exception as error:  # whatever it is, the next group must find somebody
                for job in group:
                    job.outcome = error
            else:
                self.groups.observe(len(group))
            for job in group:
                job.settle()

    async def _next_group(self) -> Group:
        """Waits for a job and takes all that wait with it; empty when no more is to come."""
        group: Group = []
        job = await self._writes.get()
        while job is not None:
            group.append(job)
            if self._writes.empty() or len(group) == LARGEST_GROUP:
                return group
            job = self._writes.get_nowait()
        if group:
            self._writes.put_nowait(None)
        return group


@asynccontextmanager
async def open_sqlite(url: str) -> AsyncIterator[SQLite]:
    """Opens a SQLite file, `sqlite:///<path>`.

    Raises:
        StoreUnavailable: The file cannot be opened or written.
    """
    async with AsyncExitStack() as stack:
        try:
            writer, *readers = [await _open_thread(stack, url) for _ in range(1 + READERS)]
        except Exception as error:
            raise _translated(error) from error
        sqlite = SQLite(writer, readers)
        serving = asyncio.create_task(sqlite.serve_writes())
        try:
            yield sqlite
        finally:
            sqlite.close()
            await asyncio.wait([serving])


async def _open_thread(stack: AsyncExitStack, url: str) -> Thread:
    held = await stack.enter_async_context(databases.Database(url).connection())
    thread = Thread(held)
    await thread.run(_prepare, None)
    return thread


# What follows runs in the threads.


def _prepare(connection: ThreadConnection, _: None) -> None:
    """Sets what SQLite forgets with every connection, and write-ahead logging."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    _log_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _log_ahead(connection: ThreadConnection) -> None:
    # Changing the journal mode does not wait for a writer as everything else does.
    for _ in range(BUSY_MILLISECONDS // PAUSE_MILLISECONDS):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
        time.sleep(PAUSE_MILLISECONDS / 1000)
    connection.execute("PRAGMA journal_mode = WAL")


def _read(connection: ThreadConnection, query: Query[T]) -> T:
    """Runs a query in a snapshot."""
    with _transaction(connection, "BEGIN"):
        return connection.outcome(query)


def _commit(connection: ThreadConnection, group: Group) -> None:
    """Runs all queries in one transaction."""
    if len(group) == 1:
        _commit_alone(connection, group[0])
        return
    with _transaction(connection, "BEGIN IMMEDIATE"):
        for job in group:
            _attempt_apart(connection, job)


def _commit_alone(connection: ThreadConnection, job: Job[Any]) -> None:
    try:
        with _transaction(connection, "BEGIN IMMEDIATE"):
            job.attempt(connection)
    except Exception as error:  # it is the caller's, whatever it is
        job.outcome = error


def _attempt_apart(connection: ThreadConnection, job: Job[Any]) -> None:
    """Runs a job so that its failure undoes nothing of its neighbours in the transaction."""
    connection.execute("SAVEPOINT job")
    try:
        job.attempt(connection)
    except Exception as error:  # the job remembers it and tells its caller
        if _is_outage(error):
            # A full disk or an I/O error may have ended the whole transaction already (SQLite,
            # "Lang: transaction", section 3.2): what came before it cannot be relied on.
            raise
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


@contextmanager
def _transaction(connection: ThreadConnection, begin: str) -> Iterator[None]:
    try:
        connection.execute(begin)
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # there may be no transaction any more
            connection.execute("ROLLBACK")
        raise


def _is_outage(error: BaseException) -> bool:
    """Whether the database cannot go on, as opposed to a query that was wrong."""
    return isinstance(error, UNAVAILABLE) or type(error) is sqlite3.DatabaseError


def _translated(error: Exception) -> Exception:
    if not _is_outage(error):
        return error
    logger.warning("the database does not answer: %s", error)
    unavailable = StoreUnavailable()
    unavailable.__cause__ = error
    return unavailable
