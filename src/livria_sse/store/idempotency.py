"""Idempotency keys: a creation that is asked for twice happens once, and is answered alike.

(The header is that of the IETF draft "The Idempotency-Key HTTP Header Field".) What is kept is a
digest of the request and the review that it made. The text is not kept: it is in the request that
comes again, and must not outlive the review.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from livria_sse.errors import IdempotencyKeyReused
from livria_sse.models import Account, Review
from livria_sse.store.database import Connection
from livria_sse.store.times import instant, milliseconds, now

# Until the transaction ends, no other request of the account comes further than this: of two equal
# ones at once, the second finds what the first has kept.
_LOCK = "UPDATE accounts SET username = username WHERE id = :account RETURNING id"
_FIND = """
SELECT digest, review_id, reviews.created_at, created_seq FROM idempotency_keys
JOIN reviews ON reviews.id = review_id
WHERE idempotency_keys.account_id = :account AND key = :key
"""
# The author's own alone: two authors who forget the same keys would wait for each other.
_FORGET = "DELETE FROM idempotency_keys WHERE account_id = :account AND created_at < :before"
_KEEP = """
INSERT INTO idempotency_keys (account_id, key, digest, review_id, created_at)
VALUES (:account, :key, :digest, :review, :now)
"""

#: How long a request is recognised when it comes again.
LIFETIME = timedelta(hours=24)


async def earlier_review(
    connection: Connection, *, key: str, author: Account, book_id: int, content: str
) -> Review | None:
    """The review that an equal request made, as it was then; None if there was no such request.

    Raises:
        IdempotencyKeyReused: The author used the key for another book or text.
    """
    await connection.one(_LOCK, account=author.user.id)
    await connection.run(_FORGET, account=author.user.id, before=milliseconds(now() - LIFETIME))
    row = await connection.one(_FIND, account=author.user.id, key=key)
    if row is None:
        return None
    if row["digest"] != _digest(book_id, content):
        raise IdempotencyKeyReused
    return Review(
        id=row["review_id"],
        book_id=book_id,
        user=author.user,
        content=content,
        created_at=instant(row["created_at"]),
        updated_at=instant(row["created_at"]),
        created_seq=row["created_seq"],
        shown_seq=row["created_seq"],
        seq=row["created_seq"],
    )


async def remember_review(connection: Connection, *, key: str, review: Review) -> None:
    """Keeps the key with which a review was created, in the same transaction."""
    await connection.run(
        _KEEP,
        account=review.user.id,
        key=key,
        digest=_digest(review.book_id, review.content),
        review=review.id,
        now=milliseconds(review.created_at),
    )


def _digest(book_id: int, content: str) -> str:
    return hashlib.sha256(f"{book_id}:{content}".encode()).hexdigest()
