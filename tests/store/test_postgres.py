"""PostgreSQL: what is particular about it, beside what every database promises."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from tests.factories import add_account, add_book
from tests.parts import PostgresCluster
from tests.parts.postgres import QUOTED_PASSWORD
from tests.waiting import until

from livria_sse.errors import StoreUnavailable
from livria_sse.models import Account
from livria_sse.store import Store, open_store
from livria_sse.store.database import Connection as StoreConnection
from livria_sse.store.migrate import migrate
from livria_sse.store.postgres import CONNECTIONS, WRITERS, PostgreSQL, open_postgres
from livria_sse.store.tables import metadata

BOOK = 10


@pytest.fixture
def database_url(postgres: PostgresCluster) -> str:
    """A database of the test's own."""
    return postgres.create_database()


@pytest.fixture
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """A PostgreSQL that a test may harm."""
    with PostgresCluster(tmp_path_factory.mktemp("own")) as cluster:
        yield cluster


@pytest.fixture
async def mina(store: Store) -> Account:
    """Somebody who writes; the book is there, too."""
    await add_book(store, BOOK)
    return await add_account(store, "mina")


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Somebody else holds the books, as a backup or a careless migration does."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_migrated_is_the_metadata(database_url: str) -> None:
    """Alembic finds nothing that a migrated database lacks of the tables, or has beyond them."""
    await asyncio.to_thread(migrate, database_url)

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


def test_migrating_at_once(database_url: str, postgres: PostgresCluster) -> None:
    """Processes that migrate the same new database at once all succeed, and it is done once."""
    program = "import sys; from livria_sse.store.migrate import migrate; migrate(sys.argv[1])"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, database_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    assert [process.communicate(timeout=60)[1] for process in processes] == [b""] * 3
    name = database_url.rpartition("/")[2]
    assert postgres.query("SELECT count(*) FROM facts", database=name) == [(1,)]


async def test_groups_of_one(store: Store, mina: Account) -> None:
    """Every write is committed by itself, and counted; reads are not."""
    (before,) = store.groups.collect()
    await asyncio.gather(*(store.reviews.create(BOOK, str(n), author=mina) for n in range(5)))
    await store.changes.head(BOOK)

    (after,) = store.groups.collect()
    for name, samples in ("le=1", 0), ("sum", -2):
        grown = after.samples[samples].value - before.samples[samples].value
        assert grown == 5, name


async def test_order_of_commits(database_url: str, store: Store, mina: Account) -> None:
    """A reader who follows the book while many write from two processes misses no change."""
    async with open_store(database_url) as other:

        async def write(of: Store) -> None:
            for _ in range(30):
                await of.reviews.create(BOOK, "good", author=mina)

        writing = asyncio.gather(*(write(of) for of in (store, other) for _ in range(3)))
        seen: list[int] = []
        while len(seen) < 180:
            difference = await other.changes.since(BOOK, seen[-1] if seen else 0, limit=1_000)
            seen += [change.seq for change in difference.changes]
            assert seen[-1:] == [difference.head] or not difference.head
        await writing

    assert all(later == earlier + 1 for earlier, later in pairwise(seen))


async def test_equal_requests_at_once(database_url: str, store: Store, mina: Account) -> None:
    """Requests with one key that come to two processes at once make one review."""
    async with open_store(database_url) as other:
        answers = await asyncio.gather(
            *(
                of.reviews.create(BOOK, "once", author=mina, key="k")
                for of in (store, other)
                for _ in range(5)
            )
        )

    assert len({answer.review.id for answer in answers}) == 1
    assert [answer.difference is not None for answer in answers].count(True) == 1
    assert (await store.changes.head(BOOK)).head == 1


async def test_edits_and_deletions_at_once(database_url: str, store: Store, mina: Account) -> None:
    """However many change one review at once, on two processes, each change that is told counts."""
    review = (await store.reviews.create(BOOK, "good", author=mina)).review
    async with open_store(database_url) as other:
        results = await asyncio.gather(
            *(of.reviews.update(review.id, "better", by=mina) for of in (store, other) * 5),
            store.reviews.delete(review.id, by=mina),
            *(of.reviews.update(review.id, "best", by=mina) for of in (store, other) * 5),
            return_exceptions=True,
        )

    told = sorted(each.head for each in results if not isinstance(each, BaseException))
    head = await store.changes.head(BOOK)
    assert told == list(range(2, head.head + 1))
    assert head.review_count == 0


