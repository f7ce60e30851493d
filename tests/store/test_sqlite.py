"""SQLite as the embedded database: one writer, a few readers, and nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest

from livria_sse.errors import StoreUnavailable
from livria_sse.store import sqlite
from livria_sse.store.database import Connection, Query
from livria_sse.store.migrate import migrate
from livria_sse.store.sqlite import BUSY_MILLISECONDS, LARGEST_GROUP, READERS, SQLite, open_sqlite

#: Locks a file as another process does, until it is told to go on.
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
connection.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a table of notes, each of which has a number and may name another."""
    path = tmp_path / "notes.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE notes (n INTEGER PRIMARY KEY, other INTEGER REFERENCES notes (n))"
        )
    return path


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SQLite]:
    """The open database."""
    async with open_sqlite(f"sqlite:///{path}") as database:
        yield database


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process writes to the file, and takes its time."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        yield
        other.communicate("go on\n", timeout=30)
    assert other.returncode == 0


def committed(path: Path) -> list[int]:
    """The notes that everybody can see, as another connection reads them."""
    with closing(sqlite3.connect(path)) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM notes ORDER BY n")]


async def notes(connection: Connection) -> list[int]:
    """The notes that a query sees."""
    return [row["n"] for row in await connection.all("SELECT n FROM notes ORDER BY n")]


def adding(n: int, *, other: int | None = None) -> Query[int]:
    """A query that adds a note and returns its number."""

    async def query(connection: Connection) -> int:
        row = await connection.one(
            "INSERT INTO notes VALUES (:n, :other) RETURNING n", n=n, other=other
        )
        assert row
        return int(row["n"])

    return query


