"""The streams: what `append.lua` and `read.lua` promise."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, strategies as st
from redis.asyncio import Redis
from redis.crc import key_slot

from livria_sse.errors import DifferenceTooLarge, StreamBehind
from livria_sse.log.redis.entries import LONGEST_BELL, heard
from livria_sse.log.redis.keys import channel, index_key, log_key
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.streams import Streams
from livria_sse.models import Difference
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from tests.factories import make_difference, make_review
from tests.log.conftest import EPOCH
from tests.log.redis.history import BOOK, History
from tests.parts import RedisServer

LOG, INDEX = log_key(EPOCH, BOOK), index_key(EPOCH, BOOK)


async def entry_seqs(client: Redis) -> list[int]:
    """The seqs of the entries in the log."""
    entries: Any = await client.xrange(LOG)
    return [int(entry_id.partition(b"-")[0]) for entry_id, _ in entries]


async def told(streams: Streams, seq: int, *, known: int) -> Difference | None:
    """What the log tells, if it tells anything."""
    try:
        return await streams.since(BOOK, seq, known=known)
    except StreamBehind:
        return None


async def filled(streams: Streams, count: int) -> History:
    """A book with so many reviews, all of them appended."""
    history = History()
    for number in range(count):
        await streams.append(history.create(f"review {number}"))
    return history


async def test_appended_is_read(streams: Streams) -> None:
    """What was appended is read back as it was, with its author, times and every character."""
    text = '좋아요 \u2028 \x85 "quoted" \\ 🎉\nsecond line'
    review = make_review(content=text)

    assert await streams.append(make_difference(review)) == 1

    assert await streams.since(BOOK, 0, known=1) == make_difference(review)


STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "create", "edit", "delete"]), st.integers(0, 99)),
    max_size=40,
)


@given(steps=STEPS, length=st.integers(1, 12), joined=st.integers(1, 3))
def test_random_histories(
    running_redis: RedisServer, steps: list[tuple[str, int]], length: int, joined: int
) -> None:
    """A reader at any seq is told what a plain model says, or, below the newest changes, nothing.

    That is so whatever happens to the book, and in whatever portions it is appended.
    """

    async def play() -> None:
        async with open_client(running_redis.url) as client:
            await client.flushall()
            streams = Streams(Link(client), EPOCH, Settings(redis_length=length))
            history = History()
            appended = 0
            for number, (kind, pick) in enumerate(steps):
                if kind == "create":
                    history.create(f"text {number}")
                elif kind == "edit":
                    history.edit(pick, f"text {number}")
                else:
                    history.delete(pick)
                if number % joined == 0:
                    await streams.append(history.since(appended))
                    appended = history.head
            await streams.append(history.since(appended))
            for seq in range(history.head + 1):
                found = await streams.since(BOOK, seq, known=history.head)
                expected = history.since(seq)
                assert found in {expected, None}
                if len(expected.changes) <= length and history.head:
                    assert found
            assert len(await entry_seqs(client)) <= length + length // 10

    asyncio.run(play())


async def test_repeats_are_harmless(streams: Streams, client: Redis) -> None:
    """A difference that is appended again, then or later, changes nothing and rings nothing."""
    history = await filled(streams, 3)
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(channel(EPOCH, BOOK))
        assert (await pubsub.get_message(timeout=5) or {})["type"] == "subscribe"

        for seq in (0, 1, 2):
            assert await streams.append(history.since(seq)) == 3
        newest = history.create("new")
        assert await streams.append(newest) == 4

        said = await pubsub.get_message(timeout=5) or {}
    assert heard(said["data"], BOOK) == newest
    assert await entry_seqs(client) == [1, 2, 3, 4]
    assert await streams.since(BOOK, 0, known=4) == history.since(0)


async def test_gaps_are_refused(streams: Streams, client: Redis) -> None:
    """A difference that does not follow is refused, and the answer says what there is."""
    history = await filled(streams, 2)
    history.create("somebody else's, not appended yet")
    late = history.create("ours")

    assert await streams.append(late) == 2
    assert await entry_seqs(client) == [1, 2]

    assert await streams.append(history.since(2)) == 4
    assert await streams.since(BOOK, 0, known=4) == history.since(0)


async def test_beginning_anew(streams: Streams, client: Redis) -> None:
    """A log can begin anew behind a gap; it then says nothing of what was before."""
    history = await filled(streams, 2)
    history.create("lost")
    late = history.create("ours")

    assert await streams.append(late, anew=True) == 4

    assert await entry_seqs(client) == [4]
    assert await streams.since(BOOK, 3, known=4) == history.since(3)
    assert await streams.since(BOOK, 2, known=4) is None


async def test_anew_only_behind_a_gap(streams: Streams, client: Redis) -> None:
    """A difference that follows, or overlaps, leaves what is there, also when it may begin anew."""
    history = await filled(streams, 3)
    history.create("four")

    assert await streams.append(history.since(1), anew=True) == 4

    assert await entry_seqs(client) == [1, 2, 3, 4]


async def test_replaced_text_is_gone(streams: Streams, client: Redis) -> None:
    """What was edited away or deleted is nowhere in Redis any more."""
    history = History()
    for difference in (
        history.create("secret one"),
        history.create("secret two"),
        history.edit(0, "harmless"),
        history.delete(1),
    ):
        await streams.append(difference)

    everything = str(await client.xrange(LOG)) + str(await client.hgetall(INDEX))
    assert "secret" not in everything
    assert await entry_seqs(client) == [3, 4]
    for seq in range(5):
        assert await streams.since(BOOK, seq, known=4) == history.since(seq)


async def test_trimmed_readers_go_on(client: Redis) -> None:
    """The log is bounded; who stands below what it still holds is not told a part."""
    streams = Streams(Link(client), EPOCH, Settings(redis_length=10))
    history = await filled(streams, 50)

    kept = await entry_seqs(client)
    assert 10 <= len(kept) <= 11
    assert kept[-1] == 50
    first = kept[0] - 1
    assert await streams.since(BOOK, first, known=50) == history.since(first)
    assert await streams.since(BOOK, first - 1, known=50) is None
    assert await client.hlen(INDEX) == len(kept) + 2


async def trim(client: Redis) -> None:
    """Somebody trims the stream."""
    await client.xtrim(LOG, maxlen=2, approximate=False)


async def remove(client: Redis) -> None:
    """Somebody removes an entry."""
    await client.xdel(LOG, "2-0")


async def evict_log(client: Redis) -> None:
    """The stream is evicted, or expires."""
    await client.delete(LOG)


async def evict_index(client: Redis) -> None:
    """The index is evicted, or expires."""
    await client.delete(INDEX)


async def flush(client: Redis) -> None:
    """Everything is gone, the scripts too."""
    await client.flushall()
    await client.script_flush()


@pytest.mark.parametrize("harm", [trim, remove, evict_log, evict_index, flush])
async def test_harmed_logs_say_nothing(streams: Streams, client: Redis, harm: object) -> None:
    """A log that somebody else has touched tells no part; the next change begins it anew."""
    history = await filled(streams, 5)
    await harm(client)  # type: ignore[operator]

    for seq in range(6):
        assert await told(streams, seq, known=5) is None
    assert await streams.append(history.create("new")) == 6

    assert await entry_seqs(client) == [6]
    assert await streams.since(BOOK, 5, known=6) == history.since(5)
    assert await streams.since(BOOK, 4, known=6) is None


async def test_behind_what_is_known(streams: Streams) -> None:
    """A log that has not reached what the reader has heard of tells no part."""
    history = await filled(streams, 2)

    assert await streams.since(BOOK, 1, known=2) == history.since(1)
    with pytest.raises(StreamBehind):
        await streams.since(BOOK, 1, known=3)
    assert await streams.since(BOOK, 3, known=2) is None


async def test_at_the_head(streams: Streams) -> None:
    """A reader at the head lacks nothing, and hears so from Redis."""
    history = await filled(streams, 2)

    assert await streams.since(BOOK, 2, known=2) == history.since(2)


async def test_replay_limit(client: Redis) -> None:
    """A difference of as many changes as the limit is told, a larger one is too large."""
    streams = Streams(Link(client), EPOCH, Settings(replay_limit=3))
    history = await filled(streams, 4)

    assert await streams.since(BOOK, 1, known=4) == history.since(1)
    with pytest.raises(DifferenceTooLarge):
        await streams.since(BOOK, 0, known=4)


async def test_quiet_books_expire(client: Redis) -> None:
    """All that a book has in Redis expires together, so long after its last change."""
    streams = Streams(Link(client), EPOCH, Settings(redis_days=0.5))
    await filled(streams, 2)

    assert 43_000 < await client.ttl(LOG) <= 43_200
    assert await client.ttl(LOG) == await client.ttl(INDEX)
    assert sorted(await client.keys()) == sorted([LOG.encode(), INDEX.encode()])


async def test_epochs_are_apart(client: Redis, streams: Streams) -> None:
    """What belongs to another life of the database is never read."""
    await filled(streams, 3)
    other = Streams(Link(client), "other", Settings())

    assert await other.since(BOOK, 0, known=0) is None
    assert await other.append(History().create("first of its life")) == 1
    assert (await streams.since(BOOK, 0, known=3)) is not None


def test_one_slot_for_each_book() -> None:
    """All names of a book are in one slot of a Redis Cluster, and books are spread."""
    slots = {key_slot(name(EPOCH, 7).encode()) for name in (log_key, index_key, channel)}
    assert len(slots) == 1
    assert len({key_slot(log_key(EPOCH, book).encode()) for book in range(50)}) > 40


async def test_many_processes_append(redis: RedisServer) -> None:
    """However many processes append the same history at once, the log has each change once."""
    history = History()
    for number in range(60):
        history.create(f"review {number}")

    async def append_all(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        async with open_client(redis.url) as client:
            mine = Streams(Link(client), EPOCH, Settings())
            reached = 0
            while reached < history.head:
                upto = min(history.head, reached + chance.randint(1, 4))
                part = Difference(
                    book_id=BOOK,
                    after=reached,
                    head=upto,
                    review_count=upto,
                    changes=tuple(history.changes[reached:upto]),
                )
                reached = await mine.append(part)

    await asyncio.gather(*(append_all(seed) for seed in range(4)))

    async with open_client(redis.url) as client:
        assert await entry_seqs(client) == list(range(1, 61))
        streams = Streams(Link(client), EPOCH, Settings())
        assert await streams.since(BOOK, 0, known=60) == history.since(0)


async def test_large_differences_ring_briefly(streams: Streams, client: Redis) -> None:
    """A doorbell that would say too much says only where the book stands."""
    history = History()
    while history.head * 5_000 < 2 * LONGEST_BELL:
        history.create("x" * 5_000)
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(channel(EPOCH, BOOK))
        await pubsub.get_message(timeout=5)

        await streams.append(history.since(0))

        said = (await pubsub.get_message(timeout=5) or {})["data"]
    assert len(said) < 100
    told = heard(said, BOOK)
    assert (told.after, told.head, told.changes) == (history.head, history.head, ())
    assert await streams.since(BOOK, 0, known=history.head) == history.since(0)
