"""Several books on one stream, over a real log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.factories import add_book
from tests.hub.readers import DirectReader, NewReader, Reader, watching
from tests.hub.service import Service
from tests.replica import Replica
from tests.waiting import until

from livria_sse.hub.feed import SIZE
from livria_sse.hub.shelf import asked_of_each, shelf_id
from livria_sse.models import Difference
from livria_sse.store import Store


@dataclass
class Shelf:
    """Three books, in which somebody writes."""

    service: Service
    books: Sequence[int]

    async def commit(self, book: int, content: str) -> Difference:
        """Posts a review, of which the hub is not told."""
        self.service.book = book
        return await self.service.commit(content)

    async def post(self, book: int, content: str) -> Difference:
        """Posts a review."""
        self.service.book = book
        return await self.service.post(content)

    async def delete(self, posted: Difference) -> None:
        """Deletes a review."""
        (review,) = posted.changes
        difference = await self.service.store.reviews.delete(review.id, by=self.service.author)
        self.service.hub.publish(difference)

    def standing(self, *seqs: int) -> str:
        """An id of these books."""
        return shelf_id(self.service.hub.epoch, seqs)

    def watching(self, reader: Reader, asked: str | None = None) -> Any:
        """An open stream of all books."""
        return watching(self.service.hub, reader, *self.books, asked=asked)

    async def truth(self) -> dict[int, str]:
        """What SQL has."""
        found = [await self.service.store.books.find(book, reviews=1_000) for book in self.books]
        return {review.id: review.content for _, reviews in found for review in reviews}


@pytest.fixture
async def shelf(service: Service, store: Store) -> Shelf:
    """Three books without reviews."""
    return Shelf(service, [service.book, await add_book(store, 11), await add_book(store, 12)])


async def test_changes_of_all_books(shelf: Shelf, new_reader: NewReader) -> None:
    """A change of any book comes at once, and its id says where the reader stands in all."""
    reader = new_reader()
    async with shelf.watching(reader):
        await shelf.post(shelf.books[1], "one")
        await shelf.post(shelf.books[0], "two")
        await shelf.post(shelf.books[1], "three")

        assert reader.replica.ids == [
            shelf.standing(0, 0, 0),
            shelf.standing(0, 1, 0),
            shelf.standing(1, 1, 0),
            shelf.standing(1, 2, 0),
        ]
        assert list(reader.replica.reviews.values()) == ["one", "two", "three"]
        assert reader.replica.events[-1].json["position"] == shelf.standing(2)


async def test_resuming_all_books(shelf: Shelf, new_reader: NewReader) -> None:
    """One id resumes all books: what changed in each of them comes, and nothing else."""
    first, second, third = shelf.books
    gone = await shelf.post(first, "gone")
    await shelf.post(second, "known")
    await shelf.delete(gone)
    await shelf.post(third, "new")
    reader = new_reader()
    async with shelf.watching(reader, shelf.standing(1, 1, 0)):
        told = [event.type for event in reader.replica.events]

    assert told == ["stream.ready"] * 3 + ["review.deleted", "review.created"]
    assert reader.replica.last_event_id == shelf.standing(2, 1, 1)


async def test_one_book_is_a_shelf(shelf: Shelf) -> None:
    """A stream of one book, named like several, is that book's stream."""
    await shelf.post(shelf.books[0], "one")
    reader = DirectReader()
    async with watching(shelf.service.hub, reader, shelf.books[0], asked=shelf.standing(0)):
        assert reader.replica.ids == [shelf.standing(0), shelf.standing(1)]
        assert reader.replica.events[0].last_event_id == shelf.standing(0)


@pytest.mark.parametrize(
    ("asked", "reset"),
    [
        ("{epoch}-0.x.1", [1]),
        ("{epoch}-0.0.99", [2]),
        ("zzzzz-0.0.0", [0, 1, 2]),
        ("{epoch}-0.0", [0, 1, 2]),
        ("{epoch}-0", [0, 1, 2]),
        ("{epoch}-0.0.0.0", [0, 1, 2]),
        ("-", [0, 1, 2]),
        ("nonsense", [0, 1, 2]),
    ],
)
async def test_reset_of_some_books(shelf: Shelf, asked: str, reset: Sequence[int]) -> None:
    """A book whose position means nothing is reset; the others are resumed."""
    for book in shelf.books:
        await shelf.post(book, "one")
    reader = DirectReader()
    async with shelf.watching(reader, asked.format(epoch=shelf.service.hub.epoch)):
        resets = [e.json for e in reader.replica.events if e.type == "stream.reset"]

    assert [told["book"] for told in resets] == [shelf.books[place] for place in reset]
    assert {told["position"] for told in resets} == {shelf.standing(1)}
    assert reader.replica.last_event_id == shelf.standing(1, 1, 1)
    assert reader.replica.events[0].json["mode"] == ("reset" if 0 in reset else "resumed")


