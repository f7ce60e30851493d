"""The description of the API: all of it, nothing else, and true."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from livria_sse import __version__
from livria_sse.application import create_app
from livria_sse.inputs import LONGEST_REVIEW, LONGEST_USERNAME
from livria_sse.settings import Settings
from tests.web.service import Service

BOOK = 10
ACCOUNT = {"username": "yuna", "password": "correct horse battery"}
DESCRIBED_PATHS = ("/api/", "/sse/", "/healthz", "/readyz", "/metrics")

Document = dict[str, Any]


@pytest.fixture
async def description(anyio_backend: str, shared: Service) -> Document:
    """The description as programs get it."""
    async with shared.client() as client:
        answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    document: Document = answer.json()
    return document


def operations(description: Document) -> Iterator[tuple[str, str, Document]]:
    """Everything that is described: the method, the path, and how."""
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


class Schema:
    """A JSON Schema, as far as the description uses it."""

    def __init__(self, description: Document, schema: Document) -> None:
        self._description = description
        while "$ref" in schema:
            schema = self._found(schema["$ref"])
        self._schema = schema

    def check(self, value: object, where: str = "answer") -> None:
        """Asserts that the value is as it is described."""
        if "anyOf" in self._schema:
            assert any(self._inner(each).fits(value) for each in self._schema["anyOf"]), where
            return
        kinds: dict[str, type | tuple[type, ...]] = {
            "object": dict, "array": list, "string": str, "integer": int, "null": type(None),
        }  # fmt: skip
        assert isinstance(value, kinds[self._schema["type"]]), f"{where} is {value!r}"
        if isinstance(value, dict):
            self._check_object(value, where)
        if isinstance(value, list):
            for number, item in enumerate(value):
                self._inner(self._schema["items"]).check(item, f"{where}[{number}]")

    def fits(self, value: object) -> bool:
        """Whether the value is as it is described."""
        try:
            self.check(value)
        except AssertionError:
            return False
        return True

    def check_kind(self) -> None:
        """Asserts that it says what kind of value it describes."""
        assert "type" in self._schema or "anyOf" in self._schema

    def _check_object(self, value: Document, where: str) -> None:
        properties = self._schema.get("properties", {})
        others = self._schema.get("additionalProperties")
        assert set(self._schema.get("required", [])) <= set(value), f"{where} is {value!r}"
        for name, content in value.items():
            described = properties.get(name, others)
            assert isinstance(described, dict), f"{where}.{name} is not described"
            self._inner(described).check(content, f"{where}.{name}")

    def _inner(self, schema: Document) -> Schema:
        return Schema(self._description, schema)

    def _found(self, reference: str) -> Document:
        found: Document = self._description
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found


def check_answer(description: Document, path: str, answer: httpx.Response) -> None:
    """Asserts that an answer's status, type and document are described."""
    operation = description["paths"][path][answer.request.method.lower()]
    response = operation["responses"][str(answer.status_code)]
    if not answer.content:
        assert "content" not in response
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    schema = Schema(description, response["content"][media_type]["schema"])
    schema.check(answer.json() if media_type.endswith("json") else answer.text)


def test_every_route_is_described(description: Document) -> None:
    """Every route of the API, the streams and the operations is described, and no other."""
    app = create_app(Settings())
    routed = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(DESCRIBED_PATHS)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(method, path) for method, path, _ in operations(description)}
    assert described == routed
    assert len(described) > 10


def test_description_is_openapi(description: Document) -> None:
    """It says which OpenAPI it is, and of what version of the service."""
    assert description["openapi"].startswith("3.1.")
    assert description["info"]["version"] == __version__


def test_operations_have_names(description: Document) -> None:
    """Every operation has a summary, and a name of its own."""
    names = [operation["operationId"] for *_, operation in operations(description)]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for *_, operation in operations(description))


