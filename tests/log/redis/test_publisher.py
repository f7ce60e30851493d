"""The publisher: from what this process committed to Redis, in order, whatever Redis does."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from livria_sse.errors import RedisAway, StreamBehind
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.publisher import BEGINNING, LONGEST_WAIT, Publisher
from livria_sse.log.redis.streams import Streams
from livria_sse.models import Account, Difference
from livria_sse.settings import Settings
from livria_sse.store import Store
from tests.factories import add_account, add_book
from tests.parts import RedisServer
from tests.waiting import until

BOOK = 10


@pytest.fixture
def streams(client: Redis, store: Store) -> Streams:
    """The streams of the store's log."""
    return Streams(Link(client), store.epoch, Settings())


@pytest.fixture
async def publisher(streams: Streams, store: Store) -> AsyncIterator[Publisher]:
    """A publisher that runs."""
    async with Publisher(streams, store.changes).running() as publisher:
        yield publisher


@pytest.fixture
async def mina(store: Store) -> Account:
    """Somebody who writes; the book is there, too."""
    await add_book(store, BOOK)
    return await add_account(store, "mina")


async def post(
    store: Store, author: Account, text: str = "good", *, book: int = BOOK
) -> Difference:
    """Posts a review; the change that it made."""
    accepted = await store.reviews.create(book, text, author=author)
    assert accepted.difference
    return accepted.difference


async def until_appended(streams: Streams, store: Store, *, since: int = 0) -> Difference:
    """Waits until Redis holds all that SQL has since a seq, and checks that it is the same."""
    truth = await store.changes.since(BOOK, since, limit=10_000)

    async def there() -> bool:
        if not streams.available:
            return False
        with suppress(StreamBehind, RedisAway):
            return await streams.since(BOOK, since, known=truth.head) is not None
        return False

    await until(there)
    assert await streams.since(BOOK, since, known=truth.head) == truth
    return truth


async def test_published_in_order(
    store: Store, mina: Account, streams: Streams, publisher: Publisher
) -> None:
    """What is published while more is published comes to Redis whole and in order."""
    for number in range(300):
        publisher.publish(await post(store, mina, f"review {number}"))

    await until_appended(streams, store)
    await until(lambda: publisher.backlog == 0)


async def test_a_missing_change_is_sent(
    store: Store, mina: Account, streams: Streams, publisher: Publisher
) -> None:
    """A change that another process committed and never published is sent with the next one."""
    publisher.publish(await post(store, mina, "ours"))
    await post(store, mina, "of a process that was killed")
    publisher.publish(await post(store, mina, "ours again"))

    truth = await until_appended(streams, store)
    assert len(truth.changes) == 3


async def test_much_is_missing(
    store: Store, mina: Account, streams: Streams, publisher: Publisher
) -> None:
    """Where very much is missing, the log begins anew with the newest changes."""
    publisher.publish(await post(store, mina))
    for _ in range(BEGINNING + 10):
        await post(store, mina)
    publisher.publish(await post(store, mina))

    await until_appended(streams, store, since=12)
    assert await streams.since(BOOK, 11, known=0) is None


async def test_waiting_changes_are_joined(
    store: Store, mina: Account, redis: RedisServer, streams: Streams, publisher: Publisher
) -> None:
    """What is published while Redis takes its time waits as one difference, of bounded size."""
    redis.signal(signal.SIGSTOP)
    try:
        for _ in range(LONGEST_WAIT * 2):
            publisher.publish(await post(store, mina))
        assert publisher.backlog == 1
    finally:
        redis.signal(signal.SIGCONT)

    await until_appended(streams, store)


async def test_age_of_the_backlog(
    store: Store, mina: Account, redis: RedisServer, streams: Streams, publisher: Publisher
) -> None:
    """The oldest change that waits tells its age, also while it is under way, until it is there."""
    await add_book(store, 11)
    assert publisher.backlog_seconds == 0
    redis.kill()
    began = time.monotonic()
    publisher.publish(await post(store, mina))
    await until(lambda: publisher.backlog_seconds > 0.2)
    publisher.publish(await post(store, mina))
    publisher.publish(await post(store, mina, book=11))
    assert 0.2 < publisher.backlog_seconds < time.monotonic() - began

    redis.start(empty=True)

    await until_appended(streams, store)
    await until(lambda: publisher.backlog == 0)
    assert publisher.backlog_seconds == 0


