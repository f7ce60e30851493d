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

from livria_sse.models import (
    Book,
    Change,
    ChangeType,
    Difference,
    Position,
    ResetReason,
    Review,
    User,
)

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


class ChangeDocument(TypedDict):
    """A change of a review: it was created or updated, and reads so now, or it was deleted."""

    type: ChangeType
    book: int
    position: str
    review_count: int
    review: NotRequired[ReviewDocument]
    review_id: NotRequired[int]


class ChangesDocument(TypedDict):
    """What changed in a book up to `position`; with a `reset`, that cannot be told."""

    book: int
    position: str
    review_count: int
    reset: ResetReason | None
    changes: list[ChangeDocument]


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


class BookPage(TypedDict):
    """A list of books."""

    books: list[BookDocument]
    next: str | None


class ReviewPage(TypedDict):
    """A list of reviews, as they were at `position`."""

    reviews: list[ReviewDocument]
    position: str
    next: str | None


class ShelfChangesDocument(TypedDict):
    """What changed in several books."""

    books: list[ChangesDocument]


class SignedInDocument(TypedDict):
    """Somebody who has just signed in."""

    user: UserDocument
    token: str


class StatusDocument(TypedDict):
    """How the service is."""

    status: str
    reason: NotRequired[str]


class ProblemDocument(TypedDict):
    """A refusal (RFC 9457); `errors` has the reasons for each field."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]]


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


def change_json(
    kind: ChangeType, change: Change, difference: Difference, position: Position
) -> JSONText:
    """A change as readers are told of it, in frames and in answers.

    Its count is that at the end of the difference: a compacted difference knows no other, and
    whichever change a reader sees last must leave the right number on the page.
    """
    if isinstance(change, Review):
        told = f'"review":{review_json(change)}'
    else:
        told = f'"review_id":{change.id}'
    return JSONText(
        f'{{"type":"{kind}","book":{difference.book_id},"position":"{position}",'
        f'"review_count":{difference.review_count},{told}}}'
    )


def changes_json(difference: Difference, epoch: str, *, reset: ResetReason | None) -> JSONText:
    """A `ChangesDocument`, encoded."""
    head = Position(epoch, difference.head)
    changes = ",".join(
        change_json(kind, change, difference, Position(epoch, change.seq))
        for kind, change in difference.told()
    )
    return JSONText(
        f'{{"book":{difference.book_id},"position":"{head}",'
        f'"review_count":{difference.review_count},"reset":{compact_json(reset)},'
        f'"changes":[{changes}]}}'
    )


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
