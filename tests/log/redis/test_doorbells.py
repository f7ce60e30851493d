"""The doorbells: one connection on which everything is heard, or known to be missed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, suppress

import pytest
from redis.asyncio import Redis

from livria_sse.log.redis.doorbells import Doorbells
from livria_sse.log.redis.keys import channel, viewers_channel
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.streams import Streams
from livria_sse.log.redis.viewers import ViewersBell
from livria_sse.models import Difference
from livria_sse.redis_clients import open_client
from tests.log.conftest import EPOCH
from tests.log.redis.history import BOOK, History
from tests.parts import RedisServer
from tests.waiting import until


class Notebook:
    """A listener who writes down what they hear, and what they were told that they missed."""

    def __init__(self) -> None:
        self.heard: list[Difference] = []
        self.told_missed: list[int] = []
        self.viewers: list[tuple[dict[int, int], bool]] = []

    def hear(self, difference: Difference) -> None:
        """Writes it down."""
        self.heard.append(difference)

    def missed(self, book_ids: Collection[int]) -> None:
        """Writes it down."""
        self.told_missed.extend(book_ids)

    def hear_viewers(self, process: str, counts: Mapping[int, int], *, every: bool) -> None:
        """Writes it down."""
        self.viewers.append((dict(counts), every))


@pytest.fixture
def notebook() -> Notebook:
    """What was heard."""
    return Notebook()


@pytest.fixture
async def doorbells(redis: RedisServer, notebook: Notebook) -> AsyncIterator[Doorbells]:
    """Doorbells to which somebody listens."""
    async with open_client(redis.url) as client:
        doorbells = Doorbells(client, EPOCH, ViewersBell(Link(client), EPOCH))
        listening = asyncio.create_task(doorbells.listen(notebook))
        yield doorbells
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def test_changes_are_heard(
    doorbells: Doorbells, notebook: Notebook, streams: Streams
) -> None:
    """What is appended is heard whole, in order, without another read."""
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    history = History()
    told = [history.create("좋아요"), history.edit(0, "정말 좋아요"), history.delete(0)]
    for difference in told:
        await streams.append(difference)

    await until(lambda: len(notebook.heard) == 3)
    assert notebook.heard == told


async def test_a_new_watch_has_missed(doorbells: Doorbells, notebook: Notebook) -> None:
    """Whoever begins to watch is told to read: what came before the subscription was not heard."""
    for book in (7, 8, 9):
        doorbells.watch(book)

    await until(lambda: set(notebook.told_missed) == {7, 8, 9})


async def test_only_watched_books_ring(
    doorbells: Doorbells, notebook: Notebook, streams: Streams, client: Redis
) -> None:
    """A book that is watched no more is heard no more, and Redis need not send it."""
    name = channel(EPOCH, BOOK)
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    doorbells.unwatch(BOOK)

    async def nobody_listens() -> bool:
        return not dict(await client.pubsub_numsub(name))[name.encode()]

    await until(nobody_listens)
    await streams.append(History().create())
    doorbells.watch(BOOK)

    await until(lambda: notebook.told_missed.count(BOOK) == 2)
    assert notebook.heard == []


async def test_one_connection_for_all(
    doorbells: Doorbells, notebook: Notebook, client: Redis
) -> None:
    """However many books are watched, they are heard on one connection."""
    for book in range(1, 301):
        doorbells.watch(book)
    await until(lambda: len(set(notebook.told_missed)) == 300)

    listeners = [each for each in await client.client_list() if int(each["sub"])]
    assert [int(each["sub"]) for each in listeners] == [301]  # and the lifeline


async def kill_connections(redis: RedisServer) -> None:
    """Redis closes all connections on which somebody listens."""
    kill_listeners(redis)


async def restart(redis: RedisServer) -> None:
    """Redis dies, and is started again."""
    redis.kill()
    redis.start()


@pytest.mark.parametrize("interrupt", [kill_connections, restart])
async def test_interruptions_were_missed(
    doorbells: Doorbells,
    notebook: Notebook,
    redis: RedisServer,
    streams: Streams,
    interrupt: Callable[[RedisServer], object],
) -> None:
    """After an interruption every book is heard again, and is told to have been missed."""
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    notebook.told_missed.clear()

    await interrupt(redis)  # type: ignore[misc]

    await until(lambda: notebook.told_missed.count(BOOK) >= 2)  # when it broke, and when it healed
    assert doorbells.ring
    difference = History().create()
    await until(lambda: streams.available)
    with suppress(Exception):
        await streams.append(difference)
    await streams.link.probe()
    await streams.append(difference)
    await until(lambda: notebook.heard == [difference])


async def test_a_silent_redis_is_noticed(
    doorbells: Doorbells, notebook: Notebook, redis: RedisServer
) -> None:
    """A Redis that says nothing, although the connection stands, is noticed."""
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    notebook.told_missed.clear()

    redis.signal(signal.SIGSTOP)
    try:
        await until(lambda: not doorbells.ring)
        assert BOOK in notebook.told_missed
    finally:
        redis.signal(signal.SIGCONT)

    await until(lambda: doorbells.ring)


async def test_quiet_is_not_silence(
    doorbells: Doorbells, notebook: Notebook, redis: RedisServer, client: Redis
) -> None:
    """While nothing happens, the connection stays the same one: Redis answers when it is asked."""
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    (before,) = [each["id"] for each in await client.client_list() if int(each["sub"])]
    asked = redis.calls("ping")
    await until(lambda: redis.calls("ping") >= asked + 3)

    (after,) = [each["id"] for each in await client.client_list() if int(each["sub"])]
    assert after == before
    assert notebook.told_missed == [BOOK]


@pytest.mark.parametrize(
    "said", ["", "null", "[]", "[0,1,1,[[1,{}]]]", "[0,1,1,7]", '{"a":1}', "\xff", "[" * 100_000]
)
async def test_strange_words(
    doorbells: Doorbells, notebook: Notebook, client: Redis, said: str
) -> None:
    """What is not ours on a doorbell makes its book be read, and harms nothing."""
    doorbells.watch(BOOK)
    await until(lambda: BOOK in notebook.told_missed)
    notebook.told_missed.clear()

    await client.publish(channel(EPOCH, BOOK), said)

    await until(lambda: notebook.told_missed == [BOOK])
    assert notebook.heard == []
    assert doorbells.ring


async def test_readers_come_while_it_breaks(
    doorbells: Doorbells, notebook: Notebook, redis: RedisServer
) -> None:
    """However often the connection breaks while readers come and go, it is made again."""
    for round_ in range(12):
        await until(lambda: doorbells.ring)
        for book in range(1, 40):
            doorbells.watch(book)
            if book == 20:
                await asyncio.to_thread(kill_listeners, redis)
            await asyncio.sleep(0)
        for book in range(1, 40):
            doorbells.unwatch(book)
            await asyncio.sleep(0)
        notebook.told_missed.clear()
        doorbells.watch(1_000 + round_)
        await until(lambda round_=round_: 1_000 + round_ in notebook.told_missed)  # type: ignore[misc]


def kill_listeners(redis: RedisServer) -> None:
    """Redis closes all connections on which somebody listens."""
    with redis.client() as client:
        client.client_kill_filter(_type="pubsub")


async def test_viewers_elsewhere(
    doorbells: Doorbells, notebook: Notebook, client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """How many read in another process is heard; what this one says itself, or nonsense, is not."""
    async with aclosing(ViewersBell(Link(client), EPOCH)) as other:
        await until(lambda: doorbells.ring)

        async def told(counts: dict[int, int], *, every: bool) -> None:
            other.tell(counts, every=every)
            await until(lambda: (counts, every) in notebook.viewers)

        await until(lambda: _listening(client))
        await told({BOOK: 12, 7: 1}, every=True)
        for nonsense in ("", "[]", "{}", '["x",{"y":1},true]', "[1,2,3]", "[" * 100_000):
            await client.publish(viewers_channel(EPOCH), nonsense)
        doorbells._viewers.tell({BOOK: 99}, every=True)
        await told({BOOK: 11}, every=False)

        assert notebook.viewers == [({BOOK: 12, 7: 1}, True), ({BOOK: 11}, False)]
        assert caplog.text.count("the bell of viewers said what is not ours") == 6


async def _listening(client: Redis) -> bool:
    name = viewers_channel(EPOCH)
    return bool(dict(await client.pubsub_numsub(name))[name.encode()])


async def test_wrong_passwords_are_said(
    redis: RedisServer, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    """Why nothing can be heard is said in words, without the password."""
    url = redis.url.replace("redis://", "redis://:secret@")
    async with open_client(url) as client:
        doorbells = Doorbells(client, EPOCH, ViewersBell(Link(client), EPOCH))
        listening = asyncio.create_task(doorbells.listen(notebook))
        await until(lambda: not doorbells.ring)
        listening.cancel()

    said = "no doorbell can be heard: AuthenticationError: AUTH <password> called without any"
    assert said in caplog.text
    assert "secret" not in caplog.text
