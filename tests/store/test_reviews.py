"""Reviews in the store: numbers without gaps, tombstones without text, writes that happen once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from tests.factories import THEN, add_account, add_book, make_user
from tests.store.conftest import Execute

from livria_sse.errors import (
    IdempotencyKeyReused,
    NotPermitted,
    RepeatedReview,
    UnknownBook,
    UnknownReview,
    UsernameTaken,
)
from livria_sse.models import Account, Review, Tombstone
from livria_sse.store import Store, open_store
from livria_sse.store.reviews import Accepted
from livria_sse.store.tables import metadata


async def post(
    store: Store, author: Account, content: str = "good", *, book: int = 10, key: str | None = None
) -> Accepted:
    """Posts a review."""
    return await store.reviews.create(book, content, author=author, key=key)


async def shown(store: Store, book: int = 10) -> list[int]:
    """The ids of the reviews that a book shows."""
    reviews, _ = await store.reviews.page(book, before=None, limit=100)
    return [review.id for review in reviews]


async def test_every_change_has_a_number(store: Store) -> None:
    """Creating, editing and deleting take the next number of the book, and count its reviews."""
    mina = await add_account(store)
    await add_book(store)

    first = await post(store, mina, "one")
    second = await post(store, mina, "two")
    edited = await store.reviews.update(first.review.id, "ONE", by=mina)
    deleted = await store.reviews.delete(second.review.id, by=mina)

    assert first.difference
    assert second.difference
    differences = [first.difference, second.difference, edited, deleted]
    assert [difference.after for difference in differences] == [0, 1, 2, 3]
    assert [difference.head for difference in differences] == [1, 2, 3, 4]
    assert [difference.review_count for difference in differences] == [1, 2, 2, 1]
    assert {difference.book_id for difference in differences} == {10}
    assert (await store.changes.head(10)).head == 4


async def test_created_reviews(store: Store) -> None:
    """A review that is created is answered, told and found as the same."""
    mina = await add_account(store)
    await add_book(store)

    accepted = await post(store, mina, "좋아요\n\t👍")

    review = accepted.review
    assert review.content == "좋아요\n\t👍"
    assert review.user == mina.user
    assert review.created_seq == review.seq == 1
    assert review.created_at == review.updated_at
    assert accepted.difference
    assert accepted.difference.changes == (review,)
    assert await store.reviews.find(review.id) == review


async def test_edited_reviews(store: Store) -> None:
    """An edited review keeps its creation, and has a new text, a new number and a later time."""
    mina = await add_account(store)
    await add_book(store)
    created = (await post(store, mina, "one")).review

    difference = await store.reviews.update(created.id, "two", by=mina)

    (edited,) = difference.changes
    assert isinstance(edited, Review)
    assert (edited.id, edited.content) == (created.id, "two")
    assert (edited.created_seq, edited.seq) == (1, 2)
    assert edited.created_at == created.created_at
    assert edited.updated_at >= created.updated_at


async def test_told_is_what_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of an edited review is what everybody finds, to the millisecond."""
    mina = await add_account(store)
    await add_book(store)
    created = (await post(store, mina, "one")).review
    ticks = count()
    monkeypatch.setattr(
        "livria_sse.store.reviews.now", lambda: THEN + timedelta(milliseconds=next(ticks))
    )

    difference = await store.reviews.update(created.id, "two", by=mina)

    assert difference.changes == (await store.reviews.find(created.id),)


async def test_tombstones_have_no_text(store: Store, execute: Execute) -> None:
    """Of a deleted review the file keeps the numbers, and no word."""
    mina = await add_account(store)
    await add_book(store)
    review = (await post(store, mina, "a secret", key="k")).review
    await store.reviews.update(review.id, "another secret", by=mina)

    difference = await store.reviews.delete(review.id, by=mina)

    assert difference.changes == (Tombstone(id=review.id, created_seq=1, seq=3),)
    assert execute("SELECT id, content, created_seq, seq FROM reviews") == [(review.id, None, 1, 3)]
    for table in metadata.tables:
        assert "secret" not in str(execute(f"SELECT * FROM {table}"))  # noqa: S608


