"""The log with Redis: which rung of the ladder a difference is read from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest

from livria_sse.errors import DifferenceTooLarge, StreamBehind
from livria_sse.log.local import LocalLog
from livria_sse.log.redis import RedisLog
from livria_sse.log.redis.doorbells import Doorbells
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.publisher import Publisher
from livria_sse.log.redis.streams import Streams
from livria_sse.log.redis.viewers import ViewersBell
from livria_sse.models import Account, Difference
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from livria_sse.store import Store
from tests.factories import add_account, add_book
from tests.parts import RedisServer
from tests.waiting import until

BOOK = 10
LIMIT = 20


class CountingLog(LocalLog):
    """A real log that counts how often SQL is asked for a difference."""

    reads = 0

    async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
        """Counts."""
        self.reads += 1
        return await super().since(book_id, seq)


@pytest.fixture
def database(store: Store) -> CountingLog:
    """The rung below Redis."""
    return CountingLog(store, replay_limit=LIMIT)


@pytest.fixture
async def log(redis: RedisServer, store: Store, database: CountingLog) -> AsyncIterator[RedisLog]:
    """A log at a Redis that is empty."""
    async with open_client(redis.url) as commands, open_client(redis.url) as ears:
        link = Link(commands)
        streams = Streams(link, store.epoch, Settings(replay_limit=LIMIT))
        async with (
            aclosing(ViewersBell(link, store.epoch)) as viewers,
            Publisher(streams, store.changes).running() as publisher,
        ):
            doorbells = Doorbells(ears, store.epoch, viewers)
            yield RedisLog(database, streams, publisher, doorbells, viewers)


@pytest.fixture
async def mina(store: Store) -> Account:
    """Somebody who writes; the book is there, too."""
    await add_book(store, BOOK)
    return await add_account(store, "mina")


async def post(store: Store, author: Account, log: RedisLog, count: int = 1) -> None:
    """Posts reviews and appends them, and waits until they are in Redis."""
    for _ in range(count):
        accepted = await store.reviews.create(BOOK, "good", author=author)
        assert accepted.difference
        log.publish(accepted.difference)
    head = (await log.head(BOOK)).head
    await until(lambda: _in_redis(log, head))


async def _in_redis(log: RedisLog, head: int) -> bool:
    with suppress(StreamBehind):
        return await log._streams.since(BOOK, head, known=head) is not None
    return False


async def test_redis_spares_the_database(
    store: Store, mina: Account, log: RedisLog, database: CountingLog
) -> None:
    """What Redis holds whole is read from there, and is the same."""
    await post(store, mina, log, 5)

    for seq in range(6):
        difference = await log.since(BOOK, seq, known=5)
        assert difference == await store.changes.since(BOOK, seq, limit=LIMIT)
        assert difference.rung == "redis"
    assert database.reads == 0


async def test_the_truth_is_the_databases(
    store: Store, mina: Account, log: RedisLog, database: CountingLog
) -> None:
    """A reader who says nothing of what is known, or knows of more than Redis, is told by SQL."""
    await post(store, mina, log, 2)
    await store.reviews.create(BOOK, "never published", author=mina)

    for read in await log.since(BOOK, 0), await log.since(BOOK, 2, known=3):
        assert read.head == 3
        assert read.rung == "sql"
    assert database.reads == 2


async def test_a_flushed_redis(
    store: Store, mina: Account, log: RedisLog, redis: RedisServer, database: CountingLog
) -> None:
    """A Redis that has lost everything is not believed."""
    await post(store, mina, log, 5)
    with redis.client() as client:
        client.flushall()

    assert len((await log.since(BOOK, 0, known=5)).changes) == 5
    assert database.reads == 1


async def test_redis_goes_away(
    store: Store, mina: Account, log: RedisLog, redis: RedisServer, database: CountingLog
) -> None:
    """Without Redis the same is read from SQL; once it is known to be away, it is not asked."""
    await post(store, mina, log, 3)
    redis.kill()
    try:
        assert log.degraded is None
        assert len((await log.since(BOOK, 0, known=3)).changes) == 3
        assert log.degraded
        assert "Redis" in log.degraded

        async with asyncio.timeout(60):
            await asyncio.gather(*(log.since(BOOK, 0, known=3) for _ in range(200)))
        assert database.reads == 201
    finally:
        redis.start()
    await until(lambda: log.degraded is None)


async def test_too_large_is_known_by_redis(
    store: Store, mina: Account, log: RedisLog, database: CountingLog
) -> None:
    """A difference that is too large is refused without asking SQL."""
    await post(store, mina, log, LIMIT + 1)

    assert len((await log.since(BOOK, 1, known=LIMIT + 1)).changes) == LIMIT
    with pytest.raises(DifferenceTooLarge):
        await log.since(BOOK, 0, known=LIMIT + 1)
    assert database.reads == 0


async def test_a_redis_that_only_reads(
    store: Store,
    mina: Account,
    log: RedisLog,
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A Redis that answers but takes no writes, as a replica does, is steadily degraded.

    It is said once, and not again at every attempt; when it takes writes again, nothing is missing.
    """
    await post(store, mina, log)
    with redis.client() as client:
        client.replicaof("127.0.0.1", "1")
    accepted = await store.reviews.create(BOOK, "meanwhile", author=mina)
    assert accepted.difference
    log.publish(accepted.difference)
    await until(lambda: log.degraded is not None)
    assert log.cut["streams"]
    refused = refusals(redis)
    while refusals(redis) < refused + 3:  # as often as it is tried again
        assert log.degraded
        await asyncio.sleep(0.01)

    with redis.client() as client:
        client.replicaof("NO", "ONE")
    await until(lambda: log.degraded is None)
    assert log.cut == {"streams": False, "doorbells": False}
    await until(lambda: _in_redis(log, 2))
    said = [record.getMessage() for record in caplog.records if "Redis is" in record.getMessage()]
    assert len(said) == 2
    assert said[0].startswith("Redis is away")
    assert said[1] == "Redis is back"


def refusals(redis: RedisServer) -> int:
    """How many scripts Redis has refused to run to their end."""
    with redis.client() as client:
        return int(client.info("commandstats")["cmdstat_evalsha"]["failed_calls"])
