"""Moderation: reviews that the staff hides, and restores.

A hidden review is a tombstone that keeps its text where nothing else looks.
"""

from __future__ import annotations

from livria_sse.errors import NotStaff
from livria_sse.models import Account, Difference, Tombstone
from livria_sse.store.changes import book_head
from livria_sse.store.database import Connection, Database, Row
from livria_sse.store.numbers import lock_book_of, lone_difference, next_number
from livria_sse.store.reviews import find_kept, find_review

_HIDE = """
UPDATE reviews SET hidden_content = content, content = NULL, seq = :seq
WHERE id = :id
"""
_RESTORE = """
UPDATE reviews SET content = hidden_content, hidden_content = NULL, seq = :seq, restored_seq = :seq
WHERE id = :id
"""


class Moderation:
    """Hides and restores reviews.

    Its verbs return the difference that they made, which is one of nothing if the review was as it
    should be already. They raise `UnknownReview` where there is none, not even a hidden one, and
    `NotStaff` for whoever is not of the staff.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hide(self, review_id: int, *, by: Account) -> Difference:
        """Takes a review away from all pages; its author cannot change it meanwhile."""

        async def query(connection: Connection) -> Difference:
            found = await _find(connection, review_id, by)
            book_id = found["book_id"]
            if found["hidden"]:
                return await book_head(connection, book_id)
            number = await next_number(connection, book_id, added=-1)
            await connection.run(_HIDE, id=review_id, seq=number.seq)
            hidden = Tombstone(id=review_id, created_seq=found["created_seq"], seq=number.seq)
            return lone_difference(book_id, number, hidden)

        return await self._database.write(query)

    async def restore(self, review_id: int, *, by: Account) -> Difference:
        """Shows a hidden review again, as it was."""

        async def query(connection: Connection) -> Difference:
            found = await _find(connection, review_id, by)
            book_id = found["book_id"]
            if not found["hidden"]:
                return await book_head(connection, book_id)
            number = await next_number(connection, book_id, added=1)
            await connection.run(_RESTORE, id=review_id, seq=number.seq)
            return lone_difference(book_id, number, await find_review(connection, review_id))

        return await self._database.write(query)


async def _find(connection: Connection, review_id: int, by: Account) -> Row:
    if not by.staff:
        raise NotStaff
    await lock_book_of(connection, review_id)
    return await find_kept(connection, review_id)