async def test_deleted_is_deleted(store: Store) -> None:
    """A deleted review is found, shown, edited and deleted no more, and takes no more numbers."""
    mina = await add_account(store)
    await add_book(store)
    review = (await post(store, mina)).review
    await store.reviews.delete(review.id, by=mina)

    assert await shown(store) == []
    with pytest.raises(UnknownReview):
        await store.reviews.find(review.id)
    with pytest.raises(UnknownReview):
        await store.reviews.update(review.id, "again", by=mina)
    with pytest.raises(UnknownReview):
        await store.reviews.delete(review.id, by=mina)
    assert (await store.changes.head(10)).head == 2


async def test_ids_are_not_reused(store: Store) -> None:
    """The id of a deleted review is given to no other."""
    mina = await add_account(store)
    await add_book(store)
    first = (await post(store, mina)).review
    await store.reviews.delete(first.id, by=mina)

    second = (await post(store, mina)).review

    assert second.id > first.id


async def test_books_count_apart(store: Store) -> None:
    """Each book has numbers of its own."""
    mina = await add_account(store)
    await add_book(store, 10)
    await add_book(store, 11)

    await post(store, mina, book=10)
    await post(store, mina, book=10)
    other = await post(store, mina, book=11)

    assert other.review.seq == 1
    assert await store.changes.heads([10, 11]) == {10: 2, 11: 1}


async def test_others_may_not(store: Store) -> None:
    """Nobody but the author and the staff changes a review; who may not changes nothing."""
    mina, june = await add_account(store, "mina"), await add_account(store, "june")
    await add_book(store)
    review = (await post(store, mina, "mine")).review

    with pytest.raises(NotPermitted):
        await store.reviews.update(review.id, "yours", by=june)
    with pytest.raises(NotPermitted):
        await store.reviews.delete(review.id, by=june)

    assert await store.reviews.find(review.id) == review
    assert (await store.changes.head(10)).head == 1


async def test_staff_may(store: Store) -> None:
    """The staff edits and deletes what others wrote, and it stays theirs."""
    mina, staff = await add_account(store), await add_account(store, "admin", staff=True)
    await add_book(store)
    review = (await post(store, mina, "rude")).review

    (edited,) = (await store.reviews.update(review.id, "polite", by=staff)).changes
    assert isinstance(edited, Review)
    assert edited.user == mina.user

    await store.reviews.delete(review.id, by=staff)
    assert await shown(store) == []


async def test_unknown_books(store: Store) -> None:
    """A review of a book that is not there is refused, and nothing is written."""
    mina = await add_account(store)

    with pytest.raises(UnknownBook):
        await post(store, mina, book=99, key="k")

    await add_book(store, 99)
    accepted = await post(store, mina, book=99, key="k")
    assert accepted.difference
    assert accepted.review.seq == 1


async def test_unknown_reviews(store: Store) -> None:
    """A review that was never there is neither found nor changed."""
    mina = await add_account(store)

    for review_id in (0, 1, 2**53 - 1):
        with pytest.raises(UnknownReview):
            await store.reviews.find(review_id)
        with pytest.raises(UnknownReview):
            await store.reviews.update(review_id, "x", by=mina)
        with pytest.raises(UnknownReview):
            await store.reviews.delete(review_id, by=mina)


async def test_newest_first(store: Store) -> None:
    """Pages go from the newest review to the oldest, without a gap or a repetition."""
    mina = await add_account(store)
    await add_book(store, 10)
    await add_book(store, 11)
    ids = [(await post(store, mina, f"{n}")).review.id for n in range(7)]
    await post(store, mina, book=11)
    await store.reviews.delete(ids[3], by=mina)
    await store.reviews.update(ids[0], "edited", by=mina)

    pages: list[list[int]] = []
    before: int | None = None
    for _ in range(4):
        reviews, head = await store.reviews.page(10, before=before, limit=2)
        assert head == 9
        pages.append([review.id for review in reviews])
        before = pages[-1][-1] if pages[-1] else before

    assert pages == [[ids[6], ids[5]], [ids[4], ids[2]], [ids[1], ids[0]], []]


