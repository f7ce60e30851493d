"""What every log guarantees, whatever it is made of: the sentences of `Log`, one after the other.

A new log is one more parameter of `open_log`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from livria_sse.errors import DifferenceTooLarge, StoreUnavailable, UnknownBook
from livria_sse.log.base import Log
from livria_sse.log.local import LocalLog
from livria_sse.log.redis import open_redis_log
from livria_sse.models import Account, Difference, Review
from livria_sse.settings import Settings
from livria_sse.store import Store, open_store
from tests.factories import add_account, add_book
from tests.parts import RedisServer
from tests.parts.ports import free_port
from tests.parts.redis import ACCEPTED, Program

BOOK = 10

#: Posts a review from another process.
POST = """
import asyncio, sys
from livria_sse.store import open_store
async def post():
    async with open_store(sys.argv[1]) as store:
        known = await store.accounts.named("mina")
        await store.reviews.create(10, "from another process", author=known.account)
asyncio.run(post())
"""


class OpenLog(Protocol):
    """Opens a log on a store."""

    def __call__(
        self, store: Store, *, replay_limit: int = 1_000
    ) -> AbstractAsyncContextManager[Log]: ...


@asynccontextmanager
async def open_local(store: Store, *, replay_limit: int = 1_000) -> AsyncIterator[Log]:
    """The log without Redis."""
    yield LocalLog(store, replay_limit=replay_limit)


@pytest.fixture(params=["local", "redis-away", *ACCEPTED], scope="session")
def open_log(
    request: pytest.FixtureRequest, start_redis: Callable[[Program], RedisServer]
) -> OpenLog:
    """Each log in turn; that with Redis also with a Redis that never answers."""
    if request.param == "local":
        return open_local
    away = request.param == "redis-away"
    url = f"redis://127.0.0.1:{free_port()}" if away else start_redis(request.param).url

    @asynccontextmanager
    async def open_redis(store: Store, *, replay_limit: int = 1_000) -> AsyncIterator[Log]:
        async with open_redis_log(store, url, Settings(replay_limit=replay_limit)) as log:
            yield log

    return open_redis


@pytest.fixture
async def mina(store: Store) -> Account:
    """Somebody who writes; the book is there, too."""
    await add_book(store, BOOK)
    return await add_account(store, "mina")


@dataclass
class Model:
    """A book in plain Python: all that ever happened to it, in order."""

    #: Of each change: the review, and its text, or None for a deletion.
    history: list[tuple[int, str | None]] = field(default_factory=list)

    def present(self) -> dict[int, str]:
        """The reviews that are there, with their texts."""
        latest = dict(self.history)
        return {review: text for review, text in latest.items() if text is not None}

    def since(self, seq: int) -> list[tuple[int, int, int, str | None]]:
        """The review, its creation, its latest change and its text, of all that changed since."""
        found = []
        for number, (review, text) in enumerate(self.history, start=1):
            later = [other for other, _ in self.history[number:]]
            if number > seq and review not in later:
                created = 1 + [other for other, _ in self.history].index(review)
                found.append((review, created, number, text))
        return found


def plain(difference: Difference) -> list[tuple[int, int, int, str | None]]:
    """A difference as the model has it."""
    return [
        (
            change.id,
            change.created_seq,
            change.seq,
            change.content if isinstance(change, Review) else None,
        )
        for change in difference.changes
    ]


def check(difference: Difference, model: Model, seq: int) -> None:
    """Checks that the difference is the model's since a seq."""
    assert plain(difference) == model.since(seq)
    assert difference.book_id == BOOK
    assert difference.after == seq
    assert difference.head == len(model.history)
    assert difference.review_count == len(model.present())


async def post(store: Store, author: Account, text: str = "good") -> int:
    """Posts a review; its id."""
    return (await store.reviews.create(BOOK, text, author=author)).review.id


async def test_epoch_is_the_databases(store: Store, open_log: OpenLog) -> None:
    """The epoch is the one of the database whose changes these are."""
    async with open_log(store) as log:
        assert log.epoch == store.epoch


async def test_head_is_empty(store: Store, mina: Account, open_log: OpenLog) -> None:
    """The head is a difference with nothing in it, which follows itself, and knows the count."""
    async with open_log(store) as log:
        nothing = await log.head(BOOK)
        first = await post(store, mina)
        await post(store, mina)
        await store.reviews.delete(first, by=mina)
        head = await log.head(BOOK)

    assert nothing == Difference(book_id=BOOK, after=0, head=0, review_count=0, changes=())
    assert head == Difference(book_id=BOOK, after=3, head=3, review_count=1, changes=())


