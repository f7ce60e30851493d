"""Reviews: posted, read, edited and deleted."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.responses import Response

from livria_sse.documents import JSONText, review_json
from livria_sse.errors import LivriaError, UnknownReview
from livria_sse.inputs import EditedReview, NewReview, checked_key
from livria_sse.models import Difference, Position, Review
from livria_sse.web.answers import JSONAnswer, fitting, listed, position_header, tell
from livria_sse.web.body import read_json
from livria_sse.web.credentials import account_of
from livria_sse.web.params import book_of_input, path_id, query_book, query_number
from livria_sse.web.resource import resource
from livria_sse.web.state import Request
from livria_sse.web.writers import moderator_of, writer_in, writer_of

logger = logging.getLogger(__name__)

#: A verb of moderation.
Moderate = Callable[..., Awaitable[Difference]]

DEFAULT_PAGE, LARGEST_PAGE = 50, 200


async def create(request: Request) -> Response:
    """Adds a review and tells the readers of its book."""
    author = await writer_in(request)
    repeat_seconds = request.state["throttle"].repeat_seconds
    try:
        key = _idempotency_key(request)
        posted = await read_json(request, NewReview)
    except LivriaError:
        await account_of(request)  # who is nobody is told that first
        raise
    with book_of_input():
        accepted = await request.state["store"].reviews.create(
            posted.book, posted.content, author=author, key=key, repeat_seconds=repeat_seconds
        )
    if accepted.difference:
        tell(request, accepted.difference)
    return _answer(request, accepted.review, status=201)


async def page(request: Request) -> Response:
    """Reviews of a book, newest first, as many as are wanted or fit, and where older ones are."""
    book_id = query_book(request)
    before = query_number(request, "before")
    limit = query_number(request, "limit", largest=LARGEST_PAGE) or DEFAULT_PAGE
    async with request.state["turns"].alone(request.scope):
        with book_of_input():
            found, head = await request.state["store"].reviews.page(
                book_id, before=before, limit=limit + 1
            )
        reviews = await fitting(review_json(review) for review in found[:limit])
    older = None
    if len(reviews) < len(found):
        last = found[len(reviews) - 1]
        older = f"/api/reviews/?{urlencode({'book': book_id, 'before': last.id, 'limit': limit})}"
    position = str(Position(request.state["hub"].epoch, head))
    return listed("reviews", reviews, {"position": position, "next": older})


async def read(request: Request) -> Response:
    """One review."""
    review_id = path_id(request, UnknownReview)
    return _answer(request, await request.state["store"].reviews.find(review_id))


async def update(request: Request) -> Response:
    """Gives a review another text and tells the readers of its book."""
    editor = await writer_of(request)
    review_id = path_id(request, UnknownReview)
    edited = await read_json(request, EditedReview)
    difference = await request.state["store"].reviews.update(review_id, edited.content, by=editor)
    tell(request, difference)
    (review,) = difference.changes
    assert isinstance(review, Review)  # noqa: S101 - an edited review is no tombstone
    return _answer(request, review)


async def delete(request: Request) -> Response:
    """Deletes a review and tells the readers of its book."""
    editor = await writer_of(request)
    review_id = path_id(request, UnknownReview)
    difference = await request.state["store"].reviews.delete(review_id, by=editor)
    return Response(status_code=204, headers=position_header(tell(request, difference)))


async def hide(request: Request) -> Response:
    """Takes a review away from all pages, until it is restored."""
    return await _moderated(request, request.state["store"].moderation.hide, "hidden")


async def restore(request: Request) -> Response:
    """Shows a hidden review again."""
    return await _moderated(request, request.state["store"].moderation.restore, "restored")


async def _moderated(request: Request, verb: Moderate, done: str) -> Response:
    moderator = await moderator_of(request)
    review_id = path_id(request, UnknownReview)
    difference = await verb(review_id, by=moderator)
    if difference.changes:
        told = {"done": done, "review": review_id, "account": moderator.user.id}
        logger.info("review %(done)s: review=%(review)d account=%(account)d", told)
    return Response(status_code=204, headers=position_header(tell(request, difference)))


def _answer(request: Request, review: Review, *, status: int = 200) -> JSONAnswer:
    position = Position(request.state["hub"].epoch, review.seq)
    document = JSONText(f'{review_json(review)[:-1]},"position":"{position}"}}')
    headers = position_header(position)
    if status == 201:
        headers["Location"] = f"/api/reviews/{review.id}/"
    return JSONAnswer(document, status, headers=headers)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    return None if key is None else checked_key(key)


ROUTES = [
    resource("/api/reviews/", GET=page, POST=create),
    resource("/api/reviews/{id}/", GET=read, PATCH=update, PUT=update, DELETE=delete),
    resource("/api/reviews/{id}/hide/", POST=hide),
    resource("/api/reviews/{id}/restore/", POST=restore),
]
