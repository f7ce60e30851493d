"""What is done to every request before it is routed. Streams go past it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from livria_sse.errors import CrossSiteRequest
from livria_sse.web.credentials import bearer_token
from livria_sse.web.origins import Origins
from livria_sse.web.problems import problem

PATHS_WITH_SLASH = ("/api/", "/sse/", "/books/", "/sign-", "/language")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110, section 9.2.1


class OptionalSlash:
    """Lets every path go without the slash at its end, without a redirect.

    A redirect would turn a POST into a GET, or cost EventSource a round trip.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the slash where it is missing."""
        if scope["type"] == "http" and scope["path"].startswith(PATHS_WITH_SLASH):
            scope = {**scope, "path": scope["path"].rstrip("/") + "/"}
        await self._app(scope, receive, send)


class SameSite:
    """Refuses what another site makes a browser send.

    A request with a bearer token cannot be forged by a form; other schemes can, as browsers send
    those by themselves.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403, or goes on."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            if not bearer_token(headers) and not self._origins.sent(headers):
                await problem(CrossSiteRequest())(scope, receive, send)
                return
        await self._app(scope, receive, send)