async def test_heads_of_many(store: Store, mina: Account, open_log: OpenLog) -> None:
    """The heads of many books are asked for at once; a book that is not there is left out."""
    await add_book(store, 11)
    await post(store, mina)

    async with open_log(store) as log:
        assert await log.heads([BOOK, 11, 12]) == {BOOK: 1, 11: 0}
        assert await log.heads({12}) == {}
        assert await log.heads(()) == {}
        assert await log.heads(range(1, 3_000)) == {BOOK: 1, 11: 0}


async def test_unknown_books(store: Store, open_log: OpenLog) -> None:
    """A book that is not there has neither a head nor changes."""
    async with open_log(store) as log:
        with pytest.raises(UnknownBook):
            await log.head(99)
        with pytest.raises(UnknownBook):
            await log.since(99, 0)


async def test_latest_change_of_each(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A difference has the latest change of every review that changed between its two ends."""
    kept, edited, deleted = [await post(store, mina, text) for text in ("one", "two", "three")]
    await store.reviews.update(edited, "TWO", by=mina)
    await store.reviews.delete(deleted, by=mina)

    async with open_log(store) as log:
        difference = await log.since(BOOK, 0)

    assert plain(difference) == [
        (kept, 1, 1, "one"),
        (edited, 2, 4, "TWO"),
        (deleted, 3, 5, None),
    ]
    assert (difference.after, difference.head, difference.review_count) == (0, 5, 2)


async def test_replaced_text_is_gone(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A text that was deleted or edited away before the read began is in no difference."""
    edited, deleted = await post(store, mina, "secret one"), await post(store, mina, "secret two")
    await store.reviews.update(edited, "harmless", by=mina)
    await store.reviews.delete(deleted, by=mina)

    async with open_log(store) as log:
        for seq in range(5):
            assert "secret" not in str(await log.since(BOOK, seq))


async def test_any_age_will_do(store: Store, mina: Account, open_log: OpenLog) -> None:
    """However many changes there were, a position is not too old if few reviews changed."""
    review = await post(store, mina)
    for n in range(12):
        await store.reviews.update(review, f"edited {n}", by=mina)

    async with open_log(store, replay_limit=1) as log:
        assert plain(await log.since(BOOK, 0)) == [(review, 1, 13, "edited 11")]


async def test_replay_limit(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A difference of as many changes as the limit is given, one of more is too large."""
    for _ in range(6):
        await post(store, mina)

    async with open_log(store, replay_limit=5) as log:
        assert len((await log.since(BOOK, 1)).changes) == 5
        with pytest.raises(DifferenceTooLarge):
            await log.since(BOOK, 0)
        assert (await log.head(BOOK)).head == 6


async def test_what_was_committed_is_in_it(store: Store, mina: Account, open_log: OpenLog) -> None:
    """What was committed before a read began is in it."""
    async with open_log(store) as log:
        for seq in range(1, 6):
            review = await post(store, mina, f"text {seq}")

            assert (await log.head(BOOK)).head == seq
            assert (await log.heads([BOOK])) == {BOOK: seq}
            assert plain(await log.since(BOOK, seq - 1)) == [(review, seq, seq, f"text {seq}")]


def post_elsewhere(path: Path) -> None:
    """Posts a review from another process."""
    subprocess.run([sys.executable, "-c", POST, f"sqlite:///{path}"], check=True, timeout=60)


async def test_whichever_process_committed(
    store: Store, mina: Account, open_log: OpenLog, tmp_path: Path
) -> None:
    """What another process has committed is in it as well."""
    async with open_log(store) as log:
        assert (await log.head(BOOK)).head == 0

        await asyncio.to_thread(post_elsewhere, tmp_path / "livria.db")

        (change,) = (await log.since(BOOK, 0)).changes
        assert isinstance(change, Review)
        assert change.content == "from another process"
        assert change.user == mina.user
        assert (await log.head(BOOK)).head == 1


async def test_whole_while_others_write(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A difference that is read while others write is whole up to its head."""
    async with open_log(store) as log:
        posting = asyncio.gather(*(post(store, mina) for _ in range(60)))
        seq = 0
        while seq < 60:
            difference = await log.since(BOOK, seq)
            assert [change.seq for change in difference.changes] == list(
                range(seq + 1, difference.head + 1)
            )
            assert difference.review_count == difference.head >= seq
            seq = difference.head
        await posting


async def test_reads_change_nothing(store: Store, mina: Account, open_log: OpenLog) -> None:
    """Reads may be repeated, and many be made at once: all have the same answer."""
    for _ in range(3):
        await post(store, mina)

    async with open_log(store) as log:
        first = await log.since(BOOK, 1)
        again = await asyncio.gather(*(log.since(BOOK, 1) for _ in range(20)))
        heads = await asyncio.gather(*(log.head(BOOK) for _ in range(20)))

    assert again == [first] * 20
    assert heads == [heads[0]] * 20


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13])
async def test_reads_can_be_cancelled(
    store: Store, mina: Account, open_log: OpenLog, steps: int
) -> None:
    """A read that is cancelled, at whatever moment, harms neither the log nor other readers."""
    await post(store, mina)

    async with open_log(store) as log:
        reads = [asyncio.create_task(log.since(BOOK, 0)) for _ in range(6)]
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        for read in reads[::2]:
            read.cancel()

        others = await asyncio.gather(*reads[1::2])
        await asyncio.wait(reads)
        assert others == [await log.since(BOOK, 0)] * 3
        assert (await log.head(BOOK)).head == 1


