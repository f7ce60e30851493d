"""Moderation in the store: hidden reviews are tombstones whose text waits where nobody looks."""

from __future__ import annotations

import asyncio

import pytest
from tests.factories import add_account, add_book

from livria_sse.errors import IdempotencyKeyReused, NotStaff, UnknownReview
from livria_sse.models import Account, Difference, Review, Tombstone
from livria_sse.store import Store

BOOK = 10


@pytest.fixture
async def mina(store: Store) -> Account:
    """An author, and a book."""
    await add_book(store, BOOK)
    return await add_account(store)


@pytest.fixture
async def sora(store: Store) -> Account:
    """Somebody of the staff."""
    return await add_account(store, "sora", staff=True)


async def post(store: Store, author: Account, content: str = "rude") -> Review:
    """A review that was just posted."""
    return (await store.reviews.create(BOOK, content, author=author)).review


async def test_hiding_is_told_as_a_deletion(store: Store, mina: Account, sora: Account) -> None:
    """A hidden review is a tombstone with the next number, for all who ask what has changed."""
    review = await post(store, mina)

    difference = await store.moderation.hide(review.id, by=sora)

    assert (difference.after, difference.head, difference.review_count) == (1, 2, 0)
    assert difference.changes == (Tombstone(id=review.id, created_seq=1, seq=2),)
    assert (await store.changes.since(BOOK, 1, limit=9)).changes == difference.changes
    assert (await store.reviews.page(BOOK, before=None, limit=9)).reviews == []
    with pytest.raises(UnknownReview):
        await store.reviews.find(review.id)


async def test_restoring_is_told_as_a_creation(store: Store, mina: Account, sora: Account) -> None:
    """A restored review is as it was, and appears with the next number."""
    review = await post(store, mina)
    await store.moderation.hide(review.id, by=sora)

    difference = await store.moderation.restore(review.id, by=sora)

    (change,) = difference.changes
    assert isinstance(change, Review)
    assert (difference.after, difference.head, difference.review_count) == (2, 3, 1)
    assert (change.created_seq, change.shown_seq, change.seq) == (1, 3, 3)
    assert (change.content, change.updated_at) == (review.content, review.updated_at)
    assert change == await store.reviews.find(review.id)
    assert [kind for kind, _ in difference.told()] == ["review.created"]


async def test_hiding_twice_is_once(store: Store, mina: Account, sora: Account) -> None:
    """What is hidden, or shown, already takes no number."""
    review = await post(store, mina)

    restored = await store.moderation.restore(review.id, by=sora)
    await store.moderation.hide(review.id, by=sora)
    hidden = await store.moderation.hide(review.id, by=sora)

    assert (restored.head, restored.changes) == (1, ())
    assert (hidden.head, hidden.changes) == (2, ())


async def test_hidden_reviews_cannot_be_edited(store: Store, mina: Account, sora: Account) -> None:
    """While a review is hidden neither its author nor the staff can give it another text."""
    review = await post(store, mina)
    await store.moderation.hide(review.id, by=sora)

    for somebody in (mina, sora):
        with pytest.raises(UnknownReview):
            await store.reviews.update(review.id, "kind", by=somebody)


async def test_hidden_reviews_can_be_deleted(store: Store, mina: Account, sora: Account) -> None:
    """Its author may delete a hidden review; then it is not counted twice, and never restored."""
    review = await post(store, mina)
    await post(store, mina, "kind")
    await store.moderation.hide(review.id, by=sora)

    difference = await store.reviews.delete(review.id, by=mina)

    assert difference.review_count == 1
    assert difference.changes == (Tombstone(id=review.id, created_seq=1, seq=4),)
    with pytest.raises(UnknownReview):
        await store.moderation.restore(review.id, by=sora)


async def test_retries_while_hidden(store: Store, mina: Account, sora: Account) -> None:
    """Who repeats a request with its key is told its own words, never those that are hidden."""

    async def ask(content: str) -> Review:
        return (await store.reviews.create(BOOK, content, author=mina, key="k")).review

    review = await ask("rude")
    await store.reviews.update(review.id, "ruder", by=mina)
    await store.moderation.hide(review.id, by=sora)

    assert await ask("rude") == review
    with pytest.raises(IdempotencyKeyReused):
        await ask("ruder")


async def test_only_the_staff_moderates(store: Store, mina: Account) -> None:
    """Authors cannot hide or restore, not even what is theirs."""
    review = await post(store, mina)

    for verb in (store.moderation.hide, store.moderation.restore):
        with pytest.raises(NotStaff):
            await verb(review.id, by=mina)


async def test_moderating_nothing(store: Store, mina: Account, sora: Account) -> None:
    """What never was, or was deleted, cannot be hidden or restored."""
    review = await post(store, mina)
    await store.reviews.delete(review.id, by=mina)

    for verb in (store.moderation.hide, store.moderation.restore):
        for number in (review.id, review.id + 1):
            with pytest.raises(UnknownReview):
                await verb(number, by=sora)


@pytest.mark.parametrize(
    "verbs", ["hide delete", "restore delete", "hide hide", "restore restore", "hide edit restore"]
)
async def test_all_at_once(store: Store, mina: Account, sora: Account, verbs: str) -> None:
    """Whoever comes first, the count is right, nothing fails but what is gone, and all is told."""
    for number in range(10):
        review = await post(store, mina, f"text {number}")
        if verbs.startswith("restore"):
            await store.moderation.hide(review.id, by=sora)
        told = await store.changes.head(BOOK)
        started = told.head

        done = await asyncio.gather(
            *(do(store, verb, review.id, mina, sora) for verb in verbs.split()),
            return_exceptions=True,
        )
        assert all(isinstance(each, Difference | UnknownReview) for each in done)
        differences = [each for each in done if isinstance(each, Difference)]
        for difference in sorted(differences, key=lambda each: each.head):
            told = told.merged(difference)
        shown, _ = await store.reviews.page(BOOK, before=None, limit=99)
        assert told == await store.changes.since(BOOK, started, limit=9)
        assert told.review_count == len(shown)
        if len(set(verbs.split())) == 1:
            assert sorted(len(each.changes) for each in differences) == [0, 1]


async def do(store: Store, verb: str, review: int, mina: Account, sora: Account) -> Difference:
    """One of the things that can be done to a review."""
    match verb:
        case "hide":
            return await store.moderation.hide(review, by=sora)
        case "restore":
            return await store.moderation.restore(review, by=sora)
        case "delete":
            return await store.reviews.delete(review, by=mina)
        case _:
            return await store.reviews.update(review, "edited", by=mina)