async def test_locks_that_are_held(database_url: str, store: Store, mina: Account) -> None:
    """A write that would wait for long is refused, and leaves nothing behind."""
    async with locked(database_url):
        with pytest.raises(StoreUnavailable):
            await store.reviews.create(BOOK, "too late", author=mina)

    assert (await store.changes.head(BOOK)).head == 0
    await store.reviews.create(BOOK, "in time", author=mina)
    difference = await store.changes.since(BOOK, 0, limit=10)
    assert [change.seq for change in difference.changes] == [1]


async def test_more_queries_than_connections(
    database_url: str, store: Store, mina: Account
) -> None:
    """While all connections are taken, whoever waits is refused in time; then all goes on."""
    async with locked(database_url):
        results = await asyncio.gather(
            *(store.changes.head(BOOK) for _ in range(5 * CONNECTIONS)), return_exceptions=True
        )
        assert all(isinstance(result, StoreUnavailable) for result in results)

    heads = await asyncio.gather(*(store.changes.head(BOOK) for _ in range(5 * CONNECTIONS)))
    assert [head.head for head in heads] == [0] * 5 * CONNECTIONS


async def test_nothing_is_held_between(database_url: str, store: Store, mina: Account) -> None:
    """Between queries no connection is in a transaction, nor taken from the pool."""
    await asyncio.gather(*(store.reviews.create(BOOK, "x", author=mina) for _ in range(20)))

    connection = await asyncpg.connect(database_url)
    try:
        states = await connection.fetch(
            "SELECT state FROM pg_stat_activity WHERE application_name = 'livria-sse'"
            " AND datname = current_database()"
        )
    finally:
        await connection.close()
    assert 1 <= len(states) <= CONNECTIONS
    assert {row["state"] for row in states} == {"idle"}


async def test_reads_go_on(database_url: str, store: Store, mina: Account) -> None:
    """While many writes wait for one book, reads do not."""
    other = await add_book(store, BOOK + 1)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE books SET title = title WHERE id = $1", BOOK)
            writes = [
                asyncio.create_task(store.reviews.create(BOOK, "good", author=mina))
                for _ in range(3 * WRITERS)
            ]
            await until(lambda: waiting_for_locks(connection, WRITERS))

            assert (await store.changes.head(other)).head == 0
            assert not any(write.done() for write in writes)
    finally:
        await connection.close()

    accepted = await asyncio.gather(*writes)
    assert sorted(each.review.seq for each in accepted) == list(range(1, 3 * WRITERS + 1))


async def waiting_for_locks(connection: asyncpg.Connection, count: int) -> bool:
    """Whether so many connections wait for somebody's lock."""
    waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(waiting == count)


async def test_long_work_is_done(database_url: str, store: Store) -> None:
    """A write may take as long as it needs, as an import does; only its steps are bounded."""

    async def query(connection: StoreConnection) -> str:
        for _ in range(4):
            await connection.one("SELECT pg_sleep(0.9)")
        row = await connection.one("UPDATE facts SET value = 'done' RETURNING value")
        assert row
        return str(row["value"])

    async with open_postgres(database_url) as database:
        assert await database.write(query) == "done"


async def test_endless_statements_end(database_url: str, store: Store, mina: Account) -> None:
    """A statement without an end is refused, on the server too, and nothing of it is kept."""

    async def query(connection: StoreConnection) -> None:
        await connection.one("UPDATE facts SET value = 'undone' RETURNING value")
        await connection.one("SELECT pg_sleep(600)")

    async with open_postgres(database_url) as database:
        with pytest.raises(StoreUnavailable):
            await database.write(query)

    assert await store.facts.renew_epoch() != "undone"  # the row is not locked any more
    assert (await store.reviews.create(BOOK, "good", author=mina)).review.seq == 1


