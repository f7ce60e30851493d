"""One address and what can be done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Scope

from livria_sse.web.body import check_declared_length
from livria_sse.web.state import Request

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


class Resource(Route):
    """A path that is nobody else's: with other methods, it is refused, and no pattern is asked."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this resource, whatever its method."""
        match, found = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL else match), found


def resource(path: str, **endpoints: Endpoint) -> Resource:
    """A route with an endpoint for each method, so that a refusal can name all that are allowed."""

    async def dispatch(request: Request) -> ASGIApp:
        method = "GET" if request.method == "HEAD" else request.method
        await check_declared_length(request)  # whether or not anybody will read it
        return await endpoints[method](request)

    return Resource(path, dispatch, methods=list(endpoints))