def test_paths_have_their_parameters(description: Document) -> None:
    """What stands in braces in a path is a required parameter, and nothing else in the path is."""
    for _, path, operation in operations(description):
        inside = {part.strip("{}") for part in path.split("/") if part.startswith("{")}
        parameters = [each for each in operation["parameters"] if each["in"] == "path"]
        assert {each["name"] for each in parameters} == inside
        assert all(each["required"] for each in parameters)


def test_references_lead_somewhere(description: Document) -> None:
    """Every `$ref` names a schema that is there."""
    for reference in _references(description):
        Schema(description, {"$ref": reference}).check_kind()


def test_who_must_sign_in_is_told(description: Document) -> None:
    """Exactly what a reader has to be signed in for is described so."""
    guarded = {
        (method, path) for method, path, operation in operations(description)
        if "security" in operation
    }  # fmt: skip
    assert guarded == {
        ("POST", "/api/reviews/"),
        ("PATCH", "/api/reviews/{id}/"),
        ("PUT", "/api/reviews/{id}/"),
        ("DELETE", "/api/reviews/{id}/"),
        ("POST", "/api/reviews/{id}/hide/"),
        ("POST", "/api/reviews/{id}/restore/"),
        ("GET", "/api/accounts/me/"),
    }


async def test_answers_are_as_described(service: Service, description: Document) -> None:
    """What the service really answers, good and bad, is what the description says."""
    async with service.client() as client:
        mina = {"Authorization": f"Bearer {await service.session('mina')}"}
        jun = {"Authorization": f"Bearer {await service.session('jun')}"}
        review = {"book": BOOK, "content": "좋아요"}
        cross_site = {"Sec-Fetch-Site": "cross-site"}
        large = {"content": "x" * 70_000}
        for path, address, method, options, status in (
            ("/api/reviews/", "", "POST", {"json": review, "headers": mina}, 201),
            ("/api/reviews/", "", "POST", {"json": review}, 401),
            ("/api/reviews/", "", "POST", {"json": review, "headers": cross_site}, 403),
            ("/api/reviews/", "", "POST", {"json": {}, "headers": mina}, 422),
            ("/api/reviews/", "", "POST", {"content": "{}", "headers": mina}, 415),
            ("/api/reviews/", "", "POST", {"json": large, "headers": mina}, 413),
            ("/api/reviews/", "", "POST", {"json": [], "headers": mina}, 400),
            ("/api/reviews/", f"?book={BOOK}", "GET", {}, 200),
            ("/api/reviews/", f"?book={BOOK}&limit=1", "GET", {}, 200),
            ("/api/reviews/", "", "GET", {}, 422),
            ("/api/reviews/", "?book=99", "GET", {}, None),
            ("/api/reviews/{id}/", "1", "GET", {}, 200),
            ("/api/reviews/{id}/", "99", "GET", {}, 404),
            ("/api/reviews/{id}/", "1", "PATCH", {"json": review, "headers": mina}, 200),
            ("/api/reviews/{id}/", "1", "PUT", {"json": review, "headers": mina}, 200),
            ("/api/reviews/{id}/", "1", "PATCH", {"json": review, "headers": jun}, 403),
            ("/api/reviews/{id}/", "1", "PATCH", {"json": review}, 401),
            ("/api/reviews/{id}/", "99", "PUT", {"json": review, "headers": mina}, 404),
            ("/api/reviews/{id}/", "1", "PUT", {"json": {}, "headers": mina}, 422),
            ("/api/reviews/{id}/", "1", "DELETE", {}, 401),
            ("/api/reviews/{id}/", "1", "DELETE", {"headers": jun}, 403),
            ("/api/books/", "", "GET", {}, 200),
            ("/api/books/", "?limit=5", "GET", {}, 200),
            ("/api/books/", "?after=x", "GET", {}, 422),
            ("/api/books/{id}/", "10", "GET", {}, 200),
            ("/api/books/{id}/", "99", "GET", {}, 404),
            ("/api/reviews/{id}/", "1", "DELETE", {"headers": mina}, 204),
            ("/api/reviews/{id}/", "1", "DELETE", {"headers": mina}, 404),
            ("/api/accounts/signup/", "", "POST", {"json": ACCOUNT}, 201),
            ("/api/accounts/signup/", "", "POST", {"json": ACCOUNT}, 409),
            ("/api/accounts/signup/", "", "POST", {"json": {}}, 422),
            ("/api/accounts/login/", "", "POST", {"json": ACCOUNT}, 200),
            ("/api/accounts/login/", "", "POST", {"json": {**ACCOUNT, "password": "no"}}, 401),
            ("/api/accounts/me/", "", "GET", {"headers": mina}, 200),
            ("/api/accounts/me/", "", "GET", {"headers": {"Authorization": "Bearer x"}}, 401),
            ("/api/accounts/logout/", "", "POST", {"headers": cross_site}, 403),
            ("/api/accounts/logout/", "", "POST", {}, 204),
            ("/api/reviews/changes/", f"?book={BOOK}&after=k7q2m-0", "GET", {}, 200),
            ("/api/reviews/changes/", f"?book={BOOK}", "GET", {}, 422),
            ("/sse/books/{id}/", "99", "GET", {}, 404),
            ("/sse/books/", f"?book={BOOK}&book=99", "GET", {}, 404),
            ("/sse/books/", "", "GET", {}, 422),
            ("/healthz", "", "GET", {}, 200),
            ("/readyz", "", "GET", {}, 200),
            ("/metrics", "", "GET", {}, 200),
        ):
            place = path.replace("{id}", address) if "{id}" in path else path + address
            answer = await client.request(method, place, **options)
            assert answer.status_code == (status or answer.status_code)
            check_answer(description, path, answer)


