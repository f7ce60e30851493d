"""Parameters in paths and query strings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from livria_sse.errors import InvalidInput, LivriaError, UnknownBook
from livria_sse.models import LARGEST_NUMBER
from livria_sse.web.state import Request

# Bounded before it becomes a number: Python refuses to convert thousands of digits, and the
# databases do not store what is larger than 63 bits.
_NUMBER = re.compile(r"[0-9]{1,16}")

#: Of one stream, and of one question after changes.
MOST_BOOKS = 50


def path_id(request: Request, unknown: type[LivriaError], *, name: str = "id") -> int:
    """The id in the path; what is no number names nothing that exists."""
    number = whole_number(request.path_params[name])
    if number is None:
        raise unknown
    return number


def query_number(request: Request, name: str, *, largest: int = LARGEST_NUMBER) -> int | None:
    """A whole number from 1 in the query string; None if it is not there."""
    text = request.query_params.get(name)
    if text is None:
        return None
    number = whole_number(text)
    if number is None or not 1 <= number <= largest:
        raise InvalidInput(errors={name: [f"Use a whole number from 1 to {largest}."]})
    return number


def query_book(request: Request) -> int:
    """The book that the query string has to name."""
    book_id = query_number(request, "book")
    if book_id is None:
        raise InvalidInput(errors={"book": ["Say which book."]})
    return book_id


def named_books(named: Sequence[str]) -> Sequence[int]:
    """The books that a query string has to name, one or several, each once."""
    book_ids = [number for number in map(whole_number, named) if number is not None]
    if not book_ids or len(book_ids) < len(named):
        raise InvalidInput(errors={"book": ["Say which books, each by its number."]})
    if len(book_ids) > MOST_BOOKS:
        raise InvalidInput(errors={"book": [f"Name at most {MOST_BOOKS} books."]})
    if len(set(book_ids)) < len(book_ids):
        raise InvalidInput(errors={"book": ["Name each book once."]})
    return book_ids


@contextmanager
def book_of_input() -> Iterator[None]:
    """For what names a book beside its path: one that is not there is wrong input."""
    try:
        yield
    except UnknownBook as error:
        raise InvalidInput(errors={"book": [error.detail]}) from error


def whole_number(text: str) -> int | None:
    """The number that a text is, if it is one and not too large."""
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= LARGEST_NUMBER else None