async def test_cut_anywhere(shelf: Shelf) -> None:
    """Wherever a stream is cut off, its last id resumes it, whichever book had to be reset."""
    gone = [await shelf.post(book, f"gone from {book}") for book in shelf.books]
    known = await shelf.truth()
    await shelf.delete(gone[0])
    for book in shelf.books:
        await shelf.post(book, f"new in {book}")
    asked = f"{shelf.service.hub.epoch}-1.x.1"
    whole = _Recorder()
    async with shelf.watching(whole, asked):
        await shelf.delete(gone[2])
        await shelf.post(shelf.books[2], f"live in {shelf.books[2]}")
    truth = await shelf.truth()

    for cut in range(0, len(whole.data), 7):
        replica = Replica()
        replica.reviews = dict(known)
        replica.feed(whole.data[:cut])
        await _go_on(shelf, replica, asked)
        resets = [event.json["book"] for event in replica.events if event.type == "stream.reset"]
        assert set(resets) == {11}
        assert _of_others(replica.reviews) == _of_others(truth), whole.data[:cut].decode()


def _of_others(reviews: dict[int, str]) -> set[str]:
    return {content for content in reviews.values() if not content.endswith("11")}


async def _go_on(shelf: Shelf, replica: Replica, asked: str) -> None:
    reader = DirectReader()
    replica.connected()
    reader.replica = replica
    async with shelf.watching(reader, replica.last_event_id or asked):
        pass


class _Recorder(DirectReader):
    """Keeps the bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""
        recorder = self

        class Recording(Replica):
            def feed(self, piece: bytes) -> None:
                recorder.data += piece
                super().feed(piece)

        self.replica = Recording()


async def test_slow_reader_of_all_books(shelf: Shelf, new_reader: NewReader) -> None:
    """Who takes nothing gets what each book lacks in one write when they do, and loses nothing."""
    slow = new_reader()
    async with shelf.watching(slow):
        slow.stop_reading()
        for number in range(10):
            for book in shelf.books:
                await shelf.post(book, f"review {number}")
        before = slow.writes
        slow.go_on_reading()
        await until(lambda: slow.replica.last_event_id == shelf.standing(10, 10, 10))

        assert slow.writes - before <= 4  # the one that had to wait, and the rest of each book
        assert slow.replica.reviews == await shelf.truth()


async def test_full_while_the_ladder_is_read(shelf: Shelf, new_reader: NewReader) -> None:
    """What was read for a reader whose socket has become full meanwhile waits until it drains."""
    first, second, _ = shelf.books
    slow = new_reader()
    async with shelf.watching(slow) as subscriber:
        slow.stop_reading()
        await shelf.post(second, "fills the socket")
        for number in range(SIZE + 20):
            await shelf.post(first, f"review {number}")
        shelf.service.log.broken = True
        reads = shelf.service.log.reads
        slow.go_on_reading()
        await until(lambda: shelf.service.log.reads > reads)
        slow.stop_reading()
        await shelf.post(second, "fills it again")
        writes = slow.writes
        shelf.service.log.broken = False
        await until(lambda: not subscriber.cursors[0].reading)
        written_meanwhile = slow.writes - writes
        slow.go_on_reading()
        await until(lambda: slow.replica.last_event_id == shelf.standing(SIZE + 20, 2, 0))

        assert written_meanwhile == 0
        assert slow.replica.reviews == await shelf.truth()


async def test_nothing_deleted_is_welcomed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A review that is deleted while another book is read is not sent any more."""
    first, second, _ = shelf.books
    posted = await shelf.commit(first, "deleted meanwhile")
    await shelf.commit(second, "kept")
    since = shelf.service.log.since

    async def deleting(book_id: int, seq: int, *, known: int | None = None) -> Difference:
        if book_id == second:
            await shelf.delete(posted)
        return await since(book_id, seq, known=known)

    async with shelf.watching(DirectReader()):  # so that the deletion is heard
        monkeypatch.setattr(shelf.service.log, "since", deleting)
        reader = DirectReader()
        async with shelf.watching(reader, shelf.standing(0, 0, 0)):
            told = [
                e.json["review"]["content"] for e in reader.replica.events if "review" in e.json
            ]

    assert told == ["kept"]


async def test_counted_once(shelf: Shelf) -> None:
    """A stream of several books is one stream, and leaves nothing behind."""
    statistics = shelf.service.hub.statistics
    async with shelf.watching(DirectReader()):
        assert (statistics().streams, statistics().books) == (1, 3)

    assert (statistics().streams, statistics().books) == (0, 0)
    assert statistics().closed["left"] == 1


async def test_heartbeats_and_farewell_come_once(shelf: Shelf, new_reader: NewReader) -> None:
    """A stream of several books is ended once, and is told so once."""
    reader = new_reader()
    async with AsyncExitStack() as stack:
        subscriber = await stack.enter_async_context(shelf.watching(reader))
        await shelf.service.hub.drain()
        assert subscriber.ending == "closing"
        await reader.until_ended()


@given(st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=50))
def test_ids_are_read_as_written(seqs: list[int]) -> None:
    """An id says of each book where the reader stands there."""
    each = asked_of_each(shelf_id("k7q2m", seqs), len(seqs))

    assert each == [f"k7q2m-{seq}" for seq in seqs]


@given(st.text() | st.from_regex(re.compile(r"[0-9a-z]*-[0-9.]*")), st.integers(1, 50))
def test_any_id_is_read(asked: str, books: int) -> None:
    """Whatever is asked for, each book is asked for something."""
    assert len(asked_of_each(asked, books)) == books
