"""The API in OpenAPI 3.1, made from the models that validate and the documents that are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.responses import Response
from starlette.routing import Route

from livria_sse import __version__
from livria_sse.documents import BookDocument, ReviewDocument, UserDocument
from livria_sse.inputs import Credentials, EditedReview, NewAccount, NewReview
from livria_sse.models import LARGEST_NUMBER
from livria_sse.web import accounts, books, ops, reviews, stream
from livria_sse.web.answers import JSONAnswer
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
    query: Mapping[str, bool] = field(default_factory=dict)  # name: whether it is required
    headers: Sequence[str] = ()
    signed_in: bool = False
    refusals: Sequence[int] = ()


PAGING = {"limit": False}
OPERATIONS = (
    Operation(
        method="get",
        path="/api/books/",
        endpoint=books.page,
        answer=BookPage,
        query={"after": False, **PAGING},
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
        query={"book": True, "before": False, **PAGING},
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
        query={"last_event_id": False},
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
        content = {"application/json": {"schema": {"$ref": SCHEMAS + operation.body.__name__}}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.signed_in:
        described["security"] = [{"bearer": []}, {"session": []}]
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST_NUMBER}
    parameters: list[dict[str, Any]] = []
    if "{id}" in operation.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": number})
    for name, required in operation.query.items():
        schema = {"type": "string"} if name == "last_event_id" else number
        parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    for name in operation.headers:
        text = {"type": "string"}
        parameters.append({"name": name, "in": "header", "required": False, "schema": text})
    return parameters


def _responses(operation: Operation) -> dict[str, Any]:
    refusals = set(operation.refusals) | ({400, 403, 413, 415, 422} if operation.body else set())
    refusals |= {401, 403} if operation.signed_in else set()
    responses = {str(status): _refusal(status) for status in sorted(refusals | {503})}
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer:
        schema = (
            {"type": "string"}
            if operation.answer is str
            else {"$ref": SCHEMAS + operation.answer.__name__}
        )
        success["content"] = {operation.media_type: {"schema": schema}}
    return {str(operation.status): success, **responses}


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": SCHEMAS + ProblemDocument.__name__}
    content = {"application/problem+json": {"schema": schema}}
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


ROUTES = [Route("/openapi.json", description, methods=["GET"])]
