"""Errors as answers: every error has its status, and every answer is a problem (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livria_sse import errors
from livria_sse.errors import LivriaError
from livria_sse.web.problems import STATUSES, problem, status_of
from tests.web.service import Service, problem_of

#: What no request can meet: what the operator sees, and what the hub deals with by itself.
NEVER_ANSWERED = {
    errors.InvalidSettings,
    errors.InvalidCatalogue,
    errors.UnknownAccount,
    errors.DifferenceTooLarge,
    errors.RedisAway,
    errors.StreamBehind,
}


def descendants(kind: type[LivriaError]) -> Iterator[type[LivriaError]]:
    """All kinds of an error."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


EVERY_ERROR = sorted(descendants(LivriaError), key=lambda kind: kind.__name__)


class Accident(Exception):
    """What nobody thought of."""


@pytest.fixture
async def troubled(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service in which `/raise/<name>` raises."""

    async def raising(request: Request) -> Response:
        match request.path_params["name"]:
            case "accident":
                raise Accident("the password is 1234")
            case "recursion":
                raise RecursionError
            case "unlisted":
                raise errors.DifferenceTooLarge("the password is 1234")
            case "unavailable":
                raise errors.StoreUnavailable
            case "teapot":
                raise HTTPException(418, headers={"X-Pot": "short and stout"})
            case _:
                raise errors.InvalidInput(errors={"content": ["It is empty.", "It is dull."]})

    service.app.router.routes.insert(0, Route("/raise/{name}", raising))
    async with service.client() as client:
        yield client


def test_every_error_has_status() -> None:
    """Each error that a request can meet is in the table, and no other."""
    assert set(STATUSES) == set(EVERY_ERROR) - NEVER_ANSWERED


def test_refusals_are_4xx() -> None:
    """What is refused is the client's to mend; only a database that is away is ours."""
    assert {kind for kind, status in STATUSES.items() if not 400 <= status < 500} == {
        errors.StoreUnavailable
    }


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: str(kind.__name__))
def test_every_error_is_a_problem(kind: type[LivriaError]) -> None:
    """Each error makes a whole problem, with a sentence for people."""
    answer = problem(kind())
    document = json.loads(bytes(answer.body))
    assert answer.media_type == "application/problem+json"
    assert answer.status_code == document["status"] == status_of(kind())
    assert document["title"] == HTTPStatus(document["status"]).phrase
    assert document["detail"].endswith(".")
    assert document["type"] == "about:blank"
    assert document["errors"] == kind().errors


def test_unlisted_errors_are_ours() -> None:
    """An error that the table does not have is our own fault."""
    assert status_of(errors.DifferenceTooLarge()) == 500


async def test_fields_have_reasons(troubled: httpx.AsyncClient) -> None:
    """What is wrong with which field is in `errors`, all of it."""
    answer = await troubled.get("/raise/input")
    assert answer.status_code == 422
    assert problem_of(answer)["errors"] == {"content": ["It is empty.", "It is dull."]}


async def test_unavailable_says_when(troubled: httpx.AsyncClient) -> None:
    """A 503 says after how many seconds to come again."""
    answer = await troubled.get("/raise/unavailable")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    problem_of(answer)


async def test_routers_errors_are_problems(troubled: httpx.AsyncClient) -> None:
    """An error of the framework is a problem too, with its own status and headers."""
    answer = await troubled.get("/raise/teapot")
    assert answer.status_code == 418
    assert answer.headers["x-pot"] == "short and stout"
    problem_of(answer)


@pytest.mark.parametrize("name", ["accident", "recursion"])
async def test_accidents_tell_nothing(troubled: httpx.AsyncClient, name: str) -> None:
    """An exception that nobody expected is a 500 that says nothing of it."""
    answer = await troubled.get(f"/raise/{name}")
    assert answer.status_code == 500
    problem_of(answer)
    for secret in ("1234", "Accident", "Recursion", "Traceback", ".py"):
        assert secret not in answer.text


async def test_unlisted_errors_tell_nothing(troubled: httpx.AsyncClient) -> None:
    """An error of ours that was not meant for a client is a 500 that says nothing of it."""
    answer = await troubled.get("/raise/unlisted")
    assert answer.status_code == 500
    problem_of(answer)
    assert "1234" not in answer.text


async def test_problems_are_not_kept(troubled: httpx.AsyncClient) -> None:
    """No cache keeps a problem."""
    for name in ("accident", "input", "teapot", "unavailable"):
        answer = await troubled.get(f"/raise/{name}")
        assert answer.headers["cache-control"] == "no-store"
