"""The hub over a real log, with readers whose sockets a test can fill."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import add_book
from tests.hub.readers import DirectReader, NewReader, Reader, watching
from tests.hub.service import Service, serving
from tests.waiting import until

from livria_sse.errors import UnknownBook
from livria_sse.hub import Subscriber
from livria_sse.hub.feed import SIZE
from livria_sse.models import Review
from livria_sse.store import Store


async def test_changes_reach_all(service: Service, new_reader: NewReader) -> None:
    """What is published reaches every reader of the book, in one write each, with no read."""
    readers = [new_reader() for _ in range(5)]
    async with AsyncExitStack() as stack:
        for reader in readers:
            await stack.enter_async_context(watching(service.hub, reader, service.book))
        reads = service.log.reads
        await service.post("hello")

        for reader in readers:
            await reader.until(1)
            assert list(reader.replica.reviews.values()) == ["hello"]
            assert reader.writes == 2  # the welcome and the change
        assert service.log.reads == reads


async def test_other_books_hear_nothing(service: Service, new_reader: NewReader) -> None:
    """A change of one book is not sent to the readers of another."""
    other = await add_book(service.store, 11)
    reader = new_reader()
    async with watching(service.hub, reader, other):
        await service.post("hello")

        assert [event.type for event in reader.replica.events] == ["stream.ready"]


async def test_slow_readers_harm_nobody(service: Service, new_reader: NewReader) -> None:
    """A reader whose socket is full delays nobody, and gets all in one write when it drains."""
    slow, quick = new_reader(), new_reader()
    async with (
        watching(service.hub, slow, service.book),
        watching(service.hub, quick, service.book),
    ):
        slow.stop_reading()
        for number in range(20):
            await service.post(f"review {number}")
            await quick.until(number + 1)
        before = slow.writes
        slow.go_on_reading()
        await slow.until(20)

        assert slow.replica.reviews == quick.replica.reviews
        assert slow.writes - before <= 2  # the one that had to wait, and all the rest


async def test_slow_readers_cost_no_memory(service: Service, new_reader: NewReader) -> None:
    """For a reader who takes nothing, no more is kept after a hundred changes than after one."""
    slow = new_reader().stop_reading()
    async with watching(service.hub, slow, service.book):
        await service.post("first")
        writes, tasks = slow.writes, len(asyncio.all_tasks())
        for number in range(100):
            await service.post(f"review {number}")

        assert slow.writes == writes
        assert len(asyncio.all_tasks()) <= tasks
        slow.go_on_reading()


async def test_counts_after_a_cut(service: Service, new_reader: NewReader) -> None:
    """Who was cut off within a difference learns the number of reviews when they come back.

    Each part of a difference tells the number at its end; what came and went is not told.
    """
    first, second = await service.post("first"), await service.post("second")
    (change,) = second.changes
    reader = new_reader()
    reader.replica.review_count = second.review_count  # told with the first of the two
    await service.store.reviews.delete(change.id, by=service.author)

    asked = f"{service.hub.epoch}-{first.head}"
    async with watching(service.hub, reader, service.book, asked=asked):
        await reader.until(3)

        assert reader.replica.review_count == 1


async def test_lagging_readers_use_the_ladder(service: Service, new_reader: NewReader) -> None:
    """A reader who fell behind further than the feed reaches still gets exactly the difference."""
    slow = new_reader()
    async with watching(service.hub, slow, service.book):
        slow.stop_reading()
        for number in range(SIZE + 20):
            await service.post(f"review {number}")
        slow.go_on_reading()
        await slow.until(SIZE + 20)

        assert len(slow.replica.reviews) == SIZE + 20
        assert slow.replica.resets == 0


async def test_readers_too_far_behind_are_reset(store: Store, new_reader: NewReader) -> None:
    """A reader who fell behind more than the replay limit is told to fetch the book again."""
    async with serving(store, replay_limit=5, audit_seconds=3600) as service:
        slow = new_reader()
        async with watching(service.hub, slow, service.book):
            slow.stop_reading()
            for number in range(SIZE + 20):
                await service.post(f"review {number}")
            slow.go_on_reading()
            await slow.until(SIZE + 20)

            assert slow.replica.resets == 1
            assert slow.replica.events[-1].json["reason"] == "too_large"


async def test_gaps_are_read(service: Service, new_reader: NewReader) -> None:
    """A published change that leaves a gap makes the feed read what lies between."""
    reader = new_reader()
    async with watching(service.hub, reader, service.book):
        await service.commit("nobody told of this")
        await service.post("but of this")
        await reader.until(2)

        assert sorted(reader.replica.reviews.values()) == ["but of this", "nobody told of this"]


async def test_changes_out_of_order(service: Service, new_reader: NewReader) -> None:
    """Changes that are published in another order than committed are all told, none twice."""
    reader = new_reader()
    async with watching(service.hub, reader, service.book):
        differences = [await service.commit(f"review {number}") for number in range(5)]
        for difference in reversed(differences):
            service.hub.publish(difference)
        await reader.until(5)

        types = [event.type for event in reader.replica.events]
        assert types == ["stream.ready", *["review.created"] * 5]


async def test_the_audit_finds_what_nobody_told(store: Store, new_reader: NewReader) -> None:
    """A change that nobody published reaches the readers by the audit."""
    async with serving(store, audit_seconds=0.01) as service:
        reader = new_reader()
        async with watching(service.hub, reader, service.book):
            await service.commit("nobody told of this")
            await reader.until(1)

            assert list(reader.replica.reviews.values()) == ["nobody told of this"]
            assert service.hub.statistics().repairs >= 1  # an audit more may come before it is read


async def test_the_audit_survives_outages(store: Store, new_reader: NewReader) -> None:
    """While the log cannot be read streams stay open, and afterwards they get what they lack."""
    async with serving(store, audit_seconds=0.01) as service:
        reader = new_reader()
        async with watching(service.hub, reader, service.book):
            service.log.broken = True
            await service.commit("in the dark")
            await service.post("also in the dark")
            service.log.broken = False
            await reader.until(2)

            assert len(reader.replica.reviews) == 2
            assert not reader.ended


async def test_the_audit_survives_everything(store: Store, new_reader: NewReader) -> None:
    """Whatever goes wrong in an audit, the next one finds what was missed."""
    async with serving(store, audit_seconds=0.02) as service:
        reader = new_reader()
        async with watching(service.hub, reader, service.book):
            service.log.failing = ZeroDivisionError("nobody has foreseen this")
            await service.commit("nobody told")
            await until(lambda: service.log.failures > 0)
            service.log.failing = None

            await reader.until(1)


async def test_the_hub_listens_again(service: Service) -> None:
    """Whatever goes wrong while it listens, it begins again."""
    await until(lambda: service.log.listened == 2)


async def test_audits_hurry_while_degraded(store: Store, new_reader: NewReader) -> None:
    """Once no doorbell can be heard the audit does not wait until it would have been due."""
    async with serving(store, audit_seconds=3600) as service:
        reader = new_reader()
        async with watching(service.hub, reader, service.book):
            service.log.degraded = "no doorbell can be heard"
            service.hub.missed([])
            await service.commit("nobody told")

            await reader.until(1)


async def test_herds_read_once(service: Service, new_reader: NewReader) -> None:
    """When many readers come back at once, the log is read once for the book, not for each."""
    for number in range(50):
        await service.commit(f"review {number}")
    readers = [new_reader() for _ in range(200)]

    async def come_back(stack: AsyncExitStack, reader: Reader) -> None:
        asked = f"{service.hub.epoch}-3"
        await stack.enter_async_context(watching(service.hub, reader, service.book, asked=asked))

    async with AsyncExitStack() as stack:
        await asyncio.gather(*(come_back(stack, reader) for reader in readers))

        assert all(len(reader.replica.reviews) == 47 for reader in readers)
        assert service.log.reads == 1


@pytest.mark.parametrize("limit", [{"replay_limit": 5}, {"replay_bytes": 50}], ids=str)
async def test_hopeless_positions_are_read_once(
    store: Store, new_reader: NewReader, limit: dict[str, int]
) -> None:
    """That a difference is too large is found out once, not by each reader who asks for it."""
    async with serving(store, **limit, audit_seconds=3600) as service:
        for number in range(10):
            await service.commit(f"review {number}")
        readers = [new_reader() for _ in range(20)]
        async with AsyncExitStack() as stack:
            for number, reader in enumerate(readers):
                asked = f"{service.hub.epoch}-{1 - number % 2}"
                await stack.enter_async_context(
                    watching(service.hub, reader, service.book, asked=asked)
                )

            assert all(reader.replica.resets == 1 for reader in readers)
            assert service.log.reads == 1


async def test_unknown_books_leave_nothing(service: Service) -> None:
    """Asking for books that are not there leaves no feed behind."""
    for book in range(1000, 1100):
        with pytest.raises(UnknownBook):
            async with service.hub.opening([book]):
                pass

    assert service.hub.statistics().books == 0


async def hundred_come_and_go(service: Service, new_reader: NewReader) -> None:
    """A hundred streams, one of which is full when it ends."""
    async with AsyncExitStack() as stack:
        readers = [new_reader() for _ in range(100)]
        for reader in readers:
            await stack.enter_async_context(watching(service.hub, reader, service.book))
        readers[0].stop_reading()
        await service.post("hello")
        assert service.hub.statistics().streams == 100


async def test_streams_leave_nothing(service: Service, new_reader: NewReader) -> None:
    """After a thousand streams have come and gone, no task and no subscriber is left of them."""
    tasks = asyncio.all_tasks()
    for _ in range(10):
        await hundred_come_and_go(service, new_reader)
    for _ in range(3):  # the task of the reader who left while a write waited ends, and is told
        await asyncio.sleep(0)

    gc.collect()
    assert service.hub.statistics().streams == 0
    assert service.hub.statistics().books == 0
    assert asyncio.all_tasks() <= tasks
    assert not [each for each in gc.get_objects() if isinstance(each, Subscriber)]


async def test_readers_who_take_nothing_are_closed(store: Store, new_reader: NewReader) -> None:
    """A reader who takes nothing for the send timeout is ended, and no one else is."""
    async with serving(store, audit_seconds=3600, heartbeat_seconds=30, send_seconds=1) as service:
        stuck, quick = new_reader(), new_reader()
        async with (
            watching(service.hub, stuck, service.book) as subscriber,
            watching(service.hub, quick, service.book),
        ):
            stuck.stop_reading()
            await service.post("hello")
            await stuck.until_ended()

            assert subscriber.ending == "slow"
            assert not quick.ended


async def test_readers_who_go_on_are_kept(store: Store, new_reader: NewReader) -> None:
    """A reader whose socket was full, and is not any more, is not closed for that later."""
    async with serving(store, audit_seconds=3600, heartbeat_seconds=30, send_seconds=1) as service:
        once, stuck = new_reader(), new_reader()
        async with (
            watching(service.hub, once, service.book),
            watching(service.hub, stuck, service.book),
        ):
            once.stop_reading()
            await service.post("hello")
            once.go_on_reading()
            await once.until(1)
            stuck.stop_reading()
            await service.post("again")
            await stuck.until_ended()

            assert not once.ended


async def test_leaving_while_the_ladder_is_read(service: Service, new_reader: NewReader) -> None:
    """To a reader who leaves while it is read what they lack, nothing is written any more."""
    tasks = len(asyncio.all_tasks())
    slow = new_reader()
    async with watching(service.hub, slow, service.book) as subscriber:
        slow.stop_reading()
        for number in range(SIZE + 20):
            await service.post(f"review {number}")
        service.log.broken = True
        reads = service.log.reads
        slow.go_on_reading()
        await until(lambda: service.log.reads > reads)
        writes = slow.writes
    service.log.broken = False
    await until(lambda: service.log.reads > reads + 1)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)

    assert slow.writes == writes
    assert subscriber not in service.hub._stalled


async def test_failing_sends_harm_nobody(service: Service, new_reader: NewReader) -> None:
    """A write that fails concerns that stream alone; the others get the change."""
    broken, quick = new_reader(), new_reader()
    async with (
        watching(service.hub, broken, service.book),
        watching(service.hub, quick, service.book),
    ):
        broken.broken = True
        await service.post("hello")

        await quick.until(1)
        assert not broken.replica.reviews


async def test_draining_ends_all(service: Service, new_reader: NewReader) -> None:
    """Draining ends every stream, and says why."""
    readers = [new_reader() for _ in range(250)]
    async with AsyncExitStack() as stack:
        subscribers = [
            await stack.enter_async_context(watching(service.hub, reader, service.book))
            for reader in readers
        ]
        await service.hub.drain()

        assert all(reader.ended for reader in readers)
        assert {subscriber.ending for subscriber in subscribers} == {"closing"}
        assert service.hub.stopping


async def test_frames_are_counted(store: Store, new_reader: NewReader) -> None:
    """A stream knows how many frames its reader was given: at once, late, and as signs of life."""
    async with serving(store, heartbeat_seconds=1) as service:
        reader = new_reader()
        events = reader.replica.events
        async with watching(service.hub, reader, service.book) as subscriber:
            await service.post("at once")
            await reader.until(1)
            reader.stop_reading()
            for number in range(SIZE + 20):
                await service.post(f"late {number}")
            reader.go_on_reading()
            await reader.until(SIZE + 21)
            await until(lambda: any(event.type == "stream.heartbeat" for event in events))

            assert subscriber.frames == len(events)


async def test_rungs_are_counted(service: Service) -> None:
    """Each resumed stream counts by the rung that had what its reader lacked, each read by its."""
    for number in range(3):
        await service.commit(f"review {number}")
    epoch, statistics = service.hub.epoch, service.hub.statistics
    async with AsyncExitStack() as stack:

        async def resume(asked: str | None) -> None:
            reader = DirectReader()
            await stack.enter_async_context(
                watching(service.hub, reader, service.book, asked=asked)
            )

        await resume(None)
        assert statistics().reads == {"sql": 1, "redis": 0}
        service.log.nearest = "redis"
        await resume(f"{epoch}-2")
        service.log.nearest = "sql"
        await resume(f"{epoch}-1")
        assert statistics().resumed == {"feed": 0, "redis": 1, "sql": 1}
        assert statistics().reads == {"sql": 2, "redis": 1}
        await resume(f"{epoch}-2")  # which is held by now
        await resume(f"{epoch}-3")  # which lacks nothing
        await resume("another-1")
        assert statistics().resumed == {"feed": 2, "redis": 1, "sql": 1}
        assert statistics().opened == {"live": 1, "resumed": 4, "reset": 1}
        assert statistics().reads == {"sql": 2, "redis": 1}


def lags_of(service: Service) -> tuple[float, float]:
    """How many lags were measured, and their sum in seconds."""
    (family,) = service.hub.statistics().lags.collect()
    numbers = {sample.name.rpartition("_")[2]: sample.value for sample in family.samples}
    return numbers["count"], numbers["sum"]


async def test_lags_begin_with_the_review(service: Service) -> None:
    """A review's lag counts from when it was written: until it was heard of is a part of it."""
    async with watching(service.hub, DirectReader(), service.book):
        late = await service.commit("late")
        (review,) = late.changes
        assert isinstance(review, Review)
        review = replace(review, updated_at=review.updated_at - timedelta(seconds=30))
        service.hub.hear(replace(late, changes=(review,)))
        service.hub.hear(replace(late, changes=(review,)))  # once more, by its doorbell

        count, seconds = lags_of(service)
        assert count == 1
        assert 30 <= seconds < 90
        await service.post("in time")
        assert lags_of(service)[0] == 2


