"""Books, each with its newest reviews and the position at which they were read."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from livria_sse.documents import BookDocument, book_document
from livria_sse.errors import UnknownBook
from livria_sse.models import Book, Position, Review
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.params import path_id, query_number
from livria_sse.web.reviews import DEFAULT_PAGE
from livria_sse.web.state import Request

DEFAULT_BOOKS, LARGEST_BOOKS = 20, 100
#: With each book of a list come only so many reviews.
REVIEWS_IN_LIST = 5


async def page(request: Request) -> Response:
    """Books by id, and where the next ones are."""
    after = query_number(request, "after") or 0
    limit = query_number(request, "limit", largest=LARGEST_BOOKS) or DEFAULT_BOOKS
    books = await request.state["store"].books.page(
        after=after, limit=limit, reviews=REVIEWS_IN_LIST
    )
    following = {"after": books[-1][0].id if books else 0, "limit": limit}
    return JSONAnswer(
        {
            "books": [_document(request, book, reviews) for book, reviews in books],
            "next": f"/api/books/?{urlencode(following)}" if len(books) == limit else None,
        }
    )


async def read(request: Request) -> Response:
    """One book."""
    book_id = path_id(request, UnknownBook)
    book, reviews = await request.state["store"].books.find(book_id, reviews=DEFAULT_PAGE)
    return JSONAnswer(_document(request, book, reviews))


def _document(request: Request, book: Book, reviews: list[Review]) -> BookDocument:
    position = Position(request.state["hub"].epoch, book.head)
    return book_document(book, reviews, str(position))


ROUTES = [
    Route("/api/books/", page, methods=["GET"]),
    Route("/api/books/{id}/", read, methods=["GET"]),
]
