"""One address and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.routing import Route
from starlette.types import ASGIApp

from livria_sse.web.body import check_declared_length
from livria_sse.web.state import Request

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


def resource(path: str, **endpoints: Endpoint) -> Route:
    """A route with an endpoint for each method, so that a refusal can name all that are allowed."""

    async def dispatch(request: Request) -> ASGIApp:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "GET":
            check_declared_length(request)  # here; the others look at it when they read
        return await endpoints[method](request)

    return Route(path, dispatch, methods=list(endpoints))
