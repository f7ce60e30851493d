"""The API in OpenAPI 3.1, made from the models that validate and the documents that are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, NotRequired

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.responses import Response
from typing_extensions import TypedDict

from livria_sse import __version__
from livria_sse.documents import BookDocument, ReviewDocument, UserDocument
from livria_sse.inputs import Credentials, EditedReview, NewAccount, NewReview
from livria_sse.models import LARGEST_NUMBER
from livria_sse.web import accounts, books, ops, reviews, stream
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

SCHEMAS = "#/components/schemas/"


class BookPage(TypedDict):
    """A list of books."""

    books: list[BookDocument]
    next: str | None


class ReviewPage(TypedDict):
    """A list of reviews."""

    reviews: list[ReviewDocument]
    next: str | None


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


class Parameter(NamedTuple):
    """A part of the query string: a whole number from 1, or any text."""

    name: str
    largest: int | None = LARGEST_NUMBER
    required: bool = False


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
        method="post",
        path="/api/reviews/",
        endpoint=reviews.create,
        answer=ReviewDocument,
        status=201,
        body=NewReview,
        headers=["Idempotency-Key"],
        signed_in=True,
    ),
    Operation(
        method="get",
        path="/api/reviews/{id}/",
        endpoint=reviews.read,
        answer=ReviewDocument,
        refusals=[404],
    ),
    *(
        Operation(
            method=method,
            path="/api/reviews/{id}/",
            endpoint=reviews.update,
            answer=ReviewDocument,
            body=EditedReview,
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
        signed_in=True,
        refusals=[403, 404],
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
        path="/sse/books/{id}/",
        endpoint=stream.stream,
        answer=str,
        media_type="text/event-stream",
        query=[Parameter("last_event_id", largest=None)],
        headers=["Last-Event-ID"],
        refusals=[404],
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

TEXT = {"type": "string"}
DOCUMENTS = (
    BookPage, BookDocument, ReviewPage, ReviewDocument, SignedInDocument, UserDocument,
    StatusDocument, ProblemDocument,
)  # fmt: skip
INPUTS = (NewReview, EditedReview, NewAccount, Credentials)


@cache
def openapi() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "livria-sse", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "livria_session"},
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": (operation.endpoint.__doc__ or "").partition("\n")[0],
        "operationId": f"{operation.method}_{operation.endpoint.__module__.rpartition('.')[2]}"
        f"_{operation.endpoint.__name__}",
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.body:
        content = {"application/json": {"schema": _reference(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.signed_in:
        described["security"] = [{"bearer": []}, {"session": []}]
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if "{id}" in operation.path:
        schema = _number(LARGEST_NUMBER)
        parameters.append({"name": "id", "in": "path", "required": True, "schema": schema})
    for name, largest, required in operation.query:
        schema = _number(largest) if largest else TEXT
        parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    for name in operation.headers:
        parameters.append({"name": name, "in": "header", "required": False, "schema": TEXT})
    return parameters


def _number(largest: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": largest}


def _responses(operation: Operation) -> dict[str, Any]:
    refusals = set(operation.refusals) | ({400, 403, 413, 415, 422} if operation.body else set())
    refusals |= {401, 403} if operation.signed_in else set()
    responses = {str(status): _refusal(status) for status in sorted(refusals | {503})}
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer:
        schema = TEXT if operation.answer is str else _reference(operation.answer)
        success["content"] = {operation.media_type: {"schema": schema}}
    responses[str(operation.status)] = success
    if operation.answer is StatusDocument:  # says in its own words why it is unready
        responses["503"] = {**success, "description": HTTPStatus.SERVICE_UNAVAILABLE.phrase}
    return responses


def _reference(document: type) -> dict[str, str]:
    return {"$ref": SCHEMAS + document.__name__}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference(ProblemDocument)}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _schemas() -> dict[str, Any]:
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(each, "validation") for each in INPUTS]
    _, inputs = models_json_schema(modes, ref_template=SCHEMAS + "{model}")
    adapters = [(each.__name__, "serialization", TypeAdapter(each)) for each in DOCUMENTS]
    _, documents = TypeAdapter.json_schemas(adapters, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    return {**inputs["$defs"], **documents["$defs"]}


async def description(_request: Request) -> Response:
    """What this service offers, for programs."""
    return JSONAnswer(openapi())


ROUTES = [resource("/openapi.json", GET=description)]