async def test_lags_of_what_the_audit_finds(store: Store) -> None:
    """What nobody told is late by as long as it took to find it, and measured once."""
    async with serving(store, audit_seconds=0.3) as service:
        reader = DirectReader()
        async with watching(service.hub, reader, service.book):
            await service.commit("unheard")
            await reader.until(1)

            await until(lambda: lags_of(service)[0] == 1)
            assert lags_of(service)[1] > 0


async def test_lags_of_clocks_that_disagree(service: Service) -> None:
    """A review that seems to come from the future has no lag, rather than a negative one."""
    async with watching(service.hub, DirectReader(), service.book):
        early = await service.commit("early")
        (review,) = early.changes
        assert isinstance(review, Review)
        review = replace(review, updated_at=review.updated_at + timedelta(seconds=30))
        service.hub.hear(replace(early, changes=(review,)))

        assert lags_of(service) == (1, 0)


async def test_old_texts_have_no_lag(service: Service) -> None:
    """Neither what was there before anybody watched, nor what the staff restores, is late."""
    first = await service.commit("hidden for long")
    await service.commit("there already")
    staff = replace(service.author, staff=True)
    asked = f"{service.hub.epoch}-0"
    async with watching(service.hub, DirectReader(), service.book, asked=asked):
        moderation = service.store.moderation
        service.hub.publish(await moderation.hide(first.changes[0].id, by=staff))
        service.hub.publish(await moderation.restore(first.changes[0].id, by=staff))

        assert lags_of(service) == (0, 0)
        review_id = first.changes[0].id
        reviews = service.store.reviews
        service.hub.publish(await reviews.update(review_id, "edited", by=service.author))
        assert lags_of(service)[0] == 1
