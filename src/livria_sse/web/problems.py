"""Errors as answers: the one table from our errors to HTTP statuses, and RFC 9457 documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from livria_sse import errors
from livria_sse.documents import compact_json
from livria_sse.web.credentials import visitor_of
from livria_sse.web.state import Request
from livria_sse.web.templating import render

STATUSES: Mapping[type[errors.LivriaError], HTTPStatus] = {
    errors.MalformedBody: HTTPStatus.BAD_REQUEST,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.WrongCredentials: HTTPStatus.UNAUTHORIZED,
    errors.InvalidToken: HTTPStatus.UNAUTHORIZED,
    errors.CrossSiteRequest: HTTPStatus.FORBIDDEN,
    errors.NotPermitted: HTTPStatus.FORBIDDEN,
    errors.NotStaff: HTTPStatus.FORBIDDEN,
    errors.UnknownBook: HTTPStatus.NOT_FOUND,
    errors.UnknownReview: HTTPStatus.NOT_FOUND,
    errors.UsernameTaken: HTTPStatus.CONFLICT,
    errors.RepeatedReview: HTTPStatus.CONFLICT,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ProblemResponse(JSONResponse):
    """A problem document: type, title, status, detail, and an `errors` map of fields."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        fields: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        document = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "errors": fields or {},
        }
        super().__init__(
            document,
            status.value,
            headers={"Cache-Control": "no-store", **(headers or {})},
        )

    def render(self, content: object) -> bytes:
        """JSON as everywhere else."""
        return compact_json(content).encode()


def status_of(error: errors.LivriaError) -> HTTPStatus:
    """The status in the table; what is not there is our own fault."""
    return STATUSES.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)


def headers_of(error: errors.LivriaError) -> dict[str, str]:
    """What a refusal has to say beside its body (RFC 9110, sections 11.6.1 and 10.2.3)."""
    headers = {}
    if status_of(error) == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_seconds is not None:
        headers["Retry-After"] = str(error.retry_seconds)
    return headers


def problem(error: errors.LivriaError) -> ProblemResponse:
    """The answer to a request that ended in one of our errors."""
    return ProblemResponse(
        status_of(error), error.detail, fields=error.errors, headers=headers_of(error)
    )


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.LivriaError)  # noqa: S101 - it is registered for no other
    if type(error) not in STATUSES:
        raise error  # no request should end so: it is logged, and nobody is told what it says
    page = await _page(request, status_of(error), headers=headers_of(error))
    return page or problem(error)


async def _of_the_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for no other
    status = HTTPStatus(error.status_code)
    page = await _page(request, status, headers=error.headers)
    return page or ProblemResponse(status, error.detail, headers=error.headers)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return ProblemResponse(HTTPStatus.INTERNAL_SERVER_ERROR, "This is our fault, not yours.")


async def _page(
    request: Request, status: HTTPStatus, *, headers: Mapping[str, str] | None = None
) -> Response | None:
    """A page for people; None for programs, which get the document."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or request.url.path.startswith(("/api/", "/sse/", "/static/")):
        return None
    try:
        visitor = await visitor_of(request)
    except errors.StoreUnavailable:
        visitor = None
    page = render(request, "refusal.html", visitor=visitor, status=status.value, here="/")
    page.headers.update(headers or {})
    return page


# Starlette's own type for handlers does not know of requests with a typed state.
HANDLERS: Mapping[Any, Any] = {
    errors.LivriaError: _ours,
    HTTPException: _of_the_router,
    Exception: _unexpected,
}