async def test_pages_of_nothing(store: Store) -> None:
    """A book without reviews, or with none so old, has an empty page; no book has none."""
    mina = await add_account(store)
    await add_book(store)
    assert await shown(store) == []

    review = (await post(store, mina)).review

    assert await store.reviews.page(10, before=review.id, limit=5) == ([], 1)
    with pytest.raises(UnknownBook):
        await store.reviews.page(99, before=None, limit=5)


async def test_book_is_one_snapshot(store: Store) -> None:
    """A book is read with its newest reviews, its count and its head at one moment."""
    mina = await add_account(store)
    await add_book(store)
    for n in range(3):
        await post(store, mina, f"{n}")

    posting = asyncio.gather(*(post(store, mina, "more") for _ in range(50)))
    while not posting.done():
        book, reviews = await store.books.find(10, reviews=100)
        assert book.head == book.review_count == len(reviews) == max(r.seq for r in reviews)
    await posting


async def test_the_same_text_in_a_busy_book(store: Store) -> None:
    """However much others write meanwhile, nobody says the same on a book again at once."""
    book, mina = await add_book(store), await add_account(store, "mina")
    jun = await add_account(store, "jun")
    await store.reviews.create(book, "the same", author=mina, repeat_seconds=60)
    for number in range(250):
        await store.reviews.create(book, str(number), author=jun)

    with pytest.raises(RepeatedReview):
        await store.reviews.create(book, "the same", author=mina, repeat_seconds=60)


async def test_same_key_same_answer(store: Store, execute: Execute) -> None:
    """What is asked for twice with one key happens once, and is answered alike."""
    mina = await add_account(store)
    await add_book(store)

    first = await post(store, mina, "good", key="k")
    again = await post(store, mina, "good", key="k")

    assert again.review == first.review
    assert first.difference
    assert again.difference is None
    assert execute("SELECT count(*) FROM reviews") == [(1,)]
    assert (await store.changes.head(10)).head == 1


async def test_same_key_at_once(store: Store) -> None:
    """However many equal requests with one key come together, one review is made of them."""
    mina = await add_account(store)
    await add_book(store)

    accepted = await asyncio.gather(*(post(store, mina, "good", key="k") for _ in range(20)))

    assert {one.review.id for one in accepted} == {accepted[0].review.id}
    assert sum(one.difference is not None for one in accepted) == 1
    assert (await store.changes.head(10)).head == 1


async def test_same_key_other_request(store: Store) -> None:
    """A key that was used for another text or book is refused, and nothing is written."""
    mina = await add_account(store)
    await add_book(store, 10)
    await add_book(store, 11)
    await post(store, mina, "good", key="k")

    with pytest.raises(IdempotencyKeyReused):
        await post(store, mina, "bad", key="k")
    with pytest.raises(IdempotencyKeyReused):
        await post(store, mina, "good", book=11, key="k")

    assert await store.changes.heads([10, 11]) == {10: 1, 11: 0}


async def test_keys_are_the_authors(store: Store) -> None:
    """Two authors who use the same key know nothing of each other."""
    mina, june = await add_account(store, "mina"), await add_account(store, "june")
    await add_book(store)

    first = await post(store, mina, "good", key="k")
    second = await post(store, june, "bad", key="k")

    assert second.difference
    assert second.review.id != first.review.id
    assert second.review.user == june.user


async def test_other_keys_are_others(store: Store) -> None:
    """The same text with another key, or without one, is another review."""
    mina = await add_account(store)
    await add_book(store)

    accepted = [
        await post(store, mina, "good", key=key) for key in ("k", "K", "k ", None, None, "", "")
    ]

    assert len({one.review.id for one in accepted}) == 7


