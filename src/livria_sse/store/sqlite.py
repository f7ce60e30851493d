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
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from math import ceil
from typing import Any, Generic

import databases

from livria_sse.errors import StoreUnavailable
from livria_sse.store.database import Query, T
from livria_sse.store.thread import Thread, ThreadConnection

logger = logging.getLogger(__name__)

READERS = 2
#: How long a write waits for another process's, in milliseconds, before it is refused.
BUSY_MILLISECONDS = 2_000
PAUSE_MILLISECONDS = 50
#: What SQLite raises when it cannot go on, beside plain `DatabaseError` for a damaged file.
UNAVAILABLE = (sqlite3.OperationalError, sqlite3.InternalError)
#: How many writes share a commit at most: bounds the time that the first of them waits.
MOST_WRITES = 256
#: How many reads share a trip to a thread at most; the others go to the other thread.
MOST_READS = 16


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

    async def serve_reads(self, thread: Thread) -> None:
        """Answers the reads that wait, several with one trip to the thread."""
        reads = partial(_next_group, self._reads, owners=READERS, most=MOST_READS)
        await _serve(reads, thread, _read)

    async def serve_writes(self, thread: Thread) -> None:
        """Commits the writes that wait, in groups; a lone one does not wait for company."""
        writes = partial(_next_group, self._writes, owners=1, most=MOST_WRITES)
        await _serve(writes, thread, _commit)


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
    url: str, serve: Callable[[Thread], Awaitable[None]], opened: asyncio.Future[None]
) -> None:
    try:
        async with databases.Database(url).connection() as held:
            thread = Thread(held)
            await thread.run(_prepare, None)
            opened.set_result(None)
            await serve(thread)
    except Exception as error:
        if opened.done():
            raise
        opened.set_exception(_translated(error))


async def _serve(
    next_group: Callable[[], Awaitable[Group]],
    thread: Thread,
    work: Callable[[ThreadConnection, Group], None],
) -> None:
    while group := await next_group():
        try:
            await thread.run(work, group)
        except Exception as error:  # whatever it is, the next group must find somebody
            for job in group:
                job.outcome = error
        for job in group:
            job.settle()


async def _next_group(jobs: Jobs, *, owners: int, most: int) -> Group:
    """Waits for a job and takes its share of all that wait; empty when no more is to come."""
    job = await jobs.get()
    share = min(most, ceil((1 + jobs.qsize()) / owners))
    group: Group = []
    while job is not None:
        group.append(job)
        if len(group) == share:
            return group
        job = jobs.get_nowait()
    if group:
        jobs.put_nowait(None)
    return group


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


def _read(connection: ThreadConnection, group: Group) -> None:
    """Runs each query in a snapshot of its own."""
    for job in group:
        try:
            with _transaction(connection, "BEGIN"):
                job.attempt(connection)
        except Exception as error:  # it is the caller's, whatever it is
            job.outcome = error


def _commit(connection: ThreadConnection, group: Group) -> None:
    """Runs all queries in one transaction."""
    with _transaction(connection, "BEGIN IMMEDIATE"):
        for job in group:
            _attempt_apart(connection, job)


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
