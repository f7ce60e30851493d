"""Reviews: each write numbers its change in the transaction that makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from livria_sse.errors import NotPermitted, UnknownBook, UnknownReview
from livria_sse.models import Account, Difference, Review, Tombstone, User
from livria_sse.store.database import Connection, Database, Query, Row
from livria_sse.store.idempotency import earlier_review, remember_review
from livria_sse.store.numbers import lock_book_of, lone_difference, next_number
from livria_sse.store.repetition import refuse_repetition
from livria_sse.store.times import instant, milliseconds, now

REVIEW_COLUMNS = """
reviews.id, book_id, account_id, username, content, created_seq, restored_seq, seq,
reviews.created_at, updated_at
"""
REVIEWS_WITH_AUTHORS = "reviews JOIN accounts ON accounts.id = account_id"

_SELECT = f"SELECT {REVIEW_COLUMNS} FROM {REVIEWS_WITH_AUTHORS}"
_FIND = f"{_SELECT} WHERE reviews.id = :id AND content IS NOT NULL"
_PAGE = f"""
{_SELECT} WHERE book_id = :book AND content IS NOT NULL AND reviews.id < :before
ORDER BY reviews.id DESC LIMIT :limit
"""
_HEAD = "SELECT last_seq FROM books WHERE id = :book"
_CREATE = """
INSERT INTO reviews (book_id, account_id, content, created_seq, seq, created_at, updated_at)
VALUES (:book, :account, :content, :seq, :seq, :now, :now) RETURNING id
"""
_EDIT = """
UPDATE reviews SET content = :content, seq = :seq, updated_at = :now WHERE id = :id
"""

_FIND_KEPT = """
SELECT id, book_id, account_id, created_seq, content IS NULL AS hidden FROM reviews
WHERE id = :id AND (content IS NOT NULL OR hidden_content IS NOT NULL)
"""
_DELETE = """
UPDATE reviews SET content = NULL, hidden_content = NULL, seq = :seq, updated_at = :now
WHERE id = :id
"""

_BEYOND_EVERY_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A review that was created."""

    review: Review
    #: What to tell the book's readers; None if an earlier, equal request had created it.
    difference: Difference | None


class ReviewPage(NamedTuple):
    """Some reviews of a book, newest first."""

    reviews: list[Review]
    #: The seq at which they were read.
    head: int