async def test_answer_outlives_changes(store: Store) -> None:
    """The answer to a repeated request stays the same when the review was edited or deleted."""
    mina = await add_account(store)
    await add_book(store)
    first = await post(store, mina, "good", key="k")

    await store.reviews.update(first.review.id, "better", by=mina)
    after_edit = await post(store, mina, "good", key="k")
    await store.reviews.delete(first.review.id, by=mina)
    after_deletion = await post(store, mina, "good", key="k")

    assert after_edit.review == after_deletion.review == first.review
    assert after_edit.difference is after_deletion.difference is None
    assert await shown(store) == []


async def test_keys_are_forgotten(store: Store, execute: Execute) -> None:
    """A key is remembered for a day, and then free again."""
    mina = await add_account(store)
    await add_book(store)
    first = await post(store, mina, "good", key="k")
    age = "UPDATE idempotency_keys SET created_at = created_at - ?"
    day, minute = 24 * 60 * 60 * 1_000, 60 * 1_000

    execute(age, day - minute)
    younger = await post(store, mina, "good", key="k")
    execute(age, minute + 1)
    older = await post(store, mina, "another", key="k")

    assert younger.review == first.review
    assert older.review.id != first.review.id
    assert execute("SELECT review_id FROM idempotency_keys") == [(older.review.id,)]


async def test_two_hundred_posters(store: Store) -> None:
    """Two hundred who post at once all succeed, with gapless numbers."""
    mina = await add_account(store)
    await add_book(store)
    told: list[int] = []

    async def one(n: int) -> Review:
        accepted = await post(store, mina, f"review {n}")
        assert accepted.difference
        told.append(accepted.difference.head)
        return accepted.review

    reviews = await asyncio.gather(*(one(n) for n in range(200)))

    told.sort()  # answers may overtake each other; the hub waits for what lies between
    assert told == list(range(1, 201))
    assert sorted(review.seq for review in reviews) == told
    assert len({review.id for review in reviews}) == 200
    everything = await store.changes.since(10, 0, limit=1_000)
    assert [change.seq for change in everything.changes] == told
    assert everything.review_count == 200


async def test_failures_leave_no_gaps(store: Store) -> None:
    """Writes that fail among others take no number."""
    mina, june = await add_account(store, "mina"), await add_account(store, "june")
    await add_book(store)
    review = (await post(store, mina, key="k")).review
    nobody = Account(user=make_user(id=999, username="nobody"), staff=False)

    results = await asyncio.gather(
        *(post(store, june, f"{n}") for n in range(20)),
        *(post(store, nobody) for _ in range(5)),  # no such account: a foreign key
        *(post(store, mina, "other", key="k") for _ in range(5)),
        *(store.reviews.delete(review.id, by=june) for _ in range(5)),
        *(add_account(store, "MINA") for _ in range(5)),
        *(post(store, june, f"{n}") for n in range(20)),
        return_exceptions=True,
    )

    failed = [result for result in results if isinstance(result, BaseException)]
    assert all(
        "Violation" in type(e).__name__ or "Integrity" in type(e).__name__ for e in failed[:5]
    )
    assert [type(error) for error in failed[5:]] == (
        [IdempotencyKeyReused] * 5 + [NotPermitted] * 5 + [UsernameTaken] * 5
    )
    everything = await store.changes.since(10, 0, limit=1_000)
    assert [change.seq for change in everything.changes] == list(range(1, 42))
    assert everything.review_count == everything.head == 41


async def test_reviews_outlive_the_process(tmp_path: Path) -> None:
    """What was written is there when the database is opened again, and numbers go on."""
    url = f"sqlite:///{tmp_path}/again.db"
    async with open_store(url) as store:
        mina = await add_account(store)
        await add_book(store)
        review = (await post(store, mina, "good")).review
        epoch = store.epoch

    async with open_store(url) as store:
        assert store.epoch == epoch
        assert await store.reviews.find(review.id) == review
        assert (await post(store, mina)).review.seq == 2