async def test_stream_is_as_described(service: Service, description: Document) -> None:
    """A stream's answer is what the description says."""
    async with service.client() as client:
        stream = asyncio.create_task(client.get(f"/sse/books/{BOOK}/"))
        await service.streaming()
        await service.hub.drain()
        check_answer(description, "/sse/books/{id}/", await stream)


async def test_unready_is_as_described(service: Service, description: Document) -> None:
    """The answer of a service that is not ready is what the description says."""
    await service.hub.drain()
    async with service.client() as client:
        check_answer(description, "/readyz", await client.get("/readyz"))


async def test_described_bodies_are_accepted(service: Service, description: Document) -> None:
    """The bodies that are described are those that the service takes: fields and their bounds."""
    schemas = description["components"]["schemas"]
    assert set(schemas["NewReview"]["required"]) == {"book", "content"}
    assert set(schemas["EditedReview"]["required"]) == {"content"}
    assert set(schemas["Credentials"]["required"]) == {"username", "password"}
    assert schemas["NewReview"]["properties"]["book"]["minimum"] == 1
    content = schemas["NewReview"]["properties"]["content"]
    assert (content["minLength"], content["maxLength"]) == (1, LONGEST_REVIEW)
    assert schemas["EditedReview"]["properties"]["content"] == content
    assert schemas["NewAccount"]["properties"]["username"]["maxLength"] == LONGEST_USERNAME
    password = schemas["NewAccount"]["properties"]["password"]
    async with service.client() as client:
        for length, status in (
            (password["minLength"], 201),
            (password["minLength"] - 1, 422),
            (password["maxLength"] + 1, 422),
        ):
            body = {"username": f"reader{length}", "password": "x" * length}
            answer = await client.post("/api/accounts/signup/", json=body)
            assert answer.status_code == status


def test_page_lengths_are_described(description: Document) -> None:
    """The largest page that may be asked for is told."""
    for path, largest in (("/api/books/", 100), ("/api/reviews/", 200)):
        (limit,) = [
            each["schema"]
            for each in description["paths"][path]["get"]["parameters"]
            if each["name"] == "limit"
        ]
        assert limit["maximum"] == largest


def _references(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(reference := document.get("$ref"), str):
            yield reference
        for each in document.values():
            yield from _references(each)
    if isinstance(document, list):
        for each in document:
            yield from _references(each)
