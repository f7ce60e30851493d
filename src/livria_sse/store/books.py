"""Books: the catalogue and, with each book, the newest of its reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from livria_sse.errors import UnknownBook
from livria_sse.models import Book, CatalogueEntry, Review
from livria_sse.store.database import Connection, Database, Row
from livria_sse.store.reviews import (
    REVIEW_COLUMNS,
    REVIEWS_WITH_AUTHORS,
    review_of,
    review_page,
)

_COLUMNS = "id, title, author, description, cover, last_seq, review_count"
_FIND = f"SELECT {_COLUMNS} FROM books WHERE id = :id"
_AFTER = f"SELECT {_COLUMNS} FROM books WHERE id > :after ORDER BY id LIMIT :limit"
_ACTIVE = f"""
SELECT {_COLUMNS} FROM books ORDER BY active_at DESC, id LIMIT :limit OFFSET :skipped
"""
_LATEST = f"""
SELECT {REVIEW_COLUMNS} FROM {REVIEWS_WITH_AUTHORS} WHERE reviews.id IN (
    SELECT (SELECT max(id) FROM reviews WHERE book_id = listed.id AND content IS NOT NULL)
    FROM ({_ACTIVE}) AS listed
)
"""
_COUNT = "SELECT count(*) AS books FROM books"
_PUT = """
INSERT INTO books (id, title, author, description, cover)
VALUES (:id, :title, :author, :description, :cover)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, author = excluded.author,
    description = excluded.description, cover = excluded.cover
"""

BookWithReviews = tuple[Book, list[Review]]


class Books:
    """The catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, book_id: int, *, reviews: int) -> BookWithReviews:
        """A book and so many of its newest reviews, in one snapshot.

        Raises:
            UnknownBook: There is none with this id.
        """

        async def query(connection: Connection) -> BookWithReviews:
            row = await connection.one(_FIND, id=book_id)
            if row is None:
                raise UnknownBook
            return _book(row), await review_page(connection, book_id, before=None, limit=reviews)

        return await self._database.read(query)

    async def page(self, *, after: int, limit: int, reviews: int) -> list[BookWithReviews]:
        """The books that follow an id, by id, each with its newest reviews, in one snapshot."""

        async def query(connection: Connection) -> list[BookWithReviews]:
            rows = await connection.all(_AFTER, after=after, limit=limit)
            return [
                (_book(row), await review_page(connection, row["id"], before=None, limit=reviews))
                for row in rows
            ]

        return await self._database.read(query)

    async def most_active(self, *, skipped: int, limit: int) -> list[tuple[Book, Review | None]]:
        """Books, those with the newest activity first, each with its newest review, if any."""

        async def query(connection: Connection) -> list[tuple[Book, Review | None]]:
            books = await connection.all(_ACTIVE, skipped=skipped, limit=limit)
            found = await connection.all(_LATEST, skipped=skipped, limit=limit)
            latest = {row["book_id"]: review_of(row) for row in found}
            return [(_book(row), latest.get(row["id"])) for row in books]

        return await self._database.read(query)

    async def count(self) -> int:
        """How many books there are."""

        async def query(connection: Connection) -> int:
            row = await connection.one(_COUNT)
            return int(row["books"]) if row else 0

        return await self._database.read(query)

    async def put(self, entries: Sequence[CatalogueEntry]) -> None:
        """Adds books, or updates those whose ids are known; all or none."""

        async def query(connection: Connection) -> None:
            # In one order, so that two who import at once do not wait for each other crosswise.
            for entry in sorted(entries, key=lambda entry: entry.id):
                await connection.run(_PUT, **asdict(entry))

        await self._database.write(query)


def _book(row: Row) -> Book:
    return Book(
        id=row["id"],
        title=row["title"],
        author=row["author"],
        description=row["description"],
        cover=row["cover"],
        head=row["last_seq"],
        review_count=row["review_count"],
    )