class GatedStreams(Streams):
    """Streams to which each difference is appended when somebody lets it pass."""

    def __init__(self, client: Redis, epoch: str) -> None:
        super().__init__(Link(client), epoch, Settings())
        self.gate = asyncio.Semaphore(0)

    async def append(self, difference: Difference, *, anew: bool = False) -> int:
        """Waits for its turn."""
        await self.gate.acquire()
        return await super().append(difference, anew=anew)


async def test_age_under_load(store: Store, mina: Account, client: Redis) -> None:
    """A book of which something waits always is not as old as what has been appended long ago."""
    streams = GatedStreams(client, store.epoch)
    async with Publisher(streams, store.changes).running() as publisher:
        publisher.publish(await post(store, mina))
        await until(lambda: publisher.backlog_seconds > 0.2)
        over = time.monotonic()
        for _ in range(2):
            await until(lambda: BOOK not in publisher._waiting)  # it is under way
            publisher.publish(await post(store, mina))
            streams.gate.release()
        await until(lambda: BOOK not in publisher._waiting)

        assert 0 < publisher.backlog_seconds < time.monotonic() - over
        streams.gate.release()


async def test_redis_comes_back(
    store: Store, mina: Account, redis: RedisServer, streams: Streams, publisher: Publisher
) -> None:
    """What was published while Redis was away is there when it is back, though it lost all."""
    publisher.publish(await post(store, mina, "before"))
    await until_appended(streams, store)
    redis.kill()
    for number in range(5):
        publisher.publish(await post(store, mina, f"meanwhile {number}"))
    await until(lambda: not streams.available)
    assert publisher.backlog == 1

    redis.start(empty=True)

    await until_appended(streams, store)


async def test_many_books_are_behind(
    store: Store, mina: Account, redis: RedisServer, streams: Streams, publisher: Publisher
) -> None:
    """However many books fell behind while Redis was away, each is brought up to date."""
    redis.kill()
    for book in range(100, 140):
        await add_book(store, book)
        publisher.publish(await post(store, mina, book=book))
    redis.start(empty=True)

    async def all_there() -> bool:
        if not streams.available:
            return False
        with suppress(RedisAway):
            found = [await streams.since(book, 0, known=1) for book in range(100, 140)]
            return all(difference and difference.head == 1 for difference in found)
        return False

    await until(all_there)


async def test_ends_when_it_is_empty(
    store: Store, mina: Account, streams: Streams, redis: RedisServer
) -> None:
    """What was published before the end is in Redis after it."""
    async with Publisher(streams, store.changes).running() as publisher:
        for _ in range(20):
            publisher.publish(await post(store, mina))

    assert await streams.since(BOOK, 0, known=20) is not None


async def test_ends_without_redis(
    store: Store, mina: Account, streams: Streams, redis: RedisServer
) -> None:
    """Redis that is away does not keep it from ending."""
    redis.kill()
    try:
        async with asyncio.timeout(60):
            async with Publisher(streams, store.changes).running() as publisher:
                publisher.publish(await post(store, mina))
    finally:
        redis.start()


async def test_repairs_take_turns(
    store: Store, mina: Account, redis: RedisServer, streams: Streams, publisher: Publisher
) -> None:
    """While many books are brought up to date, others who need the database are served."""
    redis.kill()
    for book in range(100, 300):
        await add_book(store, book)
        publisher.publish(await post(store, mina, book=book))
    redis.start(empty=True)
    await until(lambda: streams.available)

    reads = 0
    while publisher.backlog:
        await store.changes.head(100)
        reads += 1
    assert reads > 20


async def test_a_stream_left_behind_is_repaired(
    store: Store, mina: Account, streams: Streams, publisher: Publisher, client: Redis
) -> None:
    """A text that was deleted by a process that died before it published does not stay in Redis."""
    difference = await post(store, mina, "secret")
    await streams.append(difference)
    await store.reviews.delete(difference.changes[0].id, by=mina)  # and the process dies

    publisher.verify(BOOK, 2)

    await until_appended(streams, store)
    assert b"secret" not in b"".join([await client.dump(key) or b"" for key in await client.keys()])


async def test_quiet_books_stay_away(
    store: Store, mina: Account, streams: Streams, publisher: Publisher, client: Redis
) -> None:
    """A book that Redis does not hold is not put there because somebody opens its page."""
    await post(store, mina)

    publisher.verify(BOOK, 1)
    await publisher._tasks.finish(seconds=1)

    assert await client.keys() == []
