"""Numbers: every change of a book takes the next one, in the transaction that makes it."""

from __future__ import annotations

from typing import NamedTuple

from livria_sse.errors import UnknownBook
from livria_sse.models import Change, Difference
from livria_sse.store.database import Connection
from livria_sse.store.times import milliseconds, now

# Locks the book until the transaction ends, on every database: the order of seqs is therefore the
# order in which they become visible.
_NUMBER = """
UPDATE books
SET last_seq = last_seq + 1, review_count = review_count + :added, active_at = :now
WHERE id = :book RETURNING last_seq, review_count
"""
_LOCK = """
UPDATE books SET last_seq = last_seq WHERE id = (SELECT book_id FROM reviews WHERE id = :review)
"""


class Number(NamedTuple):
    """A number that a change has taken, and how many reviews the book shows then."""

    seq: int
    review_count: int


async def lock_book_of(connection: Connection, review_id: int) -> None:
    """Lets nobody else write about a review's book until the transaction ends.

    What is read of the review from here on is still so when the next number is taken.
    """
    await connection.run(_LOCK, review=review_id)


async def next_number(connection: Connection, book_id: int, *, added: int) -> Number:
    """Takes the next number of a book, which stays locked until the transaction ends."""
    row = await connection.one(_NUMBER, book=book_id, added=added, now=milliseconds(now()))
    if row is None:
        raise UnknownBook
    return Number(row["last_seq"], row["review_count"])


def lone_difference(book_id: int, number: Number, change: Change) -> Difference:
    """The difference that one change makes."""
    return Difference(
        book_id=book_id,
        after=number.seq - 1,
        head=number.seq,
        review_count=number.review_count,
        changes=(change,),
    )
