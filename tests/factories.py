"""Values with defaults, so that a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from livria_sse.models import Account, CatalogueEntry, Change, Difference, Review, Tombstone, User
from livria_sse.store import Store

THEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def make_user(**given: Any) -> User:
    """A reader."""
    return User(**{"id": 3, "username": "mina", **given})


def make_entry(**given: Any) -> CatalogueEntry:
    """A book for the catalogue."""
    defaults = {
        "id": 10,
        "title": "Emma",
        "author": "Jane Austen",
        "description": "A novel.",
        "cover": "",
    }
    return CatalogueEntry(**{**defaults, **given})


def make_review(**given: Any) -> Review:
    """A review that was created with seq 1 and not changed since."""
    defaults = {
        "id": 31,
        "book_id": 10,
        "user": make_user(),
        "content": "좋아요",
        "created_at": THEN,
        "updated_at": THEN,
        "created_seq": 1,
    }
    review = {**defaults, **given}
    created = review["created_seq"]
    return Review(**{"seq": created, "shown_seq": created, **review})


def make_tombstone(**given: Any) -> Tombstone:
    """A review that was created with seq 1 and deleted with seq 2."""
    return Tombstone(**{"id": 31, "created_seq": 1, "seq": 2, **given})


def make_difference(*changes: Change, after: int = 0, head: int | None = None) -> Difference:
    """A difference of the changes, up to the last of them."""
    return Difference(
        book_id=10,
        after=after,
        head=head if head is not None else changes[-1].seq if changes else after,
        review_count=sum(isinstance(change, Review) for change in changes),
        changes=changes,
    )


async def add_book(store: Store, book_id: int = 10) -> int:
    """Puts a book into a store."""
    await store.books.put([make_entry(id=book_id)])
    return book_id


async def add_account(store: Store, username: str = "mina", *, staff: bool = False) -> Account:
    """Puts an account, whose password nobody knows, into a store."""
    return await store.accounts.create(username, "no hash", staff=staff)