async def test_ahead_of_the_head(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A reader who is ahead of the head is told nothing, and can see that the head is below."""
    await post(store, mina)

    async with open_log(store) as log:
        for seq in (2, 10**15, 2**53 - 1):
            difference = await log.since(BOOK, seq)
            assert difference.changes == ()
            assert difference.head == 1 < difference.after == seq


async def test_at_the_head(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A reader who is at the head lacks nothing."""
    await post(store, mina)

    async with open_log(store) as log:
        assert await log.since(BOOK, 1) == await log.head(BOOK)


async def test_books_are_apart(store: Store, mina: Account, open_log: OpenLog) -> None:
    """A difference has nothing of other books."""
    await add_book(store, 11)
    await store.reviews.create(11, "elsewhere", author=mina)
    review = await post(store, mina, "here")

    async with open_log(store) as log:
        assert plain(await log.since(BOOK, 0)) == [(review, 1, 1, "here")]


async def test_nothing_holds_the_truth(tmp_path: Path, open_log: OpenLog) -> None:
    """When nothing that holds the truth can be reached, every verb says that it is unavailable."""
    async with open_store(f"sqlite:///{tmp_path}/closed.db") as store:
        await add_book(store, BOOK)

    async with open_log(store) as log, asyncio.timeout(60):
        with pytest.raises(StoreUnavailable):
            await log.head(BOOK)
        with pytest.raises(StoreUnavailable):
            await log.heads([BOOK])
        with pytest.raises(StoreUnavailable):
            await log.since(BOOK, 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "edit", "delete"]),
        st.integers(0, 99),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
    ),
    max_size=20,
)


async def follow(open_log: OpenLog, steps: list[tuple[str, int, str]]) -> None:
    """Takes the steps on a book and on its model, and compares what every reader is told."""
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_store(f"sqlite:///{folder}/livria.db") as store,
            open_log(store) as log,
        ):
            await add_book(store, BOOK)
            mina = await add_account(store)
            for kind, pick, text in steps:
                present = sorted(model.present())
                if kind == "create" or not present:
                    accepted = await store.reviews.create(BOOK, text, author=mina)
                    model.history.append((accepted.review.id, text))
                    difference = accepted.difference
                elif kind == "edit":
                    review = present[pick % len(present)]
                    difference = await store.reviews.update(review, text, by=mina)
                    model.history.append((review, text))
                else:
                    review = present[pick % len(present)]
                    difference = await store.reviews.delete(review, by=mina)
                    model.history.append((review, None))
                assert difference
                log.publish(difference)
                seq = pick % (len(model.history) + 1)
                check(await log.since(BOOK, seq), model, seq)
                check(await log.since(BOOK, seq, known=len(model.history)), model, seq)

            for seq in range(len(model.history) + 1):
                check(await log.since(BOOK, seq), model, seq)
            check(await log.head(BOOK), model, len(model.history))


@settings(max_examples=30)
@given(steps=STEPS)
def test_random_histories(open_log: OpenLog, steps: list[tuple[str, int, str]]) -> None:
    """Whatever happens to a book, a reader at any seq lacks exactly what a plain model says."""
    asyncio.run(follow(open_log, steps))
