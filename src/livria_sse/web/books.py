"""Books, each with its newest reviews and the position at which they were read."""

from __future__ import annotations

from contextlib import nullcontext
from urllib.parse import urlencode

from starlette.responses import Response

from livria_sse.documents import BookDocument, book_document, compact_json
from livria_sse.errors import UnknownBook
from livria_sse.models import Book, Position, Review
from livria_sse.web.answers import JSONAnswer, fitting, listed
from livria_sse.web.params import path_id, query_number
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
#: With one book comes a page of reviews, with each book of a list fewer.
REVIEWS_IN_BOOK, REVIEWS_IN_LIST = 50, 5


async def page(request: Request) -> Response:
    """Books by id, as many as are wanted or fit into an answer, and where the next ones are."""
    after = query_number(request, "after") or 0
    limit = query_number(request, "limit", largest=LARGEST_PAGE) or DEFAULT_PAGE
    many = limit > DEFAULT_PAGE
    async with request.state["turns"].alone(request.scope) if many else nullcontext():
        found = await request.state["store"].books.page(
            after=after, limit=limit + 1, reviews=REVIEWS_IN_LIST
        )
        books = await fitting(compact_json(_document(request, *each)) for each in found[:limit])
    following = None
    if len(books) < len(found):
        last, _ = found[len(books) - 1]
        following = f"/api/books/?{urlencode({'after': last.id, 'limit': limit})}"
    return listed("books", books, {"next": following})


async def read(request: Request) -> Response:
    """One book."""
    book_id = path_id(request, UnknownBook)
    book, reviews = await request.state["store"].books.find(book_id, reviews=REVIEWS_IN_BOOK)
    return JSONAnswer(_document(request, book, reviews))


def _document(request: Request, book: Book, reviews: list[Review]) -> BookDocument:
    position = Position(request.state["hub"].epoch, book.head)
    return book_document(book, reviews, str(position))


ROUTES = [
    resource("/api/books/", GET=page),
    resource("/api/books/{id}/", GET=read),
]
