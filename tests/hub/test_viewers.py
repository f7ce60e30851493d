"""How many have a book's page open, as they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.hub.readers import DirectReader, Reader, watching
from tests.hub.service import Service, serving
from tests.waiting import until

from livria_sse.hub import viewers
from livria_sse.store import Store


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """People can wait for two seconds; tests need not."""
    monkeypatch.setattr(viewers, "TICK_SECONDS", 0.02)


@pytest.fixture
async def service(store: Store) -> AsyncIterator[Service]:
    """A service that tells of viewers."""
    async with serving(store, viewers=True) as service:
        yield service


def told(reader: Reader) -> list[int]:
    """What a reader was told, in order."""
    events = reader.replica.events
    return [event.json["viewers"] for event in events if event.type == "stream.viewers"]


async def test_viewers_are_told_of_each_other(service: Service) -> None:
    """Who opens a page is told at once how many have it open; the others learn of it soon."""
    first, second = DirectReader(), DirectReader()
    async with watching(service.hub, first, service.book, viewed=[service.book]):
        assert told(first) == [1]
        async with watching(service.hub, second, service.book, viewed=[service.book]):
            assert told(second) == [2]
            await until(lambda: told(first)[-1] == 2)
        await until(lambda: told(first)[-1] == 1)

    assert first.replica.last_event_id.endswith("-0")


async def test_a_crowd_is_told_of_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many come and go, a viewer hears of it no more than once in a while."""
    ticks = 0
    share = viewers.Viewers._share

    def counted(self: viewers.Viewers, *, every: bool) -> None:
        nonlocal ticks
        ticks += 1
        share(self, every=every)

    monkeypatch.setattr(viewers.Viewers, "_share", counted)
    first = DirectReader()
    async with watching(service.hub, first, service.book, viewed=[service.book]):
        async with AsyncExitStack() as crowd:
            for _ in range(50):
                other = watching(service.hub, DirectReader(), service.book, viewed=[service.book])
                await crowd.enter_async_context(other)
            await until(lambda: told(first)[-1] == 51)
        await until(lambda: told(first)[-1] == 1)

        assert len(told(first)) - 1 <= ticks


async def test_nobody_is_counted_unless_that_is_wanted(store: Store) -> None:
    """Where viewers are switched off, nobody is told how many there are."""
    reader = DirectReader()
    async with (
        serving(store, viewers=False) as service,
        watching(service.hub, reader, service.book, viewed=[service.book]),
    ):
        await service.post("told")
        await until(lambda: bool(reader.replica.reviews))
        assert told(reader) == []


async def test_who_leaves_at_once_is_not_counted(service: Service) -> None:
    """Who was told of somebody that left before the others were told learns that they are alone."""
    first, second = DirectReader(), DirectReader()
    async with watching(service.hub, first, service.book, viewed=[service.book]) as leaving:
        await until(lambda: not leaving.cursors[0].feed.greeted)
        async with watching(service.hub, second, service.book, viewed=[service.book]):
            leaving.left()
            assert told(second) == [2]
            await until(lambda: told(second) == [2, 1])


async def test_nobody_is_told_twice(service: Service) -> None:
    """Who was greeted with the number is not told it again."""
    first, second = DirectReader(), DirectReader()
    async with (
        watching(service.hub, first, service.book, viewed=[service.book]),
        watching(service.hub, second, service.book, viewed=[service.book]),
    ):
        await until(lambda: told(first)[-1] == 2)
        service.hub.hear_viewers("other", {service.book: 1}, every=True)
        await until(lambda: told(second)[-1] == 3)

        assert (told(first), told(second)) == ([1, 2, 3], [2, 3])


async def test_lists_are_no_pages(service: Service) -> None:
    """Where a book is only listed nobody views it, and nobody is told."""
    viewing, listing = DirectReader(), DirectReader()
    async with (
        watching(service.hub, viewing, service.book, viewed=[service.book]),
        watching(service.hub, listing, service.book),
    ):
        service.hub.hear_viewers("other", {service.book: 1}, every=True)
        await until(lambda: told(viewing)[-1] == 2)

        assert told(listing) == []


async def test_viewers_elsewhere_count(service: Service) -> None:
    """Those in other processes count, until they leave or nothing is heard of them any more."""
    reader = DirectReader()
    async with watching(service.hub, reader, service.book, viewed=[service.book]):
        service.hub.hear_viewers("one", {service.book: 3, 99: 7}, every=True)
        service.hub.hear_viewers("two", {service.book: 2}, every=True)
        await until(lambda: told(reader)[-1] == 6)
        service.hub.hear_viewers("one", {99: 8}, every=False)
        service.hub.hear_viewers("two", {service.book: 1}, every=False)
        await until(lambda: told(reader)[-1] == 5)
        service.hub.hear_viewers("one", {99: 8}, every=True)
        await until(lambda: told(reader)[-1] == 2)


async def test_dead_processes_fade(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says nothing any more has no viewers."""
    monkeypatch.setattr(viewers, "FADE_SECONDS", 0.2)
    reader = DirectReader()
    async with watching(service.hub, reader, service.book, viewed=[service.book]):
        service.hub.hear_viewers("other", {service.book: 3}, every=True)
        await until(lambda: told(reader)[-1] == 4)
        await until(lambda: told(reader)[-1] == 1)


async def test_small_changes_of_many_are_not_told(service: Service) -> None:
    """Of many viewers, one more or less is not worth an event to each of them."""
    reader = DirectReader()
    async with watching(service.hub, reader, service.book, viewed=[service.book]):
        for elsewhere in (999, 1_010, 990, 1_100):
            service.hub.hear_viewers("other", {service.book: elsewhere}, every=True)
            if elsewhere in {999, 1_100}:
                await until(lambda told_of=elsewhere: told(reader)[-1] == told_of + 1)  # type: ignore[misc]

        assert told(reader) == [1, 1_000, 1_101]


async def test_what_other_processes_are_told(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are told what has changed, and from time to time all; nothing if there is nothing."""
    said: list[tuple[dict[int, int], bool]] = []
    monkeypatch.setattr(
        service.log, "tell_viewers", lambda counts, *, every: said.append((counts, every))
    )
    async with watching(service.hub, DirectReader(), service.book, viewed=[service.book]):
        await until(lambda: said.count(({service.book: 1}, True)) == 2)
    await until(lambda: said[-1][0] == {service.book: 0})
    ended = len(said)
    assert ({service.book: 1}, False) not in said[1:]

    async with watching(service.hub, DirectReader(), service.book):
        assert len(said) == ended


async def test_busy_readers_are_left_alone(service: Service) -> None:
    """To a reader who takes nothing at present, no number is written."""
    busy, quick = DirectReader(), DirectReader()
    async with (
        watching(service.hub, busy, service.book, viewed=[service.book]),
        watching(service.hub, quick, service.book, viewed=[service.book]),
    ):
        busy.stop_reading()
        await service.post("fills the socket")
        writes = busy.writes
        service.hub.hear_viewers("other", {service.book: 7}, every=True)
        await until(lambda: told(quick)[-1] == 9)

        assert busy.writes == writes
        busy.go_on_reading()