class Reviews:
    """The reviews of all books.

    Every write raises `UnknownBook` or `UnknownReview` where there is none, and returns the
    difference of one change that it made.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, review_id: int) -> Review:
        """A review that is not deleted."""
        return await self._database.read(lambda connection: find_review(connection, review_id))

    async def page(self, book_id: int, *, before: int | None, limit: int) -> ReviewPage:
        """The book's newest reviews, or its newest below an id, in one snapshot.

        Raises:
            UnknownBook: There is none with this id.
        """

        async def query(connection: Connection) -> ReviewPage:
            row = await connection.one(_HEAD, book=book_id)
            if row is None:
                raise UnknownBook
            reviews = await review_page(connection, book_id, before=before, limit=limit)
            return ReviewPage(reviews, row["last_seq"])

        return await self._database.read(query)

    async def create(
        self,
        book_id: int,
        content: str,
        *,
        author: Account | Query[Account],
        key: str | None = None,
        repeat_seconds: int = 0,
    ) -> Accepted:
        """Adds a review; asked again with the same key, it adds nothing and answers the same.

        An author who is yet to be found is found in the same transaction.

        Raises:
            IdempotencyKeyReused: The author used the key for another book or text.
            RepeatedReview: The book has the same text by the author, not older than so many
                seconds.
        """

        async def query(connection: Connection) -> Accepted:
            account = author if isinstance(author, Account) else await author(connection)
            if key and (
                earlier := await earlier_review(
                    connection, key=key, author=account, book_id=book_id, content=content
                )
            ):
                return Accepted(review=earlier, difference=None)
            number = await next_number(connection, book_id, added=1)
            if repeat_seconds:
                await refuse_repetition(
                    connection, book_id, content, account, seconds=repeat_seconds
                )
            review = await _insert(connection, book_id, content, account, number.seq)
            if key:
                await remember_review(connection, key=key, review=review)
            return Accepted(review=review, difference=lone_difference(book_id, number, review))

        return await self._database.write(query)

    async def update(
        self, review_id: int, content: str, *, by: Account, book_id: int | None = None
    ) -> Difference:
        """Gives a review another text; if a book is given, only a review of that book.

        Raises:
            NotPermitted: It is somebody else's.
        """

        async def query(connection: Connection) -> Difference:
            await lock_book_of(connection, review_id)
            review = await find_review(connection, review_id)
            _check(by, author_id=review.user.id, found=review.book_id, asked=book_id)
            number = await next_number(connection, review.book_id, added=0)
            changed = replace(review, content=content, seq=number.seq, updated_at=now())
            moment = milliseconds(changed.updated_at)
            await connection.run(_EDIT, id=review_id, content=content, seq=number.seq, now=moment)
            return lone_difference(review.book_id, number, changed)

        return await self._database.write(query)

    async def delete(
        self, review_id: int, *, by: Account, book_id: int | None = None
    ) -> Difference:
        """Deletes a review and its text, of the given book if one is; a tombstone stays.

        One that is hidden can be deleted, too.

        Raises:
            NotPermitted: It is somebody else's.
        """

        async def query(connection: Connection) -> Difference:
            await lock_book_of(connection, review_id)
            kept = await find_kept(connection, review_id)
            _check(by, author_id=kept["account_id"], found=kept["book_id"], asked=book_id)
            number = await next_number(
                connection, kept["book_id"], added=0 if kept["hidden"] else -1
            )
            moment = milliseconds(now())
            await connection.run(_DELETE, id=review_id, seq=number.seq, now=moment)
            tombstone = Tombstone(id=review_id, created_seq=kept["created_seq"], seq=number.seq)
            return lone_difference(kept["book_id"], number, tombstone)

        return await self._database.write(query)


async def review_page(
    connection: Connection, book_id: int, *, before: int | None, limit: int
) -> list[Review]:
    """The book's newest reviews below an id, newest first."""
    beyond = _BEYOND_EVERY_ID if before is None else before
    rows = await connection.all(_PAGE, book=book_id, before=beyond, limit=limit)
    return [review_of(row) for row in rows]


def review_of(row: Row) -> Review:
    """The review in a row of `REVIEW_COLUMNS`."""
    return Review(
        id=row["id"],
        book_id=row["book_id"],
        user=User(id=row["account_id"], username=row["username"]),
        content=row["content"],
        created_at=instant(row["created_at"]),
        updated_at=instant(row["updated_at"]),
        created_seq=row["created_seq"],
        shown_seq=row["restored_seq"] or row["created_seq"],
        seq=row["seq"],
    )


async def find_review(connection: Connection, review_id: int) -> Review:
    """A review that is shown."""
    row = await connection.one(_FIND, id=review_id)
    if row is None:
        raise UnknownReview
    return review_of(row)


async def find_kept(connection: Connection, review_id: int) -> Row:
    """What a review is about that is shown or hidden: all but its text."""
    row = await connection.one(_FIND_KEPT, id=review_id)
    if row is None:
        raise UnknownReview
    return row


def _check(by: Account, *, author_id: int, found: int, asked: int | None) -> None:
    if asked not in {None, found}:
        raise UnknownReview
    if not by.may_change(author_id):
        raise NotPermitted


async def _insert(
    connection: Connection, book_id: int, content: str, author: Account, seq: int
) -> Review:
    moment = now()
    row = await connection.one(
        _CREATE,
        book=book_id,
        account=author.user.id,
        content=content,
        seq=seq,
        now=milliseconds(moment),
    )
    return Review(
        id=row["id"] if row else 0,
        book_id=book_id,
        user=author.user,
        content=content,
        created_at=moment,
        updated_at=moment,
        created_seq=seq,
        shown_seq=seq,
        seq=seq,
    )
