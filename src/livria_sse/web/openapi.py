"""The API in OpenAPI 3.1, made from the models that validate and the documents that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.responses import Response

from livria_sse import __version__
from livria_sse.documents import ProblemDocument, StatusDocument
from livria_sse.models import LARGEST_NUMBER
from livria_sse.web import stream
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.operations import (
    DOCUMENTS,
    INPUTS,
    OPERATIONS,
    Operation,
)
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

SCHEMAS = "#/components/schemas/"
TEXT = {"type": "string"}
#: What is said in headers.
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Idempotency-Key": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "Last-Event-ID": TEXT,
    stream.INTERVAL: {"type": "integer", "minimum": 1, "maximum": LARGEST_NUMBER},
    "Livria-Position": {"type": "string", "pattern": "^[a-z0-9]+-[0-9]+$"},
    "Location": {"type": "string", "format": "uri-reference"},
    "Retry-After": {"type": "integer", "minimum": 1},
    "WWW-Authenticate": {"type": "string", "const": "Bearer"},
}
#: The header that a refusal has beside its body.
OF_REFUSALS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
#: The refusals of requests that the server does not let come so far, in a line of text.
OF_THE_SERVER = (400, 408, 414, 431)


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
    for name, largest, required, most in operation.query:
        schema = _number(largest) if largest else TEXT
        if most > 1:
            schema = {
                "type": "array",
                "items": schema,
                "minItems": 1,
                "maxItems": most,
                "uniqueItems": True,
            }
        parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": HEADERS[name]}
        for name in operation.headers
    ]
    return parameters


def _number(largest: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": largest}


def _responses(operation: Operation) -> dict[str, Any]:
    refusals = {413, 429, 503} | set(operation.refusals)
    refusals |= {400, 403, 415, 422} if operation.body else set()
    refusals |= {401, 403} if operation.signed_in else set()
    responses = {str(status): _refusal(status) for status in sorted(refusals)}
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer:
        schema = TEXT if operation.answer is str else _reference(operation.answer)
        success["content"] = {operation.media_type: {"schema": schema}}
    if operation.answers:
        success["headers"] = _headers(*operation.answers)
    responses[str(operation.status)] = success
    if operation.answer is StatusDocument:  # says in its own words why it is unready
        responses["503"] = {**success, "description": HTTPStatus.SERVICE_UNAVAILABLE.phrase}
    for status in OF_THE_SERVER:
        refusal = responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
        refusal.setdefault("content", {})["text/plain"] = {"schema": TEXT}
    return responses


def _reference(document: type) -> dict[str, str]:
    return {"$ref": SCHEMAS + document.__name__}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference(ProblemDocument)}}
    refusal = {"description": HTTPStatus(status).phrase, "content": content}
    if status in OF_REFUSALS:
        refusal["headers"] = _headers(OF_REFUSALS[status])
    return refusal


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"required": True, "schema": HEADERS[name]} for name in names}


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