async def test_closing_beside_the_dead(own_cluster: PostgresCluster) -> None:
    """What is open can be closed while PostgreSQL does not answer."""
    url = await asyncio.to_thread(own_cluster.create_database)
    try:
        async with asyncio.timeout(60), open_store(url) as store:
            own_cluster.signal(signal.SIGSTOP)
            with pytest.raises(StoreUnavailable):
                await store.facts.epoch()
    finally:
        own_cluster.signal(signal.SIGCONT)


async def test_closed_is_unavailable(database_url: str) -> None:
    """A closed database answers at once that it is unavailable."""
    async with open_store(database_url) as store:
        pass

    with pytest.raises(StoreUnavailable):
        await store.facts.epoch()


@pytest.mark.parametrize(("option", "prepared"), [("", True), ("?statement_cache_size=0", False)])
async def test_poolers_are_possible(database_url: str, option: str, prepared: bool) -> None:
    """Where a pooler stands between, no statement is prepared for later."""

    async def query(connection: StoreConnection) -> bool:
        return bool(await connection.all("SELECT name FROM pg_prepared_statements"))

    async with open_store(f"{database_url}{option}") as store:
        await add_book(store, BOOK)
        await store.reviews.create(BOOK, "good", author=await add_account(store))
    async with open_postgres(f"{database_url}{option}") as database:
        assert await database.read(query) is prepared


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_gone_and_back(own_cluster: PostgresCluster, how: str) -> None:
    """A PostgreSQL that is gone refuses in time, and is found again by itself."""
    url = await asyncio.to_thread(own_cluster.create_database)
    async with open_store(url) as store:
        await add_book(store, BOOK)
        mina = await add_account(store)
        await store.reviews.create(BOOK, "before", author=mina)

        if how == "killed":
            await asyncio.to_thread(own_cluster.kill)
        else:
            own_cluster.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable):
            await store.changes.head(BOOK)
        with pytest.raises(StoreUnavailable):
            await store.reviews.create(BOOK, "meanwhile", author=mina)
        if how == "killed":
            await asyncio.to_thread(own_cluster.start)
        else:
            own_cluster.signal(signal.SIGCONT)

        async def answers() -> bool:
            try:
                await store.reviews.create(BOOK, "after", author=mina)
            except StoreUnavailable:
                return False
            return True

        await until(answers)
        difference = await store.changes.since(BOOK, 0, limit=10)
        assert [change.seq for change in difference.changes] == list(range(1, difference.head + 1))


async def test_cancelled_callers(database_url: str, store: Store, mina: Account) -> None:
    """A caller who leaves, at whatever moment, takes no connection with them."""
    for steps in range(40):
        write = asyncio.create_task(store.reviews.create(BOOK, "left", author=mina))
        for _ in range(steps):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait({write})

    await asyncio.gather(*(store.changes.head(BOOK) for _ in range(3 * CONNECTIONS)))
    difference = await store.changes.since(BOOK, 0, limit=1_000)
    assert [change.seq for change in difference.changes] == list(range(1, difference.head + 1))


@pytest.mark.parametrize("how", ["password", "database", "port", "option", "certificate"])
async def test_wrong_addresses(postgres: PostgresCluster, how: str) -> None:
    """What cannot be opened is unavailable; its address is named, its password is not."""
    right = postgres.url()
    wrong = {
        "password": right.replace(QUOTED_PASSWORD, "wr0ng"),
        "database": postgres.url("nowhere"),
        "port": right.replace(str(postgres.port), "1"),
        "option": f"{right}?sslmode=perhaps",
        "certificate": f"{right}?sslmode=verify-full&sslrootcert=nowhere",
    }[how]

    with pytest.raises(StoreUnavailable) as caught:
        await asyncio.to_thread(migrate, wrong)
    with pytest.raises(StoreUnavailable) as opened:
        async with open_postgres(wrong):
            pass

    for error in (caught.value, opened.value):
        assert "livria@127.0.0.1" in error.detail
        assert "\n" not in error.detail
        assert QUOTED_PASSWORD not in error.detail
        assert "wr0ng" not in error.detail


async def test_both_schemes(postgres: PostgresCluster) -> None:
    """An address may begin with `postgres://`, as some platforms write it."""
    url = postgres.url().replace("postgresql:", "postgres:")

    async with open_postgres(url) as database:
        assert isinstance(database, PostgreSQL)
