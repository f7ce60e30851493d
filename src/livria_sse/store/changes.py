"""What has changed in a book since a seq: the last rung of the ladder, and the truth."""

from __future__ import annotations

from collections.abc import Collection

from livria_sse.errors import DifferenceTooLarge, UnknownBook
from livria_sse.models import Change, Difference, Tombstone
from livria_sse.store.database import Connection, Database, Row
from livria_sse.store.reviews import REVIEW_COLUMNS, REVIEWS_WITH_AUTHORS, review_of

_HEAD = "SELECT last_seq, review_count FROM books WHERE id = :book"
_SINCE = f"""
SELECT {REVIEW_COLUMNS} FROM {REVIEWS_WITH_AUTHORS}
WHERE book_id = :book AND seq > :seq ORDER BY seq LIMIT :limit
"""


class Changes:
    """The changes of all books, compacted: of each review only the latest is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self, book_id: int) -> Difference:
        """Where the book stands, as a difference of nothing from there.

        Raises:
            UnknownBook: There is none with this id.
        """
        return await self._database.read(lambda connection: book_head(connection, book_id))

    async def heads(self, book_ids: Collection[int]) -> dict[int, int]:
        """The newest seq of each of these books, in one query; unknown books are left out."""
        if not book_ids:
            return {}
        # Ids are numbers: they cannot carry SQL, and not every driver binds a list.
        listed = ",".join(str(int(book_id)) for book_id in book_ids)

        async def query(connection: Connection) -> dict[int, int]:
            rows = await connection.all(f"SELECT id, last_seq FROM books WHERE id IN ({listed})")
            return {row["id"]: row["last_seq"] for row in rows}

        return await self._database.read(query)

    async def since(self, book_id: int, seq: int, *, limit: int) -> Difference:
        """What changed after `seq`, read in one snapshot.

        Raises:
            UnknownBook: There is none with this id.
            DifferenceTooLarge: More than `limit` reviews have changed.
        """

        async def query(connection: Connection) -> Difference:
            head = await book_head(connection, book_id)
            rows = await connection.all(_SINCE, book=book_id, seq=seq, limit=limit + 1)
            if len(rows) > limit:
                raise DifferenceTooLarge
            return Difference(
                book_id=book_id,
                after=seq,
                head=head.head,
                review_count=head.review_count,
                changes=tuple(_change_of(row) for row in rows),
            )

        return await self._database.read(query)


async def book_head(connection: Connection, book_id: int) -> Difference:
    """Where the book stands, as a difference of nothing from there."""
    row = await connection.one(_HEAD, book=book_id)
    if row is None:
        raise UnknownBook(errors={"book": [f"There is no book {book_id}."]})
    return Difference(
        book_id=book_id,
        after=row["last_seq"],
        head=row["last_seq"],
        review_count=row["review_count"],
        changes=(),
    )


def _change_of(row: Row) -> Change:
    if row["content"] is None:
        return Tombstone(id=row["id"], created_seq=row["created_seq"], seq=row["seq"])
    return review_of(row)
