"""What the API offers: the table of which `openapi.py` makes a description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from livria_sse.documents import (
    BookDocument,
    BookPage,
    ChangesDocument,
    ProblemDocument,
    ReviewDocument,
    ReviewPage,
    ShelfChangesDocument,
    SignedInDocument,
    StatusDocument,
    UserDocument,
)
from livria_sse.inputs import Credentials, EditedReview, NewAccount, NewReview
from livria_sse.models import LARGEST_NUMBER
from livria_sse.web import accounts, books, changes, ops, reviews, stream
from livria_sse.web.params import MOST_BOOKS


class Parameter(NamedTuple):
    """A part of the query string: a whole number from 1, or any text; one, or several of them."""

    name: str
    largest: int | None = LARGEST_NUMBER
    required: bool = False
    most: int = 1


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    answer: type | None = None
    media_type: str = "application/json"
    status: int = 200
    body: type[BaseModel] | None = None
    query: Sequence[Parameter] = ()
    headers: Sequence[str] = ()
    #: Headers of the answer.
    answers: Sequence[str] = ()
    signed_in: bool = False
    refusals: Sequence[int] = ()


OPERATIONS = (
    Operation(
        method="get",
        path="/api/books/",
        endpoint=books.page,
        answer=BookPage,
        query=[Parameter("after"), Parameter("limit", books.LARGEST_PAGE)],
        refusals=[422],
    ),
    Operation(
        method="get",
        path="/api/books/{id}/",
        endpoint=books.read,
        answer=BookDocument,
        refusals=[404],
    ),
    Operation(
        method="get",
        path="/api/reviews/",
        endpoint=reviews.page,
        answer=ReviewPage,
        query=[
            Parameter("book", required=True),
            Parameter("before"),
            Parameter("limit", reviews.LARGEST_PAGE),
        ],
        refusals=[422],
    ),
    Operation(
        method="get",
        path="/api/reviews/changes/",
        endpoint=changes.since,
        answer=ChangesDocument,
        query=[Parameter("book", required=True), Parameter("after", None, required=True)],
        refusals=[422],
    ),
    Operation(
        method="get",
        path="/api/books/changes/",
        endpoint=changes.since_in_several,
        answer=ShelfChangesDocument,
        query=[
            Parameter("book", required=True, most=MOST_BOOKS),
            Parameter("after", None, required=True),
        ],
        refusals=[422],
    ),
    Operation(
        method="post",
        path="/api/reviews/",
        endpoint=reviews.create,
        answer=ReviewDocument,
        status=201,
        body=NewReview,
        headers=["Idempotency-Key"],
        answers=["Livria-Position", "Location"],
        signed_in=True,
        refusals=[409],
    ),
    Operation(
        method="get",
        path="/api/reviews/{id}/",
        endpoint=reviews.read,
        answer=ReviewDocument,
        answers=["Livria-Position"],
        refusals=[404],
    ),
    *(
        Operation(
            method=method,
            path="/api/reviews/{id}/",
            endpoint=reviews.update,
            answer=ReviewDocument,
            body=EditedReview,
            answers=["Livria-Position"],
            signed_in=True,
            refusals=[404],
        )
        for method in ("patch", "put")
    ),
    Operation(
        method="delete",
        path="/api/reviews/{id}/",
        endpoint=reviews.delete,
        status=204,
        answers=["Livria-Position"],
        signed_in=True,
        refusals=[403, 404],
    ),
    *(
        Operation(
            method="post",
            path=f"/api/reviews/{{id}}/{endpoint.__name__}/",
            endpoint=endpoint,
            status=204,
            answers=["Livria-Position"],
            signed_in=True,
            refusals=[403, 404],
        )
        for endpoint in (reviews.hide, reviews.restore)
    ),
    Operation(
        method="post",
        path="/api/accounts/signup/",
        endpoint=accounts.sign_up,
        answer=SignedInDocument,
        status=201,
        body=NewAccount,
        refusals=[409],
    ),
    Operation(
        method="post",
        path="/api/accounts/login/",
        endpoint=accounts.sign_in,
        answer=SignedInDocument,
        body=Credentials,
        refusals=[401],
    ),
    Operation(
        method="post",
        path="/api/accounts/logout/",
        endpoint=accounts.sign_out,
        status=204,
        refusals=[403],
    ),
    Operation(
        method="get",
        path="/api/accounts/me/",
        endpoint=accounts.me,
        answer=UserDocument,
        signed_in=True,
    ),
    Operation(
        method="get",
        path="/sse/books/",
        endpoint=stream.shelf,
        answer=str,
        media_type="text/event-stream",
        query=[
            Parameter("book", required=True, most=MOST_BOOKS),
            Parameter("reading", most=MOST_BOOKS),
            *(Parameter(name, largest=None) for name in stream.PARAMETERS),
        ],
        headers=["Last-Event-ID", stream.INTERVAL],
        refusals=[403, 404, 422],
    ),
    Operation(
        method="get",
        path="/sse/books/{id}/",
        endpoint=stream.stream,
        answer=str,
        media_type="text/event-stream",
        query=[Parameter(name, largest=None) for name in stream.PARAMETERS],
        headers=["Last-Event-ID", stream.INTERVAL],
        refusals=[403, 404, 422],
    ),
    Operation(method="get", path="/healthz", endpoint=ops.alive, answer=StatusDocument),
    Operation(
        method="get", path="/readyz", endpoint=ops.ready, answer=StatusDocument, refusals=[503]
    ),
    Operation(
        method="get",
        path="/metrics",
        endpoint=ops.metrics,
        answer=str,
        media_type="text/plain",
    ),
)

DOCUMENTS = (
    BookPage, BookDocument, ChangesDocument, ShelfChangesDocument, ReviewPage, ReviewDocument,
    SignedInDocument, UserDocument, StatusDocument, ProblemDocument,
)  # fmt: skip
INPUTS = (NewReview, EditedReview, NewAccount, Credentials)
