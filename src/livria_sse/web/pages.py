"""The pages. They can be read and used without scripts: plain forms, and a redirect after each."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from livria_sse.errors import LivriaError, UnknownBook, UnknownReview
from livria_sse.inputs import EditedReview, NewReview, checked_key, validated
from livria_sse.models import Position
from livria_sse.web.answers import tell
from livria_sse.web.body import read_form
from livria_sse.web.credentials import visitor_of
from livria_sse.web.params import path_id, query_number
from livria_sse.web.problems import headers_of, status_of
from livria_sse.web.resource import resource
from livria_sse.web.state import Request
from livria_sse.web.templating import language_of, render
from livria_sse.web.words import reason_in
from livria_sse.web.writers import writer_in, writer_of

BOOKS_ON_PAGE = 48
REVIEWS_ON_PAGE = 20


async def home(request: Request) -> Response:
    """The books, those with the newest activity first."""
    number = query_number(request, "page", largest=100_000) or 1
    store = request.state["store"]
    books = await store.books.most_active(
        skipped=(number - 1) * BOOKS_ON_PAGE, limit=BOOKS_ON_PAGE + 1
    )
    return render(
        request,
        "home.html",
        visitor=await visitor_of(request),
        shelf=[
            (shown, latest, Position(store.epoch, shown.head))
            for shown, latest in books[:BOOKS_ON_PAGE]
        ],
        page=number,
        more=len(books) > BOOKS_ON_PAGE,
    )


async def book(request: Request) -> Response:
    """A book and its reviews."""
    return await _book_page(request)


async def post_review(request: Request) -> Response:
    """Adds the review in a form."""
    book_id = path_id(request, UnknownBook)
    form = await read_form(request)
    try:
        author = await writer_in(request)
        posted = validated(NewReview, {"book": book_id, "content": form.get("content", "")})
        key = checked_key(form["key"]) if form.get("key") else None
        accepted = await request.state["store"].reviews.create(
            book_id,
            posted.content,
            author=author,
            key=key,
            repeat_seconds=request.state["throttle"].repeat_seconds,
        )
    except LivriaError as error:
        return await _book_page(request, failed="create_failed", error=error, form=form)
    if accepted.difference:
        tell(request, accepted.difference)
    return RedirectResponse(f"/books/{book_id}/#review-{accepted.review.id}", 303)


async def edit_review(request: Request) -> Response:
    """Gives a review the text in a form."""
    review_id = _review_id(request)
    book_id, back = path_id(request, UnknownBook), _book_address(request)
    form = await read_form(request)
    try:
        editor = await writer_of(request)
        edited = validated(EditedReview, {"content": form.get("content", "")})
        difference = await request.state["store"].reviews.update(
            review_id, edited.content, by=editor, book_id=book_id
        )
    except LivriaError as error:
        return await _book_page(
            request, failed="update_failed", error=error, form=form, editing=review_id
        )
    tell(request, difference)
    return RedirectResponse(f"{back}#review-{review_id}", 303)


async def delete_review(request: Request) -> Response:
    """Deletes a review, after the question was answered."""
    review_id = _review_id(request)
    book_id, back = path_id(request, UnknownBook), _book_address(request)
    await read_form(request)
    try:
        editor = await writer_of(request)
        difference = await request.state["store"].reviews.delete(
            review_id, by=editor, book_id=book_id
        )
    except LivriaError as error:
        return await _book_page(request, failed="delete_failed", error=error)
    tell(request, difference)
    return RedirectResponse(f"{back}#reviews", 303)


def _review_id(request: Request) -> int:
    return path_id(request, UnknownReview, name="review")


def _book_address(request: Request) -> str:
    """The page from which a form was sent: the book, or its older reviews."""
    before = query_number(request, "before")
    address = f"/books/{path_id(request, UnknownBook)}/"
    return address if before is None else f"{address}?before={before}"


async def _book_page(
    request: Request,
    *,
    failed: str | None = None,
    error: LivriaError | None = None,
    form: Mapping[str, str] | None = None,
    editing: int | None = None,
) -> Response:
    book_id = path_id(request, UnknownBook)
    before = query_number(request, "before")
    store = request.state["store"]
    shown, reviews = await store.books.find(book_id, reviews=REVIEWS_ON_PAGE + 1)
    if before is not None:
        reviews, _ = await store.reviews.page(book_id, before=before, limit=REVIEWS_ON_PAGE + 1)
    page = render(
        request,
        "book.html",
        visitor=await visitor_of(request),
        status=status_of(error).value if error else 200,
        book=shown,
        position=Position(store.epoch, shown.head),
        reviews=reviews[:REVIEWS_ON_PAGE],
        more=len(reviews) > REVIEWS_ON_PAGE,
        before=before,
        here=None if request.method == "GET" else _book_address(request),
        failed=failed,
        why=_why(request, error),
        typed=(form or {}).get("content", ""),
        editing=editing or query_number(request, "edit"),
        deleting=query_number(request, "delete"),
        key=secrets.token_urlsafe(16),
    )
    page.headers.update(headers_of(error) if error else {})
    return page


def _why(request: Request, error: LivriaError | None) -> str:
    if error is None:
        return ""
    said = [reason for reasons in error.errors.values() for reason in reasons] or [error.detail]
    return " ".join(reason_in(language_of(request), reason) for reason in said)


ROUTES = [
    resource("/", GET=home),
    resource("/books/{id}/", GET=book),
    resource("/books/{id}/reviews/", POST=post_review),
    resource("/books/{id}/reviews/{review}/edit/", POST=edit_review),
    resource("/books/{id}/reviews/{review}/delete/", POST=delete_review),
]
