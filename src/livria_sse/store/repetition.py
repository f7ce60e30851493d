"""Repetition: the same text, by the same author, on the same book, in a short time."""

from __future__ import annotations

from livria_sse.errors import RepeatedReview
from livria_sse.models import Account
from livria_sse.store.database import Connection
from livria_sse.store.times import milliseconds, now

#: What is hidden counts, too.
_REPEATED = """
SELECT 1 FROM reviews
WHERE account_id = :account AND created_at > :since AND book_id = :book
    AND coalesce(content, hidden_content) = :content LIMIT 1
"""


async def refuse_repetition(
    connection: Connection, book_id: int, content: str, author: Account, *, seconds: int
) -> None:
    """Refuses a review that says again what its author has just said.

    Raises:
        RepeatedReview: The book has the same text by the author, not older than so many seconds.
    """
    since = milliseconds(now()) - 1000 * seconds
    account = author.user.id
    if await connection.one(_REPEATED, account=account, since=since, book=book_id, content=content):
        raise RepeatedReview