@asynccontextmanager
async def busy(verb: Callable[[Query[None]], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Keeps the owner of a connection busy, with a query that waits. Real queries never do.

    Nothing that is asked of this owner begins before the end of the block; but all of it waits in
    its queue by then.
    """
    begun, let_go = threading.Event(), threading.Event()

    async def query(_connection: Connection) -> None:
        begun.set()
        let_go.wait()

    keeping = asyncio.create_task(verb(query))
    await asyncio.to_thread(begun.wait)
    try:
        yield
        for _ in range(3):
            await anyio.lowlevel.checkpoint()  # tasks that were made in the block have begun
    finally:
        let_go.set()
        await asyncio.wait([keeping])


async def pragmas(connection: Connection) -> dict[str, Any]:
    """What is set on a connection."""
    names = ("foreign_keys", "synchronous", "busy_timeout", "journal_mode")
    found = {}
    for name in names:
        row = await connection.one(f"PRAGMA {name}")
        assert row
        (found[name],) = tuple(row)
    return found


async def test_pragmas_everywhere(database: SQLite) -> None:
    """Every connection checks foreign keys, waits for others, writes ahead and to the disk."""
    together = threading.Barrier(READERS)

    async def query(connection: Connection) -> dict[str, Any]:
        together.wait()  # none goes on before all have a connection: they have one each
        return await pragmas(connection)

    found = await asyncio.gather(
        *(database.read(query) for _ in range(READERS)), database.write(pragmas)
    )

    assert found == [
        {
            "foreign_keys": 1,
            "synchronous": 2,
            "busy_timeout": BUSY_MILLISECONDS,
            "journal_mode": "wal",
        }
    ] * (READERS + 1)


async def test_written_is_committed(database: SQLite, path: Path) -> None:
    """When a write returns, everybody can see it."""
    assert await database.write(adding(7)) == 7
    assert committed(path) == [7]
    assert await database.read(notes) == [7]


async def test_waiting_writes_share_a_commit(database: SQLite, path: Path) -> None:
    """Writes that wait for the writer are committed together, in the order in which they came."""
    views: list[tuple[list[int], list[int]]] = []

    async def look(connection: Connection) -> None:
        views.append((await notes(connection), committed(path)))

    waiting: list[Query[Any]] = [adding(1), adding(2), look, adding(3), look]
    async with busy(database.write):
        group = asyncio.gather(*map(database.write, waiting))
    await group

    assert views == [([1, 2], []), ([1, 2, 3], [])]
    assert committed(path) == [1, 2, 3]


async def test_groups_are_bounded(database: SQLite, path: Path) -> None:
    """However many writes wait, a commit comes after so many: the first is not kept waiting."""
    count = LARGEST_GROUP + 50
    seen: list[int] = []

    async def look(_connection: Connection) -> None:
        seen.append(len(committed(path)))

    waiting: list[Query[Any]] = [*map(adding, range(count)), look]
    async with busy(database.write):
        writes = asyncio.gather(*map(database.write, waiting))
    await writes

    assert seen == [LARGEST_GROUP]
    assert len(committed(path)) == count


async def test_groups_are_counted(database: SQLite) -> None:
    """How many writes were committed together is counted once for each commit."""
    async with busy(database.write):
        writes = asyncio.gather(*map(database.write, map(adding, range(5))))
    await writes

    (family,) = database.groups.collect()
    sizes = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert sizes["1.0"] == 1  # what kept the others waiting
    assert sizes["4.0"] == 1
    assert sizes["8.0"] == 2
    assert sizes["livria_write_group_size_sum"] == 6


class Mistake(Exception):
    """What a query raises."""


def failing(kind: str) -> Query[int]:
    """A query that has written something, and then fails."""

    async def query(connection: Connection) -> int:
        await adding(500)(connection)
        match kind:
            case "raises":
                raise Mistake
            case "taken":
                return await adding(1)(connection)
            case "dangling":
                return await adding(501, other=999)(connection)
            case "too large":
                return await adding(2**63)(connection)
            case _:
                await connection.one("SELECT :text AS text", text=chr(0xD800))
                return 0

    return query


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("raises", Mistake),
        ("taken", sqlite3.IntegrityError),
        ("dangling", sqlite3.IntegrityError),
        ("too large", OverflowError),
        ("surrogate", UnicodeEncodeError),
    ],
)
async def test_failure_spares_neighbours(
    database: SQLite, path: Path, kind: str, error: type[Exception]
) -> None:
    """A write that fails leaves no trace; those that share its commit are committed."""
    shared: list[bool] = []

    async def look(connection: Connection) -> None:
        shared.append(await notes(connection) == [1, 2, 3] and committed(path) == [])

    async with busy(database.write):
        group = asyncio.gather(
            *map(database.write, (adding(1), adding(2), failing(kind), adding(3), failing(kind))),
            return_exceptions=True,
        )
        last = asyncio.create_task(database.write(look))
    results = await group
    await last

    assert [result for result in results if isinstance(result, int)] == [1, 2, 3]
    assert isinstance(results[2], error)
    assert isinstance(results[4], error)
    assert shared == [True], "they were one group"
    assert committed(path) == [1, 2, 3]


async def test_full_disk(database: SQLite, path: Path) -> None:
    """When the disk is full, nothing of the group is written, and all of it is refused."""

    async def fill(connection: Connection) -> None:
        await connection.run("CREATE TABLE large AS SELECT randomblob(:size)", size=1_000_000)

    async def limit_pages(connection: Connection) -> None:
        await connection.one("PRAGMA max_page_count = 20")

    async def free_pages(connection: Connection) -> None:
        await connection.one("PRAGMA max_page_count = 4294967294")

    await database.write(limit_pages)
    waiting: list[Query[Any]] = [adding(1), fill, adding(2)]
    async with busy(database.write):
        group = asyncio.gather(*map(database.write, waiting), return_exceptions=True)

    assert [type(error) for error in await group] == [StoreUnavailable] * 3
    assert committed(path) == []
    await database.write(free_pages)
    await database.write(fill)
    assert await database.write(adding(3)) == 3
    assert committed(path) == [3]


async def test_failed_reads(database: SQLite, path: Path) -> None:
    """A read that fails raises what the query raised, and disturbs no other."""

    async def query(connection: Connection) -> None:
        await notes(connection)
        raise Mistake

    for _ in range(2 * READERS):
        with pytest.raises(Mistake):
            await database.read(query)

    await database.write(adding(7))
    assert [await database.read(notes) for _ in range(2 * READERS)] == [[7]] * 2 * READERS


async def test_reads_write_nothing(database: SQLite, path: Path) -> None:
    """A read is one snapshot: what is committed in between is not in it, and is in the next."""
    await database.write(adding(1))
    looked, written = threading.Event(), threading.Event()

    async def query(connection: Connection) -> tuple[list[int], list[int]]:
        first = await notes(connection)
        looked.set()
        written.wait()
        return first, await notes(connection)

    reading = asyncio.create_task(database.read(query))
    await asyncio.to_thread(looked.wait)
    try:
        await database.write(adding(2))
        assert committed(path) == [1, 2]
    finally:
        written.set()

    assert await reading == ([1], [1])
    assert await database.read(notes) == [1, 2]


async def test_reads_need_not_wait(database: SQLite) -> None:
    """A write that takes its time holds up no read, and a read no other read."""
    async with busy(database.write), busy(database.read):
        assert await database.read(notes) == []


async def test_locked_by_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that another process locks out for too long is refused whole, and later ones work."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 50)

    async with open_sqlite(f"sqlite:///{path}") as database:
        with locked(path):
            refused = await asyncio.gather(
                *(database.write(adding(n)) for n in range(3)), return_exceptions=True
            )
            readable = await database.read(notes)

        assert [type(error) for error in refused] == [StoreUnavailable] * 3
        assert readable == []
        assert committed(path) == []
        assert await database.write(adding(7)) == 7
    assert committed(path) == [7]


async def test_waiting_for_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that another process locks out for a moment waits for it."""
    monkeypatch.setattr(sqlite, "BUSY_MILLISECONDS", 60_000)

    async with open_sqlite(f"sqlite:///{path}") as database:
        with locked(path):
            writing = asyncio.create_task(database.write(adding(7)))
            await database.read(notes)
            assert not writing.done()

        assert await writing == 7


async def test_opening_beside_a_writer(tmp_path: Path) -> None:
    """A new database that another process writes to at this moment can be opened.

    As when several processes start at once: the first connection makes the file write ahead, which
    SQLite refuses at once, whatever the busy timeout, while somebody else writes.
    """
    path = tmp_path / "livria.db"
    migrate(f"sqlite:///{path}")

    async def open_and_write() -> int:
        async with open_sqlite(f"sqlite:///{path}") as database:
            return await database.write(adding(7))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE notes (n, other)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO notes VALUES (1, NULL)")
        opening = asyncio.create_task(open_and_write())
        await asyncio.wait([opening], timeout=0.3)  # it has failed by then, or waits
        other.execute("COMMIT")

        assert await opening == 7
    assert committed(path) == [1, 7]


async def test_cancelled_callers(database: SQLite, path: Path) -> None:
    """A caller who gives up disturbs nobody: neither those who wait with it nor those after it."""
    async with busy(database.write):
        given_up = asyncio.create_task(database.write(adding(1)))
        neighbour = asyncio.create_task(database.write(adding(2)))
        reading = asyncio.create_task(database.read(notes))
        assert await database.read(notes) == []
        given_up.cancel()
        reading.cancel()

    assert await asyncio.wait_for(neighbour, 30) == 2
    assert given_up.cancelled()
    assert await asyncio.wait_for(database.write(adding(3)), 30) == 3
    assert await database.read(notes) == committed(path)
    assert set(committed(path)) >= {2, 3}


async def test_cancelled_in_the_middle(database: SQLite, path: Path) -> None:
    """A caller who gives up while its write is under way disturbs nobody either."""
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def query(connection: Connection) -> None:
        begun.set()
        await let_go.wait()
        await adding(1)(connection)

    writing = asyncio.create_task(database.write(query))
    await begun.wait()
    writing.cancel()
    await asyncio.wait([writing])
    let_go.set()

    assert writing.cancelled()
    assert await asyncio.wait_for(database.write(adding(2)), 30) == 2
    assert committed(path) in ([2], [1, 2])  # who gives up does not know which


async def test_threads_end(path: Path) -> None:
    """Every thread that an open database had is gone when it is closed."""
    before = set(threading.enumerate())

    async with open_sqlite(f"sqlite:///{path}") as database:
        await database.write(adding(7))
        opened = set(threading.enumerate()) - before
        assert len(opened) == READERS + 1

    for thread in opened:
        thread.join(10)
    assert not [thread for thread in opened if thread.is_alive()]
    assert set(threading.enumerate()) <= before


async def test_threads_end_after_errors(path: Path) -> None:
    """They are gone too when what was done with the database raised, or was cancelled."""
    before = set(threading.enumerate())
    opened: set[threading.Thread] = set()

    async def fail() -> None:
        async with open_sqlite(f"sqlite:///{path}") as database:
            await database.write(adding(7))
            opened.update(set(threading.enumerate()) - before)
            raise Mistake

    async def wait_for_ever() -> None:
        async with open_sqlite(f"sqlite:///{path}"):
            opened.update(set(threading.enumerate()) - before)
            ready.set()
            await asyncio.Event().wait()

    with pytest.raises(Mistake):
        await fail()
    ready = asyncio.Event()
    waiting = asyncio.create_task(wait_for_ever())
    await ready.wait()
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert len(opened) >= 2 * (READERS + 1)
    for thread in opened:
        thread.join(10)
    assert set(threading.enumerate()) <= before


async def test_closing_finishes_work(path: Path) -> None:
    """What was accepted before the database was closed is done."""
    async with open_sqlite(f"sqlite:///{path}") as database, busy(database.write):
        writes = [asyncio.create_task(database.write(adding(n))) for n in range(3)]

    assert [await write for write in writes] == [0, 1, 2]
    assert committed(path) == [0, 1, 2]


async def test_closed_is_unavailable(path: Path) -> None:
    """A closed database answers at once that it is unavailable."""
    async with open_sqlite(f"sqlite:///{path}") as database:
        pass

    async with asyncio.timeout(30):  # rather than for ever
        with pytest.raises(StoreUnavailable):
            await database.read(notes)
        with pytest.raises(StoreUnavailable):
            await database.write(adding(7))
    assert committed(path) == []


@pytest.mark.parametrize("place", ["nowhere/notes.db", "."])
async def test_no_such_place(tmp_path: Path, place: str) -> None:
    """A file that can be neither opened nor made is unavailable, and leaves no thread."""
    before = set(threading.enumerate())

    with pytest.raises(StoreUnavailable):
        async with open_sqlite(f"sqlite:///{tmp_path / place}"):
            pass

    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


async def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is unavailable, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("This is no database. " * 100)

    with pytest.raises(StoreUnavailable):
        async with open_sqlite(f"sqlite:///{path}"):
            pass

    assert path.read_text() == "This is no database. " * 100


async def test_statements_that_are_wrong(database: SQLite, path: Path) -> None:
    """A statement that cannot be run, as against a table of another version, changes nothing."""

    async def query(connection: Connection) -> None:
        await adding(7)(connection)
        await connection.run("INSERT INTO nowhere VALUES (1)")

    with pytest.raises((StoreUnavailable, sqlite3.Error)):
        await database.write(query)

    assert committed(path) == []
    assert await database.write(adding(8)) == 8


async def test_damaged_files_are_unavailable(database: SQLite, path: Path) -> None:
    """A write that meets a damaged file is refused as an outage, and the writer lives on."""
    await database.write(adding(7))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 9999 WHERE name = 'notes'")
        connection.execute("PRAGMA schema_version = 9999")

    for number in (8, 9):
        with pytest.raises(StoreUnavailable):
            await database.write(adding(number))


async def test_migrated_databases_open(tmp_path: Path) -> None:
    """A database that was migrated is open to many at once, each with its own connections."""
    url = f"sqlite:///{tmp_path}/livria.db"
    migrate(url)

    async with open_sqlite(url) as one, open_sqlite(url) as two:
        await one.write(lambda connection: connection.run("CREATE TABLE notes (n, other)"))
        await asyncio.gather(*(database.write(adding(n)) for n, database in enumerate((one, two))))

        assert await one.read(notes) == await two.read(notes) == [0, 1]
