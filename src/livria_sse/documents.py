"""The JSON documents that the outside sees, in answers and in frames alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import (
    Any,
    NotRequired,  # pydantic needs these before Python 3.12
)

from typing_extensions import TypedDict

from livria_sse.models import Book, Review, User

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class JSONText(str):
    """A JSON document that is encoded already."""

    __slots__ = ()


class UserDocument(TypedDict):
    """Who wrote a review, or who is signed in."""

    id: int
    username: str


class ReviewDocument(TypedDict):
    """A review; answers to one review's own address carry its position too."""

    id: int
    book: int
    user: UserDocument
    content: str
    created_at: str
    updated_at: str
    position: NotRequired[str]


class BookDocument(TypedDict):
    """A book with its newest reviews, all read in one snapshot at `position`."""

    id: int
    title: str
    author: str
    description: str
    cover: str
    reviews: list[ReviewDocument]
    review_count: int
    position: str


def user_document(user: User) -> UserDocument:
    """What others may know of an account."""
    return {"id": user.id, "username": user.username}


def review_document(review: Review) -> ReviewDocument:
    """A review as the old WebSocket messages and the API have it."""
    return {
        "id": review.id,
        "book": review.book_id,
        "user": user_document(review.user),
        "content": review.content,
        "created_at": timestamp(review.created_at),
        "updated_at": timestamp(review.updated_at),
    }


@lru_cache(maxsize=256)
def review_json(review: Review) -> JSONText:
    """A review's document, encoded: once for the answer, the frame and Redis."""
    return compact_json(review_document(review))


def book_document(book: Book, reviews: list[Review], position: str) -> BookDocument:
    """A book with the given reviews."""
    return {
        "id": book.id,
        "title": book.title,
        "author": book.author,
        "description": book.description,
        "cover": book.cover,
        "reviews": [review_document(review) for review in reviews],
        "review_count": book.review_count,
        "position": position,
    }


def timestamp(moment: datetime) -> str:
    """An instant in UTC with milliseconds, `2026-11-22T10:00:00.000Z` (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact_json(value: Any) -> JSONText:
    """JSON on one line: CR and LF are escaped, so it can be the data of one SSE field."""
    return JSONText(_ENCODER.encode(value))
